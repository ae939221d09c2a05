"""Flags of `genloom train` that are about several tables and about series.

Knows how they are written on a command line; what they mean is in `genloom.linked` and
`genloom.series`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from cyclopts import Parameter

from genloom.errors import UsageError


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class JoinedOptions:
    """Flags of linked tables.

    Parameters
    ----------
    schema
        A JSON file with keys and links of several tables, or SDV metadata; told by names and
        values unless given.
    orphans
        What becomes of rows that lead to no row: refuse, or drop.
    without
        A link TABLE.COLUMN that is left out with its column; may be repeated.
    """

    schema: str | None = None
    orphans: Literal["refuse", "drop"] = "refuse"
    without: list[str] | None = None

    def fields(self) -> dict[str, Any]:
        """What `linked.training` takes."""
        return {
            "schema": self.schema,
            "orphans": self.orphans,
            "without": tuple(self.without or ()),
        }

    def refuse(self) -> None:
        """UsageError where one is given to a training of something else."""
        given = {
            "--schema": self.schema is not None,
            "--orphans": self.orphans != "refuse",
            "--without": bool(self.without),
        }
        told = [name for name, there in given.items() if there]
        if told:
            raise UsageError(f"{told[0]} is for linked tables: use  genloom train tables FOLDER")
