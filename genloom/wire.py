"""Frames between the process that speaks HTTP and the processes in which models live.

A frame is eight bytes (the lengths of what follows), a JSON object, and raw bytes that the object
names in "blobs": [[name, length], ...]. Nothing in it can run. Knows no message's meaning.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genloom.errors import ResourceError

HEAD = struct.Struct("!II")
MOST_JSON = 64 << 20
MOST_BYTES = 1 << 30


@dataclass(frozen=True, kw_only=True)
class Message:
    """values: the JSON object, without "blobs"; blobs: bytes by name."""

    values: dict[str, Any]
    blobs: dict[str, bytes] = field(default_factory=dict)


def frame(values: Mapping[str, Any], blobs: Mapping[str, bytes] | None = None) -> bytes:
    """One message as bytes. ResourceError where it is over the limits of a frame."""
    parts = dict(blobs or {})
    told = {**values, "blobs": [[k, len(v)] for k, v in parts.items()]} if parts else values
    head = json.dumps(told, ensure_ascii=True, separators=(",", ":"), allow_nan=False).encode()
    size = sum(map(len, parts.values()))
    _check(len(head), size)
    return b"".join((HEAD.pack(len(head), size), head, *parts.values()))


def _check(head: int, size: int) -> None:
    if head > MOST_JSON or size > MOST_BYTES:
        raise ResourceError(
            f"a message of {head:,} + {size:,} bytes is over the limit of a frame "
            f"({MOST_JSON:,} + {MOST_BYTES:,}): ask for less at once"
        )


class Frames:
    """Whole messages out of bytes as they come."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """What `data` completes. ResourceError where lengths are over the limits, ValueError where
        what came is no frame."""
        self._held += data
        out: list[Message] = []
        while (message := self._next()) is not None:
            out.append(message)
        return out

    def _next(self) -> Message | None:
        held = self._held
        if len(held) < HEAD.size:
            return None
        head, size = HEAD.unpack_from(held)
        _check(head, size)
        end = HEAD.size + head + size
        if len(held) < end:
            return None
        values = json.loads(bytes(held[HEAD.size : HEAD.size + head]))
        place, blobs = HEAD.size + head, {}
        for name, length in values.pop("blobs", ()):
            blobs[name] = bytes(held[place : place + length])
            place += length
        if place != end:
            raise ValueError("the lengths of a frame do not agree")
        del held[:end]
        return Message(values=values, blobs=blobs)
