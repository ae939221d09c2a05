"""A multipart body with one file, streamed to the disk: never whole in memory, never a user's path.

Knows the form's syntax and limits; not what the file is for.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from genloom.server.failure import Failure
from genloom.server.records.blobs import PIECE, Blobs, Draft
from genloom.server.records.ids import label
from genloom.server.threads import in_thread

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

MOST_FIELDS, LONGEST_FIELD = 32, 4096  # fields; bytes of one
MEDIA = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,64}/[A-Za-z0-9!#$&^_.+-]{1,64}")
PLAIN = "application/octet-stream"


@dataclass(kw_only=True)
class Incoming:
    """fields: the form's texts by name. filename: a label. media: what the client calls it."""

    draft: Draft
    fields: dict[str, str] = field(default_factory=dict)
    filename: str = "file"
    media: str = PLAIN


@asynccontextmanager
async def incoming(
    request: Request, blobs: Blobs, name: str, limit: int
) -> AsyncIterator[Incoming]:
    """The form of the request, its file of this name on disk; the draft goes with the block.

    Failure 400 or 415 where the form is broken or has another file or none, 413 past the limit."""
    boundary = _boundary(request)
    draft = await in_thread(blobs.open_draft, limit)
    try:
        reader = _Reader(name, Incoming(draft=draft))
        parser = MultipartParser(boundary, reader.callbacks())
        try:
            async for piece in request.stream():
                parser.write(piece)
                if len(reader.waiting) >= PIECE:
                    await in_thread(draft.write, reader.taken())
        except FormParserError:
            raise _broken("it does not follow the syntax") from None
        if not reader.ended:
            raise _broken("it ends before its end")
        if not reader.seen:
            raise Failure(400, f"the form has no file {name!r}", code="missing_file", param=name)
        await in_thread(draft.write, reader.taken())
        await in_thread(draft.finish)
        yield reader.form
    finally:
        await in_thread(draft.close)


def _boundary(request: Request) -> bytes:
    kind, options = parse_options_header(request.headers.get("content-type"))
    if kind != b"multipart/form-data":
        raise Failure(415, "a multipart/form-data body is expected", code="unsupported_media_type")
    if not options.get(b"boundary"):
        raise _broken("its boundary is not named")
    return options[b"boundary"]


def _broken(why: str) -> Failure:
    return Failure(400, f"the multipart body cannot be read: {why}", code="invalid_multipart")


class _Reader:
    """Hears the parser; the file's bytes gather in `waiting` until they are taken to the disk."""

    def __init__(self, name: str, form: Incoming) -> None:
        self._name, self.form = name, form
        self.waiting = bytearray()
        self.seen = self.ended = False
        self._header: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._headers: dict[bytes, bytes] = {}
        self._field = ""
        self._value: bytearray | None = None

    def callbacks(self) -> MultipartCallbacks:
        return {
            "on_part_begin": self._headers.clear,
            "on_header_field": lambda data, start, end: self._header[0].extend(data[start:end]),
            "on_header_value": lambda data, start, end: self._header[1].extend(data[start:end]),
            "on_header_end": self._header_end,
            "on_headers_finished": self._part,
            "on_part_data": self._data,
            "on_part_end": self._part_end,
            "on_end": self._end,
        }

    def taken(self) -> bytes:
        taken = bytes(self.waiting)
        self.waiting.clear()
        return taken

    def _header_end(self) -> None:
        name, value = self._header
        self._headers[bytes(name).lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def _part(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition"))
        if b"name" not in options:
            raise _broken("a part has no name")
        self._field = options[b"name"].decode("utf-8", "replace")
        if b"filename" not in options:
            self._text()
            return
        if self._field != self._name or self.seen:
            wrong = "more than one file" if self.seen else f"a file {self._field[:80]!r}"
            raise Failure(
                400,
                f"the form has {wrong}: one file {self._name!r} is expected",
                code="unexpected_file",
                param=self._name,
            )
        self.seen, self._value = True, None
        self.form.filename = label(options[b"filename"].decode("utf-8", "replace"))
        told = self._headers.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip()
        self.form.media = told.lower() if MEDIA.fullmatch(told) else PLAIN

    def _text(self) -> None:
        if len(self.form.fields) >= MOST_FIELDS:
            raise _broken(f"it has more than {MOST_FIELDS} fields")
        self._value = bytearray()

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._value is None:
            self.waiting += data[start:end]
            return
        self._value += data[start:end]
        if len(self._value) > LONGEST_FIELD:
            raise Failure(
                400,
                f"the field {self._field[:80]!r} is longer than {LONGEST_FIELD} bytes",
                code="field_too_long",
                param=self._field[:80],
            )

    def _part_end(self) -> None:
        if self._value is not None:
            self.form.fields[self._field] = self._value.decode("utf-8", "replace")

    def _end(self) -> None:
        self.ended = True
