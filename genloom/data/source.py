"""Where data came from: its files, their sizes and SHA-256, and under what licence they are.

Knows files, not what is in them. The manifest goes into the model's card, so that anyone can tell
later whether a model was trained on the data that they hold.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, Self

from genloom.data.licences import licence_files, spdx_of
from genloom.errors import DataError

_BLOCK = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One file. path: relative to the root of its source, with forward slashes."""

    path: str
    size: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A data source at the time it was read.

    root     the file or folder, as the user gave it; "" for data that came from memory
    entries  its files, sorted by path
    items    how many items were read
    sha256   over the paths and digests of all files, or over the content of data from memory
    licence  SPDX identifiers joined by AND, as found or given; "unknown" where there is none
    credits  who made the items, where the data says so
    evidence the licence files found near the data; empty when the licence was given
    """

    root: str
    entries: tuple[Entry, ...]
    items: int
    sha256: str
    licence: str
    evidence: tuple[str, ...] = ()
    credits: tuple[str, ...] = ()

    @classmethod
    def of_files(
        cls,
        root: Path,
        files: Sequence[Path],
        *,
        items: int,
        licence: str | None = None,
        credits: tuple[str, ...] = (),
    ) -> Self:
        """Hash `files`, all of them at or below `root`, and look for a licence near them."""
        base = root if root.is_dir() else root.parent
        known = {os.fspath(f) for f in files}  # plain strings: a million paths are cheap as such
        start = os.fspath(base).rstrip(os.sep) + os.sep
        entries = tuple(sorted((_entry(f, start) for f in known), key=lambda e: e.path))
        found = [] if licence else licence_files(_folders(known, base))
        return cls(
            root=str(root),
            entries=entries,
            items=items,
            sha256=_digest(f"{e.path}\0{e.sha256}\n".encode() for e in entries),
            licence=licence or spdx_of(found),
            evidence=tuple(p.relative_to(base).as_posix() for p in found),
            credits=credits,
        )

    @classmethod
    def of_memory(cls, content: Iterable[bytes], *, items: int, licence: str | None = None) -> Self:
        """Data that has no file, by the bytes that it consists of."""
        return cls(
            root="", entries=(), items=items, sha256=_digest(content), licence=licence or "unknown"
        )

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(e.size for e in self.entries)

    def changed(self, root: Path | None = None) -> tuple[str, ...]:
        """The paths that are missing or differ today; `root` where the data has moved."""
        place = Path(self.root) if root is None else Path(root)
        base = place if place.is_dir() else place.parent
        return tuple(e.path for e in self.entries if not _same(base / e.path, e))

    def to_json(self) -> dict[str, Any]:
        return {**vars(self), "entries": [vars(e) for e in self.entries]}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Self:
        known: dict[str, Any] = dict(values)
        known["entries"] = tuple(Entry(**entry) for entry in known["entries"])
        known["evidence"] = tuple(known["evidence"])
        known["credits"] = tuple(known.get("credits", ()))
        return cls(**known)


def file_sha256(path: Path) -> str:
    """Hexadecimal, read block by block."""
    with open(path, "rb") as file:
        return _digest(iter(lambda: file.read(_BLOCK), b""))


def _digest(blocks: Iterable[bytes]) -> str:
    state = hashlib.sha256()
    for block in blocks:
        state.update(block)
    return state.hexdigest()


def _entry(path: str, start: str) -> Entry:
    """start: the base with a separator at its end."""
    try:
        name = path[len(start) :] if path.startswith(start) else os.path.relpath(path, start)
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            first = file.read(_BLOCK)
            blocks = chain([first], iter(lambda: file.read(_BLOCK), b"")) if first else ()
            return Entry(path=name.replace(os.sep, "/"), size=size, sha256=_digest(blocks))
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): check the file") from None


def _same(path: Path, entry: Entry) -> bool:
    try:
        return path.stat().st_size == entry.size and file_sha256(path) == entry.sha256
    except OSError:
        return False


def _folders(files: Iterable[str], base: Path) -> list[Path]:
    """`base` and every folder between it and a file."""
    root, between = os.fspath(base), {os.fspath(base)}
    for folder in {os.path.dirname(file) for file in files}:
        while folder.startswith(root) and folder not in between:
            between.add(folder)
            folder = os.path.dirname(folder)
    return sorted(map(Path, between))
