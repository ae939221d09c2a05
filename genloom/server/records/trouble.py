"""What goes wrong below the records, in words: databases and disks -> Failure.

No message carries a statement, a value, a path or a part of the database's URL.
"""

from __future__ import annotations

import errno
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from genloom.server.failure import Failure

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
# Names of SQLite's codes and SQLSTATEs, by their beginnings.
NO_ROOM = ("SQLITE_FULL", "53100")
BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "40001", "40P01", "55P03", "57014")
CODE_BUSY = "records_busy"
DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "XX001", "XX002")

_log = logging.getLogger("genloom.records")


def missing(what: str, id: str) -> Failure:
    """The answer for what is not there, or another's: both look alike."""
    shown = id if len(id) <= 80 else f"{id[:80]}..."
    return Failure(404, f"no {what} {shown!r}", code=f"{what.replace(' ', '_')}_not_found")


def no_room() -> Failure:
    return Failure(
        507, "the server's disk is full: nothing was stored", code="insufficient_storage"
    )


def code_of(error: Exception) -> str:
    """SQLite's name of the error, or PostgreSQL's SQLSTATE; empty where there is none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    found = getattr(cause, "sqlite_errorname", None) or getattr(cause, "sqlstate", None)
    return str(found or "")


def failure_of(error: DBAPIError | PoolTimeout) -> Failure:
    code = code_of(error)
    _log.error("the database of records failed: %s %s", type(error).__name__, code)
    if code.startswith(NO_ROOM):
        return no_room()
    if code.startswith(BUSY) or isinstance(error, PoolTimeout):
        return busy()
    if code.startswith(DAMAGED):
        return Failure(500, "the database of records is damaged", code="records_damaged")
    return _later("the database of records cannot be reached", "records_unavailable")


def busy() -> Failure:
    return _later("the records are busy: try again", CODE_BUSY)


def _later(message: str, code: str) -> Failure:
    return Failure(503, message, code=code, headers={"Retry-After": "1"})


@contextmanager
def told() -> Iterator[None]:
    """Errors of the database inside the block become Failures; a broken rule stays as it is."""
    try:
        yield
    except IntegrityError:
        raise
    except (DBAPIError, PoolTimeout) as error:
        raise failure_of(error) from None


@contextmanager
def on_disk() -> Iterator[None]:
    """Errors of the disk inside the block become Failures."""
    try:
        yield
    except OSError as error:
        if error.errno in FULL:
            raise no_room() from error
        _log.error("the server's disk failed: %s", error.strerror)
        raise Failure(500, "the server's disk failed: nothing was stored", code="disk") from error
