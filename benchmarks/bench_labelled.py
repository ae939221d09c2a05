"""Labelled pictures: scenes of floor tiles with things on them, a rare one among these, and masks.

Usage: bench_labelled.py [--minutes 5] [--steps N] [--size tiny] [--count 600] [--out MODEL]
                         [--sheet FILE.png]
Real pairs are composed of tiles32: floors, and on them one or two monsters, in four of ten scenes a
weapon, in one of twenty a potion, each half as large, in a quarter of its own; masks are the
tiles' own transparency. Training and held-out scenes share no tile. Taught by made pairs: the
intersection over union, on held-out scenes, of a segmenter that saw pairs of the model alone.
Ceiling: one that saw as many real pairs. Floors: the commonest class everywhere; one that saw
real pictures with the masks of others. The sheet has made pairs above real ones.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import protocol

from genloom import api
from genloom.codec.image.albums import read_album
from genloom.codec.image.labelled_item import Labelled
from genloom.codec.image.pictures import Picture, pillow
from genloom.metric.segmenter import mean_overlap, overlaps
from genloom.trust import quality, quality_labelled
from genloom.trust.labelled_set import shares

SIDE, QUARTER, THING = 48, 24, 16  # pixels; a thing has half the size of its tile
CLASSES = ("monster", "weapon", "potion")
OFTEN = {"weapon": 0.4, "potion": 0.05}  # share of scenes; monsters are in each
KINDS = {"monster": "mon__", "weapon": "item__weapon", "potion": "item__potion"}
FLOOR = "dngn__floor"
STEM = "__tentacles"  # parts of monsters, no things of their own
SCENES, HELD = 4000, 600
HELD_TILES = 5  # each fifth tile is for held-out scenes
ON_SHEET = 8


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """uint8 RGBA arrays: floors of SIDE pixels, and of each class things of THING."""

    floors: list[np.ndarray]
    things: dict[str, list[np.ndarray]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--steps", type=int, help="instead of minutes")
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--count", type=int, default=600)
    parser.add_argument("--shown", type=int, default=quality_labelled.SHOWN)
    parser.add_argument("--out", type=Path, default=Path("labelled-model"))
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    protocol.head("Labelled scenes of tiles32")
    train = scenes(tiles(held=False), SCENES, seed=0)
    held = scenes(tiles(held=True), HELD, seed=1)
    print(", ".join(f"{name} in {share:.1%}" for name, share in shares(train).items()), "\n")
    model = trained(args, train)
    report = quality.evaluate(model, held, training=train, count=args.count, shown=args.shown)
    rows = [line(row) for row in report.rows if row.value is not None]
    for row, value in zip(rows, shuffled(model, train, held, args), strict=False):
        row["masks of others"] = "" if value is None else f"{value:.3f}"
    protocol.table(rows)
    if args.sheet:
        asked = ["1 monster", "2 monsters", "1 monster, 1 weapon", "1 monster, 1 potion"]
        some = [f for words in asked for f in model.generate(words, ON_SHEET // 4, seed=3)]
        model.codec.preview([*some, *held[:ON_SHEET]], args.sheet)


def trained(args: argparse.Namespace, train: Sequence[Labelled]) -> api.Model:
    """One that is there already is taken as it is."""
    if (args.out / "card.json").is_file():
        return api.load(args.out)
    clock = time.perf_counter()
    steps = [f"train.steps={args.steps}", "train.compile=off"] if args.steps else []
    made = api.train(
        "labelled",
        train,
        out=args.out,
        size=args.size,
        minutes=None if args.steps else args.minutes,
        changes=[f"codec.size={SIDE}", "train.preview=0", "train.judge=0", *steps],
    )
    taken = time.perf_counter() - clock
    print(f"trained in {taken:.0f} s, {made.card['steps']} steps, {made.parameters:,} weights\n")
    return api.load(args.out)


def line(row: quality.Row) -> dict[str, str]:
    values = {"made": row.value, "commonest": row.floor, "real": row.ceiling}
    shown = {k: "" if v is None else f"{v:.3f}" for k, v in values.items()}
    return {"metric": row.metric, **shown, "masks of others": ""}


def shuffled(
    model: api.Model, train: Sequence[Labelled], held: Sequence[Labelled], args: Any
) -> list[float | None]:
    """The mean overlap, then class by class, of a segmenter taught by masks of other pictures."""
    codec: Any = model.codec
    x = codec.encode(train[: args.count])
    channels = x.shape[1] - len(CLASSES)
    x[:, channels:] = x[:, channels:].roll(1, 0)
    student = quality_labelled.taught(codec, x, 0, args.shown)
    pictures, masks = quality_labelled.parted(codec, codec.encode(held))
    found = student.predict(pictures)
    each = overlaps(found, masks, len(CLASSES))
    return [mean_overlap(found, masks, len(CLASSES)), *each[1:]]


# --- real pairs -----------------------------------------------------------------------------------


def tiles(*, held: bool) -> Tiles:
    pictures = read_album(protocol.data("tiles32")).items
    mine = [p for n, p in enumerate(pictures) if (n % HELD_TILES == 0) == held]
    things = {
        name: [_array(p, THING) for p in mine if p.name.startswith(start) and STEM not in p.name]
        for name, start in KINDS.items()
    }
    floors = [_array(p, 32) for p in mine if p.name.startswith(FLOOR)]
    return Tiles(floors=[np.tile(f, (2, 2, 1))[:SIDE, :SIDE] for f in floors], things=things)


def _array(picture: Picture, side: int) -> np.ndarray:
    resampling = pillow().Resampling.NEAREST
    return np.asarray(picture.open().convert("RGBA").resize((side, side), resampling))


def scenes(from_: Tiles, count: int, seed: int) -> list[Labelled]:
    rng = np.random.default_rng(seed)
    return [scene(from_, rng) for _ in range(count)]


def scene(from_: Tiles, rng: np.random.Generator) -> Labelled:
    """Things stand in the four quarters of a floor, one each at most, none touching another."""
    names = ["monster"] * int(rng.integers(1, 3))
    names += [name for name, often in OFTEN.items() if rng.random() < often]
    pixels = from_.floors[rng.integers(len(from_.floors))][..., :3].copy()
    mask = np.zeros((SIDE, SIDE), np.uint8)
    for name, quarter in zip(names, rng.permutation(4), strict=False):
        kind = from_.things[name]
        thing = kind[rng.integers(len(kind))]
        top, left = QUARTER * np.array(divmod(quarter, 2)) + rng.integers(1, QUARTER - THING, 2)
        place = slice(top, top + THING), slice(left, left + THING)
        there = thing[..., 3] > 127
        pixels[place][there] = thing[..., :3][there]
        mask[place][there] = 1 + CLASSES.index(name)
    return Labelled(picture=Picture(pixels), mask=mask, classes=CLASSES)


if __name__ == "__main__":
    main()
