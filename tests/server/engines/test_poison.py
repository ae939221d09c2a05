"""Which requests engines died on, and who of the suspected is to blame."""

from __future__ import annotations

from genloom.server.engines import poison
from genloom.server.engines.poison import Poison


def test_the_only_suspect_of_a_second_death_is_guilty() -> None:
    suspects = Poison(lambda: 0.0)
    assert not suspects
    suspects.died({b"bad", b"near"})
    assert suspects and not suspects.guilty(b"bad")
    suspects.finished(b"near")
    suspects.died({b"bad", b"new"})
    assert suspects.guilty(b"bad") and not suspects.guilty(b"new")


def test_a_crowd_is_told_apart_before_anyone_is_blamed() -> None:
    suspects = Poison(lambda: 0.0)
    crowd = {b"bad", b"one", b"two"}
    suspects.died(crowd)
    assert not any(map(suspects.isolated, crowd))
    suspects.died(crowd)
    assert all(map(suspects.isolated, crowd)) and not any(map(suspects.guilty, crowd))
    suspects.finished(b"one")
    suspects.died({b"bad", b"fresh"})  # the isolated never meet
    assert suspects.guilty(b"bad")
    assert not suspects.guilty(b"two") and not suspects.isolated(b"one")


def test_the_guilty_stay_so_for_an_hour(monkeypatch) -> None:
    monkeypatch.setattr(poison, "MOST", 3)
    now = [0.0]
    suspects = Poison(lambda: now[0])
    suspects.died({b"bad"})
    suspects.died({b"bad"})
    suspects.finished(b"bad")
    assert suspects.guilty(b"bad")
    now[0] = poison.FORGOTTEN + 1
    suspects.forget()
    assert not suspects
    for n in range(9):
        suspects.died({bytes([n])})
    assert len(suspects.records) == 3
