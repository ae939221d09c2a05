"""What is asked of a sequence: words told of it, letters that it begins with, letters to fill in.

"kinase membrane" asks by words, "MKTAYIAK" begins one, "kinase: MKTAYIAK" does both, "MKT???LLE"
leaves three letters to be filled in, and "MKT[12]LLE" twelve. Knows no ids.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genloom.codec.sequence.alphabet import Alphabet
from genloom.codec.sequence.fasta import Record, records, records_in
from genloom.codec.sequence.headers import words_of
from genloom.codec.sequence.item import letters_in
from genloom.errors import DataError, RequestError

MISSING = "?"
MASK = "mask"
WORDS = ("words", "family", "function", "organism", "kind")
MOST_MISSING = 10_000
_RUN = re.compile(r"\[\s*(\d{1,6})\s*\]")
_RANGE = re.compile(r"(\d+)(?:\s*-\s*(\d+))?$")
_SHOWN = 12


@dataclass
class Asked:
    """letters: with MISSING in the places that are to be filled in."""

    words: list[str] = field(default_factory=list)
    letters: str = ""


def asked(prompt: str | None, where: Any, alphabet: Alphabet, known: Sequence[str]) -> Asked:
    """RequestError names what cannot be met. known: words that the model has learnt."""
    fields = conditions(where)
    if MASK in fields:
        raise RequestError(
            "where: mask names letters of a given sequence: give one, or ? in the prompt",
            param="where",
        )
    out = _said(prompt or "", alphabet, known)
    for text in fields.values():
        out.words += words(text, known)
    out.words = list(dict.fromkeys(out.words))
    return out


def _said(prompt: str, alphabet: Alphabet, known: Sequence[str]) -> Asked:
    text = prompt.strip()
    if not text:
        return Asked()
    if text.startswith(">"):
        head, _, rest = text[1:].partition("\n")
        told = [word for word in words_of(f"x {head}") if word in set(known)]
        return Asked(told, lettered(rest, alphabet))
    before, colon, rest = text.partition(":")
    if colon:
        return Asked(words(before, known), lettered(rest, alphabet))
    if _is_letters(text, alphabet, known):
        return Asked(letters=lettered(text, alphabet))
    return Asked(words(text, known))


def _is_letters(text: str, alphabet: Alphabet, known: Sequence[str]) -> bool:
    plain = _RUN.sub("", "".join(text.split())).replace(MISSING, "").replace("_", "")
    if not plain:
        return True
    return plain.isupper() and plain.isalpha() and text.lower() not in set(known)


def lettered(text: str, alphabet: Alphabet) -> str:
    """Letters with MISSING in the gaps."""
    counts = [int(n) for n in _RUN.findall(text)]
    if sum(counts) > MOST_MISSING:
        raise RequestError(f"{sum(counts):,} letters to fill in: give {MOST_MISSING:,} at most")
    text = _RUN.sub(lambda found: MISSING * int(found[1]), text)
    parts = re.split(r"[?_]", "".join(text.split()))
    try:
        return MISSING.join(letters_in(part, alphabet) for part in parts)
    except DataError as error:
        raise RequestError(f"the prompt: {error}", param="prompt") from None


def words(text: str, known: Sequence[str]) -> list[str]:
    """Those of a text that are known. RequestError where none is."""
    said = [word.strip("'-").lower() for word in re.findall(r"[\w'-]+", text)]
    out = [word for word in said if word in set(known)]
    if said and not out:
        near = [m for word in said for m in difflib.get_close_matches(word[:60], known, n=3)]
        shown = list(dict.fromkeys([*near, *known]))[:_SHOWN]
        what = f"it knows {len(known):,}, such as {', '.join(shown)}" if known else "it knows none"
        raise RequestError(
            f"{text.strip()[:60]!r} has no word that this model has learnt: {what}; letters are "
            "given in upper case",
            param="prompt",
        )
    return out


def conditions(where: Any) -> dict[str, str]:
    """From {"family": "kinase"} or "family = kinase and mask = 10-20"."""
    if not where:
        return {}
    if isinstance(where, Mapping):
        pairs = [(str(k).strip().lower(), _value(v)) for k, v in where.items()]
    elif isinstance(where, str) and all("=" in part for part in _split(where)):
        cut = [part.split("=", 1) for part in _split(where)]
        pairs = [(k.strip().lower(), _value(v)) for k, v in cut]
    else:
        raise RequestError(
            f"where is {str(where)[:60]!r}: give such as family = kinase, or mask = 10-20",
            param="where",
        )
    strange = [name for name, _ in pairs if name not in (*WORDS, MASK)]
    if strange:
        raise RequestError(
            f"where: a sequence has no {strange[0]!r}: give {', '.join(WORDS)} or {MASK}",
            param="where",
        )
    return dict(pairs)


def _split(where: str) -> list[str]:
    return re.split(r"\s+and\s+|\s*,\s*(?=[a-z]+\s*=)", where.strip())


def _value(value: Any) -> str:
    told = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    return told.strip().strip("'\"= ")


# --- a sequence that is given ---------------------------------------------------------------------


def begun(
    item: Any, prompt: str | None, where: Any, alphabet: Alphabet, known: Sequence[str]
) -> Asked:
    """A given sequence, to go on from, or with letters taken out where mask says."""
    fields = conditions(where)
    mask = fields.pop(MASK, None)
    out = asked(prompt, fields, alphabet, known)
    if out.letters:
        raise RequestError("a sequence is given and begun in the prompt: say one", param="prompt")
    record = _record(item)
    try:
        letters = letters_in(record.data.decode("latin-1").rstrip("*"), alphabet)
    except DataError as error:
        raise RequestError(f"the given sequence: {error}", param="item") from None
    if not prompt and not fields:
        out.words = [word for word in words_of(record.header) if word in set(known)]
    out.letters = letters if mask is None else masked(letters, mask)
    return out


def _record(item: Any) -> Record:
    try:
        if isinstance(item, Path):
            found = list(records(item))
        else:
            data = bytes(item) if isinstance(item, bytes | bytearray | memoryview) else None
            found = list(records_in(str(item).encode() if data is None else data, "given"))
    except DataError as error:
        raise RequestError(f"the given sequence cannot be read ({error})", param="item") from None
    if len(found) != 1:
        raise RequestError(f"{len(found)} sequences are given: give one", param="item")
    return found[0]


def masked(letters: str, mask: str) -> str:
    """The letters at places such as "10-20,35" taken out; the first is 1."""
    out = list(letters)
    for part in mask.replace(" ", "").split(","):
        found = _RANGE.match(part)
        low, high = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
        if not 1 <= low <= high <= len(letters):
            raise RequestError(
                f"where: no letters {part[:20]!r} in a sequence of {len(letters)}: give such as "
                "mask=10-20",
                param="where",
            )
        out[low - 1 : high] = MISSING * (high - low + 1)
    return "".join(out)
