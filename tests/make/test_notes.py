"""Texts from rows and rows from texts: every fact is the row's, and what is not is not printed."""

from __future__ import annotations

import json

import pytest

from genloom import api
from genloom.cli import make_notes
from genloom.errors import DataError, UsageError
from genloom.make.notes import read, write
from genloom.make.notes_facts import Known, filled
from genloom.make.notes_rows import rows_made
from genloom.make.notes_template import OURS, parse, template_of

PLAIN = """# a visit
- {age}-year-old {sex: F=woman; M=man} with {complaint}.
| A {sex: F=woman; M=man} of {age} has {complaint}.

- Pressure {high}/{low} mmHg.
- {smoker: yes=Smokes; no=Never smoked}.
"""
ROWS = [
    {"age": "44", "sex": "F", "complaint": "cough", "high": "120", "low": "80", "smoker": "no"},
    {"age": "61", "sex": "M", "complaint": "dry cough", "high": "99", "low": "61", "smoker": ""},
]


@pytest.mark.parametrize("name", OURS)
def test_all_of_our_rows_come_back_from_their_texts(name):
    template, rows = template_of(name), rows_made(name, 70, seed=3)
    made = write(rows, template, seed=1)
    assert made.recovered == 1.0 and made.strange == 0 and made.cells > 600
    assert made.floor < 0.5
    assert len({note.text for note in made.notes}) > 65
    again = read([note.text for note in made.notes], template, rows_made(name, 250, seed=9))
    right = sum(
        r[c] == row[c] for r, row in zip(again, rows, strict=True) for c in template.columns
    )
    assert right > 0.97 * len(rows) * len(template.columns)


def test_what_is_missing_is_not_said_and_ways_vary():
    template = parse(PLAIN, "plain")
    made = write(ROWS * 10, template)
    assert made.notes[1].left_out == ("smoker",) and "smoke" not in made.notes[1].text.lower()
    assert made.notes[0].read == ROWS[0]
    assert made.notes[1].read["complaint"] == "dry cough"  # the longer name, not its end
    assert len({note.text.split(".")[0] for note in made.notes[::2]}) == 2
    assert "\n\nPressure" in made.notes[0].text
    assert write(ROWS, template, seed=5).notes == write(ROWS, template, seed=5).notes


def test_a_value_that_no_phrase_says_is_left_out():
    made = write([{**ROWS[0], "sex": "X"}], parse(PLAIN, "plain"))
    assert "44" not in made.notes[0].text and made.notes[0].left_out == ("age", "sex", "complaint")


def test_a_wrong_fact_in_a_text_is_seen():
    template = parse(PLAIN, "plain")
    (row,) = read(["A man of 44 has cough. Pressure 120/81 mmHg."], template, ROWS)
    assert row == {**ROWS[0], "sex": "M", "low": "81", "smoker": ""}


# Each changes one fact of "44-year-old woman with cough.", adds one or denies one.
GOOD = (
    "This woman, 44, has cough.",
    "The woman was 44 and has had cough.",
    "44-year-old woman with cough.",
)
BAD = (
    ("This woman, 45, has cough.", "age"),
    ("This man, 44, has cough.", "sex"),
    ("This woman, 44, has dry cough.", "complaint"),
    ("This woman, 44, has cough and 2 cats.", "age"),
    ("This woman, 44, has cough and fever.", "fever"),
    ("This woman, 44, has no cough.", "no"),
    ("This woman, 44.", "complaint"),
    ("This woman and man, 44, has cough.", "sex"),
)


@pytest.mark.parametrize("said", GOOD)
def test_what_a_model_may_say(said):
    template = parse(PLAIN, "plain")
    assert Known(template, ROWS).faults(template.sentences[0], said, ROWS[0]) == []


@pytest.mark.parametrize("said, fault", BAD)
def test_what_a_model_may_not_say(said, fault):
    template = parse(PLAIN, "plain")
    found = Known(template, ROWS).faults(template.sentences[0], said, ROWS[0])
    assert found and fault in " ".join(found)


