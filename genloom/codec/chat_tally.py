"""What of the conversations is not learnt from, counted while they are encoded.

Knows numbers and the sentences that tell them; no template, token or file.
"""

from __future__ import annotations

from collections.abc import Sequence


class Tally:
    """Conversations so far, and those that are cut, lose all their targets, or are refused."""

    def __init__(self) -> None:
        self.total = self.cut = self.empty = self.refused = self.lost = 0
        self.reason = ""  # of the first that was refused

    def add(self, weights: Sequence[float], length: int, lost: int = 0) -> None:
        """weights: of the whole conversation. lost: turns that the template writes anew."""
        self.total += 1
        self.lost += lost
        self.cut += len(weights) > length
        self.empty += not any(weights[:length])

    def refuse(self, reason: str) -> None:
        self.total += 1
        self.refused += 1
        self.reason = self.reason or reason

    def notes(self, length: int) -> tuple[str, ...]:
        """A sentence for each sort of which there is one."""
        whole, out = f"{self.total:,} conversations", []
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
