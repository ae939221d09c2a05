"""`genloom score`, `embed`, `rank`: texts as arguments, from a file, from stdin."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest
from commands import Shell, one_error

TEXTS = ("the cat sat on the mat", "qxz jkv")


def test_what_was_learnt_is_likelier(shell: Shell, text_model: str) -> None:
    told = json.loads(shell("score", text_model, *TEXTS, "--json", "--each").out)
    assert [row["text"] for row in told] == list(TEXTS)
    assert told[0]["bits_per_byte"] < told[1]["bits_per_byte"]
    for row in told:
        assert "".join(piece for piece, _ in row["logprobs"]) == row["text"]
        assert row["nats"] == pytest.approx(-math.fsum(p for _, p in row["logprobs"]))
    shown = shell("score", text_model, *TEXTS)
    assert shown.code == 0 and "perplexity" in shown.out and TEXTS[1] in shown.out


def test_texts_come_from_a_file_and_from_stdin(
    shell: Shell, text_model: str, tmp_path: Path
) -> None:
    file = tmp_path / "texts.txt"
    file.write_text("\n".join(TEXTS) + "\n\n")
    given = shell("score", text_model, *TEXTS, "--json").out
    assert shell("score", text_model, "--file", file, "--json").out == given
    assert shell("score", text_model, "--json", stdin=file.read_bytes()).out == given
    assert shell("score", text_model, "-", "--json", stdin=file.read_bytes()).out == given
    whole = json.loads(shell("score", text_model, "--file", file, "--whole", "--json").out)
    assert len(whole) == 1 and whole[0]["text"].startswith("\n".join(TEXTS))


def test_vectors_are_lines_of_numbers(shell: Shell, text_model: str) -> None:
    lines = [json.loads(x) for x in shell("embed", text_model, *TEXTS).out.splitlines()]
    assert len(lines) == 2 and len(lines[0]) == 32
    assert math.hypot(*lines[0]) == pytest.approx(1, abs=1e-5)
    short = [
        json.loads(x) for x in shell("embed", text_model, *TEXTS, "--size", "4").out.split("\n")[:2]
    ]
    assert len(short[0]) == 4
    raw = json.loads(shell("embed", text_model, TEXTS[0], "--raw", "--pooling", "last").out)
    assert math.hypot(*raw) > 1.1


def test_texts_are_ordered_by_a_query(shell: Shell, text_model: str) -> None:
    told = json.loads(shell("rank", text_model, "the dog", *TEXTS, "the cat and", "--json").out)
    assert sorted(row["place"] for row in told) == [0, 1, 2]
    assert [row["score"] for row in told] == sorted((r["score"] for r in told), reverse=True)
    best = shell("rank", text_model, "the dog", *TEXTS, "-n", "1")
    assert best.code == 0 and len(best.out.splitlines()) == 2


def test_what_cannot_be_read_is_told_in_a_line(
    shell: Shell, text_model: str, table_model: str, tmp_path: Path
) -> None:
    one_error(shell("score", table_model, "x"), "runs of ids")
    one_error(shell("embed", text_model, "a" * 4000), "context")
    one_error(shell("embed", text_model, "x", "--size", "999"), "1 to 32")
    one_error(shell("score", text_model, "--file", tmp_path / "none"), "does not read")
    one_error(shell("score", text_model, stdin=b" \n"), "no text")
