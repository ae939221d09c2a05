"""Flags of `genloom train` and `genloom plan` that are about tables.

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


def _read(flag: str, path: str) -> Any:
    try:
        return json.loads(text_of(flag, path) or "")
    except ValueError as error:
        raise UsageError(f"{flag} {path}: no JSON ({error}): give a JSON file") from None
