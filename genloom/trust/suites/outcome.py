"""What measuring a suite leaves: numbers with their intervals, and what happened to each item.

Knows the mathematics of intervals; no suite's questions and no model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from genloom.metric.interval import Interval, bootstrap, wilson
from genloom.trust.suites.files import Rows
from genloom.trust.suites.suite import Suite

Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a measure is given: the items asked, their numbers from 1, and what is to be done.

    contexts: the description and examples before each. samples: programs or answers to draw of
    each (1: the likeliest), seed: of the draws. training: the model's training text, where it is at
    hand.
    """

    suite: Suite
    rows: Rows
    contexts: Sequence[str]
    samples: int
    seed: int
    tell: Tell
    training: bytes = b""


@dataclass(frozen=True, kw_only=True)
class Number:
    """A metric of a suite. how: which interval it is; floor, ceiling and note as in a quality
    row. each: the values of the items, where it is their mean."""

    metric: str
    interval: Interval
    how: str
    floor: float | None
    ceiling: float | None = None
    better: Literal["higher", "lower"] = "higher"
    note: str = ""
    each: Sequence[float] = ()


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """items: a dictionary each, ready for JSON. cut: those that were longer than the context.
    settings: what else belongs to the protocol. notes: what a reader of the numbers should know."""

    numbers: tuple[Number, ...]
    items: list[dict[str, Any]]
    cut: int
    settings: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def share(metric: str, each: Sequence[float], **more: Any) -> Number:
    """A mean of what is 0 or 1 for each item."""
    interval = wilson(round(sum(each)), len(each))
    return Number(metric=metric, interval=interval, how="Wilson", each=tuple(each), **more)


def mean(metric: str, each: Sequence[float], **more: Any) -> Number:
    """A mean of numbers, such as chances to pass."""
    interval = bootstrap(each)
    return Number(metric=metric, interval=interval, how="bootstrap", each=tuple(each), **more)


def ratio(
    metric: str,
    nats: Sequence[float],
    units: Sequence[float],
    said: Callable[[float], float],
    **more: Any,
) -> Number:
    """A function of nats a unit, over all items; of one alone there is no interval."""
    found = bootstrap(nats, units)
    low, high = (said(x) for x in (found.low, found.high))
    if len(nats) < 2:
        low = high = math.nan
    interval = Interval(said(found.value), low, high)
    return Number(metric=metric, interval=interval, how="bootstrap", better="lower", **more)
