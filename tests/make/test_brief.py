"""A brief says the same as a text, YAML or JSON; what it cannot say is told in one line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genloom.errors import DataError, UsageError
from genloom.make.brief import Voice, brief_of, read_brief

TEXT = """title: Bees
minutes: 2
voices: anna = voices:ann, ben = /models/voices:bob
chapters:
- Why bees
- What to do
tone: warm

A talk on a roof.
"""
YAML = """title: Bees
minutes: 2
voices: {anna: "voices:ann", ben: {model: /models/voices, voice: bob}}
chapters: [Why bees, What to do]
tone: Warm
about: A talk on a roof.
"""
VALUES = {
    "title": "Bees",
    "minutes": 2,
    "voices": {"anna": "voices:ann", "ben": "/models/voices:bob"},
    "chapters": ["Why bees", "What to do"],
    "tone": "warm",
    "about": "A talk on a roof.",
}


def test_three_forms_say_the_same(tmp_path: Path) -> None:
    forms = {"a.txt": TEXT, "a.yaml": YAML, "a.json": json.dumps(VALUES)}
    found = []
    for name, content in forms.items():
        (tmp_path / name).write_text(content, "utf-8")
        found.append(read_brief(tmp_path / name))
    assert found[0] == found[1] == found[2]
    assert found[0].voices["ben"] == Voice(model="/models/voices", voice="bob")
    assert found[0].seconds == 120 and found[0].chapters == ("Why bees", "What to do")


def test_headings_are_title_and_chapters_and_flags_come_first(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("# Bees\n\n## One\n## Two\nof many\n", "utf-8")
    (tmp_path / "s.md").write_text("ANNA: hm", "utf-8")
    found = read_brief(path, minutes=3.0, voices=["anna=v"], tone=None)
    assert (found.title, found.chapters, found.about) == ("Bees", ("One", "Two"), "of many")
    assert (found.minutes, found.voices["anna"].model, found.tone) == (3.0, "v", "neutral")
    path.write_text("title: Bees\nscript: s.md\n", "utf-8")
    assert read_brief(path).script == str(tmp_path / "s.md")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"title": " "}, "no title"),
        ({"minutes": "many"}, "a number is expected"),
        ({"minutes": 0}, "more than 0"),
        ({"minutes": 1e9}, "180 at most"),
        ({"speed": 9}, "0.5 to 2"),
        ({"tone": "purple"}, "use neutral"),
        ({"voices": "anna"}, "says no model"),
        ({"voices": 7}, "no list"),
        ({"voices": {"anna": {"voice": "x"}}}, "MODEL"),
        ({"voices": {"<b>": "x"}}, "no name"),
        ({"length": 2}, "'length' is not known"),
    ],
)
def test_what_no_brief_says(change: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told):
        brief_of({**VALUES, **change})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b"{"),
        ("a.json", b"[1]"),
        ("a.json", b"[" * 100_000),
        ("a.yaml", b"a: [b"),
        ("a.yaml", b"!!python/object/apply:os.system [ls]"),
        ("a.txt", b"\xff\xfe\x00"),
        ("a.txt", b"x" * (2 << 20)),
    ],
)
def test_files_that_are_no_briefs(tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DataError, match="a\\.") as caught:
        read_brief(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere"):
        read_brief(tmp_path / "nowhere.txt")
