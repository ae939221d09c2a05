"""Whether completions parse: what counts, what does not, and where one may begin."""

from __future__ import annotations

import pytest

from genloom.metric.python_code import (
    defines,
    first_line,
    judged,
    parse_rate,
    raw_parse_rate,
    starts,
)

MODULE = '''\
import os

def f(x):
    """Say it."""
    if x:
        y = [
            1]
        return y
    return 2

class A:
    def g(self):
        a = 1
        b = 2; c = 3
'''
BEFORE = "def f(x):\n    y = 1\n"
OPEN = "def f(x):\n    try:\n"


@pytest.mark.parametrize(
    ("before", "written", "lines", "raw"),
    [
        (BEFORE, "    return y\n", 1, True),
        (BEFORE, "    return y\n    if\n", 1, False),
        (BEFORE, "    return y\ndef g(:\n", 1, True),  # it left the function
        (BEFORE, "    return y\n    z = ", 1, True),  # a line that is not at its end
        (BEFORE, "    # only said\n\n", 0, True),
        (BEFORE, "", 0, False),
        (BEFORE, "    return (\n", 0, False),
        (BEFORE, "        return 1\n", 0, False),  # indented by too much
        (BEFORE, "return 1\n", 0, False),
        (BEFORE, "    a = (\n        1,\n    )\n    b = [\n", 3, False),
        (OPEN, "        x()\n", 0, False),
        (OPEN, "        x()\n    except OSError:\n        pass\n    y(\n", 3, False),
        ("class A:\n    def f(self):\n", "        x\n    y = 2\n", 1, True),
        ("def f(x):\n    y = 1\n", "    z = 1\x0c\n    w = 2\n", 2, True),
    ],
)
def test_the_longest_part_that_parses_with_a_statement_more(
    before: str, written: str, lines: int, raw: bool
) -> None:
    found = judged(before, written)
    assert (found.lines, found.raw, found.parses) == (lines, raw, lines > 0)


def test_rates_have_intervals() -> None:
    found = [judged(BEFORE, "    return y\n    if\n"), judged(BEFORE, "    (\n")]
    assert parse_rate(found).value == 0.5
    assert raw_parse_rate(found).value == 0.0
    assert parse_rate(found).low < 0.5 < parse_rate(found).high


def test_completions_begin_at_statements_within_functions() -> None:
    said = [MODULE[at:].split("\n")[0] for at in starts(MODULE)]
    assert said == [
        "    if x:",
        "        y = [",
        "        return y",
        "    return 2",
        "        b = 2; c = 3",
    ]
    assert starts("def f(:\n") == []


def test_every_start_is_completed_by_what_stands_there() -> None:
    for at in starts(MODULE):
        assert judged(MODULE[:at], MODULE[at:]).parses


def test_a_definition_is_one_at_the_top() -> None:
    assert defines("x = 1\ndef f(): pass\n", "f")
    assert not defines("def g():\n    def f(): pass\n", "f")
    assert not defines("def f(: pass\n", "f")
    assert not defines("f = 1\n", "f")
    assert not defines("def f(): pass\0", "f")


def test_the_first_line_keeps_its_indentation() -> None:
    assert first_line("\n\n    a = 1  \n b") == "    a = 1"
    assert first_line("\n") == ""
