"""How long a step takes by how many samples are in flight: a straight line through what was seen.

Fitted as steps go by, the older ones fade. Knows numbers alone; who may have how many in flight is
for others to say.
"""

from __future__ import annotations

FADES = 0.998  # what a step counts after the next one
LEAST, SPREAD = 30.0, 0.25  # steps, and variance of how many were in flight, before it says a line


class Pace:
    def __init__(self) -> None:
        self._n = self._x = self._y = self._xx = self._xy = 0.0

    def add(self, samples: int, seconds: float) -> None:
        """One step."""
        self._n = FADES * self._n + 1
        self._x = FADES * self._x + samples
        self._y = FADES * self._y + seconds
        self._xx = FADES * self._xx + samples * samples
        self._xy = FADES * self._xy + samples * seconds

    def line(self) -> tuple[float, float] | None:
        """Seconds of a step, and of each sample in it; None before enough was seen."""
        if self._n < LEAST:
            return None
        x, y = self._x / self._n, self._y / self._n
        spread = self._xx / self._n - x * x
        if spread < SPREAD:
            return None
        more = max(0.0, (self._xy / self._n - x * y) / spread)
        return max(0.0, y - more * x), more
