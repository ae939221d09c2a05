"""What an admin reads of all records: usage by day and model, everybody's jobs, what is stored."""

from __future__ import annotations

from genloom.server.records.job_outlines import all_jobs, counts
from genloom.server.records.records import Records
from genloom.server.records.rows import Page
from genloom.server.records.runs import Run
from genloom.server.records.stored import stored
from genloom.server.records.usage import Amounts


def test_runs_are_summed_between_bounds(records: Records) -> None:
    runs = [
        Run(route="/", status=200, ms=ms, model=model, time=at, prompt_tokens=2, images=1)
        for at, model, ms in ((9, "m", 1), (10, "m", 100), (19, "m", 200), (20, "n", 300))
    ]
    with records.database.writing() as connection:
        records.runs.add(connection, runs)
    found = records.runs.by_model([10.0, 20.0, 30.0])
    assert [(one["model"], one["period"], one["requests"]) for one in found] == [
        ("m", 0, 2),
        ("n", 1, 1),
    ]
    assert found[0]["tokens"] == 4 and found[0]["images"] == 2 and found[0]["seconds"] == 0.3
    assert all(type(one[name]) is int for one in found for name in ("tokens", "images"))


def test_usage_since_a_day(records: Records) -> None:
    for day in ("2026-01-01", "2026-01-02", "2026-01-03"):
        records.usage.add("key_a", day, Amounts(requests=1))
    found = records.usage.since("2026-01-02")
    assert [one["day"] for one in found] == ["2026-01-03", "2026-01-02"]


def test_jobs_of_everybody_page_by_page(records: Records) -> None:
    made = [
        records.jobs.create("batch", owner=f"key_{n}", given={"secret": "words"}) for n in range(3)
    ]
    records.jobs.move(made[0].id, "cancelled")
    first, more = all_jobs(records.database, Page(limit=2))
    assert more and len(first) == 2 and not hasattr(first[0], "given")
    rest, more = all_jobs(records.database, Page(limit=2, after=first[-1].id))
    assert not more and {one.id for one in (*first, *rest)} == {one.id for one in made}
    found, _ = all_jobs(records.database, Page(), status="cancelled")
    assert [one.owner for one in found] == ["key_0"]
    assert counts(records.database) == {"cancelled": 1, "queued": 2}


def test_what_is_stored_by_owner(records: Records) -> None:
    assert stored(records.database) == {"owners": [], "blobs": 0, "blob_bytes": 0}
    records.assets.put(b"12345", "text/plain", owner="key_a")
    records.assets.put(b"12345", "text/plain", owner="key_b")
    records.files.put(b"1", "a.txt", "user_data", owner="key_b", media="text/plain")
    told = stored(records.database)
    assert told["owners"] == [
        {"owner": "key_b", "bytes": 6, "assets": 1, "files": 1},
        {"owner": "key_a", "bytes": 5, "assets": 1, "files": 0},
    ]
    assert (told["blobs"], told["blob_bytes"]) == (2, 6)
