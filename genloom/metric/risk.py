"""How much an attack learns beyond what it would of strangers: rates, risks and their bounds.

Success rates by Wilson's interval and the risk of the original rows beyond that of control rows
follow Giomi et al. 2022 (sections 4 and 5); the operating points of a membership attack follow
Carlini et al. 2022. Knows counts and scores; no attack, model or frame.
Shape legend: M scores of members, N of others.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from genloom.metric.interval import LEVEL, Interval

DRAWS = 1000


@dataclass(frozen=True)
class Rate:
    """The middle of Wilson's interval of a share, and half its width."""

    value: float
    error: float

    @classmethod
    def of(cls, hits: int, count: int, level: float = LEVEL) -> Rate:
        if not 0 <= hits <= count or count < 1:
            raise ValueError(f"{hits} hits of {count}: give 0 to {count}, of at least one")
        z = NormalDist().inv_cdf((1 + level) / 2)
        square = z * z
        value = (hits + square / 2) / (count + square)
        error = z / (count + square) * math.sqrt(hits * (count - hits) / count + square / 4)
        return cls(value, error)


def risk(attack: Rate, control: Rate) -> Interval:
    """(attack - control) / (1 - control), within 0 and 1, and its bounds (Giomi et al. 2022, eqs. 2
    and 3): what is learnt of a row because it was learnt from."""
    room = 1.0 - control.value
    value = (attack.value - control.value) / room
    slopes = attack.error / room, control.error * (attack.value - 1.0) / room**2
    error = math.hypot(*slopes)
    low, middle, high = (min(1.0, max(0.0, x)) for x in (value - error, value, value + error))
    return Interval(middle, low, high)


def caught(members: np.ndarray, others: np.ndarray, alarms: float) -> float:
    """The share of members that score above all but the share `alarms` of others: the true
    positive rate at that false positive rate. Scores [M] and [N]; higher means member."""
    allowed = int(alarms * len(others))
    bar = np.sort(others)[len(others) - 1 - allowed]
    return float((members > bar).mean())


def area(members: np.ndarray, others: np.ndarray) -> float:
    """Area under the curve of hits against alarms; 0.5 is guessing."""
    both = np.concatenate((members, others))
    _, inverse, counts = np.unique(both, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]  # ties share their mean rank
    total = ranks[: len(members)].sum() - len(members) * (len(members) + 1) / 2
    return float(total / (len(members) * len(others)))


def bounded(
    of: Callable[[np.ndarray, np.ndarray], float],
    members: np.ndarray,
    others: np.ndarray,
    *,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval:
    """A figure of both, and its bounds by drawing both sides anew."""
    rng = np.random.default_rng(seed)
    found = [
        of(rng.choice(members, len(members)), rng.choice(others, len(others))) for _ in range(DRAWS)
    ]
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Interval(of(members, others), float(low), float(high))


def ratios(
    scores: np.ndarray, shadows: np.ndarray, inside: np.ndarray, least: float = 1e-6
) -> np.ndarray:
    """float [R], log of how much likelier each row's score is with the row among what was learnt
    (Carlini et al. 2022, algorithm 1), from scores [S, R] of shadow models that learnt from it
    where `inside` [S, R] and not elsewhere. One spread for all rows, which suits few shadows
    (section 5). scores [R] of the model that is attacked."""
    means, spreads = [], []
    for part in (inside, ~inside):
        count = np.maximum(part.sum(0), 1)
        mean = np.where(part, shadows, 0.0).sum(0) / count
        gap = np.where(part, shadows - mean, 0.0)
        free = max(1, int(part.sum() - (part.sum(0) > 0).sum()))
        means.append(mean)
        spreads.append(max(least, math.sqrt(float((gap**2).sum()) / free)))
    (near, far), (wide, broad) = means, spreads
    return (
        -0.5 * ((scores - near) / wide) ** 2
        - math.log(wide)
        + 0.5 * ((scores - far) / broad) ** 2
        + math.log(broad)
    )
