"""Conditions on a shape said as words of its prompt. Knows words; no shape."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from genloom.errors import RequestError

PAIR = re.compile(r"\s*(?P<name>[^=<>!]+?)\s*=\s*(?P<value>[^=<>!]+?)\s*")


def said_with(prompt: str | None, where: Any) -> str | None:
    """ "red sedan" and {"length": 4.5} or "length = 4.5 and height = 1.4" are "red sedan, length
    4.5, height 1.4". RequestError where a condition is no name = value."""
    if not where:
        return prompt
    if isinstance(where, str):
        pieces = re.split(r"\s+and\s+|\s*,\s*", where.strip())
        pairs = [PAIR.fullmatch(piece) for piece in pieces]
        told = [(m["name"], m["value"]) for m in pairs if m is not None]
        if len(told) < len(pairs):
            raise RequestError(
                f"where={where[:80]!r}: sizes are asked for as in length = 4.5 and height = 1.4"
            )
    elif isinstance(where, Mapping):
        told = [(str(name), str(value)) for name, value in where.items()]
    else:
        raise RequestError(f"where is {type(where).__name__}: give a text or names with values")
    words = [f"{name.strip()} {value.strip()}" for name, value in told]
    return ", ".join([*([prompt] if prompt else []), *words])
