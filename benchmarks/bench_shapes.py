"""Shapes: drawn cars and furniture made to sizes, and open models by category.

    .venv/bin/python benchmarks/bench_shapes.py cars --minutes 20 --out cars-model --sheet cars.png
    .venv/bin/python benchmarks/bench_shapes.py shapes3d --minutes 20 --out things-model
    .venv/bin/python benchmarks/bench_shapes.py --time

What is drawn is held out by the house's own split and measured by `genloom eval`'s protocol;
`shapes3d` is told apart by its six packs, a third of each held out.
"""

from __future__ import annotations

import argparse
import json
import time
import zipfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import protocol
import torch

from genloom import api
from genloom.codec.shape.codec import ShapeCodec
from genloom.codec.shape.collections import write_forms
from genloom.codec.shape.files import mesh_bytes
from genloom.codec.shape.item import Shape
from genloom.codec.shape.looks import write_turntable
from genloom.datasets.drawn import TABLE
from genloom.metric.clouds import grouped
from genloom.model import Model
from genloom.recipe import Facts, Part
from genloom.recipes.shape import choose
from genloom.trust import quality
from genloom.trust.quality_shape import clouds, make

DRAWN = 3500
HELD_PACKS = 1 / 3
LEAST = 15  # held-out shapes of a pack that is told by itself


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", nargs="?", choices=("cars", "furniture", "shapes3d"))
    parser.add_argument("--minutes", type=float, default=20.0)
    parser.add_argument("--steps", type=int, help="instead of minutes")
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--set", action="append", default=[])
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--drawn", type=int, default=DRAWN)
    parser.add_argument("--out", type=Path, default=Path("shapes-model"))
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--time", action="store_true")
    args = parser.parse_args()
    protocol.head("Shapes")
    if args.time:
        timed()
    if args.data is None:
        return
    train, held = packs() if args.data == "shapes3d" else (None, None)
    model = trained(args, train)
    report = quality.evaluate(model, held, training=train, count=args.count)
    protocol.table([line(row) for row in report.rows])
    print(json.dumps({k: report.protocol[k] for k in ("made", "seconds_each", "lattice")}))
    if train is not None and held is not None:
        by_pack(model, train, held)
    if args.sheet:
        pictures(model, args.sheet)


def trained(args: argparse.Namespace, items: Sequence[Shape] | None) -> api.Model:
    """One that is there already is taken as it is."""
    if (args.out / "card.json").is_file():
        return api.load(args.out)
    data: Any = items
    if items is None:
        path = args.out.with_suffix(".jsonl")
        data = write_forms(TABLE[args.data].draw(args.drawn, 0), path)
    steps = [f"train.steps={args.steps}", "train.compile=off"] if args.steps else []
    clock = time.perf_counter(), time.process_time()
    made = api.train(
        "shape",
        data,
        out=args.out,
        size=args.size,
        minutes=None if args.steps else args.minutes,
        changes=["train.preview=0", "train.judge=0", *steps, *args.set],
    )
    wall, core = time.perf_counter() - clock[0], time.process_time() - clock[1]
    print(
        f"trained in {wall / 60:.1f} min, {core / 60:.1f} of a core, fields included; "
        f"{made.card['steps']} steps, {made.parameters:,} weights\n"
    )
    return api.load(args.out)


def line(row: quality.Row) -> dict[str, str]:
    values = {"made": row.value, "floor": row.floor, "ceiling": row.ceiling}
    return {"metric": row.metric, **{k: "" if v is None else f"{v:.3f}" for k, v in values.items()}}


# --- open models ----------------------------------------------------------------------------------


