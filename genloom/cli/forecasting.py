"""`genloom forecast`, and `genloom fill` of series: what a model of series knows of some that are
given.

Words and paths around `genloom.series`.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from genloom.cli import joined, output, settings, source
from genloom.cli.ending import warn
from genloom.errors import UsageError

Repeats = Literal["refuse", "first", "mean"]


def forecast(
    model: str,
    history: str,
    /,
    *,
    horizon: int = 24,
    coverage: list[float] | None = None,
    paths: int = 200,
    windows: int = 60,
    repeats: Repeats = "refuse",
    out: Annotated[str | None, Parameter(name=["-o", "--out"])] = None,
    seed: int = 0,
    json: bool = False,
) -> None:
    """What comes after the end of each series: medians, means and the ends of intervals.

    Parameters
    ----------
    model
        A model trained by `genloom train series`.
    history
        A table with the columns it learnt from, up to now; - reads stdin.
    horizon
        Steps ahead.
    coverage
        Shares that intervals are to hold, 0.8 and 0.9 unless given; may be repeated.
    paths
        Futures that are drawn of each series.
    windows
        Of the history, by which intervals are corrected to hold what they claim; 0 for none.
    repeats
        What becomes of times that come twice: refuse, first (is kept) or mean.
    out
        A CSV or Parquet file; without one the rows go to stdout.
    seed
        Of the paths.
    json
        Print JSON.
    """
    loaded = _series(model)
    from genloom.series import forecasting

    if not 2 <= paths <= 10_000 or not 0 <= windows <= 10_000:
        raise UsageError(f"--paths {paths}, --windows {windows}: 2 and 0 to 10,000 are expected")
    levels = tuple(coverage or (0.8, 0.9))
    forecasting.levels_of(levels)  # before anything is read
    path = source.data_at(history, loaded.kind, settings.store().home())
    panel = forecasting.given(loaded, path, repeats)
    for note in panel.notes:
        warn(note)
    asked: dict[str, Any] = {"coverages": levels, "paths": paths, "windows": windows, "seed": seed}
    found = forecasting.forecast(loaded, panel, horizon, **asked)
    if windows and not found.windows:
        warn("the history is too short to correct intervals by: they are as they were drawn")
    table = forecasting.told(loaded, panel, found)
    if out is None and json:
        rows = table.astype(object).to_dict("records")
        output.values({"rows": rows, "horizon": horizon, "windows": found.windows})
    elif out is None:
        sys.stdout.write(table.to_csv(index=False, lineterminator="\n"))
    else:
        from genloom.codec.table.frame import write_table

        write_table(table, Path(out).expanduser(), None)
        shown = {"file": out, "rows": len(table), "windows": found.windows}
        output.values(shown) if json else output.text(out)


def fill(
    model: str,
    kind: str,
    data: str,
    columns: str | None,
    out: str | None,
    seed: int,
    json: bool,
    recorded: bool,
) -> None:
    """The gaps of series, by draws that know both of their sides."""
    loaded = _series(model)
    from genloom.series import filling, forecasting

    path = source.data_at(data, kind, settings.store().home())
    panel = forecasting.given(loaded, path)
    for note in panel.notes:
        warn(note)
    wanted = None if columns is None else [name.strip() for name in columns.split(",")]
    made = filling.fill(loaded, panel, wanted, seed)
    joined.table(made, loaded, seed, out, json, recorded)


def _series(model: str) -> Any:
    """A model of series. UsageError for any other."""
    kind = joined.kind_of(model)
    if kind is None:
        settings.store().existing(model)
    loaded = None if kind is None else joined.load(model, kind)
    if not hasattr(loaded, "walker"):
        raise UsageError(f"{model} is no model of series: train one by  genloom train series DATA")
    return loaded
