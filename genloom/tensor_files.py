"""Tensors on disk in the safetensors layout: one file, or shards with an index.

Every number of a header is checked before it is used. Tensors are read one at a time, straight to
where they belong, or mapped; written one at a time, too. Knows no meaning of a name.
"""

from __future__ import annotations

import json
import math
import mmap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from genloom.errors import ModelError

LARGEST_HEADER = 100 << 20  # bytes, as the format has it
LARGEST_INDEX = 64 << 20
SHARD = 4 << 30  # bytes of a file, beyond which there are several
ALIGNED = 64  # bytes; vector units read from such places
DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
NAMES = {dtype: name for name, dtype in DTYPES.items()}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """Where a tensor lies: `size` bytes from `start` of a file."""

    file: Path
    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    size: int


class TensorFiles:
    """The tensors of one or several files, by name."""

    def __init__(self, entries: Mapping[str, Entry]) -> None:
        self.entries = dict(entries)
        self._maps: dict[Path, mmap.mmap] = {}

    @classmethod
    def open(cls, path: Path, stem: str = "model") -> Self:
        """A file, or the file or the shards in a folder. ModelError where it is damaged."""
        if path.is_file():
            return cls(header(path))
        single, index = path / f"{stem}.safetensors", path / f"{stem}.safetensors.index.json"
        if index.is_file() and not single.is_file():
            return cls(_sharded(index))
        if not single.is_file():
            raise ModelError(f"{path} has neither {single.name} nor {index.name}")
        return cls(header(single))

    @property
    def names(self) -> list[str]:
        return list(self.entries)

    @property
    def nbytes(self) -> int:
        return sum(entry.size for entry in self.entries.values())

    def shape(self, name: str) -> tuple[int, ...]:
        return self.entries[name].shape

    def dtype(self, name: str) -> torch.dtype:
        return self.entries[name].dtype

    def read_into(self, name: str, out: Tensor) -> None:
        """Fill `out`, of this shape; without a copy where type and layout are the stored ones."""
        entry = self.entries[name]
        straight = out.is_contiguous() and out.dtype == entry.dtype and out.device.type == "cpu"
        raw = out if straight else torch.empty(entry.shape, dtype=entry.dtype)
        read_bytes(entry.file, entry.start, raw)
        if not straight:
            out.copy_(raw)

    def read(self, name: str) -> Tensor:
        out = torch.empty(self.shape(name), dtype=self.dtype(name))
        self.read_into(name, out)
        return out

    def mapped(self, name: str) -> Tensor:
        """The tensor in the file's own pages, which are loaded when touched; what is written to it
        stays in memory."""
        entry = self.entries[name]
        count = math.prod(entry.shape)
        if not count or entry.start % entry.dtype.itemsize:
            return self.read(name)
        if entry.file not in self._maps:
            with entry.file.open("rb") as file:
                self._maps[entry.file] = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
        pages: Any = self._maps[entry.file]
        flat = torch.frombuffer(pages, dtype=entry.dtype, count=count, offset=entry.start)
        return flat.view(entry.shape)


def read_bytes(path: Path, start: int, out: Tensor) -> None:
    """Fill a contiguous tensor with the file's bytes from `start`. ModelError where it ends."""
    if not out.numel():
        return
    room = out.detach().reshape(-1).view(torch.uint8).numpy().data
    with path.open("rb", buffering=0) as file:
        file.seek(start)
        while len(room):
            count = file.readinto(room)
            if not count:
                raise ModelError(f"{path} ends in the middle of a tensor: fetch it again")
            room = room[count:]


# --- reading what a file says of itself -----------------------------------------------------------


def header(path: Path) -> dict[str, Entry]:
    """What a file says it holds, every number checked. ModelError where it cannot be so."""
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if size < 8 or length > min(size - 8, LARGEST_HEADER):
            raise _damaged(path, f"its header claims {length:,} bytes in a file of {size:,}")
        text = file.read(length)
    try:
        told = json.loads(text)
    except (ValueError, UnicodeDecodeError, RecursionError):
        raise _damaged(path, "its header is no JSON") from None
    if not isinstance(told, dict):
        raise _damaged(path, "its header is no object")
    told.pop("__metadata__", None)
    entries = {name: _entry(path, 8 + length, name, value) for name, value in told.items()}
    _check_places(path, entries, 8 + length, size)
    return entries


