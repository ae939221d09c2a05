"""The GGUF container, versions 2 and 3: metadata, what tensors there are, and where.

Counts, lengths and offsets are held against the size of the file before they are believed. Written
the same way. Knows types and places, not what a key or a tensor means.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from genloom.errors import ModelError

MAGIC = b"GGUF"
VERSION = 3
ALIGNMENT = 32
MOST = 1 << 20  # keys or tensors; the largest published have a few thousand
LONGEST = 1 << 26  # bytes of a string; chat templates have some kilobytes
U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64 = range(13)
_NUMBERS = {
    U8: "<u1",
    I8: "<i1",
    U16: "<u2",
    I16: "<i2",
    U32: "<u4",
    I32: "<i4",
    F32: "<f4",
    BOOL: "<u1",
    U64: "<u8",
    I64: "<i8",
    F64: "<f8",
}


@dataclass(frozen=True)
class Kind:
    """A tensor type: `block` numbers in `size` bytes."""

    number: int
    block: int
    size: int


KINDS = {
    "F32": Kind(0, 1, 4),
    "F16": Kind(1, 1, 2),
    "Q4_0": Kind(2, 32, 18),
    "Q4_1": Kind(3, 32, 20),
    "Q5_0": Kind(6, 32, 22),
    "Q5_1": Kind(7, 32, 24),
    "Q8_0": Kind(8, 32, 34),
    "Q4_K": Kind(12, 256, 144),
    "Q5_K": Kind(13, 256, 176),
    "Q6_K": Kind(14, 256, 210),
    "BF16": Kind(30, 1, 2),
}
_BY_NUMBER = {kind.number: name for name, kind in KINDS.items()}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A tensor: shape with the last axis the fastest, as ours; `size` bytes from `start`."""

    kind: str
    shape: tuple[int, ...]
    start: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Contents:
    path: Path
    metadata: Mapping[str, Any]
    tensors: Mapping[str, Entry]


# --- reading --------------------------------------------------------------------------------------


def read(path: Path) -> Contents:
    """What a file holds. ModelError where it cannot be so."""
    try:
        with path.open("rb") as file:
            return _Reader(path, file, path.stat().st_size).contents()
    except (struct.error, UnicodeDecodeError) as error:
        raise _damaged(path, f"it is cut off or unreadable ({error})") from None


