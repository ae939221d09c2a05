"""What a training is handed: shapes of lines, files under names that tell their kind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from genloom.server.jobs.training_data import Faulty, answered, preferred, prepare, supervised
from genloom.server.jobs.training_results import loss_of, table_of

ASKED = {"role": "user", "content": "hi"}
GOOD, BAD = ([{"role": "assistant", "content": text}] for text in ("hello", "go away"))


def made(tmp_path, lines, convert, name="learn.jsonl"):
    source = tmp_path / "stored"
    source.write_text("\n".join(json.dumps(line) for line in lines))
    return prepare(source, name, tmp_path / "work" / "training", "training_file", convert)


def read(prepared):
    with open(prepared.path) as file:
        return [json.loads(line) for line in file]


def test_preferences_are_brought_to_our_shape(tmp_path):
    line = {
        "input": {"messages": [ASKED]},
        "preferred_output": GOOD,
        "non_preferred_output": BAD,
    }
    (told,) = read(made(tmp_path, [line], preferred))
    assert told == {"prompt": [ASKED], "chosen": GOOD, "rejected": BAD}
    ours = {"prompt": "a", "chosen": "b", "rejected": "c"}
    assert read(made(tmp_path, [ours], preferred)) == [ours]


def test_the_right_answer_is_found_by_its_field(tmp_path):
    line = {"messages": [ASKED], "reference": "hello"}
    (told,) = read(made(tmp_path, [line], answered("reference")))
    assert told["answer"] == "hello"


@pytest.mark.parametrize(
    ("line", "presets"),
    [
        ({"messages": [ASKED, *GOOD]}, ("chat", "chat")),
        ({"prompt": "a", "completion": "b"}, ("pair", "chat")),
        ({"text": "a"}, ("text", "text")),
        ({"other": "a"}, ()),
    ],
)
def test_the_fields_tell_what_is_learnt(tmp_path, line, presets):
    assert made(tmp_path, [line], supervised).presets == presets


@pytest.mark.parametrize(
    ("text", "line", "why"),
    [
        ('{"text": "a"}\n{"text": ', 2, "no JSON"),
        ('{"text": "a"}\n\n[1]', 3, "an object"),
        ('{"messages": [{"role": "assistant", "content": "x", "weight": 0}]}', 1, "weight"),
        ('{"messages": "hi"}', 1, "list of objects"),
    ],
)
def test_a_faulty_line_is_named(tmp_path, text, line, why):
    source = tmp_path / "stored"
    source.write_text(text)
    place = tmp_path / "work" / "training"
    with pytest.raises(Faulty, match=why) as error:
        prepare(source, "a.jsonl", place, "training_file", supervised)
    assert error.value.line == line and error.value.code == "invalid_training_file"
    assert not place.with_name("training.jsonl").exists()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("people.csv", "training.csv"),
        ("a.b.tsv.gz", "training.tsv.gz"),
        ("photos.ZIP", "training.zip"),
        ("no-suffix", "training"),
        ("x.$(rm)", "training"),
    ],
)
def test_other_files_keep_their_suffix_and_nothing_else_of_their_name(tmp_path, name, kept):
    source = tmp_path / "stored"
    source.write_bytes(b"a,b\n1,2\n")
    found = prepare(source, name, tmp_path / "work" / "training", "training_file", supervised)
    assert found.path == str(tmp_path / "work" / kept) and not found.lines
    source.unlink()
    assert Path(found.path).read_bytes() == b"a,b\n1,2\n"


def test_the_table_of_steps_heeds_the_last_word_and_no_half_line(tmp_path):
    log = tmp_path / "metrics.jsonl"
    rows = [
        {"time": 1, "kind": "start", "step": 0, "steps": 3},
        {"time": 1, "kind": "step", "step": 1, "nats": 3.0, "norm": 1.0, "seconds": 0.1},
        {"time": 1, "kind": "step", "step": 2, "nats": 2.5, "norm": 1.0, "seconds": 0.2},
        {"time": 1, "kind": "step", "step": 2, "nats": 2.0, "norm": 1.0, "seconds": 0.2},
        {"time": 1, "kind": "judge", "step": 2, "held_out_loss": 2.2},
    ]
    log.write_text("\n".join(map(json.dumps, rows)) + '\n{"kind": "st')
    lines = table_of(log).decode().splitlines()
    assert lines[0].startswith("step,train_loss,valid_loss")
    assert lines[1].startswith("1,3.0,,") and lines[2].startswith("2,2.0,2.2")
    assert len(lines) == 3
    assert loss_of({"seconds": 9, "velocity_error": 0.5, "norm": 3}) == 0.5
