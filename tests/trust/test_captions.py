"""Captions become classes, slots or nothing, and nothing else."""

from __future__ import annotations

from itertools import product

from genloom.trust.captions import slots


def test_few_captions_are_classes() -> None:
    (slot,) = slots(["cat", "dog", "ankle boot"] * 10)
    assert slot.values == ("ankle boot", "cat", "dog") and slot.labels[:3] == (1, 2, 0)


def test_letters_of_several_alphabets_are_classes() -> None:
    (slot,) = slots([f"alphabet/character {n}" for n in range(136)] * 18)
    assert len(slot.values) == 136


def test_a_pattern_has_slots() -> None:
    colours, shapes = ("red", "orange", "blue", "white"), ("ring", "cross", "disc")
    places = ("top left", "top", "center", "bottom right")
    captions = [
        f"{'an' if c[0] in 'aeiou' else 'a'} {c} {s} {p}"
        for c, s, p in product(colours, shapes, places)
    ]
    found = slots(captions * 4)  # 48 captions, too few pictures each to be classes
    assert [set(slot.values) for slot in found] == [set(colours), set(shapes), set(places)]
    assert found[2].values[found[2].labels[0]] == "top left"


def test_of_two_slots_that_say_the_same_one_is_kept() -> None:
    words = [(f"n{i}", f"m{i}", f"k{j}") for i in range(12) for j in range(12)]
    found = slots([" ".join(w) for w in words] * 4)
    assert len(found) == 2


def test_free_captions_have_none() -> None:
    assert slots([f"picture number {n} of many" for n in range(300)]) == []
    assert slots(["one", ""] * 20) == []
    assert slots([]) == []
    assert slots(["same"] * 20) == []
