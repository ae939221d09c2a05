"""JSON as a server takes it: no duplicate keys, no NaN, no huge numbers, no deep nesting.

Knows bytes and one limit; what the values mean is for the schemas.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from genloom.server.failure import Failure

LONGEST_NUMBER = 64  # characters; nothing that is asked here is longer


def strict_json(data: bytes, depth: int, values: int = 1_000_000) -> Any:
    """The value. Failure 400 where it is no JSON, JSON that two readers could read apart, nested
    deeper, or made of more parts (commas and colons are counted, also those in texts)."""
    if data.count(b",") + data.count(b":") > values:
        raise _bad(f"it has more than {values:,} values")
    try:
        text = data.decode("utf-8")
        value = json.loads(
            text,
            object_pairs_hook=_once,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_constant,
        )
    except UnicodeDecodeError:
        raise _bad("it is no UTF-8") from None
    except json.JSONDecodeError as error:
        raise _bad(f"{error.msg} at character {error.pos}") from None
    except RecursionError:
        raise _bad(f"it is nested deeper than {depth}") from None
    if data.count(b"[") + data.count(b"{") > depth and _deeper(value, depth):
        raise _bad(f"it is nested deeper than {depth}")
    if (b"\\ud" in data or b"\\uD" in data) and _half(value):
        raise _bad("it holds half of a surrogate pair")
    return value


def _bad(why: str) -> Failure:
    return Failure(400, f"the body is no JSON that can be read: {why}", code="invalid_json")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise _bad("a key stands twice in one object")
    return made


def _integer(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise _bad(f"a number has more than {LONGEST_NUMBER} characters")
    return int(text)


def _float(text: str) -> float:
    if len(text) > LONGEST_NUMBER or not math.isfinite(value := float(text)):
        raise _bad("a number is too large or too long")
    return value


def _constant(text: str) -> NoReturn:
    raise _bad(f"{text} is no number of JSON")


def _deeper(value: Any, depth: int) -> bool:
    """Level by level, so that nothing recurses."""
    level = [value] if isinstance(value, (dict, list)) else []
    for _ in range(depth):
        level = [one for box in level for one in _boxes(box)]
    return bool(level)


def _boxes(box: dict[str, Any] | list[Any]) -> list[Any]:
    parts = box.values() if isinstance(box, dict) else box
    return [one for one in parts if isinstance(one, (dict, list))]


def _half(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return True
    return False
