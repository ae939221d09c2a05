"""Flags of `genloom train` that are about several tables and about series.

Knows how they are written on a command line; what they mean is in `genloom.linked` and
`genloom.series`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from cyclopts import Parameter

from genloom.errors import UsageError


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class JoinedOptions:
    """Flags of linked tables, and of series.

    Parameters
    ----------
    schema
        A JSON file with keys and links of several tables, or SDV metadata; told by names and
        values unless given.
    orphans
        What becomes of rows that lead to no row: refuse, or drop.
    without
        A link TABLE.COLUMN that is left out with its column; may be repeated.
    time
        Of series: the column that says when; found by its values unless given.
    entity
        Of series: the column that says whose; found by names and values unless given.
    repeats
        Of series: what becomes of times that come twice: refuse, first (is kept) or mean.
    """

    schema: str | None = None
    orphans: Literal["refuse", "drop"] = "refuse"
    without: list[str] | None = None
    time: str | None = None
    entity: str | None = None
    repeats: Literal["refuse", "first", "mean"] = "refuse"

    def given(self) -> dict[str, Any]:
        """Those that were given, by name."""
        usual = JoinedOptions()
        told = {name: getattr(self, name) for name in vars(usual)}
        return {name: v for name, v in told.items() if v != getattr(usual, name)}

    def fields(self, learner: Callable[..., Any]) -> dict[str, Any]:
        """Those that a learner takes. UsageError for others."""
        known = inspect.signature(learner).parameters
        for name in self.given():
            if name not in known:
                raise UsageError(f"--{name} is not for this: leave it out")
        return self.given()

    def refuse(self) -> None:
        """UsageError where one is given to a training of something else."""
        for name in self.given():
            raise UsageError(f"--{name} is for  genloom train tables  or  series: leave it out")
