"""Texts that say the same again: exactly, nearly, and on both sides of a split."""

from __future__ import annotations

import csv
import random
import time
from pathlib import Path

import numpy as np
import pytest

from genloom.data.overlap import Overlap, Resembling, canonical, key, overlap, repeats

WORDS = ["sea", "deep", "cold", "wide", "moon", "star", "house", "tree", "road", "light", "rain"]


def sentence(n: int, size: int = 30) -> str:
    rng = random.Random(n)
    return " ".join(rng.choice(WORDS) + str(rng.randrange(50)) for _ in range(size))


def test_case_and_blanks_make_no_difference() -> None:
    assert key("The  Sea\n") == key("the sea") != key("the seas")


def test_held_out_texts_that_were_seen_are_counted() -> None:
    train = [sentence(n) for n in range(200)]
    held = [
        train[3],
        train[5].upper(),
        train[7].replace("sea", "lake", 1) + ".",  # nearly
        *(sentence(n) for n in range(900, 905)),
    ]
    told = overlap(train, held)
    assert told == Overlap(exact=2, near=1, of=8, shown=told.shown)
    assert told.note and "2 of 8 held-out texts" in told.note and "1 nearly so" in told.note
    assert told.to_json() == {"exact": 2, "near": 1, "of": 8}
    assert told.shown[0] == train[3][:80]
    apart = overlap(train, held[3:])
    assert apart is not None and apart.note is None and apart.near == 0


def test_records_are_texts_too_and_other_media_are_not() -> None:
    talk = {"prompt": "q", "completion": "a"}
    told = overlap([talk], [{"completion": "a", "prompt": "q"}])
    assert told is not None and told.exact == 1 and canonical(talk) == canonical(dict(talk))
    assert overlap(np.zeros((3, 2)), np.zeros((1, 2))) is None
    assert overlap([object()], [object()]) is None and overlap(["x"], []) is None


def test_long_texts_are_compared_by_paragraphs() -> None:
    book = [sentence(n, 20) for n in range(40)]
    train, held = "\n\n".join(book[:30]), "\n\n".join([*book[30:], book[2], "short"] * 2)
    told = overlap([train], [held])
    assert told is not None and (told.exact, told.of) == (2, 22)


def test_repeats_within_a_collection() -> None:
    items = [sentence(n) for n in range(50)]
    again = repeats([*items, items[0], items[1] + " more.", sentence(99)])
    assert (again.exact, again.near) == (1, 1)
    assert repeats(["a", "b", "a"]).exact == 1 and repeats(["", ""]).exact == 1


def test_resemblance_is_symmetric_and_counts_runs() -> None:
    found = Resembling()
    assert found.add("the sea is deep and cold and very wide today, as it was")
    assert not found.add("the sea is deep and cold and very wide today, as it was.")
    assert found.add("nothing of the kind is said here at all")
    assert found.like("The sea is deep and  cold and very wide today, as it was!")


@pytest.mark.shared
def test_the_near_copies_of_the_dirty_lines_are_found(shared: Path) -> None:
    with (shared / "data" / "dirty" / "dirty.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    texts = [row["text"] for row in rows]
    begun = time.process_time()
    told = repeats(texts)
    assert time.process_time() - begun < 20
    copies = sum(row["label"] == "exact_dup" for row in rows)
    near = sum(row["label"] == "near_dup" for row in rows)
    assert told.exact >= copies
    assert told.near is not None and told.near >= 0.5 * near
