"""`genloom data`: what is counted, what is left out, and that parts are written back whole."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from commands import Shell, one_error
from PIL import Image

pandas = pytest.importorskip("pandas")


@pytest.fixture
def dirty(tmp_path: Path) -> Path:
    """Four rows of three sorts, one with a cell missing, one ragged."""
    path = tmp_path / "dirty.csv"
    path.write_text("a,b\n1,x\n1,x\n2,y\n,z\n1,2,3\n", "utf-8")
    return path


def test_inspect_a_table(shell: Shell, dirty: Path) -> None:
    told = json.loads(shell("data", "inspect", dirty, "--json").out)
    assert told["medium"] == "table" and told["items"] == 4 and told["duplicates"] == 1
    first = told["summary"]["columns"][0]
    assert first["column"] == "a" and first["missing"] == 1 and first["distinct"] == 2
    assert len(told["skipped"]) == 1
    ran = shell("data", "inspect", dirty)
    assert "duplicates" in ran.out and "left out 1" in ran.out and "column" in ran.out


def test_inspect_texts_and_pictures(shell: Shell, tmp_path: Path, pictures: Path) -> None:
    (tmp_path / "a.txt").write_text("one", "utf-8")
    (tmp_path / "b.txt").write_text("three", "utf-8")
    (tmp_path / "c.txt").write_text("one", "utf-8")
    told = json.loads(shell("data", "inspect", tmp_path, "--json").out)
    assert told["medium"] == "text" and told["items"] == 3 and told["duplicates"] == 1
    assert told["summary"]["characters"] == 11 and told["summary"]["longest"] == 5
    told = json.loads(shell("data", "inspect", pictures, "--json").out)
    assert told["medium"] == "image" and told["summary"]["sizes"] == {"8 x 8": 16}
    assert told["summary"]["distinct captions"] == 2


def test_inspect_reads_stdin_and_a_medium_may_be_said(shell: Shell, dirty: Path) -> None:
    ran = shell("data", "inspect", "-", "--medium", "table", "--json", stdin=dirty.read_bytes())
    assert json.loads(ran.out)["items"] == 4
    ran = shell("data", "inspect", dirty, "--medium", "tabel")
    assert ran.code == 2
    one_error(ran, "'table'")


def test_clean_a_table(shell: Shell, dirty: Path, tmp_path: Path) -> None:
    out = tmp_path / "clean.csv"
    told = json.loads(shell("data", "clean", dirty, out, "--json").out)
    assert told == {"path": str(out), "kept": 3, "duplicates": 1, "empty": 0, "broken": 1}
    assert pandas.read_csv(out)["b"].tolist() == ["x", "y", "z"]
    again = shell("data", "clean", dirty, out)
    assert again.code == 2
    one_error(again, "there already")


def test_clean_drops_rows_in_which_all_is_missing(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "gaps.csv").write_text("a,b\n1,x\n,\n2,\n", "utf-8")
    ran = shell("data", "clean", tmp_path / "gaps.csv", tmp_path / "out.csv", "--json")
    assert (json.loads(ran.out)["kept"], json.loads(ran.out)["empty"]) == (2, 1)


def test_clean_texts_to_lines_of_json(shell: Shell, tmp_path: Path) -> None:
    folder = tmp_path / "texts"
    folder.mkdir()
    for name, text in (("a", "one\n"), ("b", "two"), ("c", "one\n")):
        (folder / f"{name}.txt").write_text(text, "utf-8")
    (folder / "LICENSE").write_text("SPDX-License-Identifier: CC0-1.0", "utf-8")
    out = tmp_path / "clean.jsonl"
    told = json.loads(shell("data", "clean", folder, out, "--json").out)
    assert told["kept"] == 2
    lines = [json.loads(line)["text"] for line in out.read_text("utf-8").splitlines()]
    assert lines == ["one\n", "two"]
    shell("data", "clean", folder, tmp_path / "each")
    assert (tmp_path / "each" / "LICENSE").is_file()
    assert len(list((tmp_path / "each").glob("*.txt"))) == 2


def test_clean_pictures_drops_the_broken(shell: Shell, pictures: Path, tmp_path: Path) -> None:
    folder = tmp_path / "album"
    shutil.copytree(pictures, folder)
    (folder / "top" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    shutil.copy(
        folder / "top" / "0.png"
        if (folder / "top" / "0.png").is_file()
        else next((folder / "top").glob("*.png")),
        folder / "top" / "copy.png",
    )
    told = json.loads(shell("data", "clean", folder, tmp_path / "out", "--json").out)
    assert (told["kept"], told["duplicates"], told["broken"]) == (16, 1, 1)
    back = json.loads(shell("data", "inspect", tmp_path / "out", "--json").out)
    assert back["items"] == 16 and back["summary"]["distinct captions"] == 2


def test_split_keeps_every_item_once(shell: Shell, rows: Path, tmp_path: Path) -> None:
    ran = shell("data", "split", rows, tmp_path / "a", "--holdout", "0.25", "--json")
    told = json.loads(ran.out)
    parts = [pandas.read_csv(told[key]) for key in ("train", "held out")]
    assert len(parts[0]) == told["train items"] and len(parts[1]) == told["held out items"]
    whole = pandas.read_csv(rows)
    assert pandas.concat(parts).sort_values("age")["age"].tolist() == sorted(whole["age"])
    assert 30 <= len(parts[1]) <= 70
    assert "warning: " in ran.err and "data clean" in ran.err  # ages repeat in these rows
    same = json.loads(
        shell("data", "split", rows, tmp_path / "b", "--holdout", "0.25", "--json").out
    )
    assert pandas.read_csv(same["train"]).equals(parts[0])
    other = shell("data", "split", rows, tmp_path / "c", "--holdout", "0.25", "--seed", "1")
    assert other.code == 0
    assert not pandas.read_csv(tmp_path / "c" / "train.csv").equals(parts[0])


def test_split_one_text_by_position(shell: Shell, texts: Path, tmp_path: Path) -> None:
    told = json.loads(shell("data", "split", texts, tmp_path / "out", "--json").out)
    first, last = (Path(told[k]).read_text("utf-8") for k in ("train", "held out"))
    whole = texts.read_text("utf-8")
    assert first + last == whole and len(last) == pytest.approx(len(whole) / 10, abs=2)


def test_split_pictures_keeps_their_captions(shell: Shell, pictures: Path, tmp_path: Path) -> None:
    told = json.loads(shell("data", "split", pictures, tmp_path / "out", "--json").out)
    lines = (Path(told["train"]) / "metadata.jsonl").read_text("utf-8").splitlines()
    assert len(lines) == told["train items"]
    line = json.loads(lines[0])
    with Image.open(Path(told["train"]) / line["file_name"]) as image:
        assert image.size == (8, 8)
    assert line["text"] in ("top", "bottom")


@pytest.mark.parametrize(
    ("tokens", "code", "words"),
    [
        (["inspect", "nowhere"], 1, ["nowhere", "does not exist"]),
        (["split", "ROWS", "out", "--holdout", "1.5"], 2, ["--holdout"]),
        (["clean", "ROWS"], 2, ["OUT"]),
        (["clean", "PICTURES", "out.png"], 2, ["folder"]),
        (["clean", "PICTURES", "PICTURES/in"], 2, ["inside"]),
    ],
)
def test_misuse(
    shell: Shell,
    rows: Path,
    pictures: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tokens: list[str],
    code: int,
    words: list[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    places = {"ROWS": str(rows), "PICTURES": str(pictures), "PICTURES/in": str(pictures / "in")}
    ran = shell("data", *(places.get(t, t) for t in tokens))
    assert ran.code == code
    one_error(ran, *words)


def test_what_is_drawn_tells_by_its_name_what_it_is(shell: Shell, tmp_path: Path) -> None:
    ran = shell("data", "draw", "driving", "-n", "3", "-o", tmp_path / "roads", "--json")
    told = json.loads(ran.out)
    assert told["items"] == 3 and told["path"] == str(tmp_path / "roads.jsonl")
    assert json.loads(shell("data", "inspect", told["path"], "--json").out)["medium"] == "drive"
    one_error(
        shell("data", "draw", "driving", "-n", "3", "-o", tmp_path / "roads"), "there already"
    )
    one_error(shell("data", "draw", "boats", "-o", tmp_path / "boats"), "cars")