def test_numbers_change_places_only_where_the_text_says_so():
    template = parse(PLAIN, "plain")
    known = Known(template, ROWS)
    assert known.faults(template.sentences[1], "Pressure 80/120 mmHg.", ROWS[0])
    assert filled(known, template.sentences[1].variants[0], ROWS[0]) == "Pressure 120/80 mmHg."


@pytest.fixture(scope="module")
def writer(tmp_path_factory):
    """A model of texts that has hardly learnt to speak."""
    folder = tmp_path_factory.mktemp("writer")
    lines = "44-year-old woman with cough.\nThis woman, 44, has cough.\n" * 40
    (folder / "a.txt").write_text(lines)
    changes = ("train.steps=3", "codec.vocab=300", "net.net.width=32", "train.judge=0")
    return api.train("text", folder / "a.txt", out=folder / "m", changes=changes)


@pytest.mark.slow
def test_a_models_sentences_are_printed_only_where_they_hold(writer):
    made = write(ROWS[1:], parse(PLAIN, "plain"), writer=writer)
    told = made.told()
    assert told["facts_not_in_row"] == 0 and told["recovered"] == 1.0
    assert told["sentences_by_model"] + sum(told["refused"].values()) > 0
    assert told["refused"]


@pytest.mark.parametrize(
    "text, said",
    [
        ("- No field.", "no field"),
        ("- {a} is 3.", "a number is a fact"),
        ("- {a}{b}.", "something between"),
        ("- {a} and {a}.", "once"),
        ("- {a}.\n| {b}.", "the same fields"),
        ("- {a: x=one; y=one}.", "said alike"),
        ("- {a: x}.", "value=phrase"),
        ("{a}.", "begins with"),
    ],
)
def test_templates_that_cannot_be_read_back_are_refused(text, said):
    with pytest.raises(UsageError, match=said):
        parse(text, "t")


def test_the_commands_write_read_and_refuse(tmp_path, capsys):
    table, out = tmp_path / "rows.csv", tmp_path / "notes.jsonl"
    make_notes.notes(template="product", count=5, out=tmp_path / "made.csv", seed=2)
    table.write_text("age,sex,complaint,high,low,smoker\n44,F,cough,120,80,no\n")
    (tmp_path / "t.txt").write_text(PLAIN)
    make_notes.notes(str(table), template=str(tmp_path / "t.txt"), out=out)
    line = json.loads(out.read_text())
    assert line["age"] == "44" and "cough" in line["text"]
    capsys.readouterr()
    make_notes.rows(out, template=str(tmp_path / "t.txt"), known=table)
    assert capsys.readouterr().out == table.read_text()
    make_notes.notes(str(table), template=str(tmp_path / "t.txt"), json=True)
    told = json.loads(capsys.readouterr().out)
    assert told["recovered"] == 1.0 and told["recovered_ceiling"] == 1.0 and len(told["texts"]) == 1
    make_notes.notes(template="clinical", count=2, out=tmp_path / "folder")
    assert len(list((tmp_path / "folder").glob("*.txt"))) == 2
    (tmp_path / "odd.csv").write_text("a,b\n1\n")
    for given, template, wrong, said in (
        (tmp_path / "odd.csv", "clinical", DataError, "fewer cells"),
        (tmp_path / "none.csv", "clinical", DataError, "cannot be read"),
        (table, "nothing", UsageError, "clinical, email, product"),
        (table, "clinical", UsageError, "lack"),
        (None, str(tmp_path / "t.txt"), UsageError, "give a table"),
    ):
        with pytest.raises(wrong, match=said):
            make_notes.notes(None if given is None else str(given), template=template)
    with pytest.raises(UsageError, match="neither"):
        make_notes.notes(str(table), template=str(tmp_path / "t.txt"), out=tmp_path / "a.xml")
