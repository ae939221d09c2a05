"""What of a data set is not learnt from, counted while it is encoded.

Knows numbers and the sentences that tell them; no template, token or file. Also here: the weights
of collections whose ids were just made, kept until they are asked for, since both come of one
rendering and a codec hands them out one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch import Tensor

_WAITING = 2  # collections: what is learnt from, and what is held out


class Tally:
    """Items so far, and those that are cut, lose all their targets, or are refused.

    name: what the items are called.
    """

    def __init__(self, name: str = "conversations") -> None:
        self.name = name
        self.total = self.cut = self.empty = self.refused = self.lost = 0
        self.reason = ""  # of the first that was refused

    def add(self, size: int, length: int, learnt: bool, lost: int = 0) -> None:
        """size: ids of the whole. learnt: some target stands within the context of `length` ids.
        lost: turns that the template writes anew."""
        self.total += 1
        self.lost += lost
        self.cut += size > length
        self.empty += not learnt

    def refuse(self, reason: str) -> None:
        self.total += 1
        self.refused += 1
        self.reason = self.reason or reason

    def notes(self, length: int) -> tuple[str, ...]:
        """A sentence for each sort of which there is one."""
        whole, out = f"{self.total:,} {self.name}", []
        if self.cut:
            out.append(
                f"{self.cut:,} of {whole} are longer than the context of {length:,} tokens and "
                "were cut there: make codec.length larger to learn all of them"
            )
        if self.empty:
            out.append(
                f"{self.empty:,} of {whole} have no answer within the context of {length:,} "
                "tokens: nothing is learnt from them"
            )
        if self.refused:
            out.append(f"{self.refused:,} of {whole} are left out: {self.reason}")
        if self.lost:
            out.append(
                f"{self.lost:,} answers are not learnt: the chat template writes them in another "
                "way once others follow"
            )
        return tuple(out)


class Waiting:
    """Weights by the very collection that they belong to."""

    def __init__(self) -> None:
        self._kept: list[tuple[Any, int, list[Tensor]]] = []

    def keep(self, items: Sequence[Any], weights: list[Tensor]) -> None:
        self._kept = [*self._kept[1 - _WAITING :], (items, len(items), weights)]

    def take(self, items: Sequence[Any]) -> list[Tensor] | None:
        """Once; None where they are not kept (any more)."""
        for n, (known, size, weights) in enumerate(self._kept):
            if known is items and size == len(items):
                del self._kept[n]
                return weights
        return None
