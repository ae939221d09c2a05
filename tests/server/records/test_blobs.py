"""Bytes on disk: equal ones once, whole or not at all, gone with the last row that refers."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from genloom.server.failure import Failure
from genloom.server.records.records import Records, open_records
from genloom.server.records.tables import BLOBS

FULL = """
import resource, signal, sys
from pathlib import Path
from typing import Any
from genloom.server.failure import Failure
from genloom.server.records.records import open_records

records = open_records(Path(sys.argv[1]), sys.argv[2])
kept = records.assets.put(b"before", "text/plain", owner="ann")
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))  # a write past it fails
try:
    records.assets.put(b"x" * 3_000_000, "text/plain", owner="ann")
except Failure as error:
    print(error.status, error.code, error.type)
print(records.assets.held("ann"), records.assets.path(kept.sha256).read_bytes())
"""


def files_below(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_full_disk_is_a_507_and_leaves_nothing(place: Path, database_url: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", FULL, place, database_url], capture_output=True, text=True
    )
    assert done.stdout.splitlines() == [
        "507 insufficient_storage insufficient_storage",
        "6 b'before'",
    ], done.stderr
    assert len(files_below(place / "assets")) == 1


def test_a_full_database_is_a_507_and_leaves_nothing(place: Path) -> None:
    records = open_records(place)

    def small(connection: Any, record: object) -> None:
        connection.execute("PRAGMA max_page_count = 80")

    event.listen(records.database.engine, "connect", small)
    records.database.engine.dispose()
    with pytest.raises(Failure) as error:
        for n in range(100):
            records.documents.put("x", f"{n}", "y" * 5000, owner="ann")
    assert (error.value.status, error.value.code) == (507, "insufficient_storage")
    with pytest.raises(Failure) as error:
        records.assets.put(b"x", "text/plain", owner="ann", record={"long": "z" * 50_000})
    assert error.value.status == 507 and not files_below(place / "assets")
    assert records.documents.count("x", "ann") == n
    records.documents.remove("x", "0", "ann")
    records.documents.put("x", "0", "there is room again", owner="ann")
    records.close()


def test_a_limit_is_a_413_and_leaves_nothing(records: Records, place: Path) -> None:
    with pytest.raises(Failure) as error, records.blobs.draft(100) as draft:
        draft.write(b"x" * 60)
        draft.write(b"x" * 60)
    assert (error.value.status, error.value.code) == (413, "file_too_large")
    assert not files_below(place / "server" / "assets")


def test_equal_bytes_lie_there_once(records: Records, place: Path) -> None:
    ids = [records.assets.put(b"same", "text/plain", owner="ann").id for _ in range(3)]
    assert len(files_below(place / "server" / "assets")) == 1
    for id in ids:
        assert files_below(place / "server" / "assets")
        records.assets.remove(id, "ann")
    assert not files_below(place / "server" / "assets")
    assert records.assets.held("ann") == 0


def test_a_quota_of_bytes_holds_for_files_assets_and_parts(place: Path, database_url: str) -> None:
    records = open_records(place, database_url, owner_bytes=100)
    records.files.put(b"x" * 60, "a", "user_data", owner="ann")
    with pytest.raises(Failure) as error:
        records.assets.put(b"y" * 41, "text/plain", owner="ann")
    assert (error.value.status, error.value.code) == (429, "storage_quota_exceeded")
    assert records.assets.held("ann") == 60
    asset = records.assets.put(b"y" * 40, "text/plain", owner="ann")
    with pytest.raises(Failure):
        records.assets.put(b"z" * 101, "text/plain", owner="bob")
    records.assets.remove(asset.id, "ann")
    upload = records.uploads.create(
        owner="ann", filename="f", purpose="user_data", media="text/plain", bytes=50
    )
    for size, fits in ((30, True), (20, False)):
        with records.blobs.draft() as draft:
            draft.write(b"p" * size)
            draft.finish()
            if fits:
                records.uploads.add(upload.id, "ann", draft)
            else:
                with pytest.raises(Failure, match="quota"):
                    records.uploads.add(upload.id, "ann", draft)
    records.uploads.cancel(upload.id, "ann")
    assert records.assets.held("ann") == 60
    assert len(files_below(place / "assets")) == 1, "what was refused takes no room"
    records.close()


def test_what_is_stored_while_it_is_swept_is_there(records: Records) -> None:
    """Threads store and remove the same few bytes at once: none of them pulls another's away."""
    failed: list[str] = []
    stop = threading.Event()

    def sweep() -> None:
        while not stop.is_set():
            records.blobs.sweep()
            records.blobs.sweep_unknown(time.time() + 10)

    def work(number: int) -> None:
        try:
            for n in range(25):
                asset = records.assets.put(b"%d" % (n % 3), "text/plain", owner=f"o{number}")
                if records.assets.path(asset.sha256).read_bytes() != b"%d" % (n % 3):
                    failed.append("other bytes")
                records.assets.remove(asset.id, f"o{number}")
        except Exception as error:
            failed.append(repr(error))

    sweeper = threading.Thread(target=sweep)
    workers = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in (sweeper, *workers):
        thread.start()
    for thread in workers:
        thread.join()
    stop.set()
    sweeper.join()
    assert not failed, failed[:3]
    records.blobs.sweep()
    with records.database.reading() as connection:
        assert connection.scalar(select(func.count()).select_from(BLOBS)) == 0


def test_what_a_dead_process_left_is_swept_when_it_is_old(records: Records, place: Path) -> None:
    kept = records.assets.put(b"kept", "text/plain", owner="ann")
    folder = place / "server" / "assets"
    draft = records.blobs.open_draft()  # its process dies here
    draft.write(b"half")
    with records.blobs.draft() as other:  # or here: settled, but no row refers to it
        other.write(b"whole")
        other.finish()
        records.blobs.settle(other)
    assert records.blobs.sweep_left(time.time(), every=0) == 0, (
        "they may be of a request that is under way"
    )
    for path in files_below(folder):
        os.utime(path, (0, 0))
    assert records.blobs.sweep_left(time.time(), every=0) == 2
    assert [path.name for path in files_below(folder)] == [kept.sha256]
    draft.close()
