"""/v1/uploads: a file that comes in parts, for clients that cannot send it in one request."""

from __future__ import annotations

import re
from typing import Any

from fastapi import APIRouter, Request
from pydantic import Field

from genloom.server.access import ForFiles
from genloom.server.failure import Failure
from genloom.server.incoming import MEDIA, incoming
from genloom.server.purposes import check_file
from genloom.server.records.blobs import Draft
from genloom.server.records.files import File
from genloom.server.records.records import Records
from genloom.server.records.uploads import Upload
from genloom.server.routes.files import ExpiresAfter, Purpose, file_object, lives
from genloom.server.schema import Asked, note_ignored
from genloom.server.service import Here
from genloom.server.threads import in_thread

router = APIRouter(prefix="/v1/uploads", tags=["files"])
PART = 64 << 20  # bytes
MOST_PARTS = 10_000
MD5 = re.compile(r"[0-9a-fA-F]{32}")


class NewUpload(Asked):
    bytes: int = Field(ge=1)
    filename: str = Field(min_length=1, max_length=1024)
    mime_type: str = Field(max_length=129)
    purpose: Purpose
    expires_after: ExpiresAfter | None = None


class Completion(Asked):
    part_ids: list[str] = Field(min_length=1, max_length=MOST_PARTS)
    md5: str | None = None


def upload_object(upload: Upload, file: File | None = None) -> dict[str, Any]:
    """An upload as clients read it."""
    return {
        "id": upload.id,
        "object": "upload",
        "bytes": upload.bytes,
        "created_at": int(upload.created),
        "expires_at": int(upload.expires),
        "filename": upload.filename,
        "purpose": upload.purpose,
        "status": upload.status,
        "file": None if file is None else file_object(file),
    }


@router.post("")
async def create(
    asked: NewUpload,
    caller: ForFiles,
    service: Here,
) -> dict[str, Any]:
    most = service.settings.limits.upload_bytes
    if asked.bytes > most:
        raise Failure(413, f"bytes: at most {most} are taken", code="file_too_large", param="bytes")
    if not MEDIA.fullmatch(asked.mime_type):
        raise Failure(400, "mime_type: a type such as text/csv is expected", param="mime_type")
    upload = await in_thread(
        service.records.uploads.create,
        owner=caller.owner,
        filename=asked.filename,
        purpose=asked.purpose,
        media=asked.mime_type.lower(),
        bytes=asked.bytes,
        lasts=lives(asked.purpose, asked.expires_after),
    )
    return upload_object(upload)


PART_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["data"],
                    "properties": {
                        "data": {"type": "string", "format": "binary"},
                        "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
                    },
                }
            }
        },
    }
}


@router.get("/{id}")
async def get(
    id: str,
    caller: ForFiles,
    service: Here,
) -> dict[str, Any]:
    """The upload, and the parts that have come, so that a client which was cut off goes on."""
    upload, parts = await in_thread(service.records.uploads.come, id, caller.owner)
    shown = [{"id": p.id, "bytes": p.bytes, "sha256": p.sha256} for p in parts]
    return {**upload_object(upload), "parts": shown}


@router.post("/{id}/parts", openapi_extra=PART_FORM)
async def add_part(
    id: str,
    request: Request,
    caller: ForFiles,
    service: Here,
) -> dict[str, Any]:
    uploads = service.records.uploads
    await in_thread(uploads.open, id, caller.owner)  # before its bytes are taken
    async with incoming(request, service.records.blobs, "data", PART) as form:
        told = form.fields.pop("sha256", None)
        note_ignored(*form.fields)
        if told is not None and told.lower() != form.draft.sha256:
            raise Failure(
                400,
                "sha256: the part's bytes are not what was told: send it again",
                code="checksum_mismatch",
                param="sha256",
            )
        part = await in_thread(uploads.add, id, caller.owner, form.draft)
    return {
        "id": part.id,
        "object": "upload.part",
        "created_at": int(part.created),
        "upload_id": part.upload,
    }


@router.post("/{id}/complete")
async def complete(
    id: str,
    asked: Completion,
    caller: ForFiles,
    service: Here,
) -> dict[str, Any]:
    if asked.md5 is not None and not MD5.fullmatch(asked.md5):
        raise Failure(400, "md5: 32 hexadecimal digits are expected", param="md5")
    upload, file = await in_thread(completed, service.records, id, caller.owner, asked)
    return upload_object(upload, file)


def completed(records: Records, id: str, owner: str, asked: Completion) -> tuple[Upload, File]:
    """Join the parts, check what they make, and keep it as a file."""
    uploads = records.uploads
    upload = uploads.open(id, owner)
    parts = uploads.parts(id, owner, asked.part_ids)
    have = sum(part.bytes for part in parts)
    if have != upload.bytes:
        raise Failure(
            400,
            f"the parts have {have} bytes, but {upload.bytes} were announced",
            code="upload_incomplete",
            param="part_ids",
        )
    with records.blobs.draft(upload.bytes) as draft:
        uploads.join(parts, draft)
        _check_md5(draft, asked.md5)
        check_file(draft.path, draft.bytes, upload.purpose)
        return uploads.complete(id, owner, draft)


def _check_md5(draft: Draft, told: str | None) -> None:
    if told is not None and told.lower() != draft.md5:
        raise Failure(
            400,
            f"md5: the bytes that came have {draft.md5}, not what was told",
            code="checksum_mismatch",
            param="md5",
        )


@router.post("/{id}/cancel")
async def cancel(
    id: str,
    caller: ForFiles,
    service: Here,
) -> dict[str, Any]:
    return upload_object(await in_thread(service.records.uploads.cancel, id, caller.owner))
