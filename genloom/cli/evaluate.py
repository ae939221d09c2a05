"""`genloom eval`: the quality table, words around `genloom.trust.quality`."""

from __future__ import annotations

from typing import Annotated

from cyclopts import Parameter

from genloom.cli import output, settings
from genloom.cli.progress import Stages


def evaluate(
    model: str,
    data: str | None = None,
    /,
    *,
    count: Annotated[int | None, Parameter(name=["-n", "--count"])] = None,
    seed: int = 0,
    target: str | None = None,
    json: bool = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Measure a model on data that it has not seen, with a floor and a ceiling beside it.

    Parameters
    ----------
    model
        Name or path of a model.
    data
        Data to measure on; what was held out in training unless given.
    count
        How many items to make; the medium decides unless given.
    seed
        The same seed measures the same items.
    target
        The column of a table that is to be predicted; chosen unless given.
    json
        Print JSON.
    quiet
        No progress.
    """
    from genloom.trust import quality

    loaded = settings.load(model)
    options = {} if target is None else {"target": target}
    with Stages(quiet) as stages:
        report = quality.evaluate(loaded, data, seed=seed, count=count, listener=stages, **options)
    if json:
        output.values(report.to_json())
        return
    output.table(
        ("metric", "value", "floor", "ceiling", "better", "note"),
        [(r.metric, r.value, r.floor, r.ceiling, r.better, r.note) for r in report.rows],
    )
