"""What differential privacy is asked for, how it is spent, and the noise that pays for it.

Rows are added or removed one at a time; everything that is taken from the data passes through the
Gaussian mechanism, once for what is counted of the columns and once a step of training, and the
accountant is that of Opacus (Renyi differential privacy: Mironov 2017; sampled Gaussians: Mironov,
Talwar & Zhang 2019). Knows numbers; no data, net or file.
"""

from __future__ import annotations

import hashlib
import importlib.util
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.metadata import version
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

from genloom.errors import MissingExtra, RecipeError, TrainingError

ORDERS = (*(1 + x / 4 for x in range(1, 40)), *range(11, 33), 40, 48, 64, 96, 128, 256, 512)
MOST_NOISE, LEAST_NOISE = 1e4, 0.2
CLOSE = 1e-3  # of epsilon, that the noise is looked for


@dataclass(frozen=True, kw_only=True)
class Privacy:
    """epsilon and delta bound what the whole training tells of any one row; delta 0 is the smaller
    of 1e-5 and a tenth of one over the rows.

    clip: the longest gradient of a row; a longer one is shortened to it (Abadi et al. 2016).
    counts: the share of epsilon that the counts of columns would have alone.
    selects: the share of delta that which values are known may have.
    """

    epsilon: float
    delta: float = 0.0
    clip: float = 1.0
    counts: float = 0.3
    selects: float = 0.5

    def check(self) -> None:
        """RecipeError where no bound could hold."""
        if not 0 < self.epsilon < math.inf:
            raise RecipeError(
                f"epsilon is {self.epsilon:g}, but more than 0 is expected: 1 is strict, 3 usual, "
                "10 weak; without --epsilon nothing is bounded"
            )
        if not 0 <= self.delta < 1:
            raise RecipeError(f"delta is {self.delta:g}, but less than 1 is expected, such as 1e-5")
        for name, low in (("clip", 0.0), ("counts", 0.0), ("selects", 0.0)):
            value, high = getattr(self, name), math.inf if name == "clip" else 1.0
            if not low < value < high:
                raise RecipeError(
                    f"privacy.{name} is {value:g}, but {low:g} to {high:g} is expected"
                )

    def delta_of(self, rows: int) -> float:
        """The delta in force. RecipeError where it would allow a row to be told outright."""
        delta = self.delta or min(1e-5, 0.1 / max(rows, 1))
        if delta * rows > 1:
            raise RecipeError(
                f"delta is {delta:g} for {rows:,} rows: at one over the rows or more a method may "
                f"hand out a row as it is; give at most {1 / rows:.1g}"
            )
        return delta


@dataclass(frozen=True, kw_only=True)
class Mechanism:
    """Gaussian noise of `noise` times the most that one row can change, `times` times, each row
    taking part with the chance `rate`."""

    noise: float
    rate: float = 1.0
    times: int = 1


def spent(mechanisms: Sequence[Mechanism], delta: float) -> float:
    """The epsilon that they come to together."""
    some = [m for m in mechanisms if m.times]
    if not some:
        return 0.0
    total = sum(m.times * _cost(m.noise, m.rate) for m in some)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of orders at the ends of the range: epsilon is a bound
        return float(_rdp().get_privacy_spent(orders=list(ORDERS), rdp=total, delta=delta)[0])


@lru_cache(maxsize=64)
def _cost(noise: float, rate: float) -> np.ndarray:
    """Of once, at each order."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = _rdp().compute_rdp(q=rate, noise_multiplier=noise, steps=1, orders=list(ORDERS))
    return np.asarray(found)


def noise_for(
    epsilon: float, delta: float, *, rate: float, times: int, beside: Sequence[Mechanism] = ()
) -> float:
    """The least noise with which so many times of this rate keep within epsilon, with what was
    spent `beside`. TrainingError where none does."""

    def over(noise: float) -> bool:
        return spent([*beside, Mechanism(noise=noise, rate=rate, times=times)], delta) > epsilon

    low, high = LEAST_NOISE, LEAST_NOISE
    if not over(low):
        return low
    while over(high):
        low, high = high, 2 * high
        if high > MOST_NOISE:
            raise TrainingError(
                f"epsilon {epsilon:g} at delta {delta:g} leaves nothing to learn with: raise it, "
                "or give more rows"
            )
    while high - low > CLOSE * low:
        middle = (low + high) / 2
        low, high = (middle, high) if over(middle) else (low, middle)
    return high


def software() -> str:
    _rdp()
    return f"Opacus {version('opacus')}"


@cache
def _rdp() -> Any:
    """The accountant's own file: the package around it takes seconds to load, and trains."""
    found = importlib.util.find_spec("opacus")
    if found is None or not found.submodule_search_locations:
        raise MissingExtra("opacus", "privacy")
    file = Path(found.submodule_search_locations[0], "accountants", "analysis", "rdp.py")
    spec = importlib.util.spec_from_file_location("genloom_opacus_rdp", file)
    if spec is None or spec.loader is None or not file.is_file():
        raise MissingExtra("opacus", "privacy")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


# --- noise ----------------------------------------------------------------------------------------


def seed_of(key: bytes, *names: str | int) -> int:
    """63 bits that nobody can tell without the key."""
    text = "\0".join(map(str, names)).encode()
    return int.from_bytes(hashlib.blake2b(text, key=key, digest_size=8).digest()) >> 1


class Ledger:
    """Hands out noisy counts of columns and keeps what they cost.

    Every query counts rows in cells that part them, so that one row changes one cell by one.
    queries: how many are going to be asked; their noise is such that all of them together cost the
    `counts` share of epsilon. columns: how many of them ask which values there are.
    """

    def __init__(self, privacy: Privacy, key: bytes, rows: int) -> None:
        self.privacy, self.key, self.rows = privacy, key, rows
        self.delta = privacy.delta_of(rows)
        self.noise, self.threshold, self.planned, self.asked = 0.0, 0.0, 0, 0
        self.choices = 0

    def open(self, queries: int, choices: int) -> None:
        """Fix the noise. choices: queries that ask which values there are."""
        self.planned, self.choices = queries, max(1, choices)
        alone = self.privacy.counts * self.privacy.epsilon
        self.noise = noise_for(alone, self.left_delta, rate=1.0, times=max(1, queries))
        rare = self.privacy.selects * self.delta / self.choices
        self.threshold = 1.0 + self.noise * NormalDist().inv_cdf(1.0 - rare)

    @property
    def left_delta(self) -> float:
        """What the accountant may use: the rest is for which values are known."""
        return (1.0 - self.privacy.selects) * self.delta

    def counts(self, exact: np.ndarray, *names: str | int) -> np.ndarray:
        """float64, the counts of cells that everybody knows of, with noise."""
        self.asked += 1
        if self.asked > self.planned:
            raise TrainingError(
                f"{self.asked} counts were asked for, but {self.planned} are paid: this is a fault "
                "of the codec"
            )
        rng = np.random.Generator(np.random.Philox(seed_of(self.key, "counts", *names)))
        return np.asarray(exact, np.float64) + self.noise * rng.standard_normal(len(exact))

    def known(self, exact: np.ndarray, *names: str | int) -> np.ndarray:
        """float64, the same of cells that only the data know of: those of few rows become 0
        (Gaussian thresholding: Wilkins et al. 2024)."""
        noisy = self.counts(exact, *names)
        return np.where(noisy > self.threshold, noisy, 0.0)

    @property
    def mechanism(self) -> Mechanism:
        return Mechanism(noise=self.noise, times=self.planned)
