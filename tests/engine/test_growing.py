"""Texts that grow id by id: whatever the cuts, what was told is a beginning of the whole."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genloom.codec.text.codec import TextCodec
from genloom.engine.growing import Growing, stopped

TEXT = "naïve café, 日本語 🎉 done\n\tend — ok"


def codec(vocab: object) -> TextCodec:
    made = TextCodec(vocab=vocab, length=64)  # type: ignore[arg-type]
    made.fit([TEXT * 3, "日本 🎉🎉 cafés"])
    return made


CODECS = {"bytes": codec("bytes"), "pairs": codec(280)}


@pytest.mark.parametrize("name", CODECS)
@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=30), cuts=st.lists(st.integers(1, 5), max_size=80), lead=st.booleans())
def test_pieces_of_any_size_grow_to_the_whole(
    name: str, text: str, cuts: list[int], lead: bool
) -> None:
    made = CODECS[name]
    ids = made.encode([TEXT + text])[0].tolist()
    first = len(ids) // 3 if lead else 0
    growing = Growing(made.stable_prefix, ids[:first])
    told, place = [growing.text], first
    for size in itertools.chain(cuts, itertools.repeat(7)):
        if place >= len(ids):
            break
        growing.add(ids[place : place + size])
        place += size
        told.append(growing.text)
    whole = made.stable_prefix(ids)
    assert told[-1] == whole
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(told))


@pytest.mark.parametrize("name", CODECS)
def test_half_a_character_is_never_told(name: str) -> None:
    made = CODECS[name]
    growing = Growing(made.stable_prefix)
    for one in made.encode([TEXT])[0].tolist():
        growing.add([one])
        assert "\ufffd" not in growing.text
    assert growing.text == TEXT


def test_each_step_decodes_a_few_ids() -> None:
    made, sizes = CODECS["bytes"], []

    def decode(ids: list[int]) -> str:
        sizes.append(len(ids))
        return made.stable_prefix(ids)

    growing = Growing(decode)
    for one in made.encode([TEXT * 20])[0].tolist():
        growing.add([one])
    assert max(sizes) < 12


@pytest.mark.parametrize(
    ("text", "fresh", "stops", "place"),
    [
        ("one two", "two", ("two",), 4),
        ("one two", "o", ("two",), 4),
        ("one two", "two", ("wo", "ne t"), 1),
        ("one two", "", (), None),
        ("one two", "wo", ("one",), None),  # passed before, and not in its reach
    ],
)
def test_the_first_stop_string_that_was_completed(text, fresh, stops, place) -> None:
    assert stopped(text, fresh, stops) == place