def packs() -> tuple[list[Shape], list[Shape]]:
    """Every third of a pack is held out; captions are "pack, name"."""
    folder = protocol.data("shapes3d")
    archive = zipfile.ZipFile(folder / "shapes3d.zip")
    rows = [json.loads(text) for text in (folder / "captions.jsonl").read_text().splitlines()]
    sides: tuple[list[Shape], list[Shape]] = [], []
    seen: dict[str, int] = {}
    for row in rows:
        name = row["caption"].removeprefix("low-poly 3D model of ")
        n = seen[row["pack"]] = seen.get(row["pack"], -1) + 1
        shape = Shape(archive.read(row["file"]), f"{row['pack']}, {name}", row["file"])
        sides[n % round(1 / HELD_PACKS) == 0].append(shape)
    return sides


def by_pack(model: api.Model, train: Sequence[Shape], held: Sequence[Shape]) -> None:
    """Coverage and 1-nearest-neighbour accuracy within each pack, made and real beside real."""
    codec: Any = model.codec
    kinds = [str(one.caption).split(",")[0] for one in held]
    made = clouds(make(model, [one.caption for one in held], 1))
    real = clouds(codec.decode(codec.encode(held)))
    mine: list[Shape] = []
    for n, kind in enumerate(kinds):  # as many training shapes of the same pack
        some = [one for one in train if str(one.caption).startswith(f"{kind},")]
        mine.append(some[kinds[:n].count(kind) % len(some)])
    seen = clouds(codec.decode(codec.encode(mine)))
    own, best = (grouped([*real], [*side], kinds, LEAST) for side in (made, seen))
    protocol.table(
        [
            {
                "pack": kind,
                "held out": kinds.count(kind),
                "coverage": f"{own[kind].coverage:.3f}",
                "coverage, real": f"{best[kind].coverage:.3f}",
                "neighbour accuracy": f"{own[kind].accuracy:.3f}",
                "neighbour accuracy, real": f"{best[kind].accuracy:.3f}",
            }
            for kind in own
        ]
    )


# --- looks and time -------------------------------------------------------------------------------


def pictures(model: api.Model, sheet: Path) -> None:
    """A sheet of shapes by held-out captions, and one of them turning."""
    codec: Any = model.codec
    held = model.held_out_items()[:16] if model.card.get("data") else []
    captions = codec.captions(held) or [None] * 16
    made = make(model, captions, 3)
    named = [replace(mesh, caption=text) for mesh, text in zip(made, captions, strict=True)]
    codec.preview(named, sheet)
    write_turntable(made[0], sheet.with_suffix(".gif"))


def timed() -> None:
    """From noise to a GLB on a lattice of 64 x 64 x 64, by an untrained net of each size."""
    forms = TABLE["furniture"].draw(4, 0)
    rows = []
    for size in ("tiny", "small"):
        recipe = choose(size, Facts(items=4, units=4, side=64))
        recipe = replace(recipe, codec=Part("shape", {"size": 64, "finer": 1}))
        codec: Any = ShapeCodec(size=64, finer=1)
        codec.fit(forms)
        nets = recipe.make_nets(codec.spec, None)
        model = Model(recipe=recipe, codec=codec, prompt=None, nets=nets)
        times, core = [], []
        for n in range(3):
            clock, spent = time.perf_counter(), time.process_time()
            model.generate(None, 1, seed=n)
            times.append(time.perf_counter() - clock)
            core.append(time.process_time() - spent)
        x = codec.encode(forms)
        clock = time.perf_counter()
        meshes = codec.decode(x)
        surface = (time.perf_counter() - clock) / len(meshes)
        clock = time.perf_counter()
        mesh_bytes(meshes[0], Path("x.glb"))
        rows.append(
            {
                "size": size,
                "weights": f"{sum(p.numel() for p in nets.parameters()):,}",
                "whole, s": protocol.median(times),
                "of a core, s": protocol.median(core),
                "surface alone, s": f"{surface:.3f}",
                "GLB, s": f"{time.perf_counter() - clock:.3f}",
                "triangles": int(np.median([len(mesh.faces) for mesh in meshes])),
            }
        )
    protocol.table(rows)


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
