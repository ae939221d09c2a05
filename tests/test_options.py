"""Sampling options: what is refused, in one line, and what a record of them gives back."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest

from genloom.errors import RequestError
from genloom.spec import Options

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"max_tokens": 10**9}, "max_tokens is 1000000000, but 1 to 1e\\+06 is expected"),
    ({"max_tokens": 0}, "1 to 1e\\+06"),
    ({"max_tokens": 2.5}, "max_tokens is 2.5, but a whole number is expected"),
    ({"max_tokens": "5"}, "max_tokens is '5', but a whole number is expected"),
    ({"max_tokens": True}, "a whole number is expected"),
    ({"temperature": "hot"}, "temperature is 'hot', but a number is expected"),
    ({"temperature": math.nan}, "0 to 100 is expected"),
    ({"temperature": math.inf}, "0 to 100 is expected"),
    ({"top_p": 0.0}, "top_p"),
    ({"frequency_penalty": 2.1}, "-2 to 2 is expected"),
    ({"presence_penalty": -3}, "-2 to 2 is expected"),
    ({"logprobs": 21}, "0 to 20 is expected"),
    ({"beams": 17}, "1 to 16 is expected"),
    ({"min_tokens": -1}, "min_tokens"),
    ({"logit_bias": [1, 2]}, "an object of token id -> bias is expected"),
    ({"logit_bias": {"a": 1.0}}, "a whole number is expected"),
    ({"logit_bias": {-1: 1.0}}, "logit_bias: an id is -1"),
    ({"logit_bias": {5: 101}}, "logit_bias of 5 is 101, but -100 to 100 is expected"),
    ({"logit_bias": {5: None}}, "logit_bias of 5 is null"),
    ({"logit_bias": dict.fromkeys(range(2000), 1.0)}, "2000 ids, but up to 1024"),
    ({"directions": [1]}, "an object of number -> bias is expected"),
    ({"directions": {1: math.nan}}, "directions of 1 is nan, but -20 to 20 is expected"),
    ({"truncation": 3.0}, "truncation is 3.0, but 0 to 2 is expected"),
    ({"stop": 5}, "stop is 5, but a list of up to 1024 strings is expected"),
    ({"stop": ("a", "")}, "strings that are not empty"),
    ({"stop_ids": (1, "x")}, "stop_ids is 'x', but a whole number is expected"),
    ({"stop_ids": 3}, "a list of up to 1024 token ids is expected"),
    ({"schema": 3}, "schema is 3, but a JSON schema or its text is expected"),
    ({"regex": 3}, "regex is 3, but a string is expected"),
    ({"ignore_eos": 1}, "true or false is expected"),
    ({"regex": "a", "schema": {}}, "schema and regex are given: one form"),
    ({"regex": "a" * 100, "grammar": ""}, "regex and grammar are given"),
    ({"solver": "x" * 500, "suffix": 5}, "suffix is 5"),
]


@pytest.mark.parametrize(("options", "told"), REFUSED, ids=lambda x: str(x)[:40])
def test_refusals_are_one_line(options: dict[str, Any], told: str) -> None:
    with pytest.raises(RequestError, match=told) as error:
        Options(**options)
    assert "\n" not in str(error.value) and len(str(error.value)) < 200


def test_what_was_given_goes_through_json_and_back() -> None:
    options = Options(
        temperature=0,
        logprobs=0,
        logit_bias={7: 1, 9: -2.5},
        stop="END",
        stop_ids=[3, 4],
        schema={"type": "object"},
        ignore_eos=False,
        max_tokens=np.int64(5),
        top_p=np.float32(0.5),
    )
    given = json.loads(json.dumps(options.given()))
    assert Options(**given) == options
    assert given["temperature"] == 0 and given["logprobs"] == 0 and given["stop"] == ["END"]
    assert given["logit_bias"] == {"7": 1, "9": -2.5} and given["max_tokens"] == 5
    assert Options().given() == {} and Options(logit_bias={}, stop=()).given() == {}
    assert Options(schema={}).given() == {"schema": {}}  # any JSON at all


def test_ids_are_checked_against_a_vocabulary() -> None:
    options = Options(logit_bias={9: 1.0}, stop_ids=(3,))
    options.check_ids(10)
    with pytest.raises(RequestError, match=r"logit_bias names the id 9, .* are 0 to 8"):
        options.check_ids(9)
    with pytest.raises(RequestError, match="stop_ids names the id 3"):
        options.check_ids(2)
