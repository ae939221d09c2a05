"""Whether a value keeps a JSON schema: the keywords that say what answers must look like.

Knows type, properties, required, additionalProperties, items, enum, const, lengths, bounds,
pattern, anyOf, oneOf, allOf. What else a schema says is not checked. Knows nothing of models.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

_TYPES: dict[str, Callable[[Any], bool]] = {
    "object": lambda x: isinstance(x, Mapping),
    "array": lambda x: isinstance(x, list),
    "string": lambda x: isinstance(x, str),
    "boolean": lambda x: isinstance(x, bool),
    "null": lambda x: x is None,
    "number": lambda x: isinstance(x, int | float) and not isinstance(x, bool),
    "integer": lambda x: isinstance(x, int | float) and not isinstance(x, bool) and x == int(x),
}


def faults(value: Any, schema: Any) -> list[str]:
    """The keywords that the value breaks; none where it keeps the schema."""
    if isinstance(schema, bool):
        return [] if schema else ["false"]
    if not isinstance(schema, Mapping):
        return ["schema"]
    out = [name for name, kept in _CHECKS.items() if name in schema and not kept(value, schema)]
    for part in schema.get("allOf", ()):
        out += faults(value, part)
    return out + _inside(value, schema)


def _inside(value: Any, schema: Mapping[str, Any]) -> list[str]:
    out: list[str] = []
    if isinstance(value, Mapping):
        known = schema.get("properties", {})
        for key, part in value.items():
            out += faults(
                part, known[key] if key in known else schema.get("additionalProperties", True)
            )
    if isinstance(value, list) and "items" in schema:
        for part in value:
            out += faults(part, schema["items"])
    return out


def _typed(value: Any, schema: Mapping[str, Any]) -> bool:
    asked = schema["type"]
    return any(
        _TYPES.get(t, lambda x: False)(value)
        for t in ([asked] if isinstance(asked, str) else asked)
    )


def _numeric(value: Any) -> bool:
    return _TYPES["number"](value)


def _fits(value: Any, parts: Any) -> int:
    return sum(not faults(value, part) for part in parts)


_CHECKS: dict[str, Callable[[Any, Mapping[str, Any]], bool]] = {
    "type": _typed,
    "enum": lambda x, s: x in s["enum"],
    "const": lambda x, s: x == s["const"],
    "required": lambda x, s: not isinstance(x, Mapping) or all(key in x for key in s["required"]),
    "minimum": lambda x, s: not _numeric(x) or x >= s["minimum"],
    "maximum": lambda x, s: not _numeric(x) or x <= s["maximum"],
    "exclusiveMinimum": lambda x, s: not _numeric(x) or x > s["exclusiveMinimum"],
    "exclusiveMaximum": lambda x, s: not _numeric(x) or x < s["exclusiveMaximum"],
    "minLength": lambda x, s: not isinstance(x, str) or len(x) >= s["minLength"],
    "maxLength": lambda x, s: not isinstance(x, str) or len(x) <= s["maxLength"],
    "minItems": lambda x, s: not isinstance(x, list) or len(x) >= s["minItems"],
    "maxItems": lambda x, s: not isinstance(x, list) or len(x) <= s["maxItems"],
    "pattern": lambda x, s: not isinstance(x, str) or re.search(s["pattern"], x) is not None,
    "anyOf": lambda x, s: _fits(x, s["anyOf"]) > 0,
    "oneOf": lambda x, s: _fits(x, s["oneOf"]) == 1,
}
