"""Flags of `genloom train`, `plan` and `generate` that are about tables.

Knows how they are written on a command line; what they mean is the codec's business.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from cyclopts import Parameter

from genloom.cli.sampling import text_of
from genloom.errors import UsageError


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TableTraining:
    """Flags that tables are learnt by.

    Parameters
    ----------
    constraints
        A JSON file of what all rows made must meet: inequalities, formulas, combinations, keys.
    metadata
        A metadata file of SDV: kinds of columns, keys and constraints.
    """

    constraints: str | None = None
    metadata: str | None = None

    def changes(self) -> list[str]:
        """Of the recipe."""
        given = {"constraints": self.constraints, "metadata": self.metadata}
        return [
            f"codec.{name}={json.dumps(_read(f'--{name}', path))}"
            for name, path in given.items()
            if path is not None
        ]


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class TableMaking:
    """Flags that rows are made by.

    Parameters
    ----------
    balance
        Columns whose values are to come equally often, with commas between them.
    fair
        sex:income - the outcome's rates are to be the same in every group of the protected columns.
    weights
        Add a column of this name: how much less often than here each row would come by itself.
    """

    balance: str | None = None
    fair: str | None = None
    weights: str | None = None

    def fields(self) -> dict[str, Any]:
        """What `api.request_of` takes."""
        told = {"balance": self.balance, "fair": self.fair, "weights": self.weights}
        return {name: value for name, value in told.items() if value is not None}


def _read(flag: str, path: str) -> Any:
    try:
        return json.loads(text_of(flag, path) or "")
    except ValueError as error:
        raise UsageError(f"{flag} {path}: no JSON ({error}): give a JSON file") from None
