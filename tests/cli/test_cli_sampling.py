"""`genloom generate` with every sampling flag that a text takes."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import pytest
from commands import Shell, one_error

pytest.importorskip("pandas")

SHORT = ("--max-tokens", "12")


def test_forms_of_a_text(shell: Shell, text_model: str, tmp_path: Path) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer", "minimum": 0, "maximum": 99}},
        "required": ["a"],
        "x-guidance": {"whitespace_flexible": False},
        "additionalProperties": False,
    }
    file = tmp_path / "schema.json"
    file.write_text(json.dumps(schema))
    in_file = shell("generate", text_model, "--schema", file)
    inline = shell("generate", text_model, "--schema", json.dumps(schema))
    assert in_file.out == inline.out and 0 <= json.loads(in_file.out)["a"] <= 99
    ran = shell("generate", text_model, "-n", "2", "--regex", "(ab){2,3}!", "--json")
    assert all(re.fullmatch("(ab){2,3}!", item) for item in json.loads(ran.out)["items"])
    assert json.loads(ran.out)["record"]["options"] == {"regex": "(ab){2,3}!"}
    file.write_text('start: "x" ("," "x")~1..3')
    ran = shell("generate", text_model, "--grammar", file)
    assert re.fullmatch("x(,x){1,3}", ran.out.strip()), ran


def test_log_probabilities_are_told_in_json(shell: Shell, text_model: str) -> None:
    ran = shell("generate", text_model, "the", *SHORT, "--logprobs", "3", "--json", "-n", "2")
    told = json.loads(ran.out)
    for item, tokens in zip(told["items"], told["logprobs"], strict=True):
        spelt = b"the" + bytes(t["id"] - 2 for t in tokens if t["id"] >= 2)  # after two specials
        assert spelt.decode("utf-8", "replace").startswith(item) and len(item) > 3
        for token in tokens:
            best = [t["logprob"] for t in token["top"]]
            assert len(best) == 3 and best == sorted(best, reverse=True) and best[0] <= 0.0
            assert token["logprob"] <= best[0] and sum(map(math.exp, best)) <= 1.0 + 1e-5
    one_error(shell("generate", text_model, "--logprobs", "3"), "--json")


def test_biases_penalties_and_ends(shell: Shell, text_model: str) -> None:
    ids = {letter: 2 + ord(letter) for letter in "qz"}  # plain bytes follow the two specials
    bias = ("--logit-bias", f"{ids['q']}=100", "--logit-bias", f"{ids['z']}=99")
    ran = shell("generate", text_model, *SHORT, *bias, "--temperature", "0")
    assert ran.out.strip() == "q" * 12
    less = ("--frequency-penalty", "2", "--presence-penalty", "2")
    ran = shell("generate", text_model, *SHORT, *bias, *less, "--temperature", "0")
    assert set(ran.out.strip()) == {"q", "z"}
    ran = shell("generate", text_model, *SHORT, *bias, "--stop-id", str(ids["q"]))
    assert ran.out.strip() == ""
    ran = shell(
        *("generate", text_model, *SHORT, *bias, "--stop-id", str(ids["q"])),
        *("--min-tokens", "4", "--temperature", "0"),
    )
    assert ran.out.strip() == "zzzz"


def test_misuse_is_one_line(shell: Shell, text_model: str, tmp_path: Path) -> None:
    start = ("generate", text_model)
    one_error(shell(*start, "--logit-bias", "a=1"), "--logit-bias a=1", "ID=VALUE")
    one_error(shell(*start, "--logit-bias", "5=nan"), "ID=VALUE")
    one_error(shell(*start, "--logit-bias", "5=101"), "-100 to 100")
    one_error(shell(*start, "--schema", tmp_path / "none.json"), "No such file")
    one_error(shell(*start, "--schema", "{"), "no JSON")
    one_error(shell(*start, "--schema", '{"type": "frog"}'), "frog")
    one_error(shell(*start, "--grammar", tmp_path), "give a file")
    one_error(shell(*start, "--regex", "("), "unclosed group")
    one_error(shell(*start, "--regex", "a", "--schema", "{}"), "one form")
    one_error(shell(*start, "--beams", "17"), "1 to 16")
    one_error(shell(*start, "--max-tokens", "1000000000"), "1e+06")
    one_error(shell(*start, "the", "--suffix", "end"), "cannot fill a gap")
    (tmp_path / "latin").write_bytes(b"start: \xff")
    one_error(shell(*start, "--grammar", tmp_path / "latin"), "no UTF-8 text")
