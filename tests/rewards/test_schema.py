"""Values against JSON schemas: what each keyword lets through."""

from __future__ import annotations

from typing import Any

import pytest

from genloom.rewards.schema import faults

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "minLength": 1}, "age": {"type": "integer"}},
    "required": ["name"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "good", "bad"),
    [
        (PERSON, {"name": "a", "age": 3.0}, {"name": ""}),
        (PERSON, {"name": "a"}, {"age": 3}),
        (PERSON, {"name": "a"}, {"name": "a", "x": 1}),
        ({"type": "integer"}, 3, True),
        ({"type": ["string", "null"]}, None, 3),
        ({"enum": ["a", 1]}, "a", "b"),
        ({"const": 4}, 4, 5),
        ({"minimum": 2, "exclusiveMaximum": 5}, 2, 5),
        ({"items": {"type": "number"}, "minItems": 1}, [1.5], ["x"]),
        ({"items": {"type": "number"}, "maxItems": 1}, [1.5], [1, 2]),
        ({"pattern": "^a"}, "ab", "ba"),
        ({"anyOf": [{"type": "string"}, {"minimum": 3}]}, 4, 2),
        ({"oneOf": [{"minimum": 1}, {"minimum": 3}]}, 2, 4),
        ({"allOf": [{"minimum": 1}, {"maximum": 3}]}, 2, 4),
        (True, 1, None),
    ],
)
def test_keywords(schema: Any, good: Any, bad: Any) -> None:
    assert faults(good, schema) == []
    if schema is not True:
        assert faults(bad, schema)


def test_what_is_no_schema_is_kept_by_nothing() -> None:
    assert faults(1, False) and faults(1, "integer")
    assert faults(1, {"type": "unheard of"})
