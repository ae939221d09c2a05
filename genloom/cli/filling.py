"""`genloom fill` and `genloom predict`: what a model of rows knows of rows that are given.

Words and paths around `genloom.filling`. The rows go to stdout as CSV unless a file is named.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from genloom.cli import forecasting, joined, output, settings, source
from genloom.cli.ending import warn
from genloom.errors import DataError


def fill(
    model: str,
    data: str,
    /,
    *,
    columns: Annotated[str | None, Parameter(name=["--columns", "-c"])] = None,
    out: Annotated[str | None, Parameter(name=["-o", "--out"])] = None,
    seed: int = 0,
    json: bool = False,
    no_record: bool = False,
) -> None:
    """Fill the gaps of a table by draws from what the model finds likely beside what is known.

    What is there stays as it is. Other seeds draw other values: several show how sure they are.

    Parameters
    ----------
    model
        A model trained by `genloom train table` or `genloom train series`.
    data
        A table with empty cells, or without some of the columns; - reads stdin.
    columns
        Whose gaps are filled, with commas between them; by default those of all columns.
    out
        A CSV or Parquet file; without one the rows go to stdout.
    seed
        Of the draws.
    json
        Print what was filled as JSON; with -o only.
    no_record
        Write no record of how they were made.
    """
    kind = joined.kind_of(model)
    if kind is not None:
        forecasting.fill(model, kind, data, columns, out, seed, json, not no_record)
        return
    loaded, items = _given(model, data)
    from genloom import api, filling
    from genloom.spec import Request
    from genloom.trust import provenance

    wanted = None if columns is None else [name.strip() for name in columns.split(",")]
    made = filling.fill(loaded, items, wanted, seed)
    count = {name: int(items[name].isna().sum()) for name in items.columns}
    count = {name: n - int(made[name].isna().sum()) for name, n in count.items()}
    count |= {name: len(made) for name in made.columns if name not in items.columns}
    told = {name: n for name, n in count.items() if n}
    if out is None:
        sys.stdout.write(made.to_csv(index=False))
        return
    target = Path(out).expanduser()
    if no_record:
        loaded.codec.write(made, target)
    else:
        record = api.record(loaded, Request(seed=seed, count=max(1, len(made))))
        provenance.save(loaded.codec, made, target, {**record, "filled": told})
    if json:
        output.values({"file": str(target), "rows": len(made), "filled": told})
    else:
        output.text(str(target))


def predict(
    model: str,
    column: str,
    data: str,
    /,
    *,
    out: Annotated[str | None, Parameter(name=["-o", "--out"])] = None,
    coverage: float = 0.9,
    json: bool = False,
) -> None:
    """Foretell a column of each row from its other columns, with chances or intervals.

    Parameters
    ----------
    model
        A model trained by `genloom train table`.
    column
        Any of its columns.
    data
        A table with the other columns, or some of them; - reads stdin.
    out
        A CSV or Parquet file; without one the rows go to stdout.
    coverage
        The chance that a number lies within its interval.
    json
        Print JSON.
    """
    loaded, items = _given(model, data)
    from genloom import filling

    found = filling.predict(loaded, items, column, coverage)
    if out is not None:
        target = Path(out).expanduser()
        loaded.codec.write(found, target)
        shown: Any = {"file": str(target), "rows": len(found)}
        output.values(shown) if json else output.text(str(target))
    elif json:
        output.values({"rows": found.to_dict("records")})
    else:
        sys.stdout.write(found.to_csv(index=False))


def _given(model: str, data: str) -> tuple[Any, Any]:
    """The model, and the rows. DataError where there are none."""
    loaded = settings.load(model)
    from genloom import store
    from genloom.engine.rows import fields_of

    fields_of(loaded)  # before anything is read
    path = source.data_at(data, loaded.recipe.name, store.home())
    reading = loaded.codec.read(path)
    for name, why in reading.skipped.items():
        warn(f"{name}: {why}")
    if not len(reading.items):
        raise DataError(f"{data} holds no rows: give a table with at least one")
    return loaded, reading.items
