"""/v1/files: what users send to be read later, and what jobs wrote for them, as OpenAI has it."""

from __future__ import annotations

import time
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import Field, ValidationError
from starlette.responses import FileResponse

from genloom.server.access import ForFiles
from genloom.server.content import stored_answer
from genloom.server.handlers import failure_of_validation
from genloom.server.incoming import Incoming, incoming
from genloom.server.purposes import LIVES, PURPOSES, check_file
from genloom.server.records.files import File
from genloom.server.records.rows import MOST, Page
from genloom.server.routes.listing import listed
from genloom.server.schema import Asked
from genloom.server.service import Here
from genloom.server.threads import in_thread

router = APIRouter(prefix="/v1/files", tags=["files"])
HOUR, MONTH = 3600, 30 * 24 * 3600  # seconds that a file may live, where it is said
Purpose = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]


class ExpiresAfter(Asked):
    anchor: Literal["created_at"]
    seconds: int = Field(ge=HOUR, le=MONTH)


class FileForm(Asked):
    """The fields of the form beside the file."""

    purpose: Purpose
    expires_after: ExpiresAfter | None = None


FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file", "purpose"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "purpose": {"type": "string", "enum": list(PURPOSES)},
                        "expires_after[anchor]": {"type": "string", "enum": ["created_at"]},
                        "expires_after[seconds]": {
                            "type": "integer",
                            "minimum": HOUR,
                            "maximum": MONTH,
                        },
                    },
                }
            }
        },
    }
}


def file_object(file: File) -> dict[str, Any]:
    """A file as clients read it."""
    return {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": int(file.created),
        "expires_at": None if file.expires is None else int(file.expires),
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }


def lives(purpose: str, asked: ExpiresAfter | None) -> float | None:
    """Seconds that a file lives; None: until it is deleted."""
    return LIVES.get(purpose) if asked is None else float(asked.seconds)


@router.post("", openapi_extra=FORM)
async def create(
    request: Request,
    caller: ForFiles,
    service: Here,
) -> dict[str, Any]:
    records, limits = service.records, service.settings.limits
    async with incoming(request, records.blobs, "file", limits.file_bytes) as form:
        asked = read_fields(form)
        draft = form.draft
        await in_thread(check_file, draft.path, draft.bytes, asked.purpose)
        seconds = lives(asked.purpose, asked.expires_after)
        file = await in_thread(
            records.files.keep,
            draft,
            owner=caller.owner,
            filename=form.filename,
            purpose=asked.purpose,
            media=form.media,
            expires=None if seconds is None else time.time() + seconds,
        )
    return file_object(file)


def read_fields(form: Incoming) -> FileForm:
    """The form's fields by the schema: `expires_after[seconds]` is a field of an object."""
    told: dict[str, Any] = {}
    for name, value in form.fields.items():
        outer, bracket, inner = name.partition("[")
        if bracket and outer == "expires_after":
            told.setdefault(outer, {})[inner.removesuffix("]")] = value
        else:
            told[name] = value
    try:
        return FileForm.model_validate_strings(told, strict=False)
    except ValidationError as error:
        faults = [{**one, "loc": ("body", *one["loc"])} for one in error.errors()]
        raise failure_of_validation(faults, told) from None


@router.get("")
async def list_(
    caller: ForFiles,
    service: Here,
    after: Annotated[str | None, Query(max_length=128)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
    order: Literal["asc", "desc"] = "desc",
    purpose: Annotated[str | None, Query(max_length=64)] = None,
) -> dict[str, Any]:
    page = Page(after=after, limit=limit, descending=order == "desc")
    only = {} if purpose is None else {"purpose": purpose}
    files, more = await in_thread(service.records.files.listed, caller.owner, page, **only)
    return listed([file_object(file) for file in files], more)


@router.get("/{id}")
async def get(
    id: str,
    caller: ForFiles,
    service: Here,
) -> dict[str, Any]:
    return file_object(await in_thread(service.records.files.get, id, caller.owner))


@router.get("/{id}/content", response_class=FileResponse)
async def content(
    id: str,
    request: Request,
    caller: ForFiles,
    service: Here,
) -> FileResponse:
    files = service.records.files
    file = await in_thread(files.get, id, caller.owner)
    return await stored_answer(
        request,
        files.path(file.sha256),
        sha256=file.sha256,
        media=file.media,
        filename=file.filename,
    )


@router.delete("/{id}")
async def delete(
    id: str,
    caller: ForFiles,
    service: Here,
) -> dict[str, Any]:
    await in_thread(service.records.files.remove, id, caller.owner)
    return {"id": id, "object": "file", "deleted": True}
