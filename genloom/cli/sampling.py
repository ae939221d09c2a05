"""Sampling flags that need reading: biases of ids, schemas, grammars; and log-probabilities told.

Knows how they are written on a command line; what they mean is in `spec.Options`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from genloom.errors import UsageError

LARGEST_FILE = 1 << 20  # bytes; what is larger is refused further down anyway


def biases(
    given: Sequence[str] | None, flag: str = "--logit-bias", example: str = "198=-100"
) -> dict[int, float] | None:
    """Of NUMBER=VALUE each."""
    out: dict[int, float] = {}
    for one in given or ():
        number, _, value = one.partition("=")
        try:
            out[int(number)] = float(value)
        except ValueError:
            raise UsageError(f"{flag} {one}: give ID=VALUE, such as {example}") from None
        if math.isnan(out[int(number)]):
            raise UsageError(f"{flag} {one}: give ID=VALUE, such as {example}")
    return out or None


def schema(given: str | None) -> str | None:
    """JSON itself, or what stands in a file."""
    if given is None or given.lstrip()[:1] in ("{", "[") or given.strip() in ("true", "false"):
        return given
    return text_of("--schema", given)


def text_of(flag: str, given: str | None) -> str | None:
    """What stands in a file."""
    if given is None:
        return None
    path = Path(given).expanduser()
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UsageError(f"{flag} {given}: larger than {LARGEST_FILE:,} bytes")
        return path.read_text("utf-8")
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "no UTF-8 text"
        raise UsageError(f"{flag} {given}: {why}: give a file") from None


def told(codec: Any, chosen: Sequence[Any]) -> list[dict[str, Any]]:
    """The ids that were drawn with their log-probabilities in nats, ready for JSON."""
    pieces = codec.pairs.pieces

    def one(number: int, logprob: float) -> dict[str, Any]:
        # part of a character is told by its bytes; JSON knows no infinity
        text = pieces[number].decode("utf-8", "backslashreplace")
        return {"id": number, "token": text, "logprob": max(logprob, -9999.0)}

    return [{**one(x.drawn, x.logprob), "top": [one(*pair) for pair in x.best]} for x in chosen]
