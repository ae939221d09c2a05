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
from genloom.codec.music.dressing import TAKES, dressed_score
from genloom.codec.music.scores import MEDIA
from genloom.codec.saving import load_json, save_json
from genloom.codec.tune.asked import asked, gap
from genloom.codec.tune.chords import unchorded
from genloom.codec.tune.files import preview_tunes, read_tunes, write_tune
from genloom.codec.tune.form import TuneGuide, guide_after
from genloom.codec.tune.fresh import Learnt
from genloom.codec.tune.given import begun
from genloom.codec.tune.item import Tune, tune, varied
from genloom.codec.tune.kin import kin, profile
from genloom.codec.tune.score import arranged, score_of
from genloom.codec.tune.words import BOS, EOS, PAD, WORDS, spelt
from genloom.errors import OVER_CONTEXT, DataError, ModelError, RecipeError, RequestError
from genloom.music.abc_reading import read_abc
from genloom.music.abc_writing import write_abc
from genloom.music.key_finder import ranked
from genloom.options import Options
from genloom.spec import TokenSpec
from genloom.tensor_files import TensorFiles, write

MOST_VARIATIONS = 100
LEAST_FRESH, MOST_FRESH = 4, 32
RUNS = "runs.safetensors"
_OPTIONS = frozenset({"length", "variations", "fresh", "words"})


class TuneCodec:
    """Tunes as words: header (type, metre, tonic, mode), then bars of lengths and degrees.

    length      ids of context; longer tunes are left out
    variations  of each tune to learn from: with its header in any order, in other keys, with bars
                taken out and filled last, with chords
    fresh       so many bars of what was learnt are never repeated as they are; 0 for no such rule
    """

    kind: ClassVar[str] = "tune"
    media: ClassVar[str] = "text/vnd.abc"
    suffix: ClassVar[str] = ".abc"
    preview_suffix: ClassVar[str] = ".abc"
    compares: ClassVar[bool] = False
    conditional: ClassVar[bool] = False
    brings: ClassVar[tuple[str, ...]] = tuple(MEDIA)
    takes: ClassVar[frozenset[str]] = TAKES | {"tries"}
    told_where: ClassVar[bool] = True
    carries: ClassVar[type] = TokenSpec

    def __init__(self, *, length: int = 512, variations: int = 4, fresh: int = 8) -> None:
        if not isinstance(length, int) or not 16 <= length <= 1 << 16:
            raise RecipeError(f"codec.length is {length!r}: give a whole number of at least 16")
        if not isinstance(variations, int) or not 1 <= variations <= MOST_VARIATIONS:
            raise RecipeError(f"codec.variations is {variations!r}: give 1 to {MOST_VARIATIONS}")
        if not isinstance(fresh, int) or not (fresh == 0 or LEAST_FRESH <= fresh <= MOST_FRESH):
            raise RecipeError(
                f"codec.fresh is {fresh!r}: give 0 or {LEAST_FRESH} to {MOST_FRESH} bars"
            )
        self.length, self.variations, self.fresh = length, variations, fresh
        self.learnt = Learnt(fresh)
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
        """The runs of bars that are not to come again; the words are the same for all."""
        if not len(items):
            raise DataError("no tunes to learn from: give at least one")
        if self.fresh:
            told = {tuple(unchorded(arranged(tune(item).ids))) for item in items}
            self.learnt = Learnt.of(sorted(told), self.fresh)

    def keys(self, items: Sequence[Any]) -> list[str]:
        """The same for settings of one tune: alike in title or in how they begin."""
        return kin([tune(item) for item in items])

    def vary(self, items: Sequence[Any], seed: int) -> list[Tune]:
        """The tunes to learn from, each told in several ways; see `tune_item.varied`."""
        draw = random.Random(seed)
        out: list[Tune] = []
        for one in map(tune, items):
            for turn in range(self.variations):
                gap, chords = turn % 4 == 2, turn % 4 == 3
                most = self.length - 1
                made = varied(one, draw, moves=turn % 2 == 1, gap=gap, chords=chords, most=most)
                out.append(made if len(made.ids) <= most else one)
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

    def given(self, item: Any, prompt: str | None, where: Any) -> Condition:
        """A melody to go on from or, where bars are named, to fill in; see `tune_given`."""
        return Condition(known=self._within(begun(item, prompt, where)))

    def gap(self, before: str, after: str) -> Tensor:
        """long [L]: before and after the bars that are to be filled in; before has the header."""
        return self._within(gap(before, after))

    def dressed(self, items: Sequence[str], options: Options) -> list[str]:
        """The tunes with the instrument and the tempo that are asked for."""
        if options.instrument is None and options.tempo is None:
            return list(items)
        return [write_abc(dressed_score(read_abc(str(one))[0], options)) for one in items]

    def strays(self, items: Sequence[str], asked: Any = None) -> list[float]:
        """How far a key finder's odds for another key are above those for the one that stands in
        each tune; 0 where it finds that key."""
        return [_strays(str(one)) for one in items]

    def guide(self, known: Tensor | None) -> Callable[[], TuneGuide] | None:
        """What may follow such a beginning, so that bars add up; None where anything may."""
        ids = [] if known is None else known.tolist()
        learnt = self.learnt if self.fresh else None
        return (lambda: guide_after(ids, learnt)) if self.strict else None

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
        values = {name: getattr(self, name) for name in ("length", "variations", "fresh")}
        save_json(folder, self.kind, {**values, "words": list(WORDS)})
        write(folder / RUNS, self.learnt.tensors())

    @classmethod
    def load(cls, folder: Path) -> Self:
        values = load_json(folder, cls.kind, _OPTIONS)
        if values.pop("words") != list(WORDS):
            raise ModelError(f"{folder} has other words than this version: use the one it is of")
        try:
            made = cls(**values)
            held = TensorFiles.open(folder / RUNS)
            made.learnt = Learnt.from_tensors(made.fresh, {n: held.read(n) for n in held.names})
        except (RecipeError, KeyError, OSError) as error:
            raise ModelError(f"{folder} is damaged ({error}): restore the model folder") from None
        return made


def _strays(text: str) -> float:
    try:
        (score,) = read_abc(text)
    except (DataError, ValueError):
        return float("inf")
    found = ranked(score)
    own = score.key.pitch_class, score.key.mode
    odds = next((o for key, o in found if (key.pitch_class, key.mode) == own), found[-1][1])
    return float(found[0][1] - odds)
