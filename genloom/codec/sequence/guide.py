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

from genloom.codec.sequence.ids import EOS, FILL, GAP, INNER, LETTERS_AT, RUN


@lru_cache(maxsize=64)
def _mask(ids: tuple[int, ...], vocab: int) -> Tensor:
    """int32 [ceil(V / 32)], a bit an id."""
    bits = sum(1 << one for one in ids)
    words = [(bits >> (32 * n)) & 0xFFFFFFFF for n in range(-(-vocab // 32))]
    signed = [word - (1 << 32) if word >> 31 else word for word in words]
    return torch.tensor(signed, dtype=torch.int32)


@dataclass
class SequenceGuide:
    """letters: how many there are. missing: in gaps; loose: one may have any number. made: letters
    so far, of the gaps once they are being filled."""

    letters: int
    vocab: int
    missing: int = 0
    loose: bool = False
    endless: bool = False
    filling: bool = False
    made: int = 0
    done: bool = False

    def take(self, one: int) -> None:
        """Follow an id, given or drawn."""
        if one == EOS:
            self.done = True
        elif one == INNER:
            self.endless = True
        elif one == GAP:
            self.missing += 1
        elif one == RUN:
            self.loose = True
        elif one == FILL:
            self.filling, self.made = True, 0
        elif LETTERS_AT <= one <= LETTERS_AT + self.letters:
            self.made += 1

    def allowed(self) -> tuple[int, ...]:
        if self.done:
            return (EOS,)
        drawn = tuple(range(LETTERS_AT, LETTERS_AT + self.letters))
        if self.filling and not self.loose:
            return drawn if self.made < self.missing else (EOS,)
        endless = self.endless and not self.filling
        return drawn if endless or not self.made else (*drawn, EOS)

    # --- as the engine asks

    def mask(self) -> Tensor:
        return _mask(self.allowed(), self.vocab)

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


def guide_after(ids: Sequence[int], letters: int, vocab: int) -> SequenceGuide:
    """A guide that has followed these ids."""
    made = SequenceGuide(letters=letters, vocab=vocab)
    for one in ids:
        made.take(one)
    return made
