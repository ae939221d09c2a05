"""The life of a media job, once for all media: create, poll, list, content, remix, cancel, delete.

Made from the table in media_rows; what a job does is jobs/generation. Knows no medium.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Body, Request, Response
from fastapi.responses import JSONResponse

from genloom.server.access import Who
from genloom.server.call import Call
from genloom.server.content import SHUT, stored_answer
from genloom.server.failure import Failure
from genloom.server.forms import described, form_of, is_form, read_body, read_form
from genloom.server.given_files import sound_file
from genloom.server.jobs.generation import given_for
from genloom.server.records.jobs import Job
from genloom.server.references import referred
from genloom.server.routes.listing import Paged, listed
from genloom.server.routes.media_rows import ROWS, Reading, Row
from genloom.server.routes.media_schema import Making, Remix, given_of
from genloom.server.schema import refused
from genloom.server.service import Here, Service
from genloom.server.suited import chosen, suited
from genloom.server.threads import in_thread

router = APIRouter()
POLL = {"openai-poll-after-ms": "500"}
# A job's status -> as clients know it.
STATUSES = {"cancelled": "failed", "paused": "queued"}
CANCELLED = {"code": "cancelled", "message": "it was cancelled before it was finished"}
MOST = 50 << 20  # bytes of a file that comes along


def _add(row: Row) -> None:
    """The routes of one medium."""
    at: str = f"/v1/{row.path}"
    tags: list[str | Enum] = [row.path]

    @router.post(
        at, tags=tags, name=f"create_{row.object}", openapi_extra=described(row.body, json=True)
    )
    async def create(
        request: Request,
        caller: Who,
        service: Here,
    ) -> JSONResponse:
        body, blobs = await _read(row, request, service, caller.owner)
        call = await _call(row, service, caller.owner, body, blobs)
        given = await in_thread(given_for, service.records, call, service.settings.jobs.until())
        return await _begun(
            row, service, caller.owner, {**given, "shown": _shown(body)}, call.model
        )

    @router.get(at, tags=tags, name=f"list_{row.path}")
    async def list_(
        paging: Paged,
        caller: Who,
        service: Here,
    ) -> dict[str, Any]:
        jobs, more = await service.jobs.listed(caller.owner, paging.page(), kind=row.kind)
        return listed([told(row, job) for job in jobs], more)

    @router.get(f"{at}/{{id}}", tags=tags, name=f"get_{row.object}")
    async def get(
        id: str,
        caller: Who,
        service: Here,
    ) -> JSONResponse:
        job = await service.jobs.get(id, caller.owner, row.kind)
        return JSONResponse(told(row, job), headers={} if job.over else POLL)

    @router.post(f"{at}/{{id}}/cancel", tags=tags, name=f"cancel_{row.object}")
    async def cancel(
        id: str,
        caller: Who,
        service: Here,
    ) -> dict[str, Any]:
        return told(row, await service.jobs.cancel(id, caller.owner, row.kind))

    @router.post(f"{at}/{{id}}/remix", tags=tags, name=f"remix_{row.object}")
    async def remix(
        id: str,
        caller: Who,
        service: Here,
        body: Remix = Body(),  # noqa: B008
    ) -> JSONResponse:
        """The same again with another prompt: seed, options and files stay."""
        return await _remixed(row, service, caller.owner, id, body.prompt)

    @router.delete(f"{at}/{{id}}", tags=tags, name=f"delete_{row.object}")
    async def delete(
        id: str,
        caller: Who,
        service: Here,
    ) -> dict[str, Any]:
        await service.jobs.remove(id, caller.owner, row.kind)
        return {"id": id, "object": f"{row.object}.deleted", "deleted": True}

    @router.get(
        f"{at}/{{id}}/content", tags=tags, name=f"{row.object}_content", response_model=None
    )
    async def content(
        id: str,
        request: Request,
        caller: Who,
        service: Here,
        variant: str | None = None,
        index: int = 0,
    ) -> Response:
        """The finished file; index: of which item, where several were made."""
        job = await service.jobs.get(id, caller.owner, row.kind)
        reading = _reading(row, job, variant, request.headers.get("accept", ""))
        return await _content(request, service, row, job, index, reading)


# --- beginning ------------------------------------------------------------------------------------


async def _read(
    row: Row, request: Request, service: Service, owner: str
) -> tuple[Making, dict[str, bytes]]:
    """The body and the files that came along, by the engine's names."""
    files: dict[str, bytes] = {}
    if is_form(request):
        form = await form_of(request, dict.fromkeys(row.given, 1), MOST)
        body = read_form(row.body, form)
        files = {name: form.file(name).data for name in form.files}
    else:
        body = await read_body(row.body, request)
    for name in row.given:
        value = getattr(body, name, None)
        if name not in files and value is not None:
            files[name] = (await referred(service, owner, value, name)).data
    return body, {row.given[name]: data for name, data in files.items()}


