"""Identifiers and free text: found, never learnt, made anew in the shape they had.

Keeps how such values look (which places are digits or letters), never a value. A new one is a
function of its row alone, so the same row has the same identifier whatever was made beside it;
equal rows of one batch are told apart by counting.
Shape legend: N rows, W characters of a shape.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from genloom.codec.table.columns import Arrays, mix, salted
from genloom.codec.table.dataframes import pandas
from genloom.codec.where import Leaf, Missing
from genloom.errors import RequestError

_CLASSES = {
    "9": "0123456789",
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "a": "abcdefghijklmnopqrstuvwxyz",
    "A": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "x": "0123456789abcdefghijklmnopqrstuvwxyz",
    "X": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "w": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
}
_MOST_WIDTHS = 4
_LONGEST = 64
_ATTEMPTS = 8  # to make equal ones differ; a shape may have too little room


@dataclass(frozen=True, kw_only=True)
class IdentifierColumn:
    """shape  characters drawn at each place, "" where there is no common shape (then the column's
              name and eight hexadecimal digits are used)
    above  for whole numbers: new ones are greater than this; digits says by how many
    """

    kind: ClassVar[str] = "identifier"
    name: str
    dtype: str
    shape: tuple[str, ...] = ()
    above: int | None = None
    digits: int = 6

    @property
    def sizes(self) -> tuple[int, ...]:
        return ()

    def encode(self, series: Any) -> np.ndarray:
        return np.zeros((len(series), 0), np.int64)

    def decode(self, ids: np.ndarray, noise: np.ndarray) -> Any:
        pd = pandas()
        noise = salted(_distinct(noise), self.name)
        if self.above is not None:
            room = np.uint64(10**self.digits)
            made = _free(noise % room, 10**self.digits).astype(np.int64) + self.above + 1
            return pd.Series(made).astype(self.dtype)
        places = self._places
        made = pd.Series(_spell(places, noise), dtype=object)
        for _ in range(_ATTEMPTS):
            again = made.duplicated().to_numpy()
            if not again.any():
                break
            noise = np.where(again, mix(noise + np.uint64(1)), noise)
            made[again] = _spell(places, noise[again])
        return made.astype(self.dtype)

    @property
    def room(self) -> int:
        """How many different ones there are, 2^62 at most."""
        if self.above is not None:
            return 1 << 52
        return min(1 << 62, math.prod(len(set(place)) for place in self._places))

    @property
    def _places(self) -> tuple[str, ...]:
        return self.shape or (*self._prefix(), *(["0123456789abcdef"] * 8))

    def numbered(self, numbers: np.ndarray, seed: int) -> Any:
        """The identifiers of these numbers, int64 [N] from 0, within a seed: different numbers have
        different ones, in no order that shows. RequestError where there are no more."""
        if len(numbers) and int(numbers.max()) >= self.room:
            raise RequestError(
                f"column {self.name!r} has room for {self.room:,} different identifiers, and row "
                f"{int(numbers.max()) + 1:,} is asked for: ask for fewer rows, or train with a key "
                "of a longer pattern"
            )
        key = salted(np.array([seed], np.uint64), self.name)[0]
        pd = pandas()
        if self.above is not None:  # in order from block to block, so that few stay small
            block = 10**self.digits
            place = permuted((numbers % block).astype(np.uint64), block, key).astype(np.int64)
            return pd.Series(place + numbers // block * block + self.above + 1).astype(self.dtype)
        place = permuted(numbers.astype(np.uint64), self.room, key)
        out = np.empty((len(place), len(self._places)), dtype="U1")
        for column in reversed(range(len(self._places))):
            letters = np.array(sorted(set(self._places[column])))
            out[:, column] = letters[(place % np.uint64(len(letters))).astype(np.int64)]
            place = place // np.uint64(len(letters))
        spelt = out.view(f"U{out.shape[1]}")[:, 0].tolist() if len(out) else []
        return pd.Series(spelt, dtype=object).astype(self.dtype)

    def _prefix(self) -> list[str]:
        word = re.sub(r"\W+", "_", self.name).strip("_").lower()[:24] or "value"
        return [*word, "-"]

    def holds(self, series: Any, leaf: Leaf) -> np.ndarray:
        self.may_hold(leaf)
        return np.ones(len(series), bool)

    def may_hold(self, leaf: Leaf) -> np.ndarray:
        """bool [1]; only `is not null` can be asked."""
        if isinstance(leaf, Missing):
            return np.array([leaf.negated])
        raise RequestError(
            f"where: column {self.name!r} holds identifiers or free text, which are made anew and "
            "cannot be asked for: leave it out"
        )

    def told(self) -> dict[str, Any]:
        """Nothing can be asked of it."""
        return {"name": self.name, "kind": self.kind, "missing": False}

    def describe(self) -> str:
        return "identifiers"

    def features(self, series: Any) -> np.ndarray:
        return np.zeros((len(series), 0))

    def to_json(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        values = {
            "name": self.name,
            "dtype": self.dtype,
            "shape": list(self.shape),
            "above": self.above,
            "digits": self.digits,
        }
        return values, {}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], arrays: Arrays) -> IdentifierColumn:
        known: dict[str, Any] = dict(values)
        known["shape"] = tuple(values["shape"])
        return cls(**known)


def permuted(numbers: np.ndarray, room: int, key: np.uint64) -> np.ndarray:
    """uint64 [N] below `room`, each to another below it: a Feistel network over the next power of
    four, walked on from what lies outside (Black & Rogaway 2002)."""
    half = np.uint64(max(1, ((room - 1).bit_length() + 1) // 2))
    low = (np.uint64(1) << half) - np.uint64(1)
    out = numbers.astype(np.uint64)
    outside = np.ones(len(out), bool)
    while outside.any():
        left, right = out[outside] >> half, out[outside] & low
        for turn in range(4):
            left, right = right, left ^ (mix(right + key + np.uint64(turn)) & low)
        out[outside] = (left << half) | right
        outside = out >= np.uint64(room)
    return out


def shape_of(texts: np.ndarray) -> tuple[str, ...]:
    """The characters to draw at each place of identifiers of one width, () where widths vary.

    A character that all have in common stays as it is, so prefixes and hyphens are kept.
    """
    widths = np.array([len(text) for text in texts])
    width = int(np.bincount(widths).argmax()) if widths.max(initial=0) <= _LONGEST else 0
    if not width or len(np.unique(widths)) > _MOST_WIDTHS or (widths == width).mean() < 0.5:
        return ()
    codes = np.array([list(text) for text in texts[widths == width]])
    return _counting([_drawn(set(codes[:, place].tolist())) for place in range(width)])


def _counting(places: list[str]) -> tuple[str, ...]:
    """Noughts in front of digits are digits too: a counter has not reached them yet."""
    for place in reversed(range(len(places) - 1)):
        if places[place] == "0" and places[place + 1] == _CLASSES["9"]:
            places[place] = _CLASSES["9"]
    return tuple(places)


def _drawn(seen: set[str]) -> str:
    if len(seen) == 1:
        return next(iter(seen))
    for letters in _CLASSES.values():
        if seen <= set(letters):
            return letters
    alphanumeric = {c for c in seen if c in _CLASSES["w"]}
    return _CLASSES["w"] if len(alphanumeric) == len(seen) else "".join(sorted(seen))


def _spell(places: tuple[str, ...], noise: np.ndarray) -> list[str]:
    out = np.empty((len(noise), len(places)), dtype="U1")
    for place, letters in enumerate(places):
        drawn = mix(noise + np.uint64((place + 1) * 0x9E3779B97F4A7C15 % 2**64))
        out[:, place] = np.array(list(letters))[(drawn % np.uint64(len(letters))).astype(np.int64)]
    return out.view(f"U{len(places)}")[:, 0].tolist() if len(noise) else []


def _distinct(noise: np.ndarray) -> np.ndarray:
    """Equal entries are moved apart by how often they came before."""
    order = np.argsort(noise, kind="stable")
    ranked = noise[order]
    fresh = np.r_[True, ranked[1:] != ranked[:-1]] if len(noise) else np.zeros(0, bool)
    start = np.maximum.accumulate(np.where(fresh, np.arange(len(noise)), 0))
    again = np.empty(len(noise), np.uint64)
    again[order] = (np.arange(len(noise)) - start).astype(np.uint64)
    return np.where(again > 0, mix(noise + again), noise)


def _free(wanted: np.ndarray, room: int) -> np.ndarray:
    """Numbers of [0, room) as wanted, a taken one moved to the next free while there is room."""
    if len(wanted) > room:
        return np.arange(len(wanted), dtype=np.uint64)
    out, taken = wanted.copy(), set()
    for row, value in enumerate(wanted.tolist()):
        while value in taken:
            value = (value + 1) % room
        taken.add(value)
        out[row] = value
    return out
