"""A molecule's line of SMILES as words: atoms, bonds, branches and rings, and back.

Every atom is one word ("Cl", "[C@@H]"). A ring's number is no word: where a ring begins stands
OPEN, where it ends how many rings ago that was: a net need not remember which numbers are in use.
Knows the grammar of SMILES (Weininger 1988; OpenSMILES 1.0) as far as words go; no chemistry.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from genloom.errors import DataError

OPEN = "&"
MOST_RINGS = 99  # that may be open at once: SMILES has no larger number but in brackets
DIGITS = "0123456789"
LONGEST = 4000  # characters of a line
_WORD = re.compile(
    r"(?P<atom>\[[^\[\]]{1,40}\]|Br|Cl|[BCNOPSFI*bcnops])"
    r"|(?P<ring>%\d\d|%\(\d{1,3}\)|\d)"
    r"|(?P<other>[-=#$:~/\\.()])"
)


def split(smiles: str) -> list[str]:
    """The words of a line, rings as they are numbered. DataError names what is none."""
    if len(smiles) > LONGEST:
        raise DataError(f"{len(smiles):,} characters, at most {LONGEST:,}")
    out, at = [], 0
    while at < len(smiles):
        found = _WORD.match(smiles, at)
        if found is None:
            raise DataError(f"{smiles[at : at + 8]!r} at character {at + 1} is no word of SMILES")
        out.append(found.group())
        at = found.end()
    if not out:
        raise DataError("an empty line")
    return out


def is_ring(word: str) -> bool:
    """Whether a word of `split` is a ring's number."""
    return word[0].isdigit() or word[0] == "%"


def words(smiles: str) -> list[str]:
    """The words of a line, rings told by how long ago they began. DataError where one stays
    open."""
    out: list[str] = []
    begun: list[str] = []  # the numbers of rings that are open, the earliest first
    for word in split(smiles):
        if not is_ring(word):
            out.append(word)
            continue
        number = word.strip("%()").lstrip("0") or "0"
        if number in begun:
            place = len(begun) - begun.index(number)
            begun.remove(number)
            out.append(f"{OPEN}{place}")
        elif len(begun) == MOST_RINGS:
            raise DataError(f"more than {MOST_RINGS} rings are open at once")
        else:
            begun.append(number)
            out.append(OPEN)
    if begun:
        raise DataError(f"ring {begun[0]} is opened and never closed")
    return out


def aromatic(some: Iterable[str]) -> bool:
    """Whether an atom is written as one of an aromatic ring."""
    return any(
        word[0].islower() or (word[:1] == "[" and word[1:].lstrip(DIGITS)[:1].islower())
        for word in some
    )


def closes(word: str) -> int:
    """How many rings ago the ring began that ends here; 0 where none does."""
    return int(word[1:]) if len(word) > 1 and word[0] == OPEN else 0


def line(some: Iterable[str]) -> str:
    """The line of such words: the lowest free number for each ring, as is usual. What closes a ring
    that never began opens one, so that it shows."""
    out: list[str] = []
    begun: list[int] = []
    for word in some:
        place = closes(word)
        if word != OPEN and not place:
            out.append(word)
        elif place and place <= len(begun):
            out.append(_number(begun.pop(-place)))
        else:
            free = next(n for n in range(1, len(begun) + 2) if n not in begun)
            begun.append(free)
            out.append(_number(free))
    return "".join(out)


def _number(ring: int) -> str:
    if ring < 10:
        return str(ring)
    return f"%{ring}" if ring < 100 else f"%({ring})"


def fragments(some: Sequence[str]) -> int:
    """How many parts a line of several molecules or ions has."""
    return 1 + sum(word == "." for word in some)
