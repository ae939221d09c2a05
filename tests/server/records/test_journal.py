"""The journal: cheap for a request, bounded, patient with a database, exact near a quota."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import func, select

from genloom.server.failure import Failure
from genloom.server.records import journal as journals
from genloom.server.records.journal import Journal
from genloom.server.records.records import FILE, Records, open_records
from genloom.server.records.runs import Run
from genloom.server.records.tables import RUNS
from genloom.server.records.usage import Amounts

CHARGING = """
import sys
from pathlib import Path
from genloom.server.failure import Failure
from genloom.server.records.records import open_records
from genloom.server.records.usage import Amounts

records = open_records(Path(sys.argv[1]), sys.argv[2], wait=20)
fit = 0
for _ in range(60):
    try:
        records.usage.charge("ann", Amounts(tokens=7), {"tokens": 500})
        fit += 1
    except Failure as error:
        assert error.code == "insufficient_quota", error
print(fit)
records.close()
"""


def a_run() -> Run:
    return Run(owner="ann", route="/v1/chat/completions", status=200, ms=12.5, model="words")


def test_a_request_hands_over_in_far_less_than_a_third_of_a_millisecond(
    records: Records,
) -> None:
    def once() -> float:
        start = time.perf_counter()
        records.journal.run(a_run())
        records.journal.use("ann", Amounts(requests=1, tokens=40))
        return time.perf_counter() - start

    times = sorted(once() for _ in range(2000))
    assert times[1000] < 0.3e-3, times[1000]
    records.journal.flush()
    assert records.usage.of("ann").requests == 2000


def test_no_text_of_a_client_stops_the_journal(records: Records) -> None:
    records.journal.run(Run(route="/v1/x", status=404, ms=1.0, model="a\0b\ud800\N{SNOWMAN}"))
    records.audit.note("ann\0", "x", "\udfff")
    records.journal.flush()
    assert records.runs.newest()[0].model == "ab?\N{SNOWMAN}"
    assert records.audit.newest()[0].actor == "ann"


def test_runs_are_written_soon_and_in_few_transactions(records: Records) -> None:
    for _ in range(500):
        records.journal.run(a_run())
    until = time.monotonic() + 20
    while time.monotonic() < until:
        with records.database.reading() as connection:
            if connection.scalar(select(func.count()).select_from(RUNS)) == 500:
                return
        time.sleep(0.05)
    raise AssertionError("they were not written")


def test_what_waits_is_written_when_the_server_ends(place: Path, database_url: str) -> None:
    records = open_records(place, database_url)
    records.journal.run(a_run())
    records.journal.use("ann", Amounts(tokens=3))
    records.close()
    records = open_records(place, database_url)
    assert len(records.runs.newest()) == 1 and records.usage.of("ann").tokens == 3
    records.close()


def test_nothing_is_lost_while_the_database_is_busy_and_memory_is_bounded(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "MOST", 50)
    records = open_records(place, wait=0.05)
    records.journal.close()
    slow = Journal(records.database, records.runs, records.usage, every=1000)
    other = sqlite3.connect(place / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    for _ in range(40):
        slow.run(a_run())
        slow.use("ann", Amounts(tokens=1))
    with pytest.raises(Failure):
        slow.flush()
    for _ in range(25):
        slow.run(a_run())
        slow.use("ann", Amounts(tokens=1))
    assert slow.lost == 15
    other.close()
    slow.close()
    assert len(records.runs.newest()) == 50 and records.usage.of("ann").tokens == 65
    records.close()


def test_a_quota_is_exact_between_processes(place: Path, database_url: str) -> None:
    open_records(place, database_url).close()
    charging = [
        subprocess.Popen(
            [sys.executable, "-c", CHARGING, place, database_url], stdout=subprocess.PIPE
        )
        for _ in range(3)
    ]
    fits = sum(int(each.communicate(timeout=100)[0]) for each in charging)
    records = open_records(place, database_url)
    assert fits == 500 // 7 and records.usage.of("ann").tokens == 7 * fits
    records.close()


def test_a_quota_is_exact_between_threads(records: Records) -> None:
    fits: list[int] = []

    def work() -> None:
        count = 0
        for _ in range(20):
            try:
                records.usage.charge("ann", Amounts(images=3), {"images": 100})
                count += 1
            except Failure as error:
                assert error.code == "insufficient_quota"
        fits.append(count)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(fits) == 33 and records.usage.of("ann").images == 99


def test_a_quota_that_is_used_up_is_told_before_the_work(records: Records) -> None:
    journal, quotas, most = records.journal, {"tokens": 100}, Amounts(requests=1, tokens=40)
    journal.learn("ann")
    journal.settle("ann", journal.reserve("ann", quotas, most), Amounts(requests=1, tokens=99))
    journal.settle("ann", journal.reserve("ann", quotas, most), Amounts(requests=1, tokens=50))
    for _ in range(2):  # before and after it is written
        with pytest.raises(Failure) as error:
            journal.reserve("ann", quotas, most)
        assert (error.value.status, error.value.type) == (429, "insufficient_quota")
        journal.flush()
    assert records.usage.of("ann") == Amounts(requests=2, tokens=149)
    journal.reserve("bob", quotas, most)
    journal.reserve("ann", {"images": 1}, Amounts(requests=1, images=1))


def test_what_is_under_way_is_held_against_the_quota(records: Records) -> None:
    """Calls at one time do not pass it together, and who waits is told that it passes by itself."""
    journal, quotas = records.journal, {"tokens": 100, "requests": 9, "images": 3}
    most = Amounts(requests=1, tokens=70)
    held = [journal.reserve("ann", quotas, most) for _ in range(2)]
    assert [one.tokens for one in held] == [70, 30]  # all that is left
    with pytest.raises(Failure) as error:
        journal.reserve("ann", quotas, most)
    assert (error.value.code, error.value.headers["retry-after"]) == ("rate_limit_exceeded", "1")
    journal.settle("ann", held[0], Amounts(requests=1, tokens=10))
    assert journal.reserve("ann", quotas, most).tokens == 60
    with pytest.raises(Failure, match="wait for it"):
        journal.reserve("ann", quotas, most)
    journal.settle("ann", held[1], Amounts())  # it was refused: nothing was used
    with pytest.raises(Failure, match="3 images"):
        journal.reserve("ann", quotas, Amounts(requests=1, tokens=1, images=4))
    assert journal.reserve("ann", quotas, Amounts(requests=1, tokens=1, images=3)).images == 3


def test_threads_that_reserve_together_pass_no_quota(records: Records) -> None:
    fits: list[bool] = []

    def reserve() -> None:
        for _ in range(50):
            try:
                records.journal.reserve("ann", {"requests": 33}, Amounts(requests=1))
            except Failure:
                fits.append(False)
            else:
                fits.append(True)

    threads = [threading.Thread(target=reserve) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(fits) == 33
