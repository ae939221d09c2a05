"""`genloom report`: what is known of a model, as one HTML file or as JSON. Words around
`genloom.trust.report`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from genloom.cli import output, settings
from genloom.cli.progress import Stages
from genloom.errors import UsageError


def report(
    model: str,
    /,
    *,
    attack: bool = False,
    shadows: int | None = None,
    count: Annotated[int | None, Parameter(name=["-n", "--count"])] = None,
    seed: int = 0,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    json: bool = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """What is known of a model: quality, memorisation, its data; and what was not measured.

    genloom eval measures; this puts the last measurement, the card and the data's manifest
    together. Without --out and --json it is printed. With --attack a model of a table is attacked
    first, with what it learnt from and what was held out.

    Parameters
    ----------
    model
        Name or path of a model.
    attack
        Try to find rows that were learnt from: near copies, singling out, linking, inferring.
    shadows
        With --attack: models to train, each on half of the rows, by which membership is told; each
        takes about half as long as the model did. 8 to 16 say most.
    count
        With --attack: rows to make.
    seed
        With --attack: the same seed attacks in the same way.
    out
        A file for the report: one HTML page that needs nothing else, or JSON where it ends so.
    json
        Print JSON.
    quiet
        No progress.
    """
    from genloom.codec.saving import write_atomic
    from genloom.trust.report import told_name
    from genloom.trust.report_page import page_of

    settings.store()
    if shadows is not None and not attack:
        raise UsageError("--shadows goes with --attack: add it, or leave both out")
    if attack:
        _attack(model, shadows or 0, count, seed, quiet)
    found = told_name(model)
    if out is not None:
        path = out.expanduser()
        as_json = path.suffix.lower() == ".json"
        text = output.as_json(found) + "\n" if as_json else page_of(found)
        write_atomic(path, text.encode("utf-8", "replace"))
    if json:
        output.values(found)
    elif out is not None:
        output.text(str(out))
    else:
        _show(found)


def _attack(name: str, shadows: int, count: int | None, seed: int, quiet: bool) -> None:
    """Attack it and keep what came of it; how long shadows take is said beforehand."""
    from genloom import registry
    from genloom.trust.measured import keep
    from genloom.trust.membership import seconds_of

    loaded = settings.load(name)
    kind = loaded.recipe.codec.kind
    if kind not in registry.names("attack"):
        able = ", ".join(registry.names("attack"))
        raise UsageError(
            f"models of the codec {kind!r} cannot be attacked, only of {able}; genloom eval says "
            "whether they repeat what was learnt"
        )
    seconds = seconds_of(loaded, shadows) if shadows else None
    if seconds is not None and not quiet:
        told = f"{shadows} shadows take about {output.duration(seconds)}"
        print(told, file=sys.stderr, flush=True)
    with Stages(quiet) as stages:
        report = registry.find("attack", kind)(
            loaded, shadows=shadows, seed=seed, count=count, listener=stages
        )
    if loaded.folder is not None:
        keep(loaded.folder, report.to_json())


def _show(found: dict[str, object]) -> None:
    sections: object = found["sections"]
    assert isinstance(sections, list)
    for section in sections:
        output.text(f"\n{section['title']}")
        if section["rows"]:
            bounded = any("low" in row for row in section["rows"])
            ends = ("low", "high") if bounded else ()
            columns = ("metric", "value", *ends, "floor", "ceiling", "better", "note")
            output.table(columns, [tuple(row.get(c) for c in columns) for row in section["rows"]])
        output.pairs({fact["name"]: fact["value"] for fact in section["facts"]})
        for line in section["missing"]:
            output.text(f"not measured: {line}" if section["id"] != "absent" else f"- {line}")
