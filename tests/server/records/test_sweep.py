"""What has expired goes with one sweep, and nothing else does."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from genloom.server.failure import Failure
from genloom.server.records.idempotency import Answer
from genloom.server.records.records import Records
from genloom.server.records.rows import Page
from genloom.server.records.runs import Run

DAY = 86400.0


def test_a_sweep_takes_what_has_expired_and_leaves_the_rest(records: Records, place: Path) -> None:
    now = time.time()
    soon, later = now + 60, now + DAY
    files = [
        records.files.put(b"f%d" % n, "f", "user_data", owner="ann", expires=expires).id
        for n, expires in enumerate((soon, later, None))
    ]
    assets = [
        records.assets.put(b"a%d" % n, "text/plain", owner="ann", expires=expires).id
        for n, expires in enumerate((soon, None))
    ]
    for n, expires in enumerate((soon, None)):
        records.documents.put("response", f"r{n}", n, owner="ann", expires=expires)
    jobs = [records.jobs.create("batch", owner="ann", given={}, expires=soon) for _ in range(2)]
    records.jobs.move(jobs[0].id, "completed")
    upload = records.uploads.create(
        owner="ann", filename="f", purpose="user_data", media="text/plain", bytes=5
    )
    with records.blobs.draft() as draft:
        draft.write(b"part")
        draft.finish()
        records.uploads.add(upload.id, "ann", draft)
    records.idempotency.begin("ann", "k", "d")
    records.idempotency.end("ann", "k", Answer(status=200, media="text/plain", body=b""))
    records.journal.run(Run(route="/v1/x", status=200, ms=1.0))
    records.journal.flush()

    assert records.sweep(now) == 0
    records.sweep(now + 2 * 3600, runs_kept=DAY)
    assert [f.id for f in records.files.listed("ann", Page(descending=False))[0]] == files[1:]
    assert [a.id for a in records.assets.listed("ann", Page())[0]] == assets[1:]
    assert [d.id for d in records.documents.listed("response", "ann", Page())[0]] == ["r1"]
    assert [j.id for j in records.jobs.listed("ann", Page())[0]] == [jobs[1].id], "still to do"
    with pytest.raises(Failure, match="expired"):
        records.uploads.open(upload.id, "ann")
    assert records.assets.held("ann") == 2 + 2 + 2
    kept = place / "server" / "assets" / "bytes"
    assert len([path for path in kept.rglob("*") if path.is_file()]) == 3
    assert len(records.runs.newest()) == 1
    assert records.idempotency.begin("ann", "k", "d") is not None

    records.sweep(now + 3 * DAY, runs_kept=DAY)
    assert records.runs.newest() == []
    assert records.idempotency.begin("ann", "k", "d") is None
    with pytest.raises(Failure, match="no upload"):
        records.uploads.open(upload.id, "ann")


def test_what_has_expired_is_not_found_before_it_is_swept(records: Records) -> None:
    past = time.time() - 1
    file = records.files.put(b"f", "f", "user_data", owner="ann", expires=past)
    records.documents.put("response", "r", 1, owner="ann", expires=past)
    with pytest.raises(Failure):
        records.files.get(file.id, "ann")
    with pytest.raises(Failure):
        records.documents.get("response", "r", "ann")
    assert records.files.listed("ann", Page())[0] == []
