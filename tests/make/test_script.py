"""Scripts: who says what, in which chapter; what is none is told with its line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genloom.errors import DataError, UsageError
from genloom.make.script import read_script, script_of

TEXT = """# The title

ANNA: Good evening.
and welcome.
**Ben:** Hello: it is late.
[pause 1.5]
## One
anna: Note: a colon stays.
## Empty
## Two
BEN: Bye.
"""


def test_lines_headings_and_pauses() -> None:
    script = script_of(TEXT, ("anna", "ben"), "?")
    assert script.title == "The title"
    assert [chapter.title for chapter in script.chapters] == ["The title", "One", "Two"]
    said = [(line.voice, line.text, line.pause) for line in script.lines]
    assert said == [
        ("anna", "Good evening. and welcome.", 0.0),
        ("ben", "Hello: it is late.", 1.5),
        ("anna", "Note: a colon stays.", 0.0),
        ("ben", "Bye.", 0.0),
    ]
    assert script.words == 13


def test_what_is_told_is_read_again() -> None:
    script = script_of(TEXT, ("anna", "ben"), "?")
    assert script_of(script.told(), ("anna", "ben"), "?") == script


def test_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    lines = [{"voice": "Anna", "text": "Hello.", "pause": 99}]
    path.write_text(json.dumps({"title": "T", "chapters": [{"title": "One", "lines": lines}]}))
    script = read_script(path, ("anna",), "?")
    assert (script.title, script.lines[0].voice, script.lines[0].pause) == ("T", "anna", 30.0)
    for wrong in ({}, {"chapters": 3}, {"chapters": [{"lines": [{"voice": "anna"}]}]}, [1]):
        path.write_text(json.dumps(wrong))
        with pytest.raises(DataError, match="another form"):
            read_script(path, ("anna",), "?")


@pytest.mark.parametrize(
    ("text", "error", "told"),
    [
        ("EVE: Hi.", UsageError, "line 1: EVE has no voice"),
        ("Good evening.", DataError, "nobody says 'Good evening.'"),
        ("# Title\n\n", DataError, "says nothing"),
        ("ANNA: ...", DataError, "says nothing"),
    ],
)
def test_what_is_no_script(text: str, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=told):
        script_of(text, ("anna",), "?")
