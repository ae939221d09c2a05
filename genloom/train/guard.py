"""Watches for a loss that breaks: skips a bad step, rolls back when bad steps go on, records it.

Knows numbers only. Its memory is a few scalars, kept in the checkpoint.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verdict = Literal["fine", "skip", "roll back"]
SETTLE = 100  # steps before spikes are judged: a GAN's norms grow a hundredfold in the first 30
SPIKE = 10.0  # deviations above the running mean that count as a spike
PATIENCE = 5  # bad steps in a row before a roll back
ROLLBACKS = 3  # roll backs before giving up


@dataclass
class Guard:
    """Running mean and variance of one player's gradient norm, and what went wrong so far."""

    seen: int = 0
    mean: float = 0.0
    variance: float = 0.0
    bad: int = 0
    skipped: int = 0
    rollbacks: int = 0

    def judge(self, loss: float, norm: float) -> Verdict:
        """On this step's loss and gradient norm, before the weights move."""
        if self._fine(loss, norm):
            self.bad = 0
            self._learn(norm)
            return "fine"
        self.bad += 1
        self.skipped += 1
        if self.bad < PATIENCE:
            return "skip"
        self.bad = 0
        self.rollbacks += 1
        return "roll back"

    @property
    def hopeless(self) -> bool:
        return self.rollbacks > ROLLBACKS

    def _fine(self, loss: float, norm: float) -> bool:
        if not (math.isfinite(loss) and math.isfinite(norm)):
            return False
        if self.seen < SETTLE:
            return True
        return norm <= self.mean + SPIKE * max(math.sqrt(self.variance), 0.3 * self.mean)

    def _learn(self, norm: float) -> None:
        self.seen += 1
        rate = max(0.02, 1 / self.seen)
        gap = norm - self.mean
        self.mean += rate * gap
        self.variance += rate * (gap * gap - self.variance)

    def state(self) -> dict[str, Any]:
        return asdict(self)
