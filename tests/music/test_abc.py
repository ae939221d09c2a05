"""ABC is read as it sounds and written as it was read; what cannot be music is one line."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest

from genloom.errors import DataError
from genloom.music.abc_reading import read_abc, read_each
from genloom.music.abc_writing import write_abc
from genloom.music.bars import faults
from genloom.music.key_finder import found_key
from genloom.music.keys import Key, parse_key
from genloom.music.repeats import order, played

HEAD = "X:1\nT:A\nM:4/4\nL:1/8\nK:{}\n"


def pitches(body: str, key: str = "C") -> list[int]:
    return [note.pitch for note in read_abc(HEAD.format(key) + body)[0].parts[0].notes]


def lengths(body: str) -> list[Fraction]:
    return [note.length for note in read_abc(HEAD.format("C") + body)[0].parts[0].notes]


def test_accidentals_hold_for_the_bar_and_the_octave():
    assert pitches("^F F f|F", "G") == [66, 66, 78, 66]
    assert pitches("=F F|F", "D") == [65, 65, 66]
    assert pitches("_B-|B B") == [70, 70, 71]  # a tie carries it over the bar, no further
    assert pitches("C, C c c'") == [48, 60, 72, 84]


def test_lengths():
    half, third = Fraction(1, 2), Fraction(1, 3)
    assert lengths("A A2 A/ A3/2 A//") == [half, 1, half / 2, 3 * half / 2, half / 4]
    assert lengths("A>B A<B") == [3 * half / 2, half / 2, half / 2, 3 * half / 2]
    assert lengths("(3ABc d") == [third, third, third, half]


def test_what_is_written_is_read_as_the_same():
    body = '|:"G"G2 (3ABc {d}e>f z2|[1 [Gc]4- [Gc]4:|[2 ^F8||[K:Ador]A8-|A4 _B4|]'
    score = read_abc(HEAD.format("G") + body)[0]
    again = read_abc(write_abc(score))[0]
    assert again.parts[0].sounding() == score.parts[0].sounding()
    assert again.parts[0].notes[4].grace == score.parts[0].notes[4].grace
    assert again.bars == score.bars and again.changes == score.changes
    assert again.chords == score.chords and not faults(score)
    assert write_abc(again) == write_abc(score)


def test_repeats_are_played():
    score = read_abc(HEAD.format("C") + "C8|[1 D8:|[2 E8||F8:|")[0]
    assert order(score.bars) == [0, 1, 0, 2, 3, 3]
    assert [note.pitch for note in played(score).parts[0].notes] == [60, 62, 60, 64, 65, 65]


def test_bars_that_do_not_add_up_are_named():
    score = read_abc(HEAD.format("C") + "G2|C8|C6|C8|C6:|")[0]
    assert faults(score) == [2]  # an upbeat and what completes it are as they should be


@pytest.mark.parametrize("name", ["D mix", "Am", "Edor", "F#m", "Bb"])
def test_keys_are_spelt_by_their_signature(name):
    key = parse_key(name)
    assert len(set(key.scale)) == 7
    for pitch in key.scale:
        letter, sign, _ = key.spell(60 + pitch)
        assert sign == key.alterations.get(letter, 0)
    assert key.up(7).up(5).pitch_class == key.pitch_class


def test_a_key_is_found():
    for name, body in (("G", "GABc dedB|GABc d2G2|"), ("Ador", "A2AB c2BA|GEDE GAGE|A2AB A4|")):
        score = read_abc(HEAD.format(name) + body)[0]
        assert found_key(score) == score.key
        assert found_key(score.transposed(3)).pitch_class == (score.key.pitch_class + 3) % 12


@pytest.mark.parametrize(
    ("bad", "word"),
    [
        ("X:1\nM:7/0\nK:C\nC|", "metre"),
        ("X:1\nM:C\nK:H\nC|", "key"),
        ("X:1\nK:C\n", "notes"),
        ("X:1\nL:0\nK:C\nC", "length"),
        ("X:1\nK:C\nC99/0|", "length"),
        ("X:1\nK:C\nC''''''|", "beyond"),
    ],
)
def test_what_is_broken_is_a_line(bad, word):
    with pytest.raises(DataError, match=word) as caught:
        read_abc(bad)
    assert "\n" not in str(caught.value)


def test_one_broken_tune_leaves_the_others():
    text = "X:1\nK:C\nC|\n\nX:2\nM:x\nK:C\nC|\n\nX:3\nK:C\nD|"
    assert [isinstance(one, DataError) for _, one in read_each(text)] == [False, True, False]


@pytest.mark.slow
def test_a_hundred_thousand_notes_take_seconds():
    started = time.process_time()
    score = read_abc(HEAD.format("C") + "CDEF GABc|\n" * 12_500)[0]
    assert score.notes == 100_000 and time.process_time() - started < 30


def test_keys_have_a_limit():
    with pytest.raises(DataError, match="7 at most"):
        Key("G#", "major")
