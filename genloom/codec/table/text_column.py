"""A column of free text as ids inside the row: byte pairs learnt from the column, a place each.

New texts come from the model, given the other columns. Pieces that few rows hold are no pieces, and
a text that few rows hold is not put out whole (`copied`); what is kept for that is a map of bits,
no text. Knows no other column; pairs are those of `codec.text.byte_pairs`.
Shape legend: N rows, P places of the column, V pieces, K ids of a place.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from genloom.codec.table.columns import Arrays
from genloom.codec.table.dataframes import pandas
from genloom.codec.text.byte_pairs import BYTES, BytePairs
from genloom.codec.where import Among, Compare, Leaf, Missing
from genloom.errors import RequestError

PAIRS = 512  # that are learnt at most
COUNTED = 20_000  # texts in which pieces are counted
USUAL = 0.99  # share of the texts that are to fit as they are
BITS = 16  # of the map for each text that is not to be put out
HASHED = 32  # features: words by their hash
END = 0


@dataclass(frozen=True, kw_only=True)
class TextColumn:
    """ids of every place: the end, the pieces, and (where there are any) a missing text.

    merges   of the byte pairs; pieces int64 [V]: the byte pairs' ids that the column has
    places   of the row, at most so many pieces; what is longer is cut at a word
    guarded  uint8, a map of bits by hash: texts in fewer than `rare` rows; [] for none
    """

    kind: ClassVar[str] = "text"
    name: str
    dtype: str
    merges: tuple[tuple[str, str], ...]
    pieces: np.ndarray
    places: int
    missing: bool
    rare: int
    guarded: np.ndarray

    @classmethod
    def learn(
        cls, name: str, dtype: str, series: Any, *, places: int, rare: int
    ) -> tuple[TextColumn, float]:
        """(the column, the share of texts that are cut). rare: see `TableCodec`."""
        texts = [str(text) for text in series.dropna()]
        pairs = BytePairs(_common(BytePairs.learn(texts, BYTES + PAIRS), texts, rare))
        found = [ids.numpy() for ids in pairs.encode(texts)]
        lengths = np.array([len(ids) for ids in found])
        usual = int(np.quantile(lengths, USUAL, method="higher"))
        made = cls(
            name=name,
            dtype=dtype,
            merges=pairs.merges,
            pieces=np.unique(np.concatenate([*found, np.zeros(0, np.int64)])),
            places=max(1, min(places, usual)),
            missing=bool(series.isna().any()),
            rare=rare,
            guarded=np.zeros(0, np.uint8),
        )
        return made.guarding(texts), float((lengths > made.places).mean())

    @property
    def sizes(self) -> tuple[int, ...]:
        return (1 + len(self.pieces) + self.missing,) * self.places

    @cached_property
    def _pairs(self) -> BytePairs:
        return BytePairs(self.merges)

    @cached_property
    def _ids(self) -> np.ndarray:
        """int64, the byte pairs' ids -> those of a place, END for what the column has not."""
        out = np.full(len(self._pairs), END, np.int64)
        out[self.pieces] = 1 + np.arange(len(self.pieces))
        return out

    @cached_property
    def _begins(self) -> np.ndarray:
        """bool, whether a piece of the byte pairs begins a word."""
        return np.array([piece[:1] in (b" ", b"\n", b"\t") for piece in self._pairs.pieces])

    # --- ids ------------------------------------------------------------------------------------

    def encode(self, series: Any) -> np.ndarray:
        gone = series.isna().to_numpy()
        texts = ["" if empty else str(text) for text, empty in zip(series, gone, strict=True)]
        out = self.ids_of(texts)
        if self.missing:
            out[gone, 0] = self.sizes[0] - 1
        return out

    def ids_of(self, texts: Sequence[str]) -> np.ndarray:
        """int64 [N, P]; characters that the column never had are left out."""
        out = np.full((len(texts), self.places), END, np.int64)
        for row, ids in enumerate(self._pairs.encode(texts)):
            known = ids.numpy()
            known = known[self._ids[known] > END]
            known = known[: self._cut(known)]
            out[row, : len(known)] = self._ids[known]
        return out

    def _cut(self, ids: np.ndarray) -> int:
        """How many of the ids of a text fit, whole words where there are any."""
        if len(ids) <= self.places:
            return len(ids)
        words = np.flatnonzero(self._begins[ids[1 : self.places + 1]]) + 1
        return int(words[-1]) if len(words) else self.places

    def decode(self, ids: np.ndarray, noise: np.ndarray) -> Any:
        pd = pandas()
        texts = np.array(self._texts(ids), dtype=object)
        if self.missing:
            texts[ids[:, 0] == self.sizes[0] - 1] = None
        return pd.Series(texts, dtype=object).astype(self.dtype)

    def _texts(self, ids: np.ndarray) -> list[str]:
        over = (ids == END) | (ids > len(self.pieces))
        stop = np.where(over.any(1), over.argmax(1), ids.shape[1])
        rows = zip(ids, stop, strict=True)
        return [self._pairs.decode(self.pieces[row[:end] - 1].tolist()) for row, end in rows]

    # --- what is not to be put out --------------------------------------------------------------

    def guarding(self, texts: Sequence[str]) -> TextColumn:
        """With these texts, as far as few of them are equal, among those not to be put out."""
        held = Counter(self._texts(self.ids_of(texts)))
        few = [text for text, rows in held.items() if rows < self.rare and text]
        if not few:
            return self
        bits = np.unpackbits(self.guarded)
        size = max(len(bits), 8, 1 << (BITS * len(few) - 1).bit_length())
        bits = np.tile(bits, size // len(bits)) if len(bits) else np.zeros(size, np.uint8)
        bits[self._places_of(few, size)] = 1
        return replace(self, guarded=np.packbits(bits))

    def copied(self, series: Any) -> np.ndarray:
        """bool [N], which texts may be one that few training rows had: all that are, and one of
        sixteen others at most."""
        out = np.zeros(len(series), bool)
        if not len(self.guarded):
            return out
        there = series.notna().to_numpy() & (series != "").to_numpy(dtype=bool, na_value=False)
        bits = np.unpackbits(self.guarded)
        out[there] = bits[self._places_of(series[there], len(bits))] > 0
        return out

    def _places_of(self, texts: Any, size: int) -> np.ndarray:
        salt = self.name.encode("utf-8", "surrogatepass")[:64]
        hashed = [
            hashlib.blake2b(str(text).encode("utf-8", "surrogatepass"), digest_size=8, key=salt)
            for text in texts
        ]
        return np.array([int.from_bytes(one.digest()) % size for one in hashed], np.int64)

    # --- conditions -----------------------------------------------------------------------------

    def holds(self, series: Any, leaf: Leaf) -> np.ndarray:
        here = series.notna().to_numpy()
        if isinstance(leaf, Missing):
            return here if leaf.negated else ~here
        wanted, negated = self._wanted(leaf)
        return here & (series.astype(object).isin(wanted).to_numpy() != negated)

    def may_hold(self, leaf: Leaf) -> np.ndarray:
        out = np.ones(self.sizes[0], bool)
        if isinstance(leaf, Missing):
            out[:] = leaf.negated
            if self.missing:
                out[-1] = not leaf.negated
            return out
        wanted, negated = self._wanted(leaf)
        if not negated:
            out[:] = False
            out[self.ids_of(wanted)[:, 0]] = True
        if self.missing:
            out[-1] = False
        return out

    def _wanted(self, leaf: Compare | Among) -> tuple[list[str], bool]:
        """(texts, whether it is to be none of them)."""
        if isinstance(leaf, Compare) and leaf.op not in ("=", "!="):
            raise RequestError(
                f"where: column {self.name!r} holds texts, which have no {leaf.op}: use =, != or "
                "is null"
            )
        if isinstance(leaf, Among) and not leaf.negated and len(leaf.values) > 1:
            raise RequestError(
                f"where: column {self.name!r} holds texts, of which one can be asked for with =, "
                f"not {len(leaf.values)}: ask for each by itself"
            )
        values = leaf.values if isinstance(leaf, Among) else (leaf.value,)
        odd = [value for value in values if not isinstance(value, str)]
        if odd:
            raise RequestError(
                f"where: column {self.name!r} holds texts, but was compared with {odd[0]!r}: give "
                "a text in quotes"
            )
        negated = leaf.negated if isinstance(leaf, Among) else leaf.op == "!="
        return [str(value) for value in values], negated

    def owns(self, text: str) -> bool:
        """Whether ids say the text entirely."""
        return self._texts(self.ids_of([text])) == [text]

    def describe(self) -> str:
        return f"texts of up to {self.places} pieces"

    def told(self) -> dict[str, Any]:
        return {"name": self.name, "kind": self.kind, "missing": self.missing}

    # --- points and files -----------------------------------------------------------------------

    def features(self, series: Any) -> np.ndarray:
        """Words by their hash, of unit length; texts without a common word are sqrt(2) apart."""
        out = np.zeros((len(series), HASHED))
        for row, text in enumerate(series.fillna("").astype(str)):
            for word in text.lower().split():
                out[row, hashlib.blake2b(word.encode("utf-8", "replace")).digest()[0] % HASHED] += 1
        return out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-12)

    def to_json(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        values = {
            "name": self.name,
            "dtype": self.dtype,
            "merges": [list(pair) for pair in self.merges],
            "places": self.places,
            "missing": self.missing,
            "rare": self.rare,
        }
        return values, {"pieces": self.pieces, "guarded": self.guarded}

    @classmethod
    def from_json(cls, values: Mapping[str, Any], arrays: Arrays) -> TextColumn:
        known: dict[str, Any] = dict(values)
        known["merges"] = tuple((left, right) for left, right in values["merges"])
        return cls(**known, pieces=arrays["pieces"], guarded=arrays["guarded"])


def _common(pairs: BytePairs, texts: Sequence[str], rare: int) -> list[tuple[str, str]]:
    """The merges whose pieces at least so many texts hold: a piece that one person alone has would
    stand in the model. Parts of a common piece are common, so that what is left can be merged."""
    held = [text.encode("utf-8", "replace") for text in texts[:COUNTED]]
    least = min(rare, max(1, len(texts)))
    pieces = pairs.pieces[BYTES:]
    return [
        merge
        for merge, piece in zip(pairs.merges, pieces, strict=True)
        if sum(piece in text for text in held) >= least
    ]
