"""Watches for a loss that breaks: skips a bad step, rolls back when bad steps go on, records it.
Watches, too, for a training that gets nowhere, and names it early: no gradient, no fall, a rise.

Knows numbers only. Its memory is a few scalars, kept in the checkpoint.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

Verdict = Literal["fine", "skip", "roll back"]
Finding = Literal["dead", "flat", "rising", "exploded"]
SETTLE = 100  # steps before spikes are judged: a GAN's norms grow a hundredfold in the first 30
SPIKE = 10.0  # deviations above the running mean that count as a spike
PATIENCE = 5  # bad steps in a row before a roll back
ROLLBACKS = 3  # roll backs before giving up
FIRST = 20  # steps that say where the loss began
PACE = 0.02  # of the running mean that says where it is: about 50 steps
FALLEN = 200  # steps within which a loss is to have fallen
NOTHING = 1e-12  # a gradient norm that is none
STILL = 10  # steps in a row without a gradient
RISEN = 20  # steps in a row far above the beginning, and
EXPLODED = 200  # so many after which it will not come back


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

    def again(self, before: Guard) -> Guard:
        """At a checkpoint that is gone back to: what was usual there, and what went wrong since;
        by what was usual later, a beginning would be one spike."""
        wrong = {name: getattr(before, name) for name in ("bad", "skipped", "rollbacks")}
        return replace(self, **wrong)

    def state(self) -> dict[str, Any]:
        return asdict(self)


def _set(rates: Mapping[str, float], share: float) -> str:
    return " ".join(f"--set {key}={rate * share:.2g}" for key, rate in rates.items() if rate)


@dataclass
class Course:
    """Where one player's loss began, and where it is now; for losses that are to fall.

    born: the loss before anything was learnt. first and spread: mean and variance of the first
    steps. now: the running mean. still, risen: steps in a row without a gradient, or far above the
    beginning. flat: whether that was told.
    """

    seen: int = 0
    born: float = 0.0
    first: float = 0.0
    spread: float = 0.0
    now: float = 0.0
    still: int = 0
    risen: int = 0
    flat: bool = False

    def see(self, loss: float, norm: float) -> Finding | None:
        """What is to be told at this step: each finding once. "dead" and "exploded" are the end."""
        if self.seen == 0:
            self.born = loss
        far = self.born + max(abs(self.born), 0.5)
        self._learn(min(loss, far))
        self.still = self.still + 1 if norm < NOTHING else 0
        self.risen = self.risen + 1 if loss > far else 0
        if self.still >= STILL and not self._fallen():
            return "dead"
        if self.risen in (RISEN, EXPLODED):
            return "rising" if self.risen == RISEN else "exploded"
        if self.seen >= FALLEN and not self.flat and not self.risen and not self._fallen():
            self.flat = True
            return "flat"
        return None

    def told(self, finding: Finding, step: int, rates: Mapping[str, float]) -> str:
        """The finding in a line, with what to try. rates: those at work, by their keys."""
        lower, higher = (_set(rates, share) for share in (1 / 3, 3.0))
        now, first = f"{self.now:.4g}", f"{self.first:.4g}"
        if finding == "dead":
            return (
                f"nothing is learnt: no gradient has reached the weights for {self.still} steps "
                f"({first} at first, {now} now): look at the data (equal answers, no targets?) and "
                f"at what is frozen; a rate that is too high does it as well: try {lower}"
            )
        if finding == "flat":
            return (
                f"the loss has not fallen in {self.seen} steps ({first} at first, {now} now): try "
                f"{lower}, or {higher}, and look at the data"
            )
        end = "has been" if finding == "rising" else "stays"
        return (
            f"the loss {end} far above its beginning of {self.born:.4g} for {self.risen} steps, at "
            f"step {step}: try {lower}"
        )

    def _learn(self, loss: float) -> None:
        self.seen += 1
        gap = loss - self.first
        if self.seen <= FIRST:
            self.first += gap / self.seen
            self.spread += (gap * (loss - self.first) - self.spread) / self.seen
            self.now = self.first
        else:
            self.now += PACE * (loss - self.now)

    def _fallen(self) -> bool:
        """By more than the two means' own uncertainty."""
        doubt = math.sqrt(self.spread * (1 / FIRST + PACE / (2 - PACE)))
        return self.now < self.first - doubt

    def state(self) -> dict[str, Any]:
        return asdict(self)
