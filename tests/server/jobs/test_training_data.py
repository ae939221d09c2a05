"""What a training is handed: shapes of lines, files under names that tell their kind."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from genloom.server.failure import Failure
from genloom.server.jobs import unpacking
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


def zipped(path, entries, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def opened(tmp_path, source, name="archive.ZIP"):
    return prepare(source, name, tmp_path / "work" / "training", "training_file", supervised)


def test_an_archive_is_the_folder_that_it_holds(tmp_path):
    """Under names of ours: none leads out of it, and what a system packs along is left out."""
    entries = {"a/one.txt": "1", "../../b.txt": "2", "/etc/c.txt": "3", "A/ONE.txt": "4"}
    packed = {"__MACOSX/a/._one.txt": "x", "a/.DS_Store": "x", "a/": ""}
    source = zipped(tmp_path / "stored", {**entries, **packed})
    found = Path(opened(tmp_path, source).path)
    assert found == tmp_path / "work" / "training"
    files = [path for path in found.rglob("*") if path.is_file()]
    assert sorted(path.read_text() for path in files) == ["1", "2", "3", "4"]
    assert [*(tmp_path / "work").iterdir()] == [found] and not [*tmp_path.glob("*.txt")]
    assert opened(tmp_path, source).path == str(found)  # of a training that goes on


def test_an_archive_of_pictures_stays_one(tmp_path):
    source = zipped(tmp_path / "stored", {"red/1.png": "", "metadata.csv": ""})
    assert opened(tmp_path, source).path == str(tmp_path / "work" / "training.zip")


def test_an_archive_that_cannot_be_read_is_told(tmp_path, monkeypatch):
    sound = zipped(tmp_path / "sound", {"a.txt": "word " * 99}, zipfile.ZIP_STORED).read_bytes()
    broken = {
        "no archive": b"a,b\n1,2\n",
        "cut": sound[:-30],
        "changed": sound.replace(b"word", b"mord", 1),
        "shut": _with_flag(sound),
        "empty": zipped(tmp_path / "none", {}).read_bytes(),
    }
    for name, data in broken.items():
        (tmp_path / name).write_bytes(data)
        with pytest.raises(Failure) as error:
            opened(tmp_path, tmp_path / name)
        assert (error.value.status, error.value.code) == (400, "invalid_training_file"), name
    monkeypatch.setattr(unpacking, "MOST_BYTES", 400)
    with pytest.raises(Failure, match="too large"):
        opened(tmp_path, tmp_path / "sound")
    assert not [*(tmp_path / "work").iterdir()]


def _with_flag(archive):
    """As if its first file needed a password."""
    at = archive.index(b"PK\x01\x02") + 8
    return archive[:6] + b"\x01" + archive[7:at] + b"\x01" + archive[at + 1 :]


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
