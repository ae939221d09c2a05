"""Log-probabilities of drawn ids, as clients know them: each with its text, its bytes and the
likeliest others. Knows the pieces of a vocabulary; no sampling."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from genloom.family.streams import Chosen

LEAST = -9999.0  # instead of minus infinity, which JSON has not


def chances(
    pieces: Sequence[bytes], some: Sequence[Chosen], ends: Collection[int]
) -> list[dict[str, Any]]:
    """One object for each id but one that ends the text. pieces: what each id adds to a text."""
    return [
        {
            **_told(pieces, one.drawn, one.logprob),
            "top": [_told(pieces, number, value) for number, value in one.best],
        }
        for one in some
        if one.drawn not in ends
    ]


def within(pieces: Sequence[bytes], some: Sequence[Chosen], room: int | None) -> Sequence[Chosen]:
    """Those of a text's ids that begin within its first `room` bytes; None: all of them."""
    if room is None:
        return some
    size = 0
    for n, one in enumerate(some):
        if size >= room:
            return some[:n]
        size += len(pieces[one.drawn]) if one.drawn < len(pieces) else 0
    return some


def _told(pieces: Sequence[bytes], number: int, logprob: float) -> dict[str, Any]:
    piece = pieces[number] if number < len(pieces) else b""
    return {
        "id": number,
        "token": piece.decode("utf-8", "replace"),
        "bytes": list(piece),
        "logprob": max(LEAST, logprob),
    }
