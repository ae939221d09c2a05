"""The highest rate of Poisson arrivals at which a server keeps its targets, by doubling, then
halving the interval. Knows loads and figures, no socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

from genloom.errors import UsageError
from genloom.loadtest.load import Load

Run = Callable[[Load], Awaitable[dict[str, Any]]]


@dataclass(frozen=True, kw_only=True)
class Search:
    """share: of the requests that must meet their targets; near: how far apart two neighbouring
    rates may be, as a ratio; most: runs at most."""

    share: float = 0.9
    near: float = 1.15
    most: int = 12

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1 or self.near <= 1 or self.most < 1:
            raise UsageError("the share lies in (0, 1], the ratio above 1, the runs above 0")


async def sweep(run: Run, load: Load, search: Search) -> dict[str, Any]:
    """Figures of every rate tried, by rate, and the best rate that held (None: none did)."""
    if load.rate is None:
        raise UsageError("a sweep begins at a rate: give one instead of a concurrency")
    rate, held, failed = load.rate, None, None
    runs: list[dict[str, Any]] = []
    while len(runs) < search.most:
        told = await run(replace(load, rate=rate))
        keeps = (told["goodput_share"] or 0.0) >= search.share
        runs.append({**told, "keeps": keeps})
        held, failed = (rate, failed) if keeps else (held, rate)
        following = _next(held, failed, search.near)
        if following is None:
            break
        rate = following
    runs.sort(key=lambda told: told["rate"])
    return {
        "share": search.share,
        "rate": held,
        "above": failed,
        "goodput_per_second": max((r["goodput_per_second"] for r in runs if r["keeps"]), default=0),
        "runs": runs,
    }


def _next(held: float | None, failed: float | None, near: float) -> float | None:
    """The rate to try next; None where the two are near enough."""
    if failed is None:
        return 2 * held if held is not None else None
    if held is None:
        return failed / 2
    return None if failed / held <= near else (held * failed) ** 0.5
