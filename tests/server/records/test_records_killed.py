"""Nothing acknowledged is lost by kill -9, and nothing half written is left, on both databases."""

from __future__ import annotations

import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from genloom.server.failure import Failure
from genloom.server.records.records import Records, open_records
from genloom.server.records.tables import ASSETS, BLOBS, FILES, HOLDINGS, PARTS

PROGRAM = Path(__file__).with_name("write_and_die.py")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("rounds", [8, pytest.param(100, marks=pytest.mark.slow)])
def test_what_was_acknowledged_survives_kill_9(rounds: int, place: Path, database_url: str) -> None:
    rng, told = random.Random(5), []
    with writers(place / "server", database_url) as program:
        for _ in range(rounds):
            told += killed_after(program, rng.randrange(12), rng.uniform(0.0, 0.02))
    records = open_records(place / "server", database_url)
    try:
        for line in told:
            check(records, line)
        whole(records, place / "server" / "assets")
    finally:
        records.close()


@contextmanager
def writers(folder: Path, url: str) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, PROGRAM, folder, url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as program:
        try:
            yield program
        finally:
            assert program.stdin is not None
            program.stdin.close()
            program.wait(30)


def killed_after(
    program: subprocess.Popen[bytes], lines: int, seconds: float
) -> list[dict[str, Any]]:
    """What one writer acknowledged before it died: so many lines, and what came in the seconds."""
    assert program.stdin is not None and program.stdout is not None
    program.stdin.write(b"go\n")
    program.stdin.flush()
    pid = json.loads(program.stdout.readline())["pid"]
    told = [json.loads(program.stdout.readline()) for _ in range(lines)]
    time.sleep(seconds)
    os.kill(pid, signal.SIGKILL)
    while "dead" not in (line := json.loads(program.stdout.readline())):
        told.append(line)
    assert line["status"] == signal.SIGKILL, "the writer ended by itself"
    return told


def check(records: Records, line: dict[str, Any]) -> None:
    match line:
        case {"asset": id, "sha256": sha256}:
            assert records.assets.get(id, "ann").sha256 == sha256
            assert hash_at(records.assets.path(sha256)) == sha256
        case {"document": id, "value": value}:
            assert records.documents.get("response", id, "ann").value == value
        case {"event": number, "job": job}:
            (event,) = records.jobs.events(job, after=number - 1, limit=1)
            assert event.number == number and event.message == "still here"
        case {"job": job}:
            assert records.jobs.get(job, "ann").status == "queued"
        case {"file": id}:
            file = records.files.get(id, "ann")
            assert file.bytes == 3_000 and hash_at(records.files.path(file.sha256)) == file.sha256
        case {"gone": id}:
            with pytest.raises(Failure):
                records.files.get(id, "ann")
        case _:
            raise AssertionError(line)


def hash_at(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def whole(records: Records, folder: Path) -> None:
    """Every row has its bytes, references and holdings are right, and leftovers can be swept."""
    with records.database.reading() as connection:
        counted: dict[str, int] = {}
        held = 0
        for table in (ASSETS, FILES, PARTS):
            query = select(table.c.sha256, func.count()).group_by(table.c.sha256)
            for sha256, count in connection.execute(query):
                counted[sha256] = counted.get(sha256, 0) + count
            held += int(connection.scalar(select(func.sum(table.c.bytes))) or 0)
        refs = {row.sha256: row.refs for row in connection.execute(select(BLOBS))}
        assert int(connection.scalar(select(func.sum(HOLDINGS.c.bytes))) or 0) == held
    assert {sha256: count for sha256, count in refs.items() if count} == counted
    assert all(records.assets.path(sha256).exists() for sha256 in counted)
    records.sweep(time.time() + 2 * 24 * 3600)
    left = {path.name for path in folder.rglob("*") if path.is_file() and len(path.name) == 64}
    with records.database.reading() as connection:
        assert left == set(connection.scalars(select(BLOBS.c.sha256)))
    assert not list((folder / "drafts").iterdir())
