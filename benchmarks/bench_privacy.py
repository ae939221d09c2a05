"""Tables within an epsilon, attacks with and without it, and rows read back from texts.

Usage: bench_privacy.py [dp] [attack] [notes]   (all unless named; peers: $PEERS/mostlyai)
train.csv of Adult is shuffled with seed 0 and split 80 : 20, nothing else is held back; utility is
the project's own measure, taught by made rows and tested on the 20 %.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pandas
import protocol

from genloom import api
from genloom.make.notes import write
from genloom.make.notes_rows import rows_made
from genloom.make.notes_template import OURS, template_of
from genloom.metric.table import table_quality
from genloom.trust import quality_table as quality
from genloom.trust.attacks import attack

TARGET = "income-per-year"
EPSILON, DELTA = 3.0, 1e-5
SETTINGS = {  # of what is changed of the preset with epsilon
    "preset (small, 10 passes, batch 1/20)": (None, ()),
    "tiny, 10 passes, batch 1000": ("tiny", ("data.batch=1000", "train.steps=200")),
    "tiny, three times the rate": (
        "tiny",
        ("data.batch=1000", "train.steps=200", "train.rate=1.5e-2"),
    ),
    "tiny, 14 passes, batch 2000": ("tiny", ("data.batch=2000", "train.steps=140")),
}
SHADOWS = 4


def split(folder: Path) -> tuple[Path, Path, int]:
    """Train and test, and the rows of the first."""
    adult = protocol.data("tables") / "adult" / "train.csv"
    frame = pandas.read_csv(adult, skipinitialspace=True)
    frame = frame.sample(frac=1, random_state=0).reset_index(drop=True)
    cut = int(0.8 * len(frame))
    frame[:cut].to_csv(folder / "train.csv", index=False)
    frame[cut:].to_csv(folder / "test.csv", index=False)
    return folder / "train.csv", folder / "test.csv", cut


def utility(codec: Any, train: Path, test: Path, made: Any) -> dict[str, object]:
    kinds = codec.kinds()
    frames = (pandas.read_csv(train), pandas.read_csv(test), made)
    real, rest, own = (quality.measured(codec, frame) for frame in frames)
    task = quality._task(real, kinds, TARGET)
    assert task is not None
    row = quality._utility(task, real, rest, own, quality._shuffled(real, len(own), 0), kinds, 0)
    near = table_quality(real, own, kinds)
    found = {"tstr_auc": row.value, "floor": row.floor, "ceiling": row.ceiling}
    found |= {"shape_error": near.shape_error, "trend_error": near.trend_error}
    return {name: f"{value:.4g}" for name, value in found.items()}


def private(folder: Path, train: Path, test: Path, rows: int) -> None:
    found = []
    for number, (name, (size, changes)) in enumerate(SETTINGS.items()):
        begun = time.perf_counter()
        model = api.train(
            "table",
            train,
            out=folder / f"dp{number}",
            size=size,
            epsilon=EPSILON,
            delta=DELTA,
            changes=("data.holdout=0.0", *changes),
        )
        took, told = time.perf_counter() - begun, model.card["privacy"]
        made = model.generate(None, rows, seed=1)
        about = {"epsilon": told["epsilon"], "noise": f"{told['noise_multiplier']:.3f}"}
        about |= {"steps": told["steps"], "fit s": f"{took:.0f}"}
        found.append(
            {"tool": f"Genloom, {name}", **about, **utility(model.codec, train, test, made)}
        )
    python = protocol.peer("mostlyai")
    if python is not None:
        script, made = Path(__file__).with_name("peer_private_tables.py"), folder / "theirs.csv"
        told = protocol.run_json(
            [python, script, train, str(rows), made, str(EPSILON), str(DELTA), "10"]
        )
        codec = api.load(folder / "dp0").codec
        about = {"epsilon": EPSILON, "fit s": told["fit_s"]}
        theirs = utility(codec, train, test, pandas.read_csv(made))
        found.append({"tool": "mostlyai-engine", **about, **theirs})
    protocol.table(found)


def attacked(folder: Path, train: Path, test: Path) -> None:
    changes = ("data.holdout=0.0", "train.judge=0")
    plain = api.train("table", train, out=folder / "plain", size="tiny", changes=changes)
    models = {"plain": plain}
    if (folder / "dp1").is_dir():
        models["epsilon 3"] = api.load(folder / "dp1")
    for name, model in models.items():
        sides = {"train": pandas.read_csv(train), "held": pandas.read_csv(test)}
        report = attack(model, shadows=SHADOWS, **sides)
        print(f"\n{name}: alarms {', '.join(report.protocol['alarms']) or 'none'}\n")
        protocol.table([_row(row) for row in report.rows])


def _row(row: Any) -> dict[str, object]:
    ends = (getattr(row, end, None) for end in ("low", "high"))
    interval = " to ".join("-" if end is None else f"{end:.4g}" for end in ends)
    value = "-" if row.value is None else f"{row.value:.4g}"
    return {
        "measure": row.metric,
        "value": value,
        "interval": interval,
        "floor": row.floor,
        "ceiling": row.ceiling,
    }


def notes() -> None:
    found = []
    for name in OURS:
        template, rows = template_of(name), rows_made(name, 2000, seed=0)
        begun = time.perf_counter()
        told = write(rows, template).told()
        took = time.perf_counter() - begun
        kept = ("notes", "cells", "stated", "recovered", "recovered_floor", "facts_not_in_row")
        found.append({"template": name, **{k: told[k] for k in kept}, "s": f"{took:.1f}"})
    protocol.table(found)


def main() -> None:
    asked = sys.argv[1:] or ["dp", "attack", "notes"]
    protocol.head("Tables: privacy, and texts from rows")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        train, test, rows = split(folder)
        if "dp" in asked:
            private(folder, train, test, rows)
        if "attack" in asked:
            attacked(folder, train, test)
    if "notes" in asked:
        notes()


if __name__ == "__main__":
    main()
