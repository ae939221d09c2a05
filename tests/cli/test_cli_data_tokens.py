"""`genloom data inspect` of words: tokens, lengths, and what a template really feeds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Shell, one_error


@pytest.fixture
def talks(tmp_path: Path) -> Path:
    path = tmp_path / "talks.jsonl"
    rows = [{"prompt": f"say {n}", "completion": f"number {n} it is"} for n in range(12)]
    rows += [rows[0], {"messages": [{"role": "user", "content": "nobody"}]}]
    path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    return path


def test_a_chat_is_shown_as_it_is_fed(shell: Shell, talks: Path) -> None:
    told = json.loads(shell("data", "inspect", talks, "--show", "2", "--json").out)
    assert told["medium"] == "chat" and told["items"] == 13 and told["duplicates"] == 1
    assert told["left_out"] == 1 and told["one_sided"] == pytest.approx(1 / 14, abs=1e-5)
    tokens = told["tokens"]
    assert set(tokens["lengths"]) == {"min", "median", "p95", "max"}
    assert sum(line["items"] for line in tokens["histogram"]) == 13
    assert tokens["over_context"] == 0 and 0 < tokens["trained"] < tokens["tokens"]
    first = tokens["shown"][0]
    assert len(tokens["shown"]) == 2 and len(first["trained"]) == 1
    assert [p["text"] for p in first["parts"] if p["trained"]] == ["number 0 it is<|im_end|>"]
    start, end = first["trained"][0]
    assert 0 < start < end <= len(first["ids"])
    plain = shell("data", "inspect", talks, "--show", "1").out
    assert "<|im_start|>assistant\n[[number 0 it is<|im_end|>]]" in plain
    assert "over the context" in plain and "left out 1:" in plain and "#" in plain


def test_preferences_and_texts(shell: Shell, tmp_path: Path) -> None:
    rows = [{"prompt": f"say {n}", "chosen": "yes", "rejected": "no"} for n in range(8)]
    rows.append({"prompt": "q", "chosen": "same", "rejected": "same"})
    (tmp_path / "p.jsonl").write_text("\n".join(map(json.dumps, rows)), "utf-8")
    told = json.loads(shell("data", "inspect", tmp_path / "p.jsonl", "--show", "1", "--json").out)
    assert told["medium"] == "preference" and told["items"] == 8 and told["one_sided"] > 0.1
    learnt = [p["text"] for row in told["tokens"]["shown"] for p in row["parts"] if p["trained"]]
    assert learnt == ["yes<|im_end|>", "no<|im_end|>"]
    (tmp_path / "t.txt").write_text("a text of some words " * 50, "utf-8")
    told = json.loads(shell("data", "inspect", tmp_path / "t.txt", "--json").out)
    assert told["tokens"]["tokens"] == told["tokens"]["trained"] == 1050
    assert told["tokens"]["over_context"] == 1 and told["near_duplicates"] == 0


def test_in_the_tokens_of_a_model(shell: Shell, talks: Path, text_model: str) -> None:
    ran = shell("data", "inspect", talks, "--model", text_model, "--show", "1", "--json")
    tokens = json.loads(ran.out)["tokens"]
    assert tokens["tokenizer"] == text_model
    assert tokens["shown"][0]["parts"][-2]["text"].endswith("<|endoftext|>")
    assert tokens["context"] == 32 and tokens["over_context"] > 0
    assert any("longer than the context of 32" in note for note in tokens["notes"])


def test_tables_have_no_tokens(shell: Shell, rows: Path) -> None:
    pytest.importorskip("pandas")
    ran = shell("data", "inspect", rows, "--show", "2")
    assert ran.code == 2
    one_error(ran, "--show", "texts")
