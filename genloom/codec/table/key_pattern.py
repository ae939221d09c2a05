"""Patterns of identifiers: letters, classes such as [A-Z0-9], \\d, \\w and {n}, place by place.

The part of regular expressions in which every text has one length, so that each number has one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from genloom.errors import RecipeError

MOST_LETTERS = 64  # of an identifier
_DIGITS, _WORD = "0123456789", "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz"
_PIECE = re.compile(r"(\[[^\]\\^]+\]|\\.|[^\[\]\\{}()*+?|.^$])(?:\{(\d{1,3})\})?")


def shape_of_pattern(pattern: str) -> tuple[str, ...]:
    """What may stand at each place of 'C-[0-9]{6}'. RecipeError for what is no such pattern."""
    places: list[str] = []
    at = 0
    body = pattern.removeprefix("^").removesuffix("$")
    while at < len(body):
        piece = _PIECE.match(body, at)
        if piece is None:
            raise RecipeError(
                f"key pattern {pattern!r}: {body[at : at + 10]!r} is not understood; letters, "
                "[A-Z0-9], \\d, \\w and {n} are"
            )
        places += [_letters(piece[1], pattern)] * int(piece[2] or 1)
        at = piece.end()
    if not 0 < len(places) <= MOST_LETTERS:
        raise RecipeError(f"key pattern {pattern!r}: 1 to {MOST_LETTERS} places are expected")
    return tuple(places)


def _letters(piece: str, pattern: str) -> str:
    if piece[0] == "\\":
        return {"d": _DIGITS, "w": _WORD}.get(piece[1], piece[1])
    return "".join(dict.fromkeys(_class(piece[1:-1], pattern))) if piece[0] == "[" else piece


def _class(inside: str, pattern: str) -> Iterator[str]:
    at = 0
    while at < len(inside):
        if at + 2 < len(inside) and inside[at + 1] == "-":
            low, high = ord(inside[at]), ord(inside[at + 2])
            if low > high or high - low > 1000:
                raise RecipeError(f"key pattern {pattern!r}: [{inside}] is no range of letters")
            yield from map(chr, range(low, high + 1))
            at += 3
        else:
            yield inside[at]
            at += 1
