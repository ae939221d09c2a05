"""Suites on disk in their usual forms: told by their fields, their names, their folders."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from genloom.errors import DataError, UsageError
from genloom.trust.suites import files
from genloom.trust.suites.finding import Found, find

ARC = {
    "question": "Which is hot?",
    "choices": {"text": ["ice", "fire"], "label": ["A", "B"]},
    "answerKey": "B",
}
FIRST = {
    "question": {
        "stem": "Which is hot?",
        "choices": [{"text": "ice", "label": "A"}, {"text": "fire", "label": "B"}],
    },
    "answerKey": "B",
}
GSM = {"question": "1 + 1?", "answer": "It is two.\n#### 2"}
MMLU = 'Is it?,yes,no,perhaps,never,A\n"Are, they?",a,b,c,d,D\n'


def lines(path: Path, *rows: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def one(folder: Path, given: str | Path) -> Found:
    return find(str(given), folder)


@pytest.mark.parametrize(
    ("name", "row", "suite"),
    [
        ("ARC-Easy/test.jsonl", ARC, "arc_easy"),
        ("ARC-Challenge-Test.jsonl", FIRST, "arc_challenge"),
        ("something.jsonl", FIRST, "arc"),
        ("OpenBookQA/test.jsonl", FIRST, "openbookqa"),
        ("x.jsonl", {**ARC, "question_stem": "s"}, "openbookqa"),
        ("x.jsonl", {"goal": "g", "sol1": "a", "sol2": "b", "label": 1}, "piqa"),
        ("x.jsonl.gz", {"prompt": "def f", "entry_point": "f", "test": "t"}, "humaneval"),
        ("x.jsonl", {"task_id": 11, "text": "t", "code": "c", "test_list": ["1"]}, "mbpp"),
        ("x.jsonl", GSM, "gsm8k"),
        ("x.jsonl", {"question": "q", "answer": {"aliases": ["a"]}}, "triviaqa"),
        ("x.jsonl", {"passage": "p", "question": "q", "answer": True}, "boolq"),
        (
            "x.jsonl",
            {"sentence": "a _ b", "option1": "1", "option2": "2", "answer": "2"},
            "winogrande",
        ),
        ("x.jsonl", {"page": " = T = \n text"}, "wikitext"),
        ("x.jsonl", {"text": "words"}, "texts"),
        ("x.jsonl", {"question": "q", "choices": ["a", "b"], "answer": 1}, "choices"),
        ("x.jsonl", {"question": "q", "answer": "a"}, "answers"),
        ("x.jsonl", {"input": "q", "output": "a"}, "outputs"),
    ],
)
def test_a_row_tells_its_suite(tmp_path: Path, name: str, row: dict[str, Any], suite: str) -> None:
    found = one(tmp_path, lines(tmp_path / name, row))
    assert found.suite.name == suite and len(found.rows) == 1


def test_parts_of_a_folder_and_shards(tmp_path: Path) -> None:
    folder = tmp_path / "ARC-Easy"
    lines(folder / "train-00000-of-00001.jsonl", ARC, ARC)
    lines(folder / "test-00000-of-00002.jsonl", ARC)
    lines(folder / "test-00001-of-00002.jsonl", {**ARC, "question": "And which is cold?"})
    (folder / "README.rst").write_text("no data")
    found = one(tmp_path, folder)
    assert [row["question"] for row in found.rows] == ["Which is hot?", "And which is cold?"]
    assert len(found.pool()) == 2 and found.apart
    assert found.rows[0]["options"] == ["ice", "fire"] and found.rows[0]["answer"] == "B"
    assert one(tmp_path, "arc_easy").rows == found.rows  # by its name, in the folder of suites
    assert one(tmp_path, f"arc_challenge={folder}").suite.name == "arc_challenge"


def test_examples_lie_beside_a_file_or_in_it(tmp_path: Path) -> None:
    lines(tmp_path / "gsm8k_train.jsonl", GSM, GSM, GSM)
    lines(tmp_path / "piqa_train.jsonl", GSM)
    found = one(tmp_path, lines(tmp_path / "gsm8k_test.jsonl", GSM))
    assert len(found.pool()) == 3 and found.apart
    alone = one(tmp_path, lines(tmp_path / "alone" / "test.jsonl", GSM))
    assert alone.pool() == alone.rows and not alone.apart


def test_mmlu_lies_in_many_files(tmp_path: Path) -> None:
    for part in ("test", "dev", "val"):
        for subject in ("anatomy", "world_history"):
            path = tmp_path / "data" / part / f"{subject}_{part}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(MMLU)
    found = one(tmp_path, tmp_path / "data")
    assert found.suite.name == "mmlu" and len(found.rows) == 4 == len(found.pool())
    assert found.rows[3]["answer"] == 3 and found.rows[3]["about"] == "world history"
    single = one(tmp_path, tmp_path / "data" / "test" / "anatomy_test.csv")
    assert len(single.rows) == 2 == len(single.pool()) and single.apart


def test_mbpp_holds_its_examples(tmp_path: Path) -> None:
    rows = [
        {"task_id": n, "text": f"{n}", "code": "c", "test_list": ["1", "2", "3"]}
        for n in range(1, 600)
    ]
    found = one(tmp_path, lines(tmp_path / "mbpp.jsonl", *rows))
    assert [row["task_id"] for row in found.rows] == list(range(11, 511))
    assert [row["task_id"] for row in found.pool()] == [2, 3, 4]


def test_other_forms(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    rows = [{"question": "q", "choices": ["a", "b"], "answer": 1}]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "a.parquet")
    (tmp_path / "b.csv").write_text('question,choices,answer\nq,"[""a"", ""b""]",1\n')
    (tmp_path / "c.json").write_text(json.dumps({"version": 1, "data": rows}))
    (tmp_path / "d.json").write_text(json.dumps({"examples": {"1": {"input": "q", "output": "a"}}}))
    (tmp_path / "e.txt").write_text("a text")
    for name in "ab":
        form = next(tmp_path.glob(f"{name}.*"))
        assert one(tmp_path, form).suite.name == "choices"
    assert one(tmp_path, tmp_path / "c.json").rows == rows
    assert one(tmp_path, tmp_path / "d.json").suite.name == "outputs"
    assert one(tmp_path, tmp_path / "e.txt").rows == [{"text": "a text"}]


def test_an_own_suite_is_declared_in_json(tmp_path: Path) -> None:
    lines(tmp_path / "data.jsonl", {"q": "a", "a": "b"}, {"q": "c", "a": "d"})
    told = {"kind": "answer", "prompt": "{q}", "target": "a", "data": "data.jsonl", "shots": 1}
    (tmp_path / "mine.json").write_text(json.dumps(told))
    for given in (tmp_path / "mine.json", "mine"):
        found = one(tmp_path, given)
        assert found.suite.name == "mine" and len(found.rows) == 2 and not found.apart


@pytest.mark.parametrize(
    ("content", "word"),
    [
        ("", "is empty"),
        ('{"question": "q", "answer": "a"}\n{broken', "line 2 is not JSON"),
        ("[1, 2]", "line 1 is no object"),
        ('{"foo": 1}', "an item has the fields foo"),
        ('{"goal": "g", "sol1": "a", "sol2": "b", "label": -1}', "item 1: .* hidden"),
        ('{"sentence": "a", "option1": "1", "option2": "2", "answer": "1"}', "no gap"),
    ],
)
def test_damaged_data_is_told_with_its_line(tmp_path: Path, content: str, word: str) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(content)
    with pytest.raises(DataError, match=word):
        one(tmp_path, path)


def test_what_is_not_there_is_told_with_what_is_near(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'hellaswag'"):
        one(tmp_path, "helaswag")
    with pytest.raises(UsageError, match="no data of the suite 'gsm8k'"):
        one(tmp_path, "gsm8k")
    with pytest.raises(UsageError, match="does not exist"):
        one(tmp_path, f"gsm8k={tmp_path / 'nowhere'}")
    with pytest.raises(UsageError, match="does not exist"):
        one(tmp_path, "./no such file")
    with pytest.raises(UsageError, match="holds no file"):
        one(tmp_path, tmp_path)
    with pytest.raises(DataError, match=r"is not the suite 'gsm8k'.*question, answer"):
        one(tmp_path, f"gsm8k={lines(tmp_path / 'x.jsonl', ARC)}")
    lines(tmp_path / "both" / "arc_easy_test.jsonl", ARC)
    lines(tmp_path / "both" / "arc_challenge_test.jsonl", ARC)
    with pytest.raises(UsageError, match="several suites"):
        one(tmp_path, f"arc={tmp_path / 'both'}")
    lines(tmp_path / "taught" / "train.jsonl", GSM)
    with pytest.raises(UsageError, match="training alone"):
        one(tmp_path, tmp_path / "taught")
    big = tmp_path / "x.bin"
    big.write_bytes(b"\0")
    with pytest.raises(DataError, match="no known form"):
        files.read(big)
    bad = tmp_path / "x.jsonl.gz"
    bad.write_bytes(b"no gzip")
    with pytest.raises(DataError, match="cannot be read"):
        files.read(bad)


def test_a_file_of_the_folder_that_one_stands_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {"question": "Which?", "choices": ["a", "b"], "answer": 1}
    (tmp_path / "arc.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert find("arc.jsonl", tmp_path / "none").rows == [row]
