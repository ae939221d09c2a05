"""The codec of molecules: lines of SMILES, or of SELFIES, <-> words, their properties before them.

Knows how molecules are split, told otherwise, asked for and shown. Files are in `files`, chemistry
in `chemistry`, what may follow what in `guide`. Knows no family or net.
Shape legend: N molecules, L ids of one, F features.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
import torch
from torch import Tensor

from genloom.codec.base import Condition, Reading
from genloom.codec.molecule import chemistry, selfies
from genloom.codec.molecule.asked import Asked, asked, ways
from genloom.codec.molecule.drawing import MOST as MOST_DRAWN
from genloom.codec.molecule.drawing import drawn
from genloom.codec.molecule.files import lines_text, read_molecules, write_molecules
from genloom.codec.molecule.guide import MoleculeGuide, Words
from genloom.codec.molecule.item import (
    Molecule,
    Molecules,
    molecule,
    usual,
    varied,
    with_values,
)
from genloom.codec.molecule.objectives import NAMES as OBJECTIVES
from genloom.codec.molecule.objectives import Objective, objective, reproach
from genloom.codec.molecule.properties import Scale
from genloom.codec.molecule.walk import well_formed
from genloom.codec.molecule.words import aromatic, line, words
from genloom.codec.saving import load_json, save_json, write_atomic
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.spec import Request, TokenSpec

PAD, BOS, EOS, TURNED = range(4)
FIRST = 4  # the id of the first step of the first property
USUAL = ("logP", "QED", "weight")  # properties that are computed where none stand beside molecules
MOST_VARIATIONS = 100
FEATURES = 1024
TOLD = 0.1  # what a property's step counts as a target, beside a word
Notation = Literal["auto", "smiles", "kekule", "selfies"]
_TOLD = ("length", "variations", "turned", "properties", "notation")
_OPTIONS = frozenset({*_TOLD, "scales", "words"})


class MoleculeCodec:
    """Molecules as words: steps of the properties that are asked for, then SMILES.

    length      ids of context; longer molecules are left out
    variations  of each molecule to learn from: with properties before it, its atoms in any order
    turned      the share of these whose atoms stand in another order than the usual one
    properties  those that can be asked for: names by commas, "" for none; "auto" for the columns of
                numbers beside the molecules or, where there are none, logP, QED and weight
    notation    "smiles"; "kekule", the same with aromatic rings told by single and double bonds, so
                that the grammar knows every rule there is; "selfies" (Krenn et al. 2020), in which
                every run of words is a molecule; "auto": kekule where RDKit is installed
    """

    kind: ClassVar[str] = "molecule"
    media: ClassVar[str] = "chemical/x-daylight-smiles"
    suffix: ClassVar[str] = ".smi"
    preview_suffix: ClassVar[str] = ".svg"
    compares: ClassVar[bool] = False
    conditional: ClassVar[bool] = False
    takes: ClassVar[frozenset[str]] = frozenset({"tries"})
    told_where: ClassVar[bool] = True
    carries: ClassVar[type] = TokenSpec

    def __init__(
        self,
        *,
        length: int = 128,
        variations: int = 4,
        turned: float = 0.25,
        properties: str = "auto",
        notation: Notation = "auto",
    ) -> None:
        if not isinstance(length, int) or not 8 <= length <= 4096:
            raise RecipeError(f"codec.length is {length!r}: give a whole number of 8 to 4096")
        if not isinstance(variations, int) or not 1 <= variations <= MOST_VARIATIONS:
            raise RecipeError(f"codec.variations is {variations!r}: give 1 to {MOST_VARIATIONS}")
        if not isinstance(turned, int | float) or not 0 <= turned <= 1:
            raise RecipeError(f"codec.turned is {turned!r}: give a share, 0 to 1")
        if not isinstance(properties, str):
            raise RecipeError(f"codec.properties is {properties!r}: give names joined by commas")
        if notation not in get_args(Notation):
            raise RecipeError(
                f"codec.notation is {notation!r}: give auto or one of {get_args(Notation)[1:]}"
            )
        self.length, self.variations, self.turned = length, variations, float(turned)
        if notation == "auto":
            notation = "kekule" if chemistry.at_hand() else "smiles"
        self.properties, self.notation = properties, notation
        self.scales: dict[str, Scale] = {}
        self.words: tuple[str, ...] = ()
        # variations of a molecule, many with one line, come one after the other
        self._told = lru_cache(maxsize=64)(self._told_anew)
        self.strict = True  # whether what is drawn has to follow the grammar
        self.notes: list[str] = []
        self._known: Words | None = None
        self._ids: dict[str, int] = {}

    @property
    def spec(self) -> TokenSpec:
        if not self.words:
            raise ModelError("this codec of molecules has no words yet: call fit or load first")
        size = self._first_word + len(self.words)
        return TokenSpec(vocab=size, length=self.length, bos=BOS, eos=EOS, pad=PAD)

    @property
    def ample(self) -> int:
        """Ids that are enough for any molecule."""
        return self.length

    @property
    def _first_word(self) -> int:
        return FIRST + sum(map(len, self.scales.values()))

    # --- files

    def read(self, path: Path) -> Reading:
        """The molecules of files, alone or in folders."""
        return read_molecules(Path(path), self.length)

    def write(self, item: Any, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        return write_molecules(item, Path(path), record)

    def listing(self, items: Sequence[Any]) -> str:
        """All of them as one text."""
        return lines_text([molecule(one) for one in items]).rstrip("\n")

    def collected(self, items: Sequence[Any]) -> Molecules:
        """What `write` puts into one file."""
        return Molecules(items)

    def preview(self, items: Sequence[Any], path: Path) -> Path:
        """A sheet of drawings; lines where RDKit is not installed."""
        path = Path(path)
        some = [molecule(one) for one in items]
        if not chemistry.at_hand():
            return write_atomic(path.with_suffix(".smi"), lines_text(some).encode())
        suffix = ".png" if path.suffix.lower() == ".png" else ".svg"
        return write_atomic(path.with_suffix(suffix), drawn(some[:MOST_DRAWN], suffix))

    # --- learning

    def keys(self, items: Sequence[Any]) -> list[str]:
        """The same for lines of one molecule."""
        return [usual(one) for one in items]

    def groups(self, items: Sequence[Any], by: str) -> list[str]:
        """What a split by `by` must not part: "scaffold". RequestError for anything else."""
        if by != "scaffold":
            raise RequestError(f"molecules are split by scaffold, not by {by!r}")
        return [chemistry.scaffold(str(one)) or "" for one in items]

    def vary(self, items: Sequence[Any], seed: int) -> list[Molecule]:
        """The molecules to learn from, each told in several ways."""
        draw = random.Random(seed)
        some = [molecule(one) for one in items]
        names = self._names(some)
        some = [self._plain(one) for one in with_values(some, names)]
        share = self.turned if chemistry.at_hand() else 0.0
        kekule = self.notation != "smiles"
        out: list[Molecule] = []
        for one in some:
            for made in varied(one, names, draw, self.variations, share, kekule):
                out.append(made if self._fits(made) else Molecule(one, one.values, one.name))
        return out

    def _plain(self, one: Molecule) -> Molecule:
        """The molecule as it is told where it is not turned."""
        told = chemistry.alternating(one) if self.notation != "smiles" else None
        return one if told is None else Molecule(told, one.values, one.name)

    def _fits(self, made: Molecule) -> bool:
        return len(self.told_in(made)) + len(made.asked) + 2 <= self.length

    def _names(self, some: Sequence[Molecule]) -> list[str]:
        """The properties that can be asked for. RecipeError for one that nobody knows."""
        beside = list(dict.fromkeys(name for one in some for name in one.values))
        if self.properties == "auto":
            return beside or [name for name in USUAL if chemistry.at_hand()]
        out = []
        for name in filter(None, map(str.strip, self.properties.split(","))):
            known = next((one for one in beside if one.lower() == name.lower()), None)
            known = known or chemistry.named(name)
            if known is None:
                raise RecipeError(
                    f"codec.properties names {name!r}: the molecules have no such column, and "
                    f"what is computed is {', '.join(chemistry.PROPERTIES)}"
                )
            out.append(known)
        return out

    def fit(self, items: Sequence[Any]) -> None:
        """The words that occur, and each property's steps."""
        some = [molecule(one) for one in items]
        if not some:
            raise DataError("no molecules to learn from: give at least one")
        counts: Counter[str] = Counter()
        for one in some:
            counts.update(self.told_in(one))
        names = self._names(some)
        some, self.scales = with_values(some, names), {}
        for name in names:
            known = [one.values[name] for one in some if name in one.values]
            scale = Scale.of(known)
            if scale is None:
                self.notes.append(f"{name} has too few different numbers to be asked for")
            else:
                self.scales[name] = scale
        self.words = tuple(sorted(counts))
        self._know()

    def _know(self) -> None:
        first = self._first_word
        self._ids = {word: first + n for n, word in enumerate(self.words)}
        self._known = Words(self.words, first, EOS)

    def told_in(self, one: str) -> list[str]:
        """The words of a line. DataError where it has none."""
        return list(self._told(str(one)))

    def _told_anew(self, one: str) -> list[str]:
        if self.notation == "selfies":
            return selfies.words(one)
        told = words(one)
        if self.notation == "kekule" and aromatic(told):
            told = words(chemistry.alternating(one) or one)
        return told

    def encode(self, items: Iterable[Any]) -> list[Tensor]:
        """long [L] each, neither bos nor eos. Words that were not learnt are left out of held-out
        molecules with those around them: such a line ends there."""
        return [torch.tensor(self._encoded(molecule(one)), dtype=torch.long) for one in items]

    def weights(self, items: Sequence[Any]) -> list[Tensor]:
        """float [L + 1] each: 1 for the words and for the eos behind them, of which the last number
        speaks; TOLD for what stands before them, which is learnt only as far as a step has to be
        drawn within a range that was asked for."""
        some = [molecule(one) for one in items]
        sizes = [(len(self._lead(one)), len(self._encoded(one)) + 1) for one in some]
        return [torch.where(torch.arange(size) < lead, TOLD, 1.0) for lead, size in sizes]

    def _lead(self, one: Molecule) -> list[int]:
        lead = [self._step(name, one.values[name]) for name in one.asked if name in self.scales]
        return lead + ([TURNED] if one.turned else [])

    def _encoded(self, one: Molecule) -> list[int]:
        lead, out = self._lead(one), []
        for word in self.told_in(one):
            if word not in self._ids:
                break
            out.append(self._ids[word])
        return lead + out

    def _step(self, name: str, value: float) -> int:
        return self._start(name) + self.scales[name].step(value)

    def _start(self, name: str) -> int:
        """The id of a property's first step."""
        before = FIRST
        for known, scale in self.scales.items():
            if known == name:
                return before
            before += len(scale)
        raise KeyError(name)

    def decode(self, x: Iterable[Tensor] | Tensor) -> list[Molecule]:
        """Lines; ids that are no word of a line are passed over. A line need not be a molecule."""
        return [Molecule(self._line(row.tolist())) for row in x]

    def _line(self, ids: Sequence[int]) -> str:
        first = self._first_word
        some = [self.words[one - first] for one in ids if first <= one < first + len(self.words)]
        if self.notation == "selfies":
            return selfies.line(some)
        told = line(some)
        if self.notation == "smiles" or not chemistry.at_hand():
            return told
        return chemistry.canonical(told) or told

    def spelt(self, ids: Sequence[int]) -> str:
        """Ids as words, for people."""
        return " ".join(self._named(one) for one in ids)

    def _named(self, one: int) -> str:
        if one < FIRST:
            return ("<pad>", "<bos>", "<eos>", "<turned>")[one]
        at = one - FIRST
        for name, scale in self.scales.items():
            if at < len(scale):
                return f"<{name} {scale.middles[at]:.3g}>"
            at -= len(scale)
        return self.words[at]

    # --- asking

    def condition(self, prompt: str | None, where: Any) -> Condition:
        """A guide by what is asked: properties within ranges, a part to hold."""
        wish = asked(prompt, where, self.scales)
        if not wish.ranges and not wish.core:
            return Condition()
        return Condition(guide=self._guide_of(wish))

    def _guide_of(self, wish: Asked) -> Callable[[], MoleculeGuide]:
        if wish.core and self.notation == "selfies":
            raise RequestError("parts are attached to in SMILES: this model speaks SELFIES")
        steps = []
        for name, scale in self.scales.items():
            if name in wish.ranges:
                start, wanted = self._start(name), wish.ranges[name]
                steps.append(tuple(start + n for n in scale.within(wanted.low, wanted.high)))
        assert self._known is not None
        made = MoleculeGuide(
            self._known,
            self.spec.vocab,
            steps=tuple(steps),
            lead=(TURNED,) if wish.core else (),
            ways=ways(wish.core, self.words, self.notation == "kekule") if wish.core else (),
            rings=not wish.scaffold,
            strict=self.strict and self.notation != "selfies",
            most=self.length - 2,
        )
        return made.copy

    def guide(self, known: Tensor | None) -> Callable[[], MoleculeGuide] | None:
        """What may come where nothing was asked; None where anything may."""
        if not self.strict or self.notation == "selfies":
            return None
        assert self._known is not None
        return MoleculeGuide(self._known, self.spec.vocab, most=self.length - 2).copy

    def strays(self, items: Sequence[Any], request: Request) -> list[float]:
        """How far each is from what was asked; infinite for what is no molecule."""
        wish = asked(request.prompt, request.where, self.scales)
        spread = {name: float(np.std(scale.middles)) or 1.0 for name, scale in self.scales.items()}
        return [wish.misses(str(one), spread) for one in items]

    # --- searching

    def objective(self, words: str) -> Objective | None:
        """What a score that is built in says of items; None for words that mean none."""
        return objective(words)

    objectives: ClassVar[tuple[str, ...]] = OBJECTIVES

    def reproach(self, item: Any) -> str:
        """Why nobody would take an item, however well it scores; "" where nothing tells against
        it."""
        return reproach(str(item)) if chemistry.at_hand() else ""

    def proper(self, items: Sequence[Any]) -> list[bool]:
        """Which are molecules: by RDKit, without it by grammar and valence alone."""
        return [_proper(str(one)) for one in items]

    def buckets(self, items: Sequence[Any]) -> list[str]:
        """The same for what is much alike: molecules of one scaffold."""
        if not chemistry.at_hand():
            return [str(one) for one in items]
        return [chemistry.scaffold(str(one)) or str(one) for one in items]

    def otherwise(self, item: Any, seed: int) -> Tensor:
        """long [L]: the same item told in another way."""
        one = molecule(item)
        turned = self.turned > 0 and chemistry.at_hand()
        kekule = self.notation == "kekule"
        smiles = chemistry.told_otherwise(one, seed, kekule) if turned else None
        made = Molecule(smiles or one, turned=smiles is not None)
        return torch.tensor(self._encoded(made), dtype=torch.long)

    # --- meaning

    def captions(self, items: Sequence[Any]) -> None:
        return None

    def natural_side(self, items: Sequence[Any]) -> None:
        """Molecules have no sides."""

    def features(self, items: Sequence[Any]) -> Tensor:
        """float [N, F]: circular fingerprints; without RDKit hashed pairs of words. Length one."""
        rows = [_features(str(one)) for one in items]
        return torch.stack(rows) if rows else torch.zeros(0, FEATURES)

    def compare(self, real: Any, made: Any) -> dict[str, float]:
        """Nothing: the score on held-out molecules says more."""
        return {}

    def save(self, folder: Path) -> None:
        values = {name: getattr(self, name) for name in _TOLD}
        scales = {name: scale.to_json() for name, scale in self.scales.items()}
        save_json(folder, self.kind, {**values, "scales": scales, "words": list(self.words)})

    @classmethod
    def load(cls, folder: Path) -> Self:
        values = load_json(folder, cls.kind, _OPTIONS)
        try:
            known = [str(word) for word in values.pop("words")]
            scales = {str(k): Scale.from_json(v) for k, v in values.pop("scales").items()}
            made = cls(**values)
        except (RecipeError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"{folder} is damaged ({error}): restore the model folder") from None
        made.words, made.scales = tuple(known), scales
        made._know()
        return made


def _proper(smiles: str) -> bool:
    if chemistry.at_hand():
        return chemistry.molecule(smiles) is not None
    try:
        return well_formed(words(smiles))
    except DataError:
        return False


def _features(smiles: str) -> Tensor:
    out = torch.zeros(FEATURES)
    found = chemistry.fingerprint(smiles) if chemistry.at_hand() else None
    if found is not None:
        out[torch.tensor(list(found.GetOnBits()), dtype=torch.long) % FEATURES] = 1.0
    elif not chemistry.at_hand():
        try:
            told = words(smiles)
        except DataError:
            told = list(smiles)
        for pair in pairwise(told):
            out[_hashed(" ".join(pair))] += 1.0
    return out / out.norm().clamp(min=1e-9)


def _hashed(text: str) -> int:
    total = 0
    for letter in text:
        total = (total * 131 + ord(letter)) % 1_000_003
    return total % FEATURES
