"""`genloom eval`: the quality table of a medium, and suites of questions for models of texts.

Words around `genloom.trust`. Names of suites without a path are looked for in the folder `suites`
beside the models, or in DATA where it is given.
"""

from __future__ import annotations

import json as format_
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from genloom.cli import curves, output, settings
from genloom.cli.progress import Stages
from genloom.errors import UsageError

if TYPE_CHECKING:
    from genloom.trust.quality import Report
    from genloom.trust.suites.measuring import SuiteReport, SuiteRow


def evaluate(
    model: str,
    data: str | None = None,
    /,
    *,
    suite: tuple[str, ...] = (),
    limit: int | None = None,
    shots: int | None = None,
    samples: int | None = None,
    count: Annotated[int | None, Parameter(name=["-n", "--count"])] = None,
    seed: int = 0,
    target: str | None = None,
    bits: int | None = None,
    curve: bool = False,
    plot: Path | None = None,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    json: bool = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Measure a model on data that it has not seen, with a floor and a ceiling beside it.

    Parameters
    ----------
    model
        Name or path of a model.
    data
        Data to measure on; what was held out in training unless given. With --suite NAME: the
        folder where suites lie.
    suite
        Ask a suite instead: a file or folder of ARC, HellaSwag, PIQA, WinoGrande, BoolQ, MMLU,
        OpenBookQA, GSM8K, TriviaQA, HumanEval, MBPP, WikiText or plain questions and answers, a
        suite's NAME, NAME=PATH, or a JSON file that declares one. May be repeated.
    limit
        The first so many items of each suite.
    shots
        Examples before each item; as the suite's protocol has it unless given.
    samples
        Programs drawn of each prompt, for pass@k.
    count
        How many items to make; the medium decides unless given.
    seed
        The same seed measures the same items.
    target
        The column of a table that is to be predicted; chosen unless given.
    bits
        Of the weights of a model of texts: 32, 16, 8 or 4; as stored unless given.
    curve
        Measure at 1, 2, 4, 8, 16, 32 and 50 steps instead, beside real items against real ones.
    plot
        A file for the curve as a picture, an .svg.
    out
        A file for the report as JSON, with every item of the suites.
    json
        Print JSON.
    quiet
        No progress.
    """
    _refuse(bool(suite), {"--limit": limit, "--shots": shots, "--samples": samples}, "--suite")
    _refuse(not suite, {"--count": count, "--target": target}, "no --suite")
    _refuse(curve, {"--plot": plot}, "--curve")
    _refuse(not curve, {"--suite": suite or None, "--target": target}, "no --curve")
    curves.check(plot)
    loaded = settings.load(model, bits)
    asked = {"limit": limit, "shots": shots, "samples": samples or 1}
    with Stages(quiet) as stages:
        if curve:
            report = _curve(loaded, data, seed=seed, count=count, listener=stages)
        elif suite:
            report = _suites(loaded, suite, data, seed=seed, listener=stages, **asked)
        else:
            options = {} if target is None else {"target": target}
            report = _quality(loaded, data, seed=seed, count=count, listener=stages, **options)
    if out is not None:
        _write(out, report)
    if not curve:
        _keep(model, report)
    if plot is not None:
        curves.draw(report, f"{Path(model).name}: quality against steps", plot)
    if json:
        output.values(report.to_json())
    else:
        (curves.show if curve else _show if suite else _table)(report)


def _refuse(allowed: bool, given: dict[str, Any], where: str) -> None:
    """UsageError for a flag that would say nothing here."""
    wrong = next((flag for flag, value in given.items() if value is not None), None)
    if wrong is not None and not allowed:
        raise UsageError(f"{wrong} goes with {where}: leave one of them out")


def _curve(loaded: Any, data: str | None, **asked: Any) -> Any:
    from genloom.trust.curve import curve

    return curve(loaded, data, **asked)


def _quality(loaded: Any, data: str | None, **asked: Any) -> Any:
    from genloom.trust import quality

    return quality.evaluate(loaded, data, **asked)


def _suites(loaded: Any, suites: tuple[str, ...], data: str | None, **asked: Any) -> Any:
    from genloom.trust.suites import measuring

    folder = settings.store().home() / "suites" if data is None else Path(data).expanduser()
    return measuring.evaluate(loaded, suites, folder, **asked)


def _keep(model: str, report: Report) -> None:
    """For `genloom report`; a model in a folder that cannot be written is measured all the same."""
    from genloom.errors import ResourceError
    from genloom.trust.measured import keep

    with suppress(ResourceError):
        keep(settings.store().existing(model), report.to_json())


def _write(path: Path, report: Report) -> None:
    from genloom.codec.saving import write_atomic

    text = format_.dumps(report.to_json(), ensure_ascii=False, indent=1, default=str)
    write_atomic(path.expanduser(), f"{text}\n".encode("utf-8", "replace"))


def _table(report: Report) -> None:
    output.table(
        ("metric", "value", "floor", "ceiling", "better", "note"),
        [(r.metric, r.value, r.floor, r.ceiling, r.better, r.note) for r in report.rows],
    )


def _show(report: SuiteReport) -> None:
    """Numbers as a table; under it what each means and was made with."""
    columns = ("suite", "metric", "value", "95% interval", "floor", "ceiling", "items", "shots")
    output.table(columns, [_line(row) for row in report.rows])
    for line, metrics in _said(report.rows).items():
        output.text(f"{', '.join(metrics)}: {line}")
    for about in report.protocol["suites"]:
        pace = f"{about['items_a_second']:.4g} items a second"
        output.text(f"{about['protocol']}; {about['place']}; {about['items']:,} items, {pace}")
        for note in about["notes"]:
            output.text(f"{about['suite']}: {note}")


def _said(rows: tuple[SuiteRow, ...]) -> dict[str, list[str]]:
    """Notes and published figures, each with the metrics that it goes with."""
    out: dict[str, list[str]] = {}
    for row in rows:
        for line in filter(None, (row.note, *(f"published: {p}" for p in row.published))):
            out.setdefault(line, []).append(f"{row.suite} {row.metric}")
    return out


def _line(row: SuiteRow) -> tuple[Any, ...]:
    low, high = (output.cell(x) for x in (row.low, row.high))
    known = row.low is not None and row.low == row.low
    interval = f"{low} to {high} ({row.how})" if known else None
    return (
        row.suite,
        row.metric,
        row.value,
        interval,
        row.floor,
        row.ceiling,
        row.items,
        row.shots,
    )
