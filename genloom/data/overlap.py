"""Which texts of a collection say the same again, or nearly; and how much of a held-out part stands
in the training part, too.

Exact: alike but for case and blanks. Near: at least four in five runs of five characters shared
(Broder 1997, resemblance), found by min-hashes in one permutation (Li, Owen, Zhang 2012) and then
counted exactly. Linear in the texts. Knows strings; no medium or file.
Shape legend: S runs of a text, K bins of its signature.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

NEAR = 0.8  # of the runs of both
_RUN = 5  # characters
_BINS, _BAND = 64, 4  # bins of a signature; so many neighbours that are equal make a candidate
_TRIED = 6  # candidates a text is compared with
_LONG = 2_000  # characters; a longer text is compared paragraph by paragraph
_SHORT = 60  # characters of a paragraph below which it is alike by chance
_MOST_NEAR = 16_000_000  # characters for which the near ones are looked for: about 20 s


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """exact, near: of the `of` held-out pieces, those that the training part holds, too. near is
    None where there was too much text to look for them. shown: the beginnings of the first."""

    exact: int
    near: int | None
    of: int
    shown: tuple[str, ...] = ()

    @property
    def note(self) -> str | None:
        """What to tell the user; None where the two parts are apart."""
        if not self.exact and not self.near:
            return None
        near = f" and {self.near:,} nearly so" if self.near else ""
        return (
            f"{self.exact:,} of {self.of:,} held-out texts stand in the training part, too{near}: "
            "what is measured on them is too good (genloom data clean leaves repeats out)"
        )

    def to_json(self) -> dict[str, Any]:
        return {"exact": self.exact, "near": self.near, "of": self.of}


def overlap(train: Any, held: Any, most: int = _MOST_NEAR) -> Overlap | None:
    """How much of the held-out items the training items hold. None where items are no texts. most:
    characters of both for which near ones are looked for, too."""
    if not (_has_texts(train) and _has_texts(held)):
        return None
    seen = [piece for item in train for piece in _pieces(canonical(item))]
    asked = [piece for item in held for piece in _pieces(canonical(item))]
    known = set(map(key, seen))
    again = [key(piece) in known for piece in asked]
    shown = tuple(p[:80] for p, bad in zip(asked, again, strict=True) if bad)[:3]
    near = None
    if sum(map(len, seen)) + sum(map(len, asked)) <= most:
        found = Resembling()
        for piece in seen:
            found.add(piece)
        near = sum(not a and found.like(p) for p, a in zip(asked, again, strict=True))
    return Overlap(exact=sum(again), near=near, of=len(asked), shown=shown)


@dataclass(frozen=True, kw_only=True)
class Repeats:
    """Items that an earlier one equals, or resembles (None: not looked for)."""

    exact: int
    near: int | None


def repeats(items: Iterable[Any]) -> Repeats:
    """Of the items of one collection."""
    texts = [canonical(item) for item in items]
    seen: set[Hashable] = set()
    found = Resembling() if sum(map(len, texts)) <= _MOST_NEAR else None
    exact = near = 0
    for text in texts:
        name = key(text)
        if name in seen:
            exact += 1
            continue
        seen.add(name)
        if found is not None and not found.add(text):
            near += 1
    return Repeats(exact=exact, near=None if found is None else near)


def canonical(item: Any) -> str:
    """The item as a text."""
    return str(item) if isinstance(item, str) else json.dumps(item, sort_keys=True, default=str)


def key(text: str) -> bytes:
    """The same for texts that are alike but for case and blanks."""
    plain = " ".join(text.casefold().split())
    return hashlib.blake2b(plain.encode("utf-8", "replace"), digest_size=16).digest()


class Resembling:
    """Texts so far, by their signatures."""

    def __init__(self) -> None:
        self._runs: list[np.ndarray] = []
        self._bands: dict[tuple[int, bytes], list[int]] = {}

    def add(self, text: str) -> bool:
        """Keep the text; false, and not kept, where one before it is like it."""
        runs = _hashed(text)
        names = _names(runs)
        if self._like(runs, names):
            return False
        number = len(self._runs)
        self._runs.append(runs)
        for name in names:
            place = self._bands.setdefault(name, [])
            if len(place) < _TRIED:
                place.append(number)
        return True

    def like(self, text: str) -> bool:
        """Whether a text that was kept is like it."""
        runs = _hashed(text)
        return self._like(runs, _names(runs))

    def _like(self, runs: np.ndarray, names: Sequence[tuple[int, bytes]]) -> bool:
        tried: set[int] = set()
        for name in names:
            for number in self._bands.get(name, ()):
                if number in tried:
                    continue
                tried.add(number)
                if _resemblance(runs, self._runs[number]) >= NEAR:
                    return True
                if len(tried) >= _TRIED:
                    return False
        return False


def _hashed(text: str) -> np.ndarray:
    """uint32 [S], ascending: the hashes of all different runs of the text."""
    plain = " ".join(text.casefold().split())
    codes = np.frombuffer(plain.encode("utf-32-le", "replace"), np.uint32).astype(np.uint64)
    if len(codes) < _RUN:
        codes = np.pad(codes, (0, _RUN - len(codes)))
    value = np.zeros(len(codes) - _RUN + 1, np.uint64)
    for n in range(_RUN):
        value = (value ^ codes[n : len(codes) - _RUN + 1 + n]) * np.uint64(0x9E3779B97F4A7C15)
        value ^= value >> np.uint64(29)
    return np.unique((value * np.uint64(0xBF58476D1CE4E5B9)) >> np.uint64(32)).astype(np.uint32)


def _names(runs: np.ndarray) -> list[tuple[int, bytes]]:
    """The bands of the signature: the least hash in each of K ranges; empty ranges take their
    neighbour's."""
    low = np.searchsorted(runs, (np.arange(_BINS, dtype=np.uint64) << np.uint64(26)))
    values = np.append(runs, runs[:1])[low]  # past the end: the first again, round the circle
    bands = values.astype(np.uint32).reshape(-1, _BAND)
    return [(n, band.tobytes()) for n, band in enumerate(bands)]


def _resemblance(first: np.ndarray, second: np.ndarray) -> float:
    """Shared runs over all runs."""
    small, large = sorted((len(first), len(second)))
    if small < NEAR * large:
        return 0.0
    both = len(np.intersect1d(first, second, assume_unique=True))
    return both / (small + large - both)


def _pieces(text: str) -> list[str]:
    """A short text whole; of a long one the paragraphs that say something."""
    if len(text) <= _LONG:
        return [text]
    parts = (part.strip() for part in text.split("\n\n"))
    return [part for part in parts if len(part) >= _SHORT]


def _has_texts(items: Any) -> bool:
    if hasattr(items, "columns") or not len(items):
        return False
    return isinstance(items[0], str | Mapping)
