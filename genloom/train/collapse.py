"""Watches for a training whose items become alike, or cover less and less of the real ones.

Reads a part of the loss that must not stay low (a family's `least`), and the judge's own figures of
coverage. Knows numbers only; its memory is a few scalars, kept in the checkpoint.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

BEGUN = 300  # steps after which a part of a loss that was never above its least has failed
STAYED = 50  # steps in a row below it that are no accident
PACE = 0.1  # of the running mean of that part
WARNED = 10  # steps in a row below it that are told of

# what a judge calls the share of real items without a made one near, the better first
UNCOVERED = ("coverage_error", "recall_error")
COVERED = 0.2  # a best coverage below this says nothing when it falls
FALLEN = 1 / 3  # of the best
NONE_LEFT = 0.02
TWICE = 2  # judgements in a row


@dataclass
class Least:
    """One part of a loss that must not stay below `least` times what is usual.

    mean: the running mean. low: steps in a row below. risen: whether it was ever twice as high.
    """

    least: float
    seen: int = 0
    mean: float = 0.0
    low: int = 0
    risen: bool = False

    def see(self, value: float) -> str | None:
        """ "warned" once at first, "collapsed" when it stays, else nothing."""
        self.seen += 1
        self.mean += (1.0 if self.seen == 1 else PACE) * (value - self.mean)
        self.risen = self.risen or self.mean > 2 * self.least
        if self.mean >= self.least or not (self.risen or self.seen > BEGUN):
            self.low = 0
            return None
        self.low += 1
        return {WARNED: "warned", STAYED: "collapsed"}.get(self.low)

    def told(self, name: str, step: int, finding: str, rates: Mapping[str, float]) -> str:
        return (
            f"{_word(finding)}: at step {step} the {name} of what is made is {self.mean:.1%} of "
            f"what real items have, its items are nearly one: {_try(rates)}"
        )

    def state(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Coverage:
    """How much of the real items the made ones cover, by the judge: the best so far, and whether it
    has fallen since. low: judgements in a row far below the best."""

    best: float = 0.0
    best_step: int = 0
    now: float = 0.0
    low: int = 0

    def see(self, metrics: Mapping[str, float], step: int) -> str | None:
        """ "warned" at a first judgement far below the best, "collapsed" at the next or when next
        to nothing is covered."""
        found = next((metrics[name] for name in UNCOVERED if name in metrics), None)
        if found is None:
            return None
        self.now = 1 - found
        if self.now >= self.best:
            self.best, self.best_step = self.now, step
        if self.best < COVERED or self.now >= FALLEN * self.best:
            self.low = 0
            return None
        self.low += 1
        gone = self.low >= TWICE or self.now <= NONE_LEFT
        return "collapsed" if gone else "warned"

    def told(self, step: int, finding: str, rates: Mapping[str, float]) -> str:
        return (
            f"{_word(finding)}: at step {step} what is made covers {self.now:.0%} of the held-out "
            f"items, after {self.best:.0%} at step {self.best_step}: {_try(rates)}"
        )

    def state(self) -> dict[str, Any]:
        return asdict(self)


def _word(finding: str) -> str:
    return "the model has collapsed" if finding == "collapsed" else "the model may be collapsing"


def _try(rates: Mapping[str, float]) -> str:
    lower = " ".join(f"--set {key}={rate / 3:.2g}" for key, rate in rates.items() if rate)
    return f"try {lower}, or more and more varied data"
