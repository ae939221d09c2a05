"""A smooth quantile function of one column: value <-> share of the rows below it.

Knows arrays of numbers; no frames, tokens or columns. Between its knots it is linear, and a knot is
a mean of several neighbours or a rounded bound, so that no rare value is handed out as it was.
Shape legend: n values, m + 1 knots.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Quantiles:
    """knots float64 [m + 1], not decreasing, at equal steps of the share from 0 to 1."""

    knots: np.ndarray

    @classmethod
    def learn(cls, values: np.ndarray, *, most: int, crowd: int) -> Quantiles:
        """values sorted float64 [n]; at most `most` steps, each of at least `crowd` values or so.

        An inner knot is the mean of the `crowd` values around its rank; within a run of ties that
        is the tie itself. The outer knots are the extremes, rounded inward unless they are common.
        """
        count = len(values)
        window = min(crowd, count)
        steps = max(1, min(most, count // max(1, window // 2)))
        ranks = np.arange(steps + 1) / steps * count
        first = np.clip(np.rint(ranks - window / 2), 0, count - window).astype(np.int64)
        around = values[first[:, None] + np.arange(window)]
        knots = np.clip(around.mean(1), around[:, 0], around[:, -1])
        knots[0], knots[-1] = _bounds(values, window)
        return cls(np.maximum.accumulate(np.clip(knots, knots[0], knots[-1])))

    @property
    def steps(self) -> int:
        return len(self.knots) - 1

    def value(self, share: np.ndarray) -> np.ndarray:
        """The value below which that share of the rows lies, any shape."""
        return np.interp(share, self._shares, self.knots)

    def share(self, value: np.ndarray) -> np.ndarray:
        """The share of rows below a value, halfway through a run of ties; [0, 1]."""
        left = np.searchsorted(self.knots, value, "left")
        right = np.searchsorted(self.knots, value, "right")
        tied = (left + right - 1) / 2 / self.steps
        below = np.clip(right - 1, 0, self.steps - 1)
        width = self.knots[below + 1] - self.knots[below]
        within = (value - self.knots[below]) / np.where(width > 0, width, 1.0)
        between = (below + np.clip(within, 0.0, 1.0)) / self.steps
        return np.clip(np.where(right - left > 1, tied, between), 0.0, 1.0)

    @property
    def _shares(self) -> np.ndarray:
        return np.arange(self.steps + 1) / self.steps


def _bounds(values: np.ndarray, window: int) -> tuple[float, float]:
    """Lowest and highest: themselves where `window` rows share them, else rounded inward."""
    low, high = float(values[0]), float(values[-1])
    if high <= low:
        return low, high
    grain = 10.0 ** (np.floor(np.log10(high - low)) - 3)
    inner_low = low if values[window - 1] == low else np.ceil(low / grain) * grain
    inner_high = high if values[-window] == high else np.floor(high / grain) * grain
    if not low <= inner_low <= inner_high <= high:  # the grain is below the number's precision
        return low, high
    return float(inner_low), float(inner_high)
