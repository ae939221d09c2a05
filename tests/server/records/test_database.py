"""Opening a database: its mode, its version, and what is said where it cannot be opened."""

from __future__ import annotations

import logging
import sqlite3
import stat
import threading
from pathlib import Path

import postgres_server
import psycopg
import pytest
from sqlalchemy import insert, select

from genloom.errors import GenloomError, ResourceError, UsageError
from genloom.server.failure import Failure
from genloom.server.records.database import open_database
from genloom.server.records.migrations import STEPS
from genloom.server.records.records import FILE, Records, open_records
from genloom.server.records.tables import VERSION


def test_sqlite_is_durable_and_private(place: Path) -> None:
    records = open_records(place / "server")
    records.documents.put("x", "1", 1, owner="ann")
    with records.database.reading() as connection:
        told = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert told == {
        "journal_mode": "wal",
        "synchronous": 2,
        "foreign_keys": 1,
        "busy_timeout": 10000,
    }
    for file in (place / "server").glob(f"{FILE}*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file
    assert stat.S_IMODE((place / "server").stat().st_mode) == 0o700
    records.close()


def test_a_newer_database_is_refused(place: Path, database_url: str) -> None:
    records = open_records(place, database_url)
    with records.database.writing() as connection:
        connection.execute(insert(VERSION).values(version=len(STEPS) + 1, applied=0.0))
    records.close()
    with pytest.raises(ResourceError, match="use a newer Genloom"):
        open_records(place, database_url)


def test_migrations_are_applied_once(place: Path, database_url: str) -> None:
    for _ in range(2):
        records = open_records(place, database_url)
        with records.database.reading() as connection:
            assert list(connection.scalars(select(VERSION.c.version))) == list(
                range(1, len(STEPS) + 1)
            )
        records.close()


def test_servers_that_start_at_once_migrate_once(place: Path, database_url: str) -> None:
    failed: list[str] = []

    def opening() -> None:
        try:
            open_database(place / FILE, database_url, wait=30).close()
        except Exception as error:
            failed.append(repr(error))

    threads = [threading.Thread(target=opening) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    records = open_records(place, database_url)
    assert records.jobs.create("batch", owner="ann", given={}).status == "queued"
    records.close()


@pytest.mark.parametrize("where", ["head", "middle", "all"])
def test_a_damaged_database_is_told(where: str, place: Path) -> None:
    records = open_records(place)
    for n in range(200):
        records.documents.put("x", f"d{n}", "y" * 500, owner="ann")
    records.close()
    file = place / FILE
    data = bytearray(file.read_bytes())
    begin, end = {"head": (0, 90), "middle": (8192, len(data)), "all": (0, len(data))}[where]
    data[begin:end] = b"\x5a" * (end - begin)
    file.write_bytes(data)
    with pytest.raises(ResourceError, match="is damaged: move it away"):
        open_records(place)


def test_a_locked_database_is_told_at_opening_and_at_work(place: Path) -> None:
    records = open_records(place, wait=0.1)
    other = sqlite3.connect(place / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        with pytest.raises(Failure) as error:
            records.documents.put("x", "1", 1, owner="ann")
        assert (error.value.status, error.value.code) == (503, "records_busy")
        assert error.value.headers["retry-after"] == "1" and records.database.refused == 1
        with pytest.raises(ResourceError, match="locked by another program"):
            open_records(place, wait=0.1)
    finally:
        other.close()
    records.documents.put("x", "1", 1, owner="ann")
    records.close()


def test_a_folder_that_cannot_be_written_is_told(place: Path) -> None:
    (place / "server").write_text("a file is in the way")
    with pytest.raises(ResourceError, match="cannot be opened"):
        open_records(place / "server")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://genloom:hidden-word@127.0.0.1/x",
        "hidden-word",
        "postgresql://genloom:hidden-word@127.0.0.1:hidden-word/x",
        "postgresql://genloom:hidden-word@127.0.0.1:1/x",
        "postgresql://genloom:hidden-word@127.0.0.1:1/x?nonsense=hidden-word",
        "postgresql://[hidden-word/x",
        "postgresql://genloom:1/hidden-word@127.0.0.1/x",
    ],
)
def test_no_word_of_a_url_is_told(url: str, place: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with pytest.raises(GenloomError) as error:
        open_records(place, url)
    assert isinstance(error.value, UsageError | ResourceError)
    assert_hidden("hidden-word", error.value, caplog.text)


def assert_hidden(secret: str, error: BaseException, log: str) -> None:
    assert secret not in log
    shown: BaseException | None = error
    while shown is not None:
        assert secret not in repr(shown)
        hidden = shown.__suppress_context__
        shown = shown.__cause__ or (None if hidden else shown.__context__)


def test_no_credential_is_told_by_a_server_that_refuses(
    postgres: str, place: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = postgres.replace(postgres_server.PASSWORD, "another-password")
    with pytest.raises(ResourceError, match="access refused") as error:
        open_records(place, wrong)
    assert_hidden("another-password", error.value, caplog.text)
    nowhere = postgres.rsplit("/", 1)[0] + "/nowhere"
    with pytest.raises(ResourceError, match="no such database") as error:
        open_records(place, nowhere)
    assert_hidden(postgres_server.PASSWORD, error.value, caplog.text)


def test_a_server_that_goes_away_is_a_503_without_a_word_of_it(
    postgres: str, place: Path, postgres_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    records = open_records(place, postgres_url)
    name = postgres_url.rsplit("/", 1)[1]
    with psycopg.connect(postgres, autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        )
        with pytest.raises(Failure) as error:
            records.documents.put("x", "1", "hidden-word", owner="ann")
        assert (error.value.status, error.value.code) == (503, "records_unavailable")
        assert_hidden("hidden-word", error.value, caplog.text)
        assert_hidden(postgres_server.PASSWORD, error.value, caplog.text)
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    assert records.documents.put("x", "1", 1, owner="ann").id == "1", "it is back"
    records.close()


def test_many_threads_write_and_none_is_refused(records: Records) -> None:
    job = records.jobs.create("batch", owner="ann", given={})
    failed: list[Exception] = []

    def work(number: int) -> None:
        try:
            for n in range(10):
                records.documents.put("x", f"{number}-{n}", n, owner="ann")
                records.jobs.note(job.id, "line")
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert records.documents.count("x", "ann") == 80
    assert [e.number for e in records.jobs.events(job.id)] == [*range(1, 81)]
