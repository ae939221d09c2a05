"""Bytes on disk, named by their SHA-256: equal bytes once, whole or not there at all.

A draft is written to a temporary file, fsynced, and linked to its place; the row that refers to it
is committed after that. Rows count references; bytes that nothing refers to are swept. Knows no
owner.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from sqlalchemy import Connection, delete, select, update

from genloom.server.failure import Failure
from genloom.server.records.database import Database
from genloom.server.records.tables import BLOBS
from genloom.server.records.trouble import on_disk
from genloom.server.records.upsert import upsert

STALE = 24 * 3600.0  # seconds after which a file that nothing knows was left by a crash
WALK = 6 * 3600.0  # seconds between two looks at every file
PIECE = 1 << 20


class Draft:
    """Bytes on their way to the disk, hashed as they come, up to a limit."""

    def __init__(self, file: IO[bytes], path: Path, limit: int | None) -> None:
        self._file, self.path, self.limit = file, path, limit
        self._sha256, self._md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        self.bytes = 0

    def write(self, data: bytes) -> None:
        """Failure 413 past the limit, 507 where the disk is full."""
        self.bytes += len(data)
        if self.limit is not None and self.bytes > self.limit:
            raise Failure(
                413, f"more than the {self.limit} bytes that are allowed", code="file_too_large"
            )
        self._sha256.update(data)
        self._md5.update(data)
        with on_disk():
            self._file.write(data)

    def finish(self) -> None:
        """On disk, all of it."""
        with on_disk():
            self._file.flush()
            os.fsync(self._file.fileno())

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def md5(self) -> str:
        return self._md5.hexdigest()

    def close_file(self) -> None:
        """No more comes; it need not be on disk yet."""
        with on_disk():
            self._file.close()

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()
        self.path.unlink(missing_ok=True)


class Blobs:
    def __init__(self, folder: Path, database: Database) -> None:
        self._folder, self._drafts, self._database = folder / "bytes", folder / "drafts", database
        self._drawn = folder / "drawn"
        self._walked = float("-inf")
        for made in (folder, self._folder, self._drafts, self._drawn):
            made.mkdir(parents=True, exist_ok=True, mode=0o700)

    @contextmanager
    def draft(self, limit: int | None = None) -> Iterator[Draft]:
        """A draft that is gone when the block ends, kept or not."""
        opened = self.open_draft(limit)
        try:
            yield opened
        finally:
            opened.close()

    def open_draft(self, limit: int | None = None) -> Draft:
        """A draft that the caller closes."""
        with on_disk():
            handle, name = tempfile.mkstemp(dir=self._drafts)
        return Draft(os.fdopen(handle, "wb", buffering=PIECE), Path(name), limit)

    def path(self, sha256: str) -> Path:
        return self._folder / sha256[:2] / sha256[2:4] / sha256

    def drawn(self, sha256: str, name: str) -> Path:
        """Where something that was made of the bytes lies, such as a small picture: it can be made
        again, and it goes when they go."""
        return self._drawn / sha256[:2] / sha256[2:4] / f"{sha256}.{name}"

    def draw(self, sha256: str, name: str, data: bytes) -> Path:
        """Keep it; whole or not at all."""
        place = self.drawn(sha256, name)
        with self.draft() as draft, on_disk():
            draft.write(data)
            draft.close_file()
            place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            os.replace(draft.path, place)
        return place

    def settle(self, draft: Draft) -> None:
        """Bring a finished draft to its place, unless equal bytes are there."""
        place = self.path(draft.sha256)
        if place.exists():
            return
        with on_disk():
            self._make_folders(place.parent)
            with suppress(FileExistsError):
                os.link(draft.path, place)
            _sync(place.parent)

    @contextmanager
    def settled(self, draft: Draft) -> Iterator[None]:
        """A finished draft in its place while a transaction refers to it; where that fails, the
        bytes go again, unless others refer to them."""
        self.settle(draft)
        try:
            yield
        except BaseException:
            with suppress(Failure):  # no database to ask: the sweep finds it
                self._drop_unknown(self.path(draft.sha256))
            raise

    def _make_folders(self, folder: Path) -> None:
        for level in (folder.parent, folder):
            if not level.is_dir():
                level.mkdir(exist_ok=True, mode=0o700)
                _sync(level.parent)

    def refer(self, connection: Connection, draft: Draft) -> None:
        """Count one reference more to a settled draft, in the transaction of the row that refers.

        The row of the blob is held until the end of the transaction, so that a sweep which
        removes the same bytes is either over (they are linked again) or comes too late."""
        new = {"sha256": draft.sha256, "bytes": draft.bytes, "refs": 1, "created": time.time()}
        connection.execute(
            upsert(connection, BLOBS, new, ("sha256",), lambda old: {"refs": old.refs + 1})
        )
        self.settle(draft)

    def release(self, connection: Connection, *hashes: str) -> None:
        """Count one reference less to each."""
        for sha256 in sorted(hashes):  # in one order, so that no two transactions wait in a ring
            connection.execute(
                update(BLOBS).where(BLOBS.c.sha256 == sha256).values(refs=BLOBS.c.refs - 1)
            )

    def sweep(self, most: int = 1000) -> int:
        """Remove bytes that nothing refers to; how many files went."""
        with self._database.reading() as connection:
            query = select(BLOBS.c.sha256).where(BLOBS.c.refs <= 0).limit(most)
            unused = list(connection.scalars(query))
        return sum(self.drop(sha256) for sha256 in unused)

    def drop(self, sha256: str) -> bool:
        """Remove bytes that nothing refers to; False where something does."""
        with self._database.writing() as connection:
            gone = delete(BLOBS).where(BLOBS.c.sha256 == sha256, BLOBS.c.refs <= 0)
            if not connection.execute(gone).rowcount:
                return False
            self.path(sha256).unlink(missing_ok=True)  # before the commit: the row is still held
        for drawn in self.drawn(sha256, "").parent.glob(f"{sha256}.*"):
            drawn.unlink(missing_ok=True)
        return True

    def sweep_left(self, now: float, every: float = WALK) -> int:
        """Remove what processes that died left: drafts, and bytes that no row knows. It looks at
        every file that is kept, so it does nothing where that was done lately."""
        if now - self._walked < every:
            return 0
        self._walked, before = now, now - STALE
        self._sweep_drawn(before)
        return self.sweep_drafts(before) + self.sweep_unknown(before)

    def _sweep_drawn(self, before: float) -> None:
        for path in self._drawn.glob("??/??/*"):
            if _older(path, before) and not self.path(path.name.partition(".")[0]).exists():
                path.unlink(missing_ok=True)

    def sweep_drafts(self, before: float) -> int:
        old = [path for path in self._drafts.iterdir() if _older(path, before)]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def sweep_unknown(self, before: float) -> int:
        kept = self._folder.glob("??/??/*")
        return sum(self._drop_unknown(path) for path in kept if _older(path, before))

    def _drop_unknown(self, path: Path) -> bool:
        row = {"sha256": path.name, "bytes": 0, "refs": 0, "created": 0.0}
        with self._database.writing() as connection:
            known = select(BLOBS.c.sha256).where(BLOBS.c.sha256 == path.name)
            if connection.execute(known).first():
                return False
            # The row is held while the file goes, so that nobody refers to it meanwhile.
            mine = upsert(connection, BLOBS, row, ("sha256",), None)
            if connection.execute(mine).first() is None:
                return False
            path.unlink(missing_ok=True)
            connection.execute(delete(BLOBS).where(BLOBS.c.sha256 == path.name))
        return True


def _older(path: Path, time: float) -> bool:
    try:
        return path.lstat().st_mtime < time
    except FileNotFoundError:
        return False


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
