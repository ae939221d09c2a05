"""Assets found by what their records say, on both databases; small pictures go with their bytes."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import Connection, bindparam, insert

from genloom.server.failure import Failure
from genloom.server.records.assets import Sought
from genloom.server.records.database import Database
from genloom.server.records.migrations import STEPS, migrate
from genloom.server.records.records import Records, open_records
from genloom.server.records.rows import Page
from genloom.server.records.tables import ASSETS, BLOBS, META


def record(model: str, prompt: str | None, seed: int) -> dict[str, object]:
    return {"model": model, "weights": f"w-{model}", "prompt": prompt, "seed": seed}


def made(records: Records) -> list[str]:
    """Ids, oldest first: two pictures, a table, one of bob, a copy and what came along."""
    put = records.assets.put
    one = put(b"1", "image/png", owner="ann", record=record("sprites", "A Red_Dragon 100%", 7))
    two = put(b"2", "image/png", owner="ann", record=record("sprites", "ein grüner ELCH", 8))
    three = put(b"3", "text/csv", owner="ann", record=record("people", None, 2**70))
    put(b"4", "image/png", owner="bob", record=record("sprites", "a red dragon", 7))
    copy = {"from": one.id, "sha256": one.sha256, "record": dict(one.record)}
    put(b"5", "image/webp", owner="ann", record=copy)
    put(b"6", "application/octet-stream", owner="ann")
    return [one.id, two.id, three.id]


def found(records: Records, owner: str = "ann", **what: object) -> list[str]:
    return [a.id for a in records.assets.sought(owner, Sought(**what), Page())[0]]  # type: ignore[arg-type]


def test_assets_are_found_by_what_their_records_say(records: Records) -> None:
    one, two, three = made(records)
    assert found(records) == [three, two, one]
    assert found(records, query="red dragon") == found(records, query="DRAGON r") == [one]
    assert found(records, query="100%") == found(records, query="d_d") == [one]
    assert found(records, query="dXd") == found(records, query="1%0") == []
    assert found(records, query="GRÜNER elch 8") == [two]
    assert found(records, query=str(2**70)) == found(records, seed=2**70) == [three]
    assert found(records, model="people") == found(records, media="text/*") == [three]
    assert found(records, media="image/png", since=time.time() - 60) == [two, one]
    assert found(records, before=time.time() - 60) == found(records, owner="eve") == []
    assert len(found(records, made=False)) == 2 and len(found(records, made=None)) == 5
    assert records.assets.get(two, "ann").seed == "8"


def test_what_is_noted_is_found_and_stays_the_owners(records: Records) -> None:
    one, two, _ = made(records)
    records.assets.mark(one, "ann", favourite=True, labels=['odd "%*é', "best"])
    assert records.assets.mark(one, "ann", favourite=None, labels=None).labels == [
        'odd "%*é',
        "best",
    ]
    assert found(records, favourite=True) == found(records, label='odd "%*é') == [one]
    assert found(records, label="odd") == [] and found(records, query="BEST dragon") == [one]
    records.assets.mark(one, "ann", favourite=False, labels=[])
    assert found(records, favourite=True) == found(records, query="best") == []
    with pytest.raises(Failure) as error:
        records.assets.mark(two, "bob", favourite=True, labels=None)
    assert error.value.status == 404
    assert [a.id for a in records.assets.several([two, "x", one], "ann")] == [two, one]
    assert records.assets.several([two, one], "bob") == []


def test_counts_and_pages_stay_while_more_is_made(records: Records) -> None:
    ids = made(records)[::-1]
    facets = records.assets.facets("ann", Sought())
    assert (facets.count, facets.bytes) == (3, 3)
    assert facets.models == [("sprites", "w-sprites", 2), ("people", "w-people", 1)]
    assert facets.media == [("image/png", 2), ("text/csv", 1)]
    records.assets.put(b"new", "image/png", owner="ann", record=record("sprites", "new", 1))
    seen = []
    for skip in range(3):
        page = Page(limit=1)
        some, more, total = records.assets.sought("ann", Sought(), page, skip=skip, upto=ids[0])
        assert total == 3 and more == (skip < 2)
        seen += [asset.id for asset in some]
    assert seen == ids
    after = Page(limit=1, after=ids[0])
    assert [a.id for a in records.assets.sought("ann", Sought(), after)[0]] == [ids[1]]
    with pytest.raises(Failure):
        records.assets.sought("bob", Sought(), Page(), upto=ids[0])


def test_old_assets_are_found_after_an_upgrade(place: Path, database_url: str) -> None:
    """A database of the first version with assets in it, brought to the newest."""
    records = open_records(place, database_url)
    database: Database = records.database
    rows = [
        {"id": f"asset_{n:05}", "owner": "ann", "sha256": "0" * 64, "media": "image/png"}
        | {"bytes": 1, "record": record("sprites", f"number {n}", n), "created": float(n)}
        for n in range(1203)
    ]
    with database.writing() as connection:
        _dropped(connection)
        migrate(connection, STEPS[:1])
        blob = {"sha256": "0" * 64, "bytes": 1, "refs": len(rows), "created": 0.0}
        connection.execute(insert(BLOBS).values(**blob))
        connection.execute(insert(ASSETS).values({c: bindparam(c) for c in rows[0]}), rows)
    with database.writing() as connection:
        assert migrate(connection) == len(STEPS)
    some, more, total = records.assets.sought("ann", Sought(query="number"), Page(limit=2))
    assert (total, more, [asset.seed for asset in some]) == (1203, True, ["1202", "1201"])
    records.close()


def _dropped(connection: Connection) -> None:
    META.drop_all(connection)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DROP FUNCTION audit_is_append_only CASCADE")


def test_ten_thousand_are_listed_in_pages_at_once(records: Records) -> None:
    asset = records.assets.put(b"1", "image/png", owner="ann", record=record("sprites", "x", 1))
    with records.database.writing() as connection:
        row = dict(connection.execute(ASSETS.select()).one()._mapping)
        rows = [
            {**row, "id": f"asset_{n:05}", "created": asset.created - n, "words": f"prompt {n}"}
            for n in range(10_000)
        ]
        connection.execute(insert(ASSETS), rows)
    slowest, computed = 0.0, time.process_time()
    several = [(Sought(), skip, 10_001) for skip in (0, 5000, 9900)]
    for what, skip, count in [*several, (Sought(query="prompt 99"), 100, 280)]:
        began = time.perf_counter()
        some, _, total = records.assets.sought("ann", what, Page(), skip=skip, upto=asset.id)
        slowest = max(slowest, time.perf_counter() - began)
        assert (total, len(some)) == (count, 100)
    print(f"slowest page: {1000 * slowest:.1f} ms")
    assert (time.process_time() - computed) / 4 < 0.05


def test_what_was_drawn_of_bytes_goes_with_them(records: Records) -> None:
    one = records.assets.put(b"1", "image/png", owner="ann")
    two = records.assets.put(b"1", "image/png", owner="ann")
    drawn = records.blobs.draw(one.sha256, "64.webp", b"small")
    left = records.blobs.draw("f" * 64, "64.webp", b"of nothing")
    records.assets.remove(one.id, "ann")
    assert drawn.read_bytes() == b"small"
    records.assets.remove(two.id, "ann")
    assert not drawn.exists()
    records.sweep(time.time() + 25 * 3600)
    assert not left.exists()
