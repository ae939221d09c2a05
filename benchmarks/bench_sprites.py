"""Sprites from text: pixel art with captions, trained for some minutes, judged on unseen captions.

Usage: bench_sprites.py [--minutes 60] [--size S] [--device auto] [--data FOLDER] [--out MODEL]
                        [--count 400] [--sheet FILE.png] [--set k=v ...] or  --model MODEL
DATA holds tiles32.zip and captions.jsonl. A tenth of the captions is held out with all their
pictures. A judge taught by real training tiles alone (contrastive, text and picture) ranks the
right caption of each made tile among 150 that no training picture has; chance and real tiles stand
beside it. Kernel distance is told over that of real halves; copies are what is nearer to a training
tile than all but a fiftieth of real held-out tiles are. The sheet has made tiles above the real
tiles of the same unseen captions.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import protocol

from genloom import api
from genloom.codec.grid import grid
from genloom.codec.picture_files import png_bytes
from genloom.codec.pictures import as_picture
from genloom.trust import quality

SHOWN = ("caption_in_best_10", "kernel_ratio", "near_copies", "exact_copies", "precision", "recall")
ON_SHEET = 14


def train(args: argparse.Namespace) -> api.Model:
    source = args.data or protocol.data("tiles32")
    sized = {"size": args.size} if args.size else {}
    begun = time.perf_counter()
    made = api.train(
        "sprites",
        source,
        out=args.out,
        minutes=args.minutes,
        device=args.device,
        changes=args.set,
        **sized,
    )
    taken = time.perf_counter() - begun
    print(f"trained for {taken / 60:.1f} minutes, {made.card['steps']} steps, ", end="")
    print(f"{made.parameters:,} weights\n")
    return api.load(args.out)


def sheet(model: api.Model, path: Path) -> None:
    """Made tiles of unseen captions above the real ones."""
    known = set(model.codec.captions(model.training_items()) or ())
    held: dict[str, Any] = {}
    for item in model.held_out_items():
        if item.caption and item.caption not in known:
            held.setdefault(item.caption, item)
    names = sorted(held)
    some = [names[n * len(names) // ON_SHEET] for n in range(min(ON_SHEET, len(names)))]
    made = [model.generate(name, 2, seed=7) for name in some]
    rows = [m[0] for m in made] + [m[1] for m in made] + [held[name] for name in some]
    labels = some + [""] * len(some) + ["real"] * len(some)
    images = [as_picture(item).open() for item in rows]
    path.write_bytes(png_bytes(grid(images, labels, len(some)), None))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--size")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path, default=Path("sprites-model"))
    parser.add_argument("--model", type=Path)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--set", action="append", default=[])
    args = parser.parse_args()
    protocol.head(f"Sprites from text: tiles32, {args.minutes:g} minutes")
    model = api.load(args.model) if args.model else train(args)
    report = quality.evaluate(model, count=args.count)
    rows = [row for name in SHOWN for row in report.rows if row.metric == name]
    protocol.table(
        [
            {
                "metric": row.metric,
                "made": f"{row.value:.3g}",
                "floor": "" if row.floor is None else f"{row.floor:.3g}",
                "ceiling": "" if row.ceiling is None else f"{row.ceiling:.3g}",
                "what": row.note,
            }
            for row in rows
            if row.value is not None
        ]
    )
    if args.sheet:
        sheet(model, args.sheet)


if __name__ == "__main__":
    main()
