"""Stored bytes as an answer: whole, or the one range that is asked for. Nothing runs in a page.

What could run there (HTML, SVG, PDF ...) is offered to be saved, sandboxed, and never guessed at.
Knows paths, headers and which media types only show something; not whose the bytes are.
"""

from __future__ import annotations

import re
from mimetypes import guess_extension
from pathlib import Path

from fastapi import Request
from starlette.responses import FileResponse

from genloom.server.failure import Failure
from genloom.server.suited import fits
from genloom.server.threads import in_thread

SHUT = {
    "content-security-policy": "sandbox; default-src 'none'",
    "x-content-type-options": "nosniff",
    "cache-control": "private",
}
# What a browser shows by itself without running anything of it; all else is an attachment.
SHOWN = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/apng", "image/avif")
SHOWN = (*SHOWN, "image/bmp", "audio/*", "video/*", "text/plain", "application/json")
SUFFIXES = {  # where Python's own table says nothing, or depends on the machine
    "application/vnd.apache.parquet": ".parquet",
    "application/jsonl": ".jsonl",
    "application/octet-stream": ".bin",
    "chemical/x-daylight-smiles": ".smi",
    "image/webp": ".webp",
    "model/gltf-binary": ".glb",
    "text/plain": ".txt",
    "text/x-fasta": ".fasta",
}
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


async def stored_answer(
    request: Request, path: Path, *, sha256: str, media: str, filename: str | None = None
) -> FileResponse:
    """The file at the path; with a filename, or where a page could run it, it is offered to be
    saved. Failure 416 where the range is none of it, or is more than one; 404 where the file was
    deleted in between."""
    try:
        found = await in_thread(path.stat)
    except FileNotFoundError:
        raise Failure(404, "it was deleted meanwhile", code="content_not_found") from None
    _check_range(request.headers.get("range"), found.st_size)
    headers = {**SHUT, "etag": f'"{sha256}"'}
    if filename is None and not fits(media.partition(";")[0].strip().lower(), SHOWN):
        filename = f"{sha256[:16]}{suffix_of(media)}"
    return FileResponse(
        path, media_type=media, filename=filename, headers=headers, stat_result=found
    )


def suffix_of(media: str) -> str:
    """How files of this type end."""
    plain = media.partition(";")[0].strip().lower()
    return SUFFIXES.get(plain) or guess_extension(plain) or ""


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
