"""Which ids may come next in a sequence: letters, and its end where it has one; a gap that is to be
filled takes as many letters as it has.

A guide of one sample (`spec.Guide`). Knows ids; no net.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from genloom.codec.sequence.ids import EOS, FILL, GAP, INNER, LETTERS_AT, RUN, Ids


@lru_cache(maxsize=64)
def _mask(ids: tuple[int, ...], vocab: int) -> Tensor:
    """int32 [ceil(V / 32)], a bit an id."""
    bits = sum(1 << one for one in ids)
    words = [(bits >> (32 * n)) & 0xFFFFFFFF for n in range(-(-vocab // 32))]
    signed = [word - (1 << 32) if word >> 31 else word for word in words]
    return torch.tensor(signed, dtype=torch.int32)


@dataclass
class SequenceGuide:
    """book: what ids stand for. holes: places of missing letters; run: the place from which one may
    have any number. place: of the next letter; made: letters of the gaps once they are filled."""

    book: Ids
    holes: tuple[int, ...] = ()
    run: int | None = None
    framed: bool = False
    endless: bool = False
    filling: bool = False
    place: int = 0
    made: int = 0
    done: bool = False

    def take(self, one: int) -> None:
        """Follow an id, given or drawn."""
        if one == EOS:
            self.done = True
        elif one == INNER:
            self.endless = True
        elif one == GAP:
            self.holes, self.place = (*self.holes, self.place), self.place + 1
        elif one == RUN:
            self.run = self.place
        elif one == FILL:
            self.filling = True
        elif LETTERS_AT <= one < self.book.words_at:
            self.made += self.filling
            self.place += not self.filling
        elif self.book.words_at <= one < self.book.vocab:
            self.framed |= self.book.framed((self.book.words[one - self.book.words_at],))

    def allowed(self) -> tuple[int, ...]:
        if self.done:
            return (EOS,)
        if not self.filling:
            drawn = self._letters(self.place)
            return drawn if self.endless or not self.place else (*drawn, EOS)
        if self.run is not None:
            drawn = self._letters(self.run + self.made)
            return (*drawn, EOS) if self.made else drawn
        return self._letters(self.holes[self.made]) if self.made < len(self.holes) else (EOS,)

    def _letters(self, place: int) -> tuple[int, ...]:
        """Ids of the letters there."""
        many, first = len(self.book.alphabet.letters), LETTERS_AT
        if self.framed:
            first = self.book.framed_at + place % self.book.alphabet.frame * many
        return tuple(range(first, first + many))

    # --- as the engine asks

    def mask(self) -> Tensor:
        return _mask(self.allowed(), self.book.vocab)

    def accept(self, drawn: int) -> None:
        self.take(drawn)

    def allows(self, ids: Iterable[int]) -> int:
        """How many of these ids, guessed, may come in this order."""
        trial, count = self.copy(), 0
        for one in ids:
            if one not in trial.allowed():
                break
            trial.take(one)
            count += 1
        return count

    def forced(self) -> list[int]:
        """Ids that must come next."""
        allowed = self.allowed()
        return [*allowed] if len(allowed) == 1 and not self.done else []

    @property
    def finished(self) -> bool:
        return self.done

    def copy(self) -> SequenceGuide:
        return copy.copy(self)


def guide_after(ids: Sequence[int], book: Ids) -> SequenceGuide:
    """A guide that has followed these ids."""
    made = SequenceGuide(book)
    for one in ids:
        made.take(one)
    return made
