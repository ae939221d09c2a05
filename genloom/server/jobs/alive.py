"""Which servers on this database live: each holds a locked file, and says so now and then.

The lock tells of a server on this machine that was killed at once; what it said last tells of one
elsewhere. Knows no job.
"""

from __future__ import annotations

import fcntl
import os
import secrets
import socket
import time
from contextlib import suppress
from pathlib import Path

from genloom.server.failure import Failure
from genloom.server.records.documents import Documents

KIND, OWNER = "server", ""
FOLDER = "servers"


class Alive:
    """This server among the others. folder: where the lock files of this machine's servers are."""

    def __init__(self, folder: Path, documents: Documents, lease: float) -> None:
        self.folder, self.documents, self.lease = folder / FOLDER, documents, lease
        self.machine = socket.gethostname()[:40].replace(":", "-")
        self.me = f"server_{self.machine}_{secrets.token_hex(6)}"
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = _held(self.folder, self.me)
        documents.put(KIND, self.me, {"seen": time.time()}, owner=OWNER)

    def beat(self) -> None:
        """Say that this server lives."""
        seen = {"seen": time.time()}
        try:
            self.documents.change(KIND, self.me, OWNER, lambda _: seen)
        except Failure as error:
            if error.status != 404:
                raise
            self.documents.put(KIND, self.me, seen, owner=OWNER)  # another thought it dead

    def lives(self, server: str) -> bool:
        """Whether that server may still be at work."""
        if server == self.me:
            return True
        here = self.folder / server
        if here.is_file() and _free(here):
            self._bury(server)
            return False
        try:
            seen = self.documents.get(KIND, server, OWNER).value["seen"]
        except Failure as error:
            if error.status != 404:
                raise
            return False
        return time.time() - seen < self.lease

    def close(self) -> None:
        self._bury(self.me)
        os.close(self._lock)

    def _bury(self, server: str) -> None:
        with suppress(Failure):
            self.documents.remove(KIND, server, OWNER)
        (self.folder / server).unlink(missing_ok=True)


def _held(folder: Path, name: str) -> int:
    """A locked file of that name; it is never there unlocked."""
    draft = folder / f".{name}"
    handle = os.open(draft, os.O_CREAT | os.O_RDWR, 0o600)
    fcntl.flock(handle, fcntl.LOCK_EX)
    os.rename(draft, folder / name)
    return handle


def _free(file: Path) -> bool:
    """Whether nobody holds the lock any more."""
    with suppress(OSError):
        handle = os.open(file, os.O_RDWR)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except OSError:
            return False
        finally:
            os.close(handle)
    return False