async def _call(
    row: Row, service: Service, owner: str, body: Making, blobs: dict[str, bytes]
) -> Call:
    model = chosen(service, body.model)
    about = await suited(service, model, row.media, row.wanted)
    _check(body, about)
    for field, name in row.given.items():
        if name in blobs and name not in about.get("accepts", ()):
            raise refused(field, "this model begins from nothing that is given")
        if name in blobs:
            blobs[name] = await sound_file(about, name, blobs[name], field)
    more: dict[str, Any] = {}
    if (rows := getattr(body, "rows", None)) is not None:
        more["count"] = rows
    if (way := getattr(body, "response_format", None)) is not None:
        more["suffix"] = row.suffixes[way]
    return Call(
        model=model, task="generate", given=given_of(body, **more), blobs=blobs, owner=owner
    )


def _check(body: Making, about: Mapping[str, Any]) -> None:
    """What a body can ask and this model cannot do."""
    if getattr(body, "seconds", None) is not None and "seconds" not in about.get("takes", ()):
        raise refused("seconds", "what this model makes has one length: leave it out")
    if getattr(body, "where", None) is not None and not about.get("where"):
        raise refused("where", "this model takes no conditions")
    if getattr(body, "rows", None) is not None and (body.count or body.n):
        raise refused("rows", "count says the same: leave one out")


def _shown(body: Making) -> dict[str, Any]:
    """What is shown of the request again."""
    names = ("size", "seconds", "response_format")
    return {name: value for name in names if (value := getattr(body, name, None)) is not None}


async def _begun(
    row: Row, service: Service, owner: str, given: Mapping[str, Any], model: str | None
) -> JSONResponse:
    prefix = f"{row.object}_"
    try:
        job = await service.jobs.start(
            row.kind,
            owner,
            given,
            model=model,
            prefix=prefix,
            expires=service.settings.jobs.until(),
        )
    except Failure:
        for asset in given["blobs"].values():
            await in_thread(service.records.assets.remove, asset, owner)
        raise
    return JSONResponse(told(row, job), headers=POLL)


async def _remixed(row: Row, service: Service, owner: str, id: str, prompt: str) -> JSONResponse:
    job = await service.jobs.get(id, owner, row.kind)
    before = job.given["call"]
    blobs = {}
    for name, asset in job.given.get("blobs", {}).items():
        found = await in_thread(service.records.assets.get, asset, owner)
        blobs[name] = await in_thread(service.records.assets.path(found.sha256).read_bytes)
    asked = {**before["given"], "prompt": prompt or None}
    call = Call(model=job.model or "", task=before["task"], given=asked, blobs=blobs, owner=owner)
    given = await in_thread(given_for, service.records, call, service.settings.jobs.until())
    more = {"shown": job.given.get("shown", {}), "from": job.id}
    return await _begun(row, service, owner, {**given, **more}, job.model)


# --- telling --------------------------------------------------------------------------------------


def told(row: Row, job: Job) -> dict[str, Any]:
    """A job as clients read it. assets: what is finished so far, by id."""
    shown, given = job.given.get("shown", {}), job.given["call"]["given"]
    result = job.result or {}
    return {
        "id": job.id,
        "object": row.object,
        "status": STATUSES.get(job.status, job.status),
        "progress": int(job.progress),
        "model": job.model,
        "prompt": given.get("prompt"),
        "seed": given.get("seed"),
        "count": given.get("count"),
        "size": shown.get("size"),
        "seconds": None if shown.get("seconds") is None else str(shown["seconds"]),
        "created_at": int(job.created),
        "completed_at": int(job.ended) if job.ended and job.status == "completed" else None,
        "expires_at": None if job.expires is None else int(job.expires),
        "error": CANCELLED if job.status == "cancelled" else job.error,
        "remixed_from_video_id": job.given.get("from"),
        "assets": list(result.get("assets", ())),
        "usage": result.get("usage") or None,
    }


# --- content --------------------------------------------------------------------------------------


def _reading(row: Row, job: Job, variant: str | None, accept: str) -> Reading | None:
    """How the file is read; None as it is. A variant that is asked for counts before the rest."""
    if variant is not None and variant != row.object:
        if variant not in row.variants:
            known = ", ".join((row.object, *row.variants))
            raise refused("variant", f"{known} is expected")
        return row.variants[variant]
    wished = [part.partition(";")[0].strip() for part in accept.split(",")]
    way = job.given.get("shown", {}).get("response_format")
    return next(
        (
            reading
            for media, reading in row.readings.items()
            if media in wished or media.rpartition("/")[2] == way
        ),
        None,
    )


async def _content(
    request: Request, service: Service, row: Row, job: Job, index: int, reading: Reading | None
) -> Response:
    if job.status != "completed":
        raise Failure(
            409, f"the job is {STATUSES.get(job.status, job.status)}", code="not_completed"
        )
    result = job.result or {}
    texts = [one["text"] for one in result.get("texts", ())]
    if texts:
        return Response("\n".join(texts) + "\n", media_type="text/plain; charset=utf-8")
    assets = sorted(result.get("assets", ()), key=lambda asset: asset["sample"])
    if not 0 <= index < len(assets):
        raise refused("index", f"0 to {len(assets) - 1} is expected")
    asset = assets[index]
    path: Path = service.records.assets.path(asset["sha256"])
    name = f"{job.id}-{index}{asset['suffix']}"
    if reading is None:
        return await stored_answer(
            request, path, sha256=asset["sha256"], media=asset["media"], filename=name
        )
    data, media = await in_thread(lambda: reading(path.read_bytes()))
    return Response(data, media_type=media, headers=SHUT)


for _row in ROWS:
    _add(_row)
