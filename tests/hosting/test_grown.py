"""Pieces of a text in the making: however it is cut, they add up, and a stop string is never
told, not even its beginning."""

from __future__ import annotations

import codecs
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from genloom.family.streams import Chosen, Stream
from genloom.hosting.chances import chances, within
from genloom.hosting.grown import Grown
from genloom.spec import Options


def _decode(ids: Sequence[int]) -> str:
    return codecs.getincrementaldecoder("utf-8")("replace").decode(bytes(ids))


def _stream() -> Stream:
    return Stream(
        ids=[120],
        lead=0,
        prefix=1,
        end=10_000,
        context=10_000,
        key=0,
        options=Options(),
        ends=frozenset(),
    )


def _ended(text: str, stops: Sequence[str]) -> tuple[str, str]:
    """(what is drawn up to the first stop string, what of it is told)."""
    for size in range(1, len(text) + 1):
        places = [p for stop in stops if (p := text[:size].find(stop)) >= 0]
        if places:
            return text[:size], text[: min(places)]
    return text, text


@given(
    text=st.text(alphabet="abc", max_size=30),
    stops=st.lists(st.text(alphabet="abc", min_size=1, max_size=4), max_size=3),
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=30),
)
def test_pieces_add_up_to_the_text_before_its_first_stop_string(
    text: str, stops: list[str], sizes: list[int]
) -> None:
    drawn, wanted = _ended(text, stops)
    stream, told, at, turn = _stream(), "", 0, 0
    grown = Grown(_decode, stream.ids, stops)
    while at < len(drawn):
        step = sizes[turn % len(sizes)]
        stream.ids += drawn[at : at + step].encode()
        at, turn = at + step, turn + 1
        if at >= len(drawn):
            stream.stop("stop")
        told += grown.take(stream)
        assert wanted.startswith(told)
    stream.stop("stop")
    told += grown.take(stream)
    assert told == wanted and grown.bytes == len(wanted)
    assert grown.cut == (wanted != drawn)


@given(text=st.text(max_size=20), size=st.integers(1, 5))
def test_characters_are_told_whole(text: str, size: int) -> None:
    data = text.encode("utf-8", "replace")
    stream = _stream()
    grown, told = Grown(_decode, stream.ids, ()), ""
    for first in range(0, len(data), size):
        stream.ids += data[first : first + size]
        told += grown.take(stream)
    assert told == data.decode()


def test_chances_end_where_the_text_does() -> None:
    pieces = [b"", b"ab", b"c", b"\xc3"]
    some = [Chosen(n, -0.5, ((1, -0.1), (2, float("-inf")))) for n in (1, 2, 3, 0)]
    assert [len(within(pieces, some, room)) for room in (0, 1, 2, 3, None)] == [0, 1, 1, 2, 4]
    told = chances(pieces, some, {0})
    assert [one["bytes"] for one in told] == [[97, 98], [99], [0xC3]]
    assert told[2]["token"] == "\ufffd" and told[0]["top"][1]["logprob"] == -9999.0
