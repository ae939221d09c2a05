"""Number words come back as digits: all that `cardinal` and years make of them, and no other."""

from __future__ import annotations

import pytest

from genloom.speech.numbers import cardinal
from genloom.speech.numerals import numerals
from genloom.speech.reading import said


def written(text: str) -> str:
    words, out, at = text.split(), [], 0
    for begin, end, digits in numerals(words):
        out += [*words[at:begin], digits]
        at = end
    return " ".join([*out, *words[at:]])


def test_every_number_comes_back() -> None:
    some = [*range(10, 1300), 2000, 9_999, 10_010, 100_000, 1_000_001, 12_345_678, 10**12 + 7]
    for number in some:
        assert written(f"about {cardinal(number)} of them") == f"about {number} of them"


def test_years_come_back() -> None:
    for year in (*range(1901, 2000, 7), 2000, 2007, 2024, 1066):
        assert written(said(f"in {year} it rained")) == f"in {year} it rained", year


@pytest.mark.parametrize(
    ("heard", "wanted"),
    [
        ("no one of the two came", "no one of the two came"),
        ("seven", "7"),
        ("call four two zero seven", "call 4207"),
        ("one hundred and five men and two dogs", "105 men and two dogs"),
        ("three thousand and one nights", "3001 nights"),
        ("a hundred and a thousand", "a hundred and a thousand"),
        ("two hundred three hundred", "200 300"),
        ("twenty one", "21"),
        ("twenty and five", "20 and five"),
        ("", ""),
    ],
)
def test_what_people_write(heard: str, wanted: str) -> None:
    assert written(heard) == wanted
