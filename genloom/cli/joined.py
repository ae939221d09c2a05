"""What is joined of several models on the command line: linked tables learnt, shown and drawn.

Words and paths around `genloom.linked`; which kinds there are is in the registry.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genloom.cli import output, settings, source
from genloom.cli.ending import warn
from genloom.errors import GenloomError, UsageError

SHOWN = 8


def kind_of(model: str) -> str | None:
    """The kind of what a name or path stands for, where it is joined of several models."""
    from genloom import registry
    from genloom.shelf import object_of

    try:
        place = settings.store().existing(model)
        kind = object_of(place / "recipe.json")["codec"]["kind"]
    except (GenloomError, KeyError, TypeError):
        return None  # loading says what is wrong
    return kind if kind in registry.TABLE["joined"] else None


def load(model: str, kind: str) -> Any:
    from genloom import registry

    place = settings.store().existing(model)
    return registry.find("joined", kind).load(place, device=settings.device())


# --- learning -------------------------------------------------------------------------------------


def train(
    kind: str,
    data: str,
    *,
    out: str | None,
    minutes: float | None,
    size: str | None,
    seed: int,
    changes: list[str],
    licence: str | None,
    json: bool,
    quiet: bool,
    told: Mapping[str, Any],
    refused: Mapping[str, Any],
) -> None:
    """By the learner of this kind. told: flags of its own; refused: those it has no use for."""
    from genloom import registry
    from genloom.cli.interrupt import Interrupt

    for flag, value in refused.items():
        if value:
            raise UsageError(f"--{flag} is not for {kind}: leave it out")
    store = settings.store()
    path = source.data_at(data, kind, store.home())
    name = out or source.name_for(data, kind)
    target = store.place(name)

    def say(line: str) -> None:
        if not quiet:
            print(line, file=sys.stderr)

    with Interrupt(say, f"genloom train {kind} {shlex.quote(str(path))}") as stop:
        made = registry.find("learner", kind)(
            path,
            out=name,
            minutes=minutes,
            size=size,
            seed=seed,
            changes=changes,
            licence=licence,
            device=settings.device(),
            heard=say,
            stop=stop,
            **told,
        )
    if json:
        told_of = {k: made.card[k] for k in ("tables", "metrics", "seconds", "data", "weights")}
        output.values({"model": name, "path": str(target), **told_of})
        return
    output.pairs({"model": name, "path": str(target), **made.card["metrics"]})
    if not quiet:
        lines = made.next(shlex.quote(name))
        print("next:", *lines, sep="\n  ", file=sys.stderr)


# --- linked tables --------------------------------------------------------------------------------


def generate(
    model: str,
    kind: str,
    count: int | None,
    scale: float | None,
    steps: int | None,
    seed: int,
    out: str | None,
    json: bool,
    recorded: bool,
    refused: Mapping[str, Any],
) -> None:
    """Draw it: several tables into a folder, one as a table."""
    for flag, value in refused.items():
        if value:
            raise UsageError(f"--{flag} is not for {kind}: leave it out")
    loaded = load(model, kind)
    if not loaded.several:
        one = None if scale is None else max(1, round(scale * loaded.plan.owners))
        table(
            loaded.generate(count or one, steps=steps, seed=seed), loaded, seed, out, json, recorded
        )
        return
    if steps is not None:
        raise UsageError(f"--steps is not for {kind}: leave it out")
    if out == source.STDIN:
        raise UsageError("several tables go to a folder: give one with -o")
    from genloom.linked.writing import write_tables

    folder, suffix = _target(out or f"{Path(model).name}-{seed}")
    size = loaded.scale(count, scale)
    record = _record(loaded, seed, size) if recorded else None
    counts = write_tables(loaded.stream(scale=size, seed=seed), folder, suffix, record)
    told = {"folder": str(folder), "rows": counts}
    if json:
        output.values({**told, **({} if record is None else {"record": record})})
    else:
        output.pairs({"folder": str(folder), **{n: f"{c:,} rows" for n, c in counts.items()}})


def table(frame: Any, loaded: Any, seed: int, out: str | None, json: bool, recorded: bool) -> None:
    """One table to stdout, or to a file with a record beside it."""
    if out is None or out == source.STDIN:
        if json:
            output.values({"rows": frame.astype(object).to_dict("records")})
        else:
            sys.stdout.write(frame.to_csv(index=False, lineterminator="\n"))
        return
    from genloom.codec.table.frame import write_table
    from genloom.trust.record_places import side_car

    path = Path(out).expanduser()
    path = path if path.suffix else path.with_suffix(".csv")
    record = {**_record(loaded, seed, 1.0), "rows": len(frame)} if recorded else None
    inside = write_table(frame, path, record)
    if record is not None and not inside:
        from genloom.folders import write_json

        write_json(side_car(path), record)
    told = {"file": str(path), "rows": len(frame)}
    output.values(told) if json else output.text(str(path))


def _target(out: str) -> tuple[Path, str]:
    """A folder, and the ending of its files: `shop.parquet` is a folder of Parquet files."""
    path = Path(out).expanduser()
    if path.suffix in (".csv", ".parquet"):
        return path.with_suffix(""), path.suffix
    return path, ".csv"


def _record(loaded: Any, seed: int, scale: float) -> dict[str, Any]:
    from genloom import store
    from genloom.requested import software

    return {
        **software(),
        "model": store.told(loaded.folder),
        "weights": loaded.card.get("weights"),
        "seed": seed,
        "scale": scale,
    }


def inspect(path: Path, json: bool) -> None:
    """The tables of a folder, their keys and links, and what does not fit, shown."""
    from genloom.linked.describing import describe

    told = describe(path)
    if json:
        output.values(told)
        return
    output.table(
        ("table", "rows", "columns", "key", "time"),
        [
            [one["name"], one["rows"], len(one["columns"]), one["key"], one["time"]]
            for one in told["tables"]
        ],
    )
    output.text("")
    output.table(
        ("link", "leads to", "children of a row", "orphans", "without"),
        [
            [
                f"{one['table']}.{one['column']}" + (" (owner)" if one["owner"] else ""),
                f"{one['parent']}.{one['key']}",
                f"{one['fewest']} to {one['most']}, {one['mean']:.1f} on average",
                one["orphans"],
                one["missing"],
            ]
            for one in told["links"]
        ],
    )
    for note in told["notes"][:SHOWN]:
        warn(note)
