"""Whose turn it is: least served first, nobody saves up, batches behind all."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from genloom.server.engines.fairness import FairQueue, Verdict


@dataclass(eq=False, kw_only=True)
class Asked:
    owner: str
    batch: bool = False
    weight: int = 1
    size: int = 0


def anyone(_: Asked) -> Verdict:
    return Verdict.TAKE


def served(queue: FairQueue[Asked], turns: int, seconds: float = 1.0) -> list[str]:
    out = []
    for _ in range(turns):
        work = queue.take(anyone)
        assert work is not None
        queue.charge(work.owner, seconds * work.weight)
        out.append(work.owner)
    return out


def filled(**counts: int) -> FairQueue[Asked]:
    queue: FairQueue[Asked] = FairQueue()
    for owner, count in counts.items():
        for _ in range(count):
            queue.add(Asked(owner=owner))
    return queue


def test_a_flood_waits_for_those_who_ask_little() -> None:
    queue = filled(flood=100, ann=2, bob=2)
    assert Counter(served(queue, 6)) == {"flood": 2, "ann": 2, "bob": 2}
    assert len(queue) == 98
    assert set(served(queue, 98)) == {"flood"}
    assert queue.take(anyone) is None


def test_heavy_calls_count_for_what_they_take() -> None:
    queue: FairQueue[Asked] = FairQueue()
    for _ in range(30):
        queue.add(Asked(owner="many", weight=4))
        queue.add(Asked(owner="few"))
    assert Counter(served(queue, 20)) == {"many": 4, "few": 16}


def test_who_comes_late_starts_level() -> None:
    queue = filled(ann=50, bob=50)
    served(queue, 40)
    for _ in range(50):
        queue.add(Asked(owner="late"))
    turns = Counter(served(queue, 30))
    assert 9 <= turns["late"] <= 11


def test_batches_go_behind_all() -> None:
    queue = filled(ann=3)
    queue.add(Asked(owner="bob", batch=True))
    assert served(queue, 4) == ["ann", "ann", "ann", "bob"]


def test_who_may_not_is_passed_over_and_room_is_waited_for() -> None:
    queue = filled(ann=1, bob=1)
    taken = queue.take(lambda one: Verdict.PASS if one.owner == "ann" else Verdict.TAKE)
    assert taken is not None and taken.owner == "bob"
    queue.add(taken)
    assert queue.take(lambda one: Verdict.STOP) is None
    assert queue.waiting("ann") == 1 and len(queue) == 2


def test_sizes_are_counted_and_the_past_is_forgotten() -> None:
    queue: FairQueue[Asked] = FairQueue()
    big = Asked(owner="ann", size=5)
    queue.add(big)
    queue.add(Asked(owner="bob", size=2))
    assert queue.size == 7
    queue.drop(big)
    assert queue.size == 2 and [one.owner for one in queue] == ["bob"]
    served(queue, 1)
    queue.add(Asked(owner="cy"))
    served(queue, 1)
    queue.charge("dan", -1.0)
    queue.forget(lambda owner: False)
    assert "dan" not in queue.served
