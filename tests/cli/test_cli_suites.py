"""`genloom eval --suite`: a table for people, JSON for programs, one line for what is wrong."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Shell, one_error

ROWS = [{"question": f"{n}?", "choices": ["cat", "a mat"], "answer": n % 2} for n in range(6)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "pets.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    return tmp_path


def test_a_table_and_the_same_as_json(shell: Shell, text_model: str, folder: Path) -> None:
    suite = ("--suite", folder / "pets.jsonl", "--limit", "4", "--shots", "1", "--quiet")
    shown = shell("eval", text_model, *suite)
    assert shown.code == 0 and not shown.err
    assert "95% interval" in shown.out and "choices, 1-shot, as Genloom 1" in shown.out
    assert "items a second" in shown.out and "floor: a guess" in shown.out
    told = shell("eval", text_model, *suite, "--json", "--out", folder / "report.json")
    values = json.loads(told.out)
    assert values == json.loads((folder / "report.json").read_text())
    assert [row["metric"] for row in values["rows"]] == ["acc", "acc_norm", "acc_bytes"]
    assert len(values["items"]["choices"]) == 4 and values["rows"][0]["how"] == "Wilson"


def test_what_is_wrong_is_one_line(
    shell: Shell, text_model: str, image_model: str, folder: Path
) -> None:
    pets = str(folder / "pets.jsonl")
    one_error(shell("eval", text_model, "--suite", "helaswag", "-q"), "hellaswag")
    one_error(shell("eval", text_model, "--suite", "gsm8k", "-q"), "no data of the suite", "suites")
    one_error(shell("eval", image_model, "--suite", pets, "-q"), "models that read texts")
    one_error(shell("eval", text_model, "--shots", "1", "-q"), "--shots goes with --suite")
    one_error(shell("eval", text_model, "--suite", pets, "-n", "3", "-q"), "--count")
    (folder / "pets.jsonl").write_text("{")
    one_error(shell("eval", text_model, "--suite", pets, "-q"), "line 1 is not JSON")
