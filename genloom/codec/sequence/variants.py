"""Variants of a sequence as people name them: A24G, A24G:L30P, A24del, A24_L26del, A24insGS.

Knows letters and places, the first being 1; no likelihood and no file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from genloom.codec.sequence.alphabet import Alphabet
from genloom.codec.sequence.item import letters_in
from genloom.errors import DataError, RequestError

_ONE = re.compile(r"(?:[pcgn]\.)?([A-Za-z])(\d+)(?:_([A-Za-z])(\d+))?(del|ins)?([A-Z]*)$")
_BASE = re.compile(r"(?:[cgn]\.)?(\d+)([A-Za-z])>([A-Za-z])$")


def mutated(wild: str, name: str, alphabet: Alphabet) -> str:
    """The sequence with these changes. RequestError where one is not understood, or the sequence
    has another letter there."""
    changes = [_change(part, wild, alphabet) for part in re.split(r"[:;/+ ]+", name.strip())]
    out = list(wild)
    for start, stop, new in changes:
        out[start:stop] = [""] * (stop - start)
        if stop > start:
            out[start] = new
        else:
            out[start - 1] += new
    made = "".join(out)
    if not made:
        raise RequestError(f"{name}: nothing is left of the sequence", param="mutations")
    return made


def _change(text: str, wild: str, alphabet: Alphabet) -> tuple[int, int, str]:
    """From where to where, and the letters that stand there then."""
    if found := _BASE.match(text):
        text = f"{found[2]}{found[1]}{found[3]}"
    found = _ONE.match(text)
    if found is None:
        raise RequestError(
            f"{text[:40]!r} is no variant: give such as A24G, A24del, A24insGS, joined by :",
            param="mutations",
        )
    old, place, last, end, sort, new = found.groups()
    low, high = int(place), int(end or place)
    for letter, at in ((old, low), *([(last, high)] if last else [])):
        if not 1 <= at <= len(wild):
            raise RequestError(f"{text}: the sequence has {len(wild):,} letters", param="mutations")
        own, said = wild[at - 1], _letters(letter, text, alphabet)
        if own != said:
            raise RequestError(
                f"{text}: the sequence has {own} at {at}, not {said}", param="mutations"
            )
    if low > high or (sort != "del" and not new) or (sort == "del" and new):
        raise RequestError(f"{text}: give such as A24G, A24del or A24insGS", param="mutations")
    if sort == "ins":
        return low, low, _letters(new, text, alphabet)
    return low - 1, high, _letters(new, text, alphabet)


def _letters(text: str, name: str, alphabet: Alphabet) -> str:
    try:
        return letters_in(text, alphabet)
    except DataError as error:
        raise RequestError(f"{name}: {error}", param="mutations") from None


def around(wild: str, other: str, room: int) -> tuple[int, int, int]:
    """(start, stop of the wild one, stop of the other): a window of at most `room` letters in which
    they differ, with as much before as behind."""
    if max(len(wild), len(other)) <= room:
        return 0, len(wild), len(other)
    least = min(len(wild), len(other))
    first = next((n for n in range(least) if wild[n] != other[n]), least)
    behind = next((n for n in range(least - first) if wild[-1 - n] != other[-1 - n]), least - first)
    middle = (first + max(len(wild), len(other)) - behind) // 2
    start = max(0, min(first, middle - room // 2))
    stop = min(max(len(wild), len(other)), start + room)
    start = max(0, stop - room)
    return start, min(len(wild), stop), min(len(other), stop)


def differing(wild: str, others: Sequence[str]) -> list[int]:
    """How many places of each are not as in the wild one; -1 where their lengths differ."""
    return [
        sum(a != b for a, b in zip(wild, one, strict=True)) if len(one) == len(wild) else -1
        for one in others
    ]
