"""DataFrames from whatever holds a table, and the optional libraries behind them.

The one place that imports pandas and pyarrow; knows no files and nothing of what columns mean.
"""

from __future__ import annotations

import importlib
import itertools
from typing import Any

from genloom.errors import MissingExtra


def pandas() -> Any:
    """The module. MissingExtra without it."""
    return _optional("pandas")


def pyarrow() -> Any:
    """The module. MissingExtra without it."""
    return _optional("pyarrow")


def _optional(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingExtra(name, "tables") from None


def as_frame(items: Any) -> Any:
    """A DataFrame from a DataFrame, another library's table, or rows and columns of Python."""
    pd = pandas()
    if isinstance(items, pd.DataFrame):
        frame = items
    elif hasattr(items, "__arrow_c_stream__"):
        frame = pyarrow().table(items).to_pandas()
    elif hasattr(items, "__dataframe__"):
        frame = pd.api.interchange.from_dataframe(items)
    else:
        frame = pd.DataFrame(items)
    if all(isinstance(name, str) for name in frame.columns) and frame.columns.is_unique:
        return frame
    names, _ = distinct_names([str(name) for name in frame.columns])
    return frame.set_axis(names, axis=1)


def distinct_names(header: list[str]) -> tuple[list[str], list[str]]:
    """Names that are there and differ, and notes on those that were not or did not."""
    names: list[str] = []
    notes = []
    for place, given in enumerate(header):
        name = given.strip()
        if not name:
            name = f"column_{place + 1}"
            notes.append(f"column {place + 1} has no name: called {name!r}")
        if name in names:
            taken = {*names, *header}
            free = next(n for n in itertools.count(2) if f"{name}_{n}" not in taken)
            notes.append(f"column {place + 1} is another {name!r}: called '{name}_{free}'")
            name = f"{name}_{free}"
        names.append(name)
    return names, notes
