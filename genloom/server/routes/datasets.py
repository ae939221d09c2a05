"""/v1/datasets: what is to be learnt from, and what was understood of it; /v1/places: where on this
machine it may lie."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import FileResponse

from genloom.server.access import ForTraining
from genloom.server.caller import Caller
from genloom.server.content import stored_answer
from genloom.server.datasets.places import checked, places
from genloom.server.failure import Failure
from genloom.server.records.documents import Document
from genloom.server.routes.listing import Paged, listed
from genloom.server.schema import Asked, refused
from genloom.server.service import Here
from genloom.server.threads import in_thread

router = APIRouter(tags=["datasets"])
MOST_FILES = 200_000
Medium = Annotated[str, Field(pattern=r"^[a-z0-9_-]{1,40}$")]


class Named(Asked):
    """A file inside the upload: its name as the user has it, and its bytes."""

    name: Annotated[str, Field(min_length=1, max_length=8192)]
    bytes: Annotated[int, Field(ge=0)]


class NewDataset(Asked):
    """file: the id of one file into which `files` were laid end to end (/v1/uploads); or path: a
    file or a folder of the server's machine, below one of /v1/places."""

    name: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    file: Annotated[str, Field(max_length=128)] | None = None
    files: Annotated[list[Named], Field(min_length=1, max_length=MOST_FILES)] | None = None
    path: Annotated[str, Field(min_length=1, max_length=4096)] | None = None


class Again(Asked):
    medium: Medium


class Draft(Asked):
    """version: the one that these values were changed from."""

    version: Annotated[int, Field(ge=0)]
    values: Annotated[dict[str, Any], Field(max_length=64)]


def dataset_object(found: Document) -> dict[str, Any]:
    """A data set as clients read it."""
    value = found.value
    shown = ("name", "names", "files", "bytes", "medium", "status", "error", "found", "draft")
    return {
        "id": found.id,
        "object": "dataset",
        "created_at": int(found.created),
        "path": None if value["own"] else value["path"],
        **{name: value[name] for name in shown},
    }


@router.get("/v1/places")
async def allowed(caller: ForTraining, service: Here) -> dict[str, Any]:
    """Folders below which `path` may name data; none for a key without the scope admin."""
    known = await in_thread(places, service.settings.places) if _may_name(caller) else []
    return {"object": "list", "data": list(map(str, known))}


def _may_name(caller: Caller) -> bool:
    """This machine's own user, where there are no keys, or an administrator."""
    return caller.may("admin")


@router.post("/v1/datasets")
async def create(asked: NewDataset, caller: ForTraining, service: Here) -> dict[str, Any]:
    """It is looked at from now on: ask for it until its status is ready or failed."""
    datasets = service.datasets
    if asked.path is not None:
        if asked.file is not None or asked.files is not None:
            raise refused("path", "give a path or files, not both")
        if not _may_name(caller):
            told = "naming a folder of the server's machine needs the scope 'admin': upload files"
            raise Failure(403, told, code="scope", param="path")
        path = await in_thread(checked, asked.path, service.settings.places)
        return dataset_object(await datasets.from_path(caller.owner, path, asked.name))
    if asked.file is None or asked.files is None:
        raise refused("file", "give an upload's file and the files in it, or a path")
    names, sizes = [f.name for f in asked.files], [f.bytes for f in asked.files]
    made = await datasets.from_upload(caller.owner, asked.file, names, sizes, asked.name)
    return dataset_object(made)


@router.get("/v1/datasets")
async def list_(paging: Paged, caller: ForTraining, service: Here) -> dict[str, Any]:
    found, more = await service.datasets.listed(caller.owner, paging.page())
    short = [{**dataset_object(one), "found": None} for one in found]
    return listed(short, more)


@router.get("/v1/datasets/{id}")
async def get(id: str, caller: ForTraining, service: Here) -> dict[str, Any]:
    return dataset_object(await service.datasets.get(id, caller.owner))


@router.delete("/v1/datasets/{id}")
async def delete(id: str, caller: ForTraining, service: Here) -> dict[str, Any]:
    """What was uploaded goes; a folder of this machine stays as it is."""
    await service.datasets.remove(id, caller.owner)
    return {"id": id, "object": "dataset", "deleted": True}


@router.post("/v1/datasets/{id}/medium")
async def look_again(id: str, asked: Again, caller: ForTraining, service: Here) -> dict[str, Any]:
    """Look at it again as this medium, where the guess was wrong."""
    return dataset_object(await service.datasets.look_again(id, caller.owner, asked.medium))


@router.post("/v1/datasets/{id}/draft")
async def save_draft(id: str, asked: Draft, caller: ForTraining, service: Here) -> dict[str, Any]:
    """The settings that somebody is about to train it with. 409 where others saved meanwhile."""
    values = service.datasets.save_draft(id, caller.owner, asked.version, asked.values)
    return dict((await values).value["draft"])


@router.get("/v1/datasets/{id}/samples/{name}", response_class=FileResponse)
async def sample(
    id: str, name: str, request: Request, caller: ForTraining, service: Here
) -> FileResponse:
    """One of the items, as text, rows or a small picture."""
    path, media = service.datasets.sample(await service.datasets.get(id, caller.owner), name)
    return await stored_answer(request, path, sha256=f"{id}-{name}", media=media)
