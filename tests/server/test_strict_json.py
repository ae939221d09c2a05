"""JSON that two readers could read apart is no JSON; the rest is what it is."""

from __future__ import annotations

import json

import pytest

from genloom.server.failure import Failure
from genloom.server.strict_json import strict_json


@pytest.mark.parametrize(
    "value",
    [None, True, 0, -1.5, 2**63, "", "ü\0😀", [], {}, {"a": {"b": [1, {"c": "[[[["}]}}, "{" * 500],
)
def test_values_are_read_as_usual(value: object) -> None:
    for ascii in (True, False):
        assert strict_json(json.dumps(value, ensure_ascii=ascii).encode(), 64, 20_000) == value


def test_depth_is_of_nesting_not_of_signs() -> None:
    wide = b"[" + b"[]," * 9_999 + b"[]]"
    assert len(strict_json(wide, 2, 20_000)) == 10_000
    assert strict_json(b"[" * 3 + b"]" * 3, 3, 20_000) == [[[]]]
    for data in (b"[" * 4 + b"]" * 4, b'{"a":' * 4 + b"1" + b"}" * 4, b"[" * 50_000):
        with pytest.raises(Failure) as caught:
            strict_json(data, 3, 20_000)
        assert caught.value.status == 400


def test_pairs_of_surrogates_are_whole_or_refused() -> None:
    assert strict_json(b'"\\ud83d\\ude00"', 3, 20_000) == "\N{GRINNING FACE}"
    assert strict_json(b'"\\\\ud83d"', 3, 20_000) == "\\ud83d"
    for data in (b'"\\ud83d"', b'{"\\udc00": 1}', b'["\\uDC00\\uD83d"]'):
        with pytest.raises(Failure):
            strict_json(data, 3, 20_000)


def test_values_are_counted() -> None:
    assert strict_json(b"[1,2,3]", 3, 2) == [1, 2, 3]
    with pytest.raises(Failure):
        strict_json(b"[1,2,3]", 3, 1)
