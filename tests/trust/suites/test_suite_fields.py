"""Templates hold fields and nothing else; own suites say what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from genloom.errors import DataError, UsageError
from genloom.trust.suites.fields import fill, has, longest, texts, value
from genloom.trust.suites.suite import Suite, own

ROW = {
    "question": "Which {colour}?",
    "n": 3,
    "choices": {"text": ["red", "blue"], "label": ["A", "B"]},
    "listed": '["one", "two"]',
    "none": None,
}


def test_fields_fill_their_places_and_are_not_read_again() -> None:
    told = fill("{question} {{n}} = {n}: {choices.text.1} {}", ROW)
    assert told == "Which {colour}? {n} = 3: blue {}"
    assert fill("{n.__class__}".replace("n.__class__", "n"), ROW) == "3"
    assert has(ROW, "choices.label") and not has(ROW, "choices.text.2")
    assert texts(ROW, "choices.text") == ["red", "blue"] and texts(ROW, "listed") == ["one", "two"]
    assert longest("{n} {question}", ROW) == "Which {colour}?"


def test_what_is_not_there_is_told_with_what_is() -> None:
    for path in ("answer", "choices.text.2", "n.__class__", "question.upper"):
        with pytest.raises(DataError, match="its fields are question, n"):
            value(ROW, path)
    with pytest.raises(DataError, match="'none' is None"):
        fill("{none}", ROW)
    for path in ("question", "none", "n"):
        with pytest.raises(DataError, match="a list of texts is expected"):
            texts(ROW, path)
    with pytest.raises(DataError, match="is no list"):
        texts({"x": "[not json"}, "x")


@pytest.mark.parametrize(
    ("values", "word"),
    [
        ({"kind": "choice", "prompt": "{q}", "data": "x.jsonl", "shotz": 1}, "shots"),
        ({"kind": "chess", "prompt": "{q}", "data": "x.jsonl"}, "kind"),
        ({"kind": "choice", "prompt": "", "data": "x.jsonl"}, "no prompt"),
        ({"kind": "choice", "prompt": "{q}"}, "names no data"),
        ({"kind": "choice", "prompt": "{q}", "data": "x", "metrics": ["bleu"]}, "acc, acc_norm"),
        ({"kind": "program", "prompt": "{q}", "data": "x", "program": "1"}, "completion"),
        ({"kind": "answer", "prompt": "{q}", "data": "x", "ignore": ["("]}, "expression"),
        ({"kind": "answer", "prompt": "{q}", "data": "x", "shots": -1}, "-1 shots"),
        ({"kind": "answer", "prompt": "{q}", "data": "x", "extracts": [{"patern": ""}]}, "pattern"),
    ],
)
def test_an_own_suite_that_cannot_be_is_refused(values: dict[str, object], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        own(values, Path("mine.json"))


def test_an_own_suite_takes_its_name_from_the_file() -> None:
    made = own(
        {"kind": "answer", "prompt": "{q}", "data": "x.csv", "until": ["\n"]}, Path("a.json")
    )
    assert made == Suite(name="a", kind="answer", prompt="{q}", data="x.csv", until=("\n",))
    assert made.measured == ("exact_match",) and made.stops == ("\n",)
