"""Answers are taken out and compared by the rules of their suites."""

from __future__ import annotations

import pytest

from genloom.trust.suites import layouts
from genloom.trust.suites.answering import NONE, most_frequent, plain, take
from genloom.trust.suites.suite import Extract

GSM8K = layouts.named("gsm8k")[0].suite
STRICT, FLEXIBLE = GSM8K.extracts


@pytest.mark.parametrize(
    ("text", "strict", "flexible"),
    [
        (" 2 + 3 = 5\n#### 5", "5", "5"),
        ("so $1,200.", NONE, "$1,200."),
        ("#### -3.5 and 7", "-3.5", "7"),
        ("none at all", NONE, NONE),
        ("", NONE, NONE),
    ],
)
def test_numbers_strict_and_flexible(text: str, strict: str, flexible: str) -> None:
    assert (take(STRICT, text), take(FLEXIBLE, text)) == (strict, flexible)


def test_what_is_ignored_is_ignored_on_both_sides() -> None:
    assert plain(GSM8K, "He has 5.\nSo 5 * 2.\n#### 1,000.") == "1000"
    assert plain(GSM8K, "$1,000.") == "1000"
    trivia = layouts.named("triviaqa")[0].suite
    assert plain(trivia, "The U.S.A.") == "the usa"
    assert take(Extract(pattern="x(.)", pick=1), "xa") == NONE
    assert take(Extract(), "  a b \n") == "a b"


def test_the_floor_is_the_most_frequent_answer() -> None:
    usual, floor = most_frequent([["a", "b"], ["b", "b"], ["c"]])
    assert usual == "b" and floor == pytest.approx(2 / 3)
