"""Suites asked of a small model from beginning to end, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import fixed_model
import pytest

from genloom import api
from genloom.errors import DataError, UsageError
from genloom.trust.suites import measuring
from genloom.trust.suites.measuring import SuiteReport, evaluate

CHOICES = [
    {
        "question": f"What comes after the {n}?",
        "choices": ["the end", "and", f"the {n}"],
        "answer": n % 3,
    }
    for n in range(12)
]
ANSWERS = [{"question": f"Who sat on mat {n}?", "answer": "the cat"} for n in range(5)]
CODE = [
    {
        "task_id": f"Own/{n}",
        "prompt": "def same(x):\n",
        "entry_point": "same",
        "test": f"def check(f):\n    assert f({n}) == {n}\n",
        "canonical_solution": "    return x\n" if n else "    return None\n",
    }
    for n in range(2)
]


def lines(path: Path, rows: list[dict[str, Any]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
    return str(path)


@pytest.fixture(scope="module")
def model() -> api.Model:
    return fixed_model.model()


def asked(model: api.Model, folder: Path, *suites: str, **more: Any) -> SuiteReport:
    return evaluate(model, suites, folder, **more)


def test_every_kind_is_measured_with_its_floor(model: api.Model, tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text("the cat sat on the mat and the dog sat on the cat " * 40)
    given = [
        lines(tmp_path / "choices.jsonl", CHOICES),
        lines(tmp_path / "answers.jsonl", ANSWERS),
        lines(tmp_path / "code.jsonl", CODE),
        str(tmp_path / "text.txt"),
    ]
    heard: list[str] = []
    report = asked(
        model,
        tmp_path,
        *given,
        tokens=8,
        samples=2,
        listener=lambda event: heard.append(event.values["stage"]),
    )
    rows = {(row.suite, row.metric): row for row in report.rows}
    assert [name for name, _ in rows] == [
        *["choices"] * 3, "answers", *["humaneval"] * 2, *["texts"] * 3
    ]  # fmt: skip
    acc = rows["choices", "acc"]
    assert acc.floor == pytest.approx(1 / 3) and acc.how == "Wilson" and acc.items == 12
    assert acc.low is not None and acc.high is not None and acc.value is not None
    assert acc.low <= acc.value <= acc.high and acc.protocol == "choices, 0-shot, as Genloom 1"
    assert rows["answers", "exact_match"].floor == 1.0  # always "the cat"
    code = rows["humaneval", "pass@1"]
    assert (code.value, code.floor, code.ceiling) == (0.0, 0.0, 0.5)
    assert code.published == () or "nanochat" in code.published[0]
    bits = rows["texts", "bits_per_byte"]
    assert bits.value is not None and bits.floor is not None and bits.better == "lower"
    assert bits.low is not None and bits.high is not None and bits.low < bits.value < bits.high
    told = report.to_json()
    assert json.loads(json.dumps(told))["items"]["choices"][4]["answer"] == 1
    assert len(told["items"]["humaneval"][0]["failures"]) == 2
    about = {one["suite"]: one for one in report.protocol["suites"]}
    assert "not at hand" in about["choices"]["notes"][0]
    assert about["humaneval"]["decoding"].startswith("2 drawn") and heard
    assert about["choices"]["items_a_second"] > 0


def test_a_context_without_room_is_told(model: api.Model, tmp_path: Path) -> None:
    place = lines(tmp_path / "code.jsonl", CODE[:1])
    report = asked(model, tmp_path, place, tokens=700)
    about = report.protocol["suites"][0]
    assert about["tokens_at_most"] == 320
    assert any("of 640 tokens leaves no room for answers of 700" in note for note in about["notes"])


def test_the_same_seed_draws_the_same_and_limits_hold(model: api.Model, tmp_path: Path) -> None:
    place = lines(tmp_path / "code.jsonl", CODE)
    one, other = (
        asked(model, tmp_path, place, tokens=6, samples=3, seed=5, limit=1).items["humaneval"]
        for _ in range(2)
    )
    assert one == other and len(one) == 1 and len(one[0]["texts"]) == 3
    pair = [lines(tmp_path / "choices.jsonl", CHOICES)] * 2
    report = asked(model, tmp_path, *pair, limit=2, shots=3)
    assert list(report.items) == ["choices", "choices#2"]
    assert report.items["choices"] == report.items["choices#2"] and report.rows[0].shots == 3


def test_longer_items_are_cut_and_counted(model: api.Model, tmp_path: Path) -> None:
    rows = [{**CHOICES[0], "question": "no " * 400}, *CHOICES[1:3]]
    report = asked(model, tmp_path, lines(tmp_path / "choices.jsonl", rows))
    about = report.protocol["suites"][0]
    assert about["cut_items"] == 1 and any("1 of 3 items were longer" in n for n in about["notes"])
    assert [item["cut"] > 0 for item in report.items["choices"]] == [True, False, False]


def test_items_that_were_learnt_are_counted_or_refused(
    text_model: api.Model, tmp_path: Path
) -> None:
    learnt = "".join(text_model.training_items())
    known = [
        {"question": learnt[n * 60 : n * 60 + 50], "choices": ["a", "b"], "answer": 0}
        for n in range(9)
    ]
    fresh = [{**row, "question": f"{n} nobody ever said {n}"} for n, row in enumerate(known)]
    mixed = lines(tmp_path / "mixed.jsonl", [*known[:3], *fresh])
    report = asked(text_model, tmp_path, mixed)
    about = report.protocol["suites"][0]
    assert about["known_from_training"] == 3 and "3 of 12" in about["notes"][0]
    assert "without the items seen in training" in report.rows[0].note
    assert sum(item["known_from_training"] for item in report.items["choices"]) == 3
    with pytest.raises(DataError, match="7 of 9 items stand word for word"):
        asked(text_model, tmp_path, lines(tmp_path / "known.jsonl", [*known[:7], *fresh[:2]]))
    (tmp_path / "all.txt").write_text(learnt)
    with pytest.raises(DataError, match="1 of 1 items stand"):
        asked(text_model, tmp_path, str(tmp_path / "all.txt"))


def test_the_counting_floor_has_read_the_training_text(
    text_model: api.Model, tmp_path: Path
) -> None:
    (tmp_path / "new.txt").write_text(
        "the old moon sings over a grey river, and nobody slept.\n" * 9
    )
    row = asked(text_model, tmp_path, str(tmp_path / "new.txt"))["bits_per_byte"]
    assert "training text" in row.note and row.floor is not None and row.floor > 0.1


@pytest.mark.parametrize(
    ("rows", "word"),
    [
        ([{**CHOICES[0], "answer": 3}], "item 1: its answer is 3"),
        ([CHOICES[0], {**CHOICES[1], "choices": ["a", ""]}], "item 2: choice 2 of 2 is empty"),
        ([CHOICES[0], {"question": "q", "choices": ["a"]}], "item 2: it has no field 'answer'"),
        ([{**CHOICES[0], "question": None}], "item 1: its field 'question' is None"),
    ],
)
def test_items_that_cannot_be_asked_are_told(
    model: api.Model, tmp_path: Path, rows: list[dict[str, Any]], word: str
) -> None:
    with pytest.raises(DataError, match=word):
        asked(model, tmp_path, lines(tmp_path / "choices.jsonl", rows))


def test_what_makes_no_sense_is_refused(
    model: api.Model, image_model: api.Model, tmp_path: Path
) -> None:
    place = lines(tmp_path / "choices.jsonl", CHOICES)
    with pytest.raises(UsageError, match="suites are asked of models that read texts"):
        asked(image_model, tmp_path, place)
    for wrong in ({"limit": 0}, {"shots": -1}, {"samples": 0}, {"tokens": 0}):
        with pytest.raises(UsageError, match="is expected"):
            asked(model, tmp_path, place, **wrong)
    with pytest.raises(DataError, match="11 other items"):
        asked(model, tmp_path, place, shots=12)
    with pytest.raises(DataError, match="is empty"):
        (tmp_path / "x.txt").write_text("  \n")
        asked(model, tmp_path, str(tmp_path / "x.txt"))


def test_published_figures_are_of_their_suite() -> None:
    assert measuring.figures.of("gsm8k", "exact_match,strict-match")[0].value == 0.0455
    assert measuring.figures.of("arc", "acc") == []