class _Reader:
    """A cursor that never believes a length beyond the end of the file."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self.path, self.file, self.size = path, file, size

    def contents(self) -> Contents:
        if self.bytes(4) != MAGIC:
            raise ModelError(f"{self.path} does not begin as a GGUF file does")
        version = self.number("<I")
        if version not in (2, 3):
            raise ModelError(f"{self.path} is GGUF version {version}: 2 and 3 are read")
        tensors, keys = self.count("tensors"), self.count("keys")
        metadata: dict[str, Any] = {}
        for _ in range(keys):
            name = self.string()
            if name in metadata:
                raise _damaged(self.path, f"it has the key {name!r} twice")
            metadata[name] = self.value(self.number("<I"))
        found = [self.tensor() for _ in range(tensors)]
        return Contents(path=self.path, metadata=metadata, tensors=self.placed(metadata, found))

    def bytes(self, count: int) -> bytes:
        data = self.file.read(count)
        if len(data) != count:
            raise _damaged(self.path, "it is cut off")
        return data

    def number(self, form: str) -> int:
        (value,) = struct.unpack(form, self.bytes(struct.calcsize(form)))
        return int(value)

    def left(self) -> int:
        return self.size - self.file.tell()

    def count(self, what: str) -> int:
        value = self.number("<Q")
        if value > min(MOST, self.left()):
            raise _damaged(self.path, f"it claims {value:,} {what}")
        return value

    def string(self) -> str:
        length = self.number("<Q")
        if length > min(LONGEST, self.left()):
            raise _damaged(self.path, f"it claims a string of {length:,} bytes")
        return self.bytes(length).decode()

    def value(self, kind: int) -> Any:
        if kind == STRING:
            return self.string()
        if kind == ARRAY:
            return self.array()
        if kind not in _NUMBERS:
            raise _damaged(self.path, f"it has a value of unknown type {kind}")
        form = np.dtype(_NUMBERS[kind])
        value = np.frombuffer(self.bytes(form.itemsize), form)[0]
        if kind == F32:
            return float(str(value))  # 1e-06 stays 1e-06
        return bool(value) if kind == BOOL else value.item()

    def array(self) -> Any:
        kind, count = self.number("<I"), self.number("<Q")
        least = np.dtype(_NUMBERS[kind]).itemsize if kind in _NUMBERS else 8
        if kind not in (STRING, *_NUMBERS) or count * least > self.left():
            raise _damaged(self.path, f"it claims an array of {count:,} values of type {kind}")
        if kind == STRING:
            return [self.string() for _ in range(count)]
        return np.frombuffer(self.bytes(count * least), _NUMBERS[kind]).tolist()

    def tensor(self) -> tuple[str, tuple[int, ...], int, int]:
        name, axes = self.string(), self.number("<I")
        if not 1 <= axes <= 4:
            raise _damaged(self.path, f"{name!r} has {axes} axes")
        shape = tuple(self.number("<Q") for _ in range(axes))
        return name, shape, self.number("<I"), self.number("<Q")

    def placed(
        self, metadata: Mapping[str, Any], found: Sequence[tuple[str, tuple[int, ...], int, int]]
    ) -> dict[str, Entry]:
        aligned = metadata.get("general.alignment", ALIGNMENT)
        if not isinstance(aligned, int) or not 1 <= aligned <= 1 << 20:
            raise _damaged(self.path, f"its alignment is {aligned!r}")
        base = -(-self.file.tell() // aligned) * aligned
        out: dict[str, Entry] = {}
        for name, shape, number, offset in found:
            if name in out:
                raise _damaged(self.path, f"it has the tensor {name!r} twice")
            size = _size(self.path, name, shape, number)
            if offset % aligned or base + offset + size > self.size:
                raise _damaged(self.path, f"{name!r} lies beyond its end or out of step")
            out[name] = Entry(
                kind=_BY_NUMBER[number], shape=shape[::-1], start=base + offset, size=size
            )
        end = 0
        for name, entry in sorted(out.items(), key=lambda pair: pair[1].start):
            if entry.start < end:
                raise _damaged(self.path, f"{name!r} lies over another tensor")
            end = entry.start + entry.size
        return out


def _size(path: Path, name: str, shape: tuple[int, ...], number: int) -> int:
    if number not in _BY_NUMBER:
        raise ModelError(
            f"{path} has {name!r} in tensor type {number}: known are {', '.join(KINDS)}"
        )
    kind, count = KINDS[_BY_NUMBER[number]], math.prod(shape)
    if not 0 < count < 1 << 50 or shape[0] % kind.block:
        raise _damaged(path, f"{name!r} has the impossible shape {list(shape)}")
    return count // kind.block * kind.size


def _damaged(path: Path, why: str) -> ModelError:
    return ModelError(f"{path} is damaged: {why}; fetch it again")


# --- writing --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Typed:
    """A value with the type that readers expect of its key."""

    kind: int
    value: Any


def head(metadata: Mapping[str, Any], tensors: Iterable[tuple[str, str, Sequence[int]]]) -> bytes:
    """Everything before the tensors' data, padded; tensors are (name, kind, shape), in order."""
    listed = list(tensors)
    out = [MAGIC, struct.pack("<IQQ", VERSION, len(listed), len(metadata))]
    for name, value in metadata.items():
        out += [_string(name), *_value(value)]
    offset = 0
    for name, kind, shape in listed:
        turned = list(shape)[::-1]
        out.append(_string(name) + struct.pack(f"<I{len(turned)}Q", len(turned), *turned))
        out.append(struct.pack("<IQ", KINDS[kind].number, offset))
        offset += padded(math.prod(shape) // KINDS[kind].block * KINDS[kind].size)
    data = b"".join(out)
    return data.ljust(padded(len(data)), b"\0")


def padded(size: int) -> int:
    return -(-size // ALIGNMENT) * ALIGNMENT


def _string(text: str) -> bytes:
    data = text.encode()
    return struct.pack("<Q", len(data)) + data


def _value(value: Any) -> list[bytes]:
    typed = value if isinstance(value, Typed) else Typed(_kind_of(value), value)
    if not isinstance(typed.value, list | tuple):
        return [struct.pack("<I", typed.kind), _plain(typed.kind, typed.value)]
    start = struct.pack("<IIQ", ARRAY, typed.kind, len(typed.value))
    if typed.kind == STRING:
        return [start, *(_string(each) for each in typed.value)]
    return [start, np.asarray(typed.value, _NUMBERS[typed.kind]).tobytes()]


def _plain(kind: int, value: Any) -> bytes:
    return _string(value) if kind == STRING else np.asarray(value, _NUMBERS[kind]).tobytes()


def _kind_of(value: Any) -> int:
    """The usual type of a value, or of a list's values."""
    first = value[0] if isinstance(value, list | tuple) and value else value
    if isinstance(first, str):
        return STRING
    if isinstance(first, bool):
        return BOOL
    return F32 if isinstance(first, float) else U32