def _entry(path: Path, base: int, name: str, value: Any) -> Entry:
    try:
        shape = tuple(value["shape"])
        first, last = value["data_offsets"]
        whole = all(type(n) is int and n >= 0 for n in (*shape, first, last))
        kind = value["dtype"]
    except (TypeError, KeyError, ValueError):
        raise _damaged(path, f"its header describes {name!r} without shape or place") from None
    if not whole or last < first:
        raise _damaged(path, f"its header has an impossible shape or place for {name!r}")
    if not isinstance(kind, str) or kind not in DTYPES:
        raise ModelError(f"{path} holds {name!r} in type {kind!r}: known are {', '.join(DTYPES)}")
    if math.prod(shape) * DTYPES[kind].itemsize != last - first:
        raise _damaged(path, f"{name!r} has {last - first:,} bytes, which is not its shape's size")
    return Entry(file=path, dtype=DTYPES[kind], shape=shape, start=base + first, size=last - first)


def _check_places(path: Path, entries: Mapping[str, Entry], base: int, size: int) -> None:
    """One tensor after another, none over another, none beyond the end."""
    end = base
    for name, entry in sorted(entries.items(), key=lambda pair: (pair[1].start, pair[1].size)):
        if entry.start < end:
            raise _damaged(path, f"{name!r} lies over another tensor")
        end = entry.start + entry.size
        if end > size:
            raise _damaged(path, f"{name!r} ends at byte {end:,} of {size:,}: the file is cut off")


def _sharded(index: Path) -> dict[str, Entry]:
    if index.stat().st_size > LARGEST_INDEX:
        raise ModelError(f"{index} is larger than any index: it is not read")
    try:
        places = json.loads(index.read_text("utf-8"))["weight_map"]
        files = sorted(set(places.values()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _damaged(index, "it is no index of tensors") from None
    known: dict[str, Entry] = {}
    for name in files:
        if Path(str(name)).name != name or not name.endswith(".safetensors"):
            raise _damaged(index, f"it names the file {name!r}, which is no shard beside it")
        if not (index.parent / name).is_file():
            raise ModelError(f"{index.parent} lacks the shard {name}: fetch it again")
        mine = header(index.parent / name)
        twice = sorted(known.keys() & mine.keys())
        if twice:
            raise _damaged(index, f"{twice[0]!r} is in two shards")
        known |= mine
    lacking = sorted(places.keys() - known.keys())
    if lacking:
        raise _damaged(index, f"no shard holds {lacking[0]!r}")
    return known


def _damaged(path: Path, why: str) -> ModelError:
    return ModelError(f"{path} is damaged: {why}; fetch it again")


# --- writing --------------------------------------------------------------------------------------


def write(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """One file; each tensor is made contiguous by itself, as it is written."""
    with path.open("wb") as file:
        file.write(_head(tensors))
        for tensor in tensors.values():
            file.writelines(pieces(tensor))


def _head(tensors: Mapping[str, Tensor]) -> bytes:
    told: dict[str, Any] = {"__metadata__": {"format": "pt"}}
    first = 0
    for name, tensor in tensors.items():
        last = first + tensor.numel() * tensor.element_size()
        told[name] = {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [first, last],
        }
        first = last
    text = json.dumps(told, separators=(",", ":")).encode()
    text = text.ljust(-(-(len(text) + 8) // ALIGNED) * ALIGNED - 8)
    return len(text).to_bytes(8, "little") + text


def pieces(tensor: Tensor) -> Iterator[memoryview]:
    """The tensor's bytes, without a copy where it lies in memory as it is to be written."""
    plain = tensor.detach().cpu().contiguous()
    if plain.numel():
        yield plain.reshape(-1).view(torch.uint8).numpy().data


def write_sharded(folder: Path, tensors: Mapping[str, Tensor], most: int = SHARD) -> None:
    """model.safetensors; where that would be beyond `most` bytes, shards and their index."""
    groups = _groups(tensors, most)
    if len(groups) == 1:
        write(folder / "model.safetensors", tensors)
        return
    places: dict[str, str] = {}
    for number, names in enumerate(groups, 1):
        file = f"model-{number:05d}-of-{len(groups):05d}.safetensors"
        write(folder / file, {name: tensors[name] for name in names})
        places |= dict.fromkeys(names, file)
    total = sum(t.numel() * t.element_size() for t in tensors.values())
    index = {"metadata": {"total_size": total}, "weight_map": places}
    text = json.dumps(index, indent=1)
    (folder / "model.safetensors.index.json").write_text(text, encoding="utf-8")


def _groups(tensors: Mapping[str, Tensor], most: int) -> list[list[str]]:
    groups: list[list[str]] = [[]]
    filled = 0
    for name, tensor in tensors.items():
        size = tensor.numel() * tensor.element_size()
        if groups[-1] and filled + size > most:
            groups.append([])
            filled = 0
        groups[-1].append(name)
        filled += size
    return groups
