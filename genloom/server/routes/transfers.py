"""/v1/admin/imports and /v1/admin/exports: models come in and go out as jobs, with their progress.

A source is a path below a folder that may be named, the id of an uploaded file, or a hub's id. The
work is jobs/transfer.py.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field
from starlette.responses import FileResponse

from genloom import store
from genloom.server.access import ForModels
from genloom.server.caller import Caller
from genloom.server.content import stored_answer
from genloom.server.datasets.places import checked
from genloom.server.engines.catalogue import Catalogue
from genloom.server.failure import Failure
from genloom.server.records.jobs import Job, JobEvent
from genloom.server.routes.listing import Paged, listed
from genloom.server.schema import Asked
from genloom.server.service import Here, Service
from genloom.server.threads import in_thread

router = APIRouter(prefix="/v1/admin", tags=["models"])
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,94}"
HUB = re.compile(r"\w[\w.-]{0,95}/\w[\w.-]{0,95}(:\w[\w./ -]{0,199}\.gguf)?", re.ASCII)
IMPORT, EXPORT = "import", "export"  # kinds of jobs
FILE = "file-"  # how ids of files begin
ARRIVALS = "imports"  # a folder beside the models, from which is always imported
TAKEN = (store.RUN,)  # endings that names of models must not have


class ImportAsked(Asked):
    """source: /a/path, the id of a file, org/name or org/name:file.gguf. name: what it will be
    called here; after the source where nothing is said. base: the model of yours that the source
    is an adapter for."""

    source: Annotated[str, Field(min_length=1, max_length=1000)]
    name: Annotated[str, Field(pattern=f"^{NAME}$")] | None = None
    revision: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    base: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class ExportAsked(Asked):
    """to: the Hugging Face layout or an adapter alone (both as one archive), or GGUF. type: how
    weights are stored."""

    model: Annotated[str, Field(min_length=1, max_length=200)]
    to: Literal["hf", "gguf", "peft"]
    type: Literal["f16", "bf16", "f32", "q8_0"] | None = None


@router.post("/imports")
async def bring(body: ImportAsked, caller: ForModels, service: Here) -> dict[str, Any]:
    """A model comes in, in a process of its own: it is there as a whole at the end, or not at
    all."""
    source, name = await in_thread(_source_of, body, service, caller)
    if body.base is not None:
        await in_thread(Catalogue(service.settings.models).folder, body.base)
    named = service.settings.models  # a server of named models offers no other
    given = {"source": source, "name": name, "offered": not named or name in named}
    given |= {"revision": body.revision, "base": body.base}
    job = await service.jobs.start(
        IMPORT, caller.owner, given, key=caller.key, model=name, prefix="import_"
    )
    return import_of(job)


@router.post("/exports")
async def give(body: ExportAsked, caller: ForModels, service: Here) -> dict[str, Any]:
    """A model is written for other libraries, to be fetched at /v1/admin/exports/{id}/content."""
    folder = await in_thread(Catalogue(service.settings.models).folder, body.model)
    given = {"model": body.model, "folder": str(folder), "to": body.to, "type": body.type}
    job = await service.jobs.start(
        EXPORT, caller.owner, given, key=caller.key, model=body.model, prefix="export_"
    )
    return export_of(job)


# --- sources --------------------------------------------------------------------------------------


def _source_of(body: ImportAsked, service: Service, caller: Caller) -> tuple[dict[str, str], str]:
    """What is read, and the name of the model to be. Failure 400, 403, 404 or 409."""
    text = body.source
    if text.startswith(FILE):
        file = service.records.files.get(text, caller.owner)
        source, stem = {"file": file.id}, Path(file.filename).stem
    elif text.startswith(("/", "~")):
        path = _allowed(text, service, caller)
        source, stem = {"path": str(path)}, path.stem if path.is_file() else path.name
    elif HUB.fullmatch(text):
        repo, _, inside = text.partition(":")
        source, stem = {"hub": text}, Path(inside or repo).stem if inside else repo.split("/")[1]
    else:
        told = "source: /a/path, the id of a file, org/name or org/name:file.gguf is expected"
        raise Failure(400, told, code="invalid_source", param="source")
    name = body.name or re.sub(r"[^A-Za-z0-9._-]+", "-", stem).strip(".-_")[:95]
    if not re.fullmatch(NAME, name) or name.endswith(TAKEN):
        raise Failure(400, "name: say what the model will be called", param="name")
    if store.place(name).exists():
        told = f"there is a model {name!r} already: give another name"
        raise Failure(409, told, code="model_exists", param="name")
    return source, name


def _allowed(text: str, service: Service, caller: Caller) -> Path:
    """The path without links. Failure 403 where the key may name none, 400 where nothing is there
    that may be read."""
    if not caller.may("admin"):
        told = "source: naming a place on this machine takes a key with the scope 'admin'"
        raise Failure(403, told, code="scope", param="source")
    allowed = [store.home() / ARRIVALS, *(service.settings.places or (Path.home(),))]
    try:
        return checked(text, allowed)
    except Failure as error:
        error.param = "source"
        raise


# --- one life for both ----------------------------------------------------------------------------


def _life_of(kind: str, told: Callable[[Job], dict[str, Any]]) -> None:
    """The routes of a kind of transfer."""
    at = f"/{kind}s"

    @router.get(at, name=f"list_{kind}s")
    async def list_(paging: Paged, caller: ForModels, service: Here) -> dict[str, Any]:
        jobs, more = await service.jobs.listed(caller.owner, paging.page(), kind=kind)
        return listed([told(job) for job in jobs], more)

    @router.get(f"{at}/{{id}}", name=f"get_{kind}")
    async def get(id: str, caller: ForModels, service: Here) -> dict[str, Any]:
        return told(await service.jobs.get(id, caller.owner, kind))

    @router.post(f"{at}/{{id}}/cancel", name=f"cancel_{kind}")
    async def cancel(id: str, caller: ForModels, service: Here) -> dict[str, Any]:
        """It ends soon, and nothing of it is left."""
        return told(await service.jobs.cancel(id, caller.owner, kind))

    @router.get(f"{at}/{{id}}/events", name=f"events_of_{kind}")
    async def events(
        id: str,
        caller: ForModels,
        service: Here,
        after: Annotated[int, Query(ge=0, lt=1 << 31)] = 0,
        limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    ) -> dict[str, Any]:
        """In order; after: a number."""
        job = await service.jobs.get(id, caller.owner, kind)
        found = await service.jobs.events(job.id, after=after, limit=limit)
        return {"object": "list", "data": [_event(one) for one in found]}

    @router.delete(f"{at}/{{id}}", name=f"delete_{kind}")
    async def delete(id: str, caller: ForModels, service: Here) -> dict[str, Any]:
        """The job; a model that came in stays."""
        await service.jobs.remove(id, caller.owner, kind)
        return {"id": id, "object": f"{kind}.deleted", "deleted": True}


@router.get("/exports/{id}/content", response_class=FileResponse)
async def content(id: str, request: Request, caller: ForModels, service: Here) -> FileResponse:
    job = await service.jobs.get(id, caller.owner, EXPORT)
    file_id = (job.result or {}).get("file")
    if file_id is None:
        raise Failure(409, f"the export is {job.status}: wait for its end", code="job_state")
    file = await in_thread(service.records.files.get, file_id, caller.owner)
    path = service.records.files.path(file.sha256)
    told = {"sha256": file.sha256, "media": file.media, "filename": file.filename}
    return await stored_answer(request, path, **told)


# --- as clients know them -------------------------------------------------------------------------


def import_of(job: Job) -> dict[str, Any]:
    """Of a path only its last part is told."""
    source = dict(job.given["source"])
    if "path" in source:
        source["path"] = Path(source["path"]).name
    result = job.result or {}
    kept = ("parameters", "media", "notes", "licence")
    told = {name: result[name] for name in kept if name in result}
    return {
        **_life(job),
        "source": source,
        "offered": job.given["offered"],
        "name": job.given["name"],
        **told,
    }


def export_of(job: Job) -> dict[str, Any]:
    result = job.result or {}
    kept = ("file", "filename", "sha256", "bytes", "notes")
    told = {name: result[name] for name in kept if name in result}
    return {**_life(job), "to": job.given["to"], "type": job.given["type"], **told}


def _life(job: Job) -> dict[str, Any]:
    result: Mapping[str, Any] = job.result or {}
    return {
        "id": job.id,
        "object": job.kind,
        "model": job.model,
        "status": job.status,
        "progress": job.progress,
        "stage": result.get("stage"),
        "done": result.get("done"),
        "of": result.get("of"),
        "created_at": int(job.created),
        "ended_at": None if job.ended is None else int(job.ended),
        "error": job.error,
    }


def _event(event: JobEvent) -> dict[str, Any]:
    return {
        "number": event.number,
        "created_at": int(event.time),
        "level": event.level,
        "type": event.type,
        "message": event.message,
        "data": event.data or {},
    }


_life_of(IMPORT, import_of)
_life_of(EXPORT, export_of)
