"""What a reward is: tries in, a finite number for each out; and sums of rewards.

Knows tasks; no particular reward, no model and no training.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from genloom.codec.pair.task import Task
from genloom.errors import RewardError


class Unscored(Exception):
    """A try that has no worth. place: its number among those asked about."""

    def __init__(self, place: int, why: str) -> None:
        super().__init__(why)
        self.place, self.why = place, why


@dataclass(frozen=True, kw_only=True)
class Try:
    """One completion of one task."""

    task: Task
    completion: str


class Reward(Protocol):
    """Worth of tries."""

    @property
    def needs(self) -> str:
        """What each task must have: "answers", "tests" or nothing."""

    def __call__(self, tries: Sequence[Try]) -> list[float]:
        """A finite number for each. Unscored where there is none to be had."""

    def close(self) -> None:
        """End what was started."""


@dataclass(frozen=True)
class Each:
    """A reward that looks at one try at a time."""

    worth: Callable[[Try], float]
    needs: str = ""

    def __call__(self, tries: Sequence[Try]) -> list[float]:
        return [float(self.worth(one)) for one in tries]

    def close(self) -> None:
        """Nothing was started."""


@dataclass(frozen=True)
class Sum:
    """Several rewards, each with its weight."""

    parts: tuple[tuple[float, Reward], ...]

    @property
    def needs(self) -> str:
        return next((reward.needs for _, reward in self.parts if reward.needs), "")

    def __call__(self, tries: Sequence[Try]) -> list[float]:
        found = [[weight * w for w in reward(tries)] for weight, reward in self.parts]
        return [sum(column) for column in zip(*found, strict=True)]

    def close(self) -> None:
        for _, reward in self.parts:
            reward.close()


def judged(reward: Reward, tries: Sequence[Try], step: int) -> list[float]:
    """The reward, checked. RewardError names what went wrong, at which try and step."""
    try:
        found = reward(tries)
        for place, worth in enumerate(found):
            if not math.isfinite(worth):
                raise Unscored(place, f"it gave {worth}, but a finite number is expected")
        if len(found) != len(tries):
            raise Unscored(len(found), f"it gave {len(found)} numbers for {len(tries)} tries")
    except Unscored as error:
        one = tries[min(error.place, len(tries) - 1)]
        raise RewardError(
            f"the reward failed at step {step}, try {min(error.place + 1, len(tries))} of "
            f"{len(tries)} (prompt {one.task.prompt[:60]!r}): {error.why}. Mend it, then go on "
            "with --resume"
        ) from error
    return found
