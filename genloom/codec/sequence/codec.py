"""The codec of biological sequences: proteins or DNA <-> ids of letters, behind words told of them.

Knows how sequences are split, varied, asked for and shown. Files are in `files`, what is learnt of
a sequence in `windows`, the layout of ids in `ids`. Knows no family or net.
Shape legend: N sequences, L ids of one, F features.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from genloom.codec.base import Condition, Reading
from genloom.codec.saving import load_json, save_json, write_atomic
from genloom.codec.sequence.alphabet import PROTEIN, alphabet_of, looks_of
from genloom.codec.sequence.asked import MISSING, Asked, asked, begun, lettered
from genloom.codec.sequence.files import read_sequences, told_by, write_sequence
from genloom.codec.sequence.guide import SequenceGuide, guide_after
from genloom.codec.sequence.ids import BOS, EOS, FILL, GAP, INNER, PAD, RUN, Ids
from genloom.codec.sequence.item import BioSequence, as_sequence, fasta
from genloom.codec.sequence.kin import kin
from genloom.codec.sequence.variants import around
from genloom.codec.sequence.windows import MOST_WORDS, Ways, varied
from genloom.errors import OVER_CONTEXT, DataError, ModelError, RecipeError, RequestError
from genloom.spec import TokenSpec

MOST_VARIATIONS = 100
AUTO = "auto"
LEAST_WORD = 8  # sequences that a word is told of, for it to be learnt
OVERHEAD = MOST_WORDS + 6  # ids of a piece that are no letters
FEATURES = 1024
_OPTIONS = frozenset(
    {"alphabet", "length", "variations", "most_words", "backward", "gaps", "annotation"}
)
_LEARNT = frozenset({"vocabulary", "inner"})


class SequenceCodec:
    """Sequences of letters, with the words of their headers before them.

    alphabet    protein, dna, or auto for what the first sequence is
    length      ids of context; longer sequences are learnt in windows
    variations  of each sequence to learn from: on either strand, other windows, other words told
    most_words  so many words of headers and annotations are learnt, the commonest first
    backward    share of the proteins that are told from their end
    gaps        share of the pieces some letters of which are told last, for filling in
    annotation  a GFF3 file that says where genes lie; those beside the data in its folder are found
    """

    kind: ClassVar[str] = "sequence"
    media: ClassVar[str] = "text/x-fasta"
    suffix: ClassVar[str] = ".fasta"
    preview_suffix: ClassVar[str] = ".fasta"
    compares: ClassVar[bool] = False
    conditional: ClassVar[bool] = False
    brings: ClassVar[tuple[str, ...]] = ("text/x-fasta", "application/x-fasta", "text/plain")
    told_where: ClassVar[bool] = True
    lettered: ClassVar[bool] = True  # strings of few letters, which are alike by chance
    carries: ClassVar[type] = TokenSpec

    def __init__(
        self,
        *,
        alphabet: str = AUTO,
        length: int = 512,
        variations: int = 1,
        most_words: int = 256,
        backward: float = 0.25,
        gaps: float = 0.15,
        annotation: str | None = None,
    ) -> None:
        self.alphabet = alphabet
        self.letters = PROTEIN if alphabet == AUTO else alphabet_of(alphabet)
        if not isinstance(length, int) or not 16 <= length <= 1 << 20:
            raise RecipeError(f"codec.length is {length!r}: give a whole number of at least 16")
        if not isinstance(variations, int) or not 1 <= variations <= MOST_VARIATIONS:
            raise RecipeError(f"codec.variations is {variations!r}: give 1 to {MOST_VARIATIONS}")
        if not isinstance(most_words, int) or not 0 <= most_words <= 30_000:
            raise RecipeError(f"codec.most_words is {most_words!r}: give 0 to 30000")
        for name, share in (("backward", backward), ("gaps", gaps)):
            if not isinstance(share, int | float) or not 0 <= share <= 1:
                raise RecipeError(f"codec.{name} is {share!r}: give a share from 0 to 1")
        self.length, self.variations, self.most_words = length, variations, most_words
        self.backward, self.gaps, self.annotation = backward, gaps, annotation
        self.inner = False  # whether what was learnt are mostly windows
        self.ids = Ids(self.letters, ())

    @property
    def spec(self) -> TokenSpec:
        return TokenSpec(vocab=self.ids.vocab, length=self.length, bos=BOS, eos=EOS, pad=PAD)

    @property
    def ample(self) -> int:
        """Ids that are enough for most sequences."""
        return self.length

    @property
    def room(self) -> int:
        """Letters of a piece."""
        return max(4, self.length - OVERHEAD)

    # --- files

    def read(self, path: Path) -> Reading:
        """The sequences of FASTA files, packed or not, alone or in folders."""
        given = None if self.annotation is None else Path(self.annotation).expanduser()
        if self.alphabet == AUTO:
            self.letters = told_by(Path(path)) or PROTEIN
        return read_sequences(Path(path), self.letters, given)

    @property
    def found(self) -> Mapping[str, str]:
        """The options that what was read speaks for."""
        return {"alphabet": self.letters.name}

    def write(self, item: Any, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """A FASTA record; the record of its making has no place in it."""
        return write_sequence(item, Path(path), record)

    def preview(self, items: Sequence[Any], path: Path) -> Path:
        return write_atomic(Path(path).with_suffix(self.preview_suffix), fasta(items).encode())

    def listing(self, items: Sequence[Any]) -> str:
        """All of them as one text."""
        return fasta(items).rstrip("\n")

    # --- learning

    def keys(self, items: Sequence[Any]) -> list[str] | None:
        """The same for sequences that are related; see `kin`."""
        return kin([self._item(one) for one in items], self.letters)

    def vary(self, items: Sequence[Any], seed: int) -> list[BioSequence]:
        """Pieces to learn from; see `windows`."""
        draw = random.Random(seed)
        ways = Ways(
            alphabet=self.letters,
            room=self.room,
            variations=self.variations,
            backward=self.backward,
            gaps=self.gaps,
        )
        return [piece for one in items for piece in varied(self._item(one), ways, draw)]

    def fit(self, items: Sequence[Any]) -> None:
        """Which words are told often enough, and whether what is learnt are windows."""
        if not len(items):
            raise DataError("no sequences to learn from: give at least one")
        if self.alphabet == AUTO:
            self.letters = looks_of(map(str, items)) or PROTEIN
        found = [self._item(one) for one in items]
        counts = Counter(word for one in found for word in one.words)
        often = [
            w for w, n in sorted(counts.items(), key=lambda x: (-x[1], x[0])) if n >= LEAST_WORD
        ]
        self.ids = Ids(self.letters, sorted(often[: self.most_words]))
        self.inner = 2 * sum(one.inner or one.open for one in found if not one.gaps) > len(found)

    def encode(self, items: Iterable[Any]) -> list[Tensor]:
        """long [L] each, neither bos nor eos."""
        return [self.ids.tensor(self._item(one)) for one in items]

    def weights(self, items: Iterable[Any]) -> list[Tensor]:
        """float [L + 1] each: known letters count, and ends that are its own."""
        return [torch.from_numpy(self.ids.parts(self._item(one))[1]) for one in items]

    def decode(self, x: Iterable[Tensor] | Tensor) -> list[BioSequence]:
        return [self.ids.read(row.tolist()) for row in x]

    def spelt(self, ids: Sequence[int]) -> str:
        """Ids as letters and words, for people."""
        return " ".join((*self.ids.read(ids).words, str(self.ids.read(ids))))

    def _item(self, one: Any) -> BioSequence:
        return as_sequence(one, self.letters)

    # --- asking

    def condition(self, prompt: str | None, where: Any) -> Condition:
        """What a sequence begins with: words, letters, letters with gaps."""
        known = self._ids(asked(prompt, where, self.letters, self.ids.words))
        return Condition(known=self._within(known)) if known else Condition()

    def given(self, item: Any, prompt: str | None, where: Any) -> Condition:
        """A sequence to go on from or, where a mask is told, to fill in."""
        wanted = begun(item, prompt, where, self.letters, self.ids.words)
        return Condition(known=self._within(self._ids(wanted)))

    def gap(self, before: str, after: str) -> Tensor:
        """long [L]: before and after a gap of any length; before may have words and a colon."""
        head = asked(before, None, self.letters, self.ids.words)
        if MISSING in head.letters:
            raise RequestError("the prompt has gaps and a suffix: say one", param="suffix")
        tail = lettered(after, self.letters)
        first = self.ids.coded(head.letters, head.words)
        own = [*first, RUN, *self.ids.coded(tail, head.words, len(first)), FILL]
        return self._within([*self._head(head.words), *map(int, own)])

    def guide(self, known: Tensor | None) -> Callable[[], SequenceGuide]:
        """Letters, the end where one is to come; a gap takes as many as it has."""
        ids = [] if known is None else known.tolist()
        return lambda: guide_after(ids, self.ids)

    def _head(self, words: Sequence[str]) -> list[int]:
        """Words; where windows were learnt, INNER unless a kind of feature is named."""
        told = [self.ids.number[word] for word in words]
        return [*told, INNER] if self.inner and not told else told

    def _ids(self, wanted: Asked) -> list[int]:
        text = wanted.letters
        body = self.ids.coded(text, wanted.words)
        body[np.frombuffer(text.encode(), np.uint8) == ord(MISSING)] = GAP
        fill = [FILL] if MISSING in text else []
        return [*self._head(wanted.words), *map(int, body), *fill]

    def _within(self, ids: list[int]) -> Tensor:
        if len(ids) > self.length - 1:
            raise RequestError(
                f"the beginning has {len(ids):,} ids and the context of this model {self.length}: "
                f"shorten it to {self.length - 1}",
                param="prompt",
                code=OVER_CONTEXT,
            )
        return torch.tensor(ids, dtype=torch.long)

    # --- likelihood

    def readings(self, one: Any) -> list[list[BioSequence]]:
        """The ways in which a sequence may be read, each in pieces that fit: as it stands, and
        where it was learnt so, from its end or as the other strand."""
        item = self._item(one)
        ways = [item]
        if self.letters.complement and not item.words:
            turned = self.letters.turned(item)
            ways.append(BioSequence(turned, item.name, inner=item.open, open=item.inner))
        elif self.backward and not self.letters.complement:
            ways.append(
                BioSequence(
                    item, item.name, item.words, inner=item.open, open=item.inner, turned=True
                )
            )
        return [self._pieces(way) for way in ways]

    def _pieces(self, item: BioSequence) -> list[BioSequence]:
        """One after another, nearly equal; those of a sequence that is told backwards, too."""
        count = -(-max(1, len(item)) // (self.room - self.letters.frame))
        borders = [n * len(item) // count for n in range(count + 1)]
        if self.ids.framed(item.words):  # a piece begins with a codon
            borders = [*(n - n % self.letters.frame for n in borders[:-1]), len(item)]
        inner = item.inner or (self.inner and not item.words)
        return [
            BioSequence(
                item[a:b],
                item.name,
                item.words,
                inner=inner or (b < len(item) if item.turned else a > 0),
                open=item.open or (a > 0 if item.turned else b < len(item)),
                turned=item.turned,
            )
            for a, b in pairwise(borders)
        ]

    def beside(self, wild: Any, other: Any) -> tuple[BioSequence, BioSequence]:
        """Both in a window in which they differ, where they are longer than the context."""
        a, b = self._item(wild), self._item(other)
        start, stop, end = around(a, b, self.room - 2 * self.letters.frame)
        if self.ids.framed(a.words):
            start -= start % self.letters.frame
        return a.piece(start, stop), a.like(b[start:end], start > 0, end < len(b))

    # --- meaning

    def captions(self, items: Sequence[Any]) -> None:
        return None

    def natural_side(self, items: Sequence[Any]) -> None:
        """Sequences have no sides."""

    def features(self, items: Sequence[Any]) -> Tensor:
        """float [N, F], of length one: hashed counts of runs of three letters (six of bases)."""
        size = 6 if len(self.letters.letters) < 8 else 3
        rows = [_counts(self.ids.letters(self._item(one)), size) for one in items]
        return torch.stack(rows) if rows else torch.zeros(0, FEATURES)

    def compare(self, real: Any, made: Any) -> dict[str, float]:
        """Nothing: the score on held-out sequences says more."""
        return {}

    def save(self, folder: Path) -> None:
        values = {name: getattr(self, name) for name in sorted(_OPTIONS)}
        values["alphabet"] = self.letters.name
        learnt = {"vocabulary": list(self.ids.words), "inner": self.inner}
        save_json(folder, self.kind, {**values, **learnt})

    @classmethod
    def load(cls, folder: Path) -> Self:
        values = load_json(folder, cls.kind, _OPTIONS | _LEARNT)
        words, inner = values.pop("vocabulary"), values.pop("inner")
        try:
            made = cls(**values)
        except (RecipeError, TypeError) as error:
            raise ModelError(f"{folder} is damaged ({error}): restore the model folder") from None
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise ModelError(f"{folder}: vocabulary must be texts: restore the model folder")
        made.ids, made.inner = Ids(made.letters, words), bool(inner)
        return made


def _counts(letters: np.ndarray, size: int) -> Tensor:
    out = np.zeros(FEATURES)
    if len(letters) >= size:
        windows = np.lib.stride_tricks.sliding_window_view(letters.astype(np.int64), size)
        key = (windows * 31 ** np.arange(size)).sum(1)
        out += np.bincount(key * 2654435761 % (1 << 32) * FEATURES >> 32, minlength=FEATURES)
    return torch.from_numpy(out / max(1.0, float(np.linalg.norm(out)))).float()
