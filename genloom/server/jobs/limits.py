"""How much work may wait and run, as values."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class JobLimits:
    """live: jobs that wait or run, of all and of one owner. The next five: jobs of a kind that a
    server runs at once. lease: seconds after which another server takes the jobs of one that is
    silent. deaths: a job under which so many servers died is not begun again. lines: of a batch.
    at_once: lines of a batch in the making. kept_days: how long jobs, and what they made, stay."""

    live: int = 1000
    live_per_owner: int = 100
    generations: int = 8
    batches: int = 2
    trainings: int = 1
    evaluations: int = 1
    transfers: int = 1
    lease: float = 30.0
    deaths: int = 5
    lines: int = 50_000
    at_once: int = 16
    stop_seconds: float = 20.0
    kept_days: float = 30.0

    def until(self) -> float:
        """When what is begun now may go."""
        return time.time() + 24 * 3600 * self.kept_days
