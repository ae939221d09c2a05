"""The codec of tunes: melodies <-> the words of `tune_words`. A tune is an item that reads as ABC.

Knows how tunes are split, varied, asked for and shown. Files are in `tune_files`, what may follow
what in `tune_form`. Knows no family or net.
Shape legend: N tunes, L ids of one, F features.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from genloom.codec.base import Condition, Reading
from genloom.codec.saving import load_json, save_json
from genloom.codec.tune_asked import asked, gap
from genloom.codec.tune_files import preview_tunes, read_tunes, write_tune
from genloom.codec.tune_form import TuneGuide, guide_after
from genloom.codec.tune_item import Tune, tune, varied
from genloom.codec.tune_kin import kin, profile
from genloom.codec.tune_score import score_of
from genloom.codec.tune_words import BOS, EOS, PAD, WORDS, spelt
from genloom.errors import OVER_CONTEXT, DataError, ModelError, RecipeError, RequestError
from genloom.music.abc_writing import write_abc
from genloom.spec import TokenSpec

MOST_VARIATIONS = 100
_OPTIONS = frozenset({"length", "variations", "words"})


class TuneCodec:
    """Tunes as words: header (type, metre, tonic, mode), then bars of lengths and degrees.

    length      ids of context; longer tunes are left out
    variations  of each tune to learn from, the tune itself among them: with its header in any
                order, in other keys, with bars taken out and filled last
    """

    kind: ClassVar[str] = "tune"
    media: ClassVar[str] = "text/vnd.abc"
    suffix: ClassVar[str] = ".abc"
    preview_suffix: ClassVar[str] = ".abc"
    compares: ClassVar[bool] = False
    conditional: ClassVar[bool] = False
    carries: ClassVar[type] = TokenSpec

    def __init__(self, *, length: int = 512, variations: int = 4) -> None:
        if not isinstance(length, int) or not 16 <= length <= 1 << 16:
            raise RecipeError(f"codec.length is {length!r}: give a whole number of at least 16")
        if not isinstance(variations, int) or not 1 <= variations <= MOST_VARIATIONS:
            raise RecipeError(f"codec.variations is {variations!r}: give 1 to {MOST_VARIATIONS}")
        self.length, self.variations = length, variations
        self.strict = True  # whether what is drawn has to follow the form

    @property
    def spec(self) -> TokenSpec:
        return TokenSpec(vocab=len(WORDS), length=self.length, bos=BOS, eos=EOS, pad=PAD)

    @property
    def ample(self) -> int:
        """Ids that are enough for any tune."""
        return self.length

    # --- files

    def read(self, path: Path) -> Reading:
        """The tunes of .abc files, alone or in folders."""
        return read_tunes(Path(path), self.length)

    def write(self, item: str, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """As ABC, the record in a comment line; see `tune_files`."""
        return write_tune(item, Path(path), record)

    def preview(self, items: Sequence[str], path: Path) -> Path:
        """The tunes in one ABC file."""
        return preview_tunes(items, Path(path))

    # --- learning

    def fit(self, items: Sequence[Any]) -> None:
        """Nothing is learnt: the words are the same for all."""
        if not len(items):
            raise DataError("no tunes to learn from: give at least one")

    def keys(self, items: Sequence[Any]) -> list[str]:
        """The same for settings of one tune: alike in title or in how they begin."""
        return kin([tune(item) for item in items])

    def vary(self, items: Sequence[Any], seed: int) -> list[Tune]:
        """The tunes to learn from, each told in several ways; see `tune_item.varied`."""
        draw = random.Random(seed)
        out: list[Tune] = []
        for one in map(tune, items):
            for turn in range(self.variations):
                out.append(varied(one, draw, moves=turn % 2 == 1, gap=turn % 4 == 2))
        return out

    def encode(self, items: Iterable[Any]) -> list[Tensor]:
        """long [L] each, neither bos nor eos."""
        return [torch.tensor(tune(item).ids, dtype=torch.long) for item in items]

    def decode(self, x: Iterable[Tensor] | Tensor) -> list[str]:
        """Tunes; ids without meaning at their place are passed over."""
        return [self._tune(row.tolist()) for row in x]

    def _tune(self, ids: list[int]) -> str:
        return write_abc(score_of(ids))

    def spelt(self, ids: Sequence[int]) -> str:
        """Ids as words, for people."""
        return spelt(list(ids))

    # --- asking

    def condition(self, prompt: str | None, where: Any) -> Condition:
        """What a tune begins with: fields in words or conditions, or a motif in ABC."""
        known = asked(prompt, where).ids()
        return Condition(known=self._within(known)) if known else Condition()

    def gap(self, before: str, after: str) -> Tensor:
        """long [L]: before and after the bars that are to be filled in; before has the header."""
        return self._within(gap(before, after))

    def guide(self, known: Tensor | None) -> Callable[[], TuneGuide] | None:
        """What may follow such a beginning, so that bars add up; None where anything may."""
        ids = [] if known is None else known.tolist()
        return (lambda: guide_after(ids)) if self.strict else None

    def _within(self, ids: list[int]) -> Tensor:
        if len(ids) > self.length - 1:
            raise RequestError(
                f"the beginning has {len(ids)} words and the context of this model {self.length}: "
                f"shorten it to {self.length - 1}",
                param="prompt",
                code=OVER_CONTEXT,
            )
        return torch.tensor(ids, dtype=torch.long)

    # --- meaning

    def captions(self, items: Sequence[Any]) -> None:
        return None

    def natural_side(self, items: Sequence[Any]) -> None:
        """Tunes have no sides."""

    def features(self, items: Sequence[Any]) -> Tensor:
        """float [N, F]: how often each step of the scale follows which, and each length comes."""
        rows = [profile(tune(item).ids) for item in items]
        return torch.stack(rows) if rows else torch.zeros(0, len(profile(())))

    def compare(self, real: Any, made: Any) -> dict[str, float]:
        """Nothing: the score on held-out tunes says more."""
        return {}

    def save(self, folder: Path) -> None:
        values = {"length": self.length, "variations": self.variations, "words": list(WORDS)}
        save_json(folder, self.kind, values)

    @classmethod
    def load(cls, folder: Path) -> Self:
        values = load_json(folder, cls.kind, _OPTIONS)
        if values.pop("words") != list(WORDS):
            raise ModelError(f"{folder} has other words than this version: use the one it is of")
        try:
            return cls(**values)
        except RecipeError as error:
            raise ModelError(f"{folder} is damaged ({error}): restore the model folder") from None
