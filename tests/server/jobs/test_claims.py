"""Several servers on one database: a job is one server's, a dead one's is taken over, an answer
given holds."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from genloom.server.jobs.alive import KIND, Alive
from genloom.server.jobs.claims import ASKED, DEATHS, Claims, Lost
from genloom.server.records.records import open_records


@pytest.fixture
def records(tmp_path, database_url):
    """On either database."""
    opened = open_records(tmp_path, database_url)
    yield opened
    opened.close()


def queued(records, **given):
    return records.jobs.create("batch", owner="ann", given=given)


def outline(claims, id):
    return next(job for job in claims.outlines() if job.id == id)


def test_of_many_servers_one_gets_the_job(records):
    jobs = [queued(records) for _ in range(5)]
    servers = [Claims(records.database, f"server{n}") for n in range(8)]
    seen = servers[0].outlines()
    with ThreadPoolExecutor(8) as pool:
        took = [*pool.map(lambda claims: [claims.take(job) for job in seen], servers)]
    for n, job in enumerate(jobs):
        winners = [one[n] for one in took if one[n] is not None]
        assert len(winners) == 1 and winners[0].id == job.id
        assert records.jobs.get(job.id, "ann").holder == winners[0].holder


def test_what_was_taken_over_cannot_be_written_by_the_former(records):
    job = queued(records)
    old, new = Claims(records.database, "old"), Claims(records.database, "new")
    assert old.take(outline(old, job.id)).holder == "old"
    assert new.take(outline(new, job.id)).given[DEATHS] == 1
    with pytest.raises(Lost):
        old.put(job.id, progress=50.0)
    with pytest.raises(Lost):
        old.end(job.id, "completed")
    assert new.put(job.id, progress=50.0).progress == 50 and not old.mine()


def test_a_cancel_that_was_promised_holds_through_a_drain_and_a_death(records):
    claims, after = Claims(records.database, "one"), Claims(records.database, "two")
    drained, dead = queued(records), queued(records)
    for job in (drained, dead):
        claims.take(outline(claims, job.id))
        assert claims.ask(job.id, "cancel", "in_progress", "in_progress").given[ASKED] == "cancel"
    assert claims.end(drained.id, "queued").status == "cancelled"
    assert after.take(outline(after, dead.id)).given[ASKED] == "cancel"
    assert claims.ask(drained.id, "cancel", "in_progress", "in_progress") is None


def test_a_killed_server_of_this_machine_is_dead_at_once(records, tmp_path, database_url):
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from genloom.server.jobs.alive import Alive\n"
        "from genloom.server.records.records import open_records\n"
        "records = open_records(Path(sys.argv[1]), sys.argv[2])\n"
        "print(Alive(Path(sys.argv[1]), records.documents, 3600).me, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, os.fspath(tmp_path), database_url],
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        name = other.stdout.readline().strip()
        here = Alive(tmp_path, records.documents, 3600)
        assert here.lives(name) and here.lives(here.me)
        other.kill()
        other.wait()
        assert not here.lives(name)
        assert not here.lives("server_never_was")
        here.close()


def test_a_silent_server_elsewhere_is_dead_after_its_lease(records, tmp_path):
    here = Alive(tmp_path, records.documents, 30)
    for name, seen in (("server_far", time.time()), ("server_gone", time.time() - 31)):
        records.documents.put(KIND, name, {"seen": seen}, owner="")
    assert here.lives("server_far") and not here.lives("server_gone")
    records.documents.remove(KIND, here.me, "")
    here.beat()
    assert records.documents.get(KIND, here.me, "").value["seen"] > time.time() - 5
    here.close()
