"""Stored bytes as an answer: whole, or the one range that is asked for. Nothing runs in a page.

Knows paths and headers; not whose the bytes are.
"""

from __future__ import annotations

import re
from pathlib import Path

from fastapi import Request
from starlette.responses import FileResponse

from genloom.server.failure import Failure
from genloom.server.threads import in_thread

SHUT = {
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
    "cache-control": "private",
}
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


async def stored_answer(
    request: Request, path: Path, *, sha256: str, media: str, filename: str | None = None
) -> FileResponse:
    """The file at the path; with a filename it is offered to be saved. Failure 416 where the range
    is none of it, or is more than one; 404 where the file was deleted in between."""
    try:
        found = await in_thread(path.stat)
    except FileNotFoundError:
        raise Failure(404, "it was deleted meanwhile", code="content_not_found") from None
    _check_range(request.headers.get("range"), found.st_size)
    headers = {**SHUT, "etag": f'"{sha256}"'}
    return FileResponse(
        path, media_type=media, filename=filename, headers=headers, stat_result=found
    )


def _check_range(asked: str | None, size: int) -> None:
    if asked is None:
        return
    told = RANGE.fullmatch(asked.replace(" ", "").lower())
    first, last = told.groups() if told else ("", "")
    sound = bool(first or last) and (not (first and last) or int(first) <= int(last))
    inside = int(first) < size if first else bool(last) and int(last) > 0 and size > 0
    if not (sound and inside):
        raise Failure(
            416,
            f"one range of the {size} bytes is expected, such as bytes=0-99",
            code="invalid_range",
            param="Range",
            headers={"Content-Range": f"bytes */{size}"},
        )
