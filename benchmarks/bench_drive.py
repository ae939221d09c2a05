"""Driving scenes: asked for, possible, new, and of use to a detector of hazards.

    .venv/bin/python benchmarks/bench_drive.py --minutes 15 --out drive-model --sheet drive.png

Learns from scenes that the simulator drew and is measured by `genloom eval`'s protocol on others.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from pathlib import Path
from typing import Any

import protocol
import torch

from genloom import api
from genloom.codec.drive.files import write_lines
from genloom.drive.seen import faults
from genloom.drive.simulator import simulate_many
from genloom.trust import quality
from genloom.trust.quality_drive import make

SCENES, HELD = 12_000, 2_000
SHOWN = (
    *("clear, light traffic", "rain, dense traffic", "fog, medium traffic", "snow, light traffic"),
    *("clear, medium traffic, a cut-in", "rain, light traffic, a cut-in"),
    *("snow, medium traffic, a jaywalker", "clear, dense traffic, a jaywalker"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=15.0)
    parser.add_argument("--steps", type=int, help="instead of minutes")
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--scenes", type=int, default=SCENES)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--out", type=Path, default=Path("drive-model"))
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    protocol.head("Driving scenes")
    model = trained(args)
    held = simulate_many(HELD, 1)
    report = quality.evaluate(model, held, count=args.count)
    protocol.table([line(row) for row in report.rows])
    print(json.dumps({k: report.protocol[k] for k in ("made", "training_items", "sampler")}))
    wrong(model, held, args.count)
    if args.sheet:
        model.codec.preview(make(model, SHOWN, 3), args.sheet)


def trained(args: argparse.Namespace) -> api.Model:
    """One that is there already is taken as it is."""
    if (args.out / "card.json").is_file():
        return api.load(args.out)
    clock = time.perf_counter()
    path = write_lines(simulate_many(args.scenes, 0), args.out.with_suffix(".jsonl"))
    print(f"{args.scenes:,} scenes drawn in {time.perf_counter() - clock:.0f} s")
    steps = [f"train.steps={args.steps}", "train.compile=off"] if args.steps else []
    clock, spent = time.perf_counter(), time.process_time()
    made = api.train(
        "drive",
        path,
        out=args.out,
        size=args.size,
        minutes=None if args.steps else args.minutes,
        changes=["train.preview=0", "train.judge=0", *steps, *args.set],
    )
    wall, core = time.perf_counter() - clock, time.process_time() - spent
    print(
        f"trained in {wall / 60:.1f} min, {core / 60:.1f} of a core; {made.card['steps']} steps, "
        f"{made.parameters:,} weights\n"
    )
    return api.load(args.out)


def line(row: quality.Row) -> dict[str, str]:
    values = {"made": row.value, "floor": row.floor, "ceiling": row.ceiling}
    return {"metric": row.metric, **{k: "" if v is None else f"{v:.3f}" for k, v in values.items()}}


def wrong(model: api.Model, held: Any, count: int) -> None:
    """What is impossible in made scenes, by kind."""
    captions = model.codec.captions(held[:count]) or []
    found: Counter[str] = Counter()
    for scene in make(model, captions, 0):
        found.update(name for name, many in vars(faults(scene)).items() if many)
    print(
        "impossible:", ", ".join(f"{name} in {n}" for name, n in found.most_common()) or "nothing"
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
