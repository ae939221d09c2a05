"""One database, SQLite or PostgreSQL: opening it, and short transactions.

SQLite: write-ahead log, every commit on disk before it returns, one writer at a time in this
process and between processes. Knows no table.
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from genloom.errors import MissingExtra, ResourceError, UsageError
from genloom.server.failure import Failure
from genloom.server.records.migrations import migrate
from genloom.server.records.trouble import BUSY, CODE_BUSY, DAMAGED, busy, code_of, told
from genloom.server.threads import DOOR, MOST

NAMES = {"postgresql", "postgres", "postgresql+psycopg"}
PATIENCE = {"statement_timeout": 30, "lock_timeout": 10, "idle_in_transaction_session_timeout": 60}
REFUSALS = {
    "authentication failed": "access refused",
    "does not exist": "no such database or role",
    "permission denied": "no permission",
    "readonly": "it cannot be written",
}
CHECKED = 256 << 20  # bytes up to which a SQLite file is read through when it is opened


class Database:
    """An open database. wait: seconds for which a writer waits for its turn. refused: how often
    that was too long."""

    def __init__(self, engine: Engine, wait: float) -> None:
        self.engine, self._wait, self.refused = engine, wait, 0
        self._writer = engine.execution_options(writes=True)
        # In PostgreSQL writers keep out of each other's way by themselves.
        self._turn = threading.Lock() if engine.dialect.name == "sqlite" else None

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is on disk when the block has ended, or never was."""
        with self._counted(), told(), self._alone(), self._writer.begin() as connection:
            yield connection

    @contextmanager
    def _counted(self) -> Iterator[None]:
        try:
            yield
        except Failure as failure:
            self.refused += failure.code == CODE_BUSY
            raise

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._turn is None:
            yield
            return
        if not self._turn.acquire(timeout=self._wait):
            raise busy()
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self._counted(), told(), self.engine.connect() as connection:
            yield connection

    def close(self) -> None:
        self.engine.dispose()


def open_database(file: Path, url: str = "", *, wait: float = 10.0) -> Database:
    """The database at the URL, or else in the file, brought to the newest version.

    wait: seconds for which a lock, or a connection, is waited for. ResourceError where it cannot
    be opened, is damaged, locked or newer than this program; UsageError where the URL is none."""
    engine, place = _postgres(url, wait) if url else _sqlite(file, wait)
    database = Database(engine, wait)
    try:
        if not url:
            _prepare(engine)
        with engine.execution_options(writes=True).begin() as connection:
            migrate(connection)
    except (DBAPIError, sqlite3.Error) as error:
        engine.dispose()
        raise _not_opened(place, error) from None
    except BaseException:
        engine.dispose()
        raise
    return database


def _not_opened(place: str, error: DBAPIError | sqlite3.Error) -> ResourceError:
    code = code_of(error)
    if code.startswith(DAMAGED):
        return ResourceError(f"{place} is damaged: move it away, or put back a copy")
    if code.startswith(BUSY):
        return ResourceError(f"{place} is locked by another program: stop it, or wait")
    said = str(error)  # a connection that was refused has no code
    reason = next((word for sign, word in REFUSALS.items() if sign in said), code)
    return ResourceError(f"{place} cannot be opened ({reason or 'no answer'})")


def _sqlite(file: Path, wait: float) -> tuple[Engine, str]:
    place = f"the database of records ({file.name})"
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):  # a file that is there is not opened: to close it would
            # end the locks that this process's other connections hold (POSIX)
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        os.chmod(file, 0o600)
    except OSError as error:
        raise ResourceError(f"{place} cannot be opened ({error.strerror})") from error
    engine = create_engine(
        URL.create("sqlite", database=str(file)),
        connect_args={"timeout": wait, "check_same_thread": False},
        **_pool(wait),
    )
    event.listen(engine, "connect", _connected)
    event.listen(engine, "begin", _begun)
    return engine, place


def _pool(wait: float) -> dict[str, Any]:
    return {
        "pool_size": MOST + DOOR,
        "max_overflow": 4,  # the background writer, the sweep
        "pool_timeout": wait,
        "hide_parameters": True,
    }


def _connected(connection: Any, record: object) -> None:
    connection.isolation_level = None  # transactions begin where we say so
    for line in ("synchronous=FULL", "foreign_keys=ON", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {line}")


def _begun(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("bare"):
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get("writes") else "BEGIN")


def _prepare(engine: Engine) -> None:
    """What lies in the file is a database, whole, with a write-ahead log."""
    with engine.execution_options(bare=True).connect() as bare:

        def asked(pragma: str) -> Any:
            return bare.exec_driver_sql(f"PRAGMA {pragma}").scalar_one()

        asked("journal_mode=WAL")
        small = asked("page_count") * asked("page_size") <= CHECKED
        if small and asked("quick_check(1)") != "ok":
            raise ResourceError(
                "the database of records is damaged: move it away, or put back a copy"
            )


def _bounded(connection: Any, record: object) -> None:
    """No statement and no wait goes on for ever."""
    for limit, seconds in PATIENCE.items():
        connection.execute(f"SET {limit} = '{seconds}s'")
    connection.commit()


def _postgres(url: str, wait: float) -> tuple[Engine, str]:
    try:
        made = make_url(url)
    except (ArgumentError, ValueError):
        made = None
    if made is None or made.drivername not in NAMES:
        raise UsageError(
            "the records' URL is none that is known: give postgresql://user:password@host/name"
        )
    plain = re.fullmatch(r"[A-Za-z0-9.-]+", made.host or "")  # never a part of a broken URL
    place = f"the database of records at {made.host if plain else 'its address'}"
    try:
        engine = create_engine(
            made.set(drivername="postgresql+psycopg"),
            connect_args={"connect_timeout": max(2, int(wait))},
            pool_pre_ping=True,
            **_pool(wait),
        )
        event.listen(engine, "connect", _bounded)
    except ImportError:
        raise MissingExtra("psycopg", "postgres") from None
    except SQLAlchemyError:
        raise UsageError("the records' URL cannot be used as it is") from None
    return engine, place
