"""A model of pictures taught to follow edges: how near those of what it makes are to those asked.

Usage: bench_control.py --model MODEL [--minutes 5] [--steps N] [--out MODEL] [--count 150]
                        [--sheet FILE.png]
The model goes on from where it is, as `genloom train image DATA --from MODEL --set
codec.control=edges` does. Edges of held-out pictures are asked for, with their captions. A pixel is
an edge where the control says above 0; precision is the share of made edges with an asked one
within a pixel, recall the share of asked ones met, F1 both. Floors: the model before, with the same
captions; the edges of another picture. Ceiling: the picture itself, 1. The kernel distance to real
pictures, over that of real halves, says whether pictures got better or worse for it. The sheet has
what was asked, made, made with no edges told, and the real picture.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import protocol
import torch
from torch import Tensor
from torch.nn import functional as F

from genloom import api, watch
from genloom.codec.image.controls import edges
from genloom.codec.image.files import png_bytes
from genloom.codec.image.grid import grid
from genloom.data.split import evenly
from genloom.trust import quality

CONTROL = "codec.control=edges"
GAIN = 1.5  # of the control's own
ON_SHEET = 14


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--steps", type=int, help="instead of minutes")
    parser.add_argument("--out", type=Path, default=Path("controlled-model"))
    parser.add_argument("--count", type=int, default=150)
    parser.add_argument("--sheet", type=Path)
    args = parser.parse_args()
    protocol.head(f"Edges told to {args.model.name}")
    before, model = api.load(args.model), controlled(args)
    codec: Any = model.codec
    held = evenly(model.held_out_items(), args.count)
    captions = codec.captions(held) if model.prompts is not None else None
    told = list(watch.told_of(codec, held) or ())
    made = {
        "told the edges": watch.made_like(model, len(held), captions, told),
        "not told": watch.made_like(before, len(held), captions),
    }
    x = {name: codec.even(items) for name, items in made.items()}
    asked = torch.stack(told)
    rows = [{"pictures": name, **agreement(edges(one, GAIN), asked)} for name, one in x.items()]
    real = edges(codec.even(held), GAIN)
    rows.append({"pictures": "another real picture", **agreement(real.roll(1, 0), asked)})
    rows.append({"pictures": "the real picture", **agreement(real, asked)})
    for row in rows:
        if row["pictures"] in made:
            row["kernel_ratio"] = kernel_ratio(before, held, made[row["pictures"]])
    protocol.table(rows)
    if args.sheet:
        some = evenly(range(len(held)), ON_SHEET)
        columns = [
            [codec.shown(one) for one in told],
            *made.values(),
            codec.decode(codec.even(held)),
        ]
        pictures = [column[n] for column in columns for n in some]
        args.sheet.write_bytes(png_bytes(grid(pictures, None, len(some)), None))


def controlled(args: argparse.Namespace) -> api.Model:
    """The model that is told edges; one that is there already is taken as it is."""
    if (args.out / "card.json").is_file():
        return api.load(args.out)
    start = api.load(args.model)
    clock = time.perf_counter()
    steps = [f"train.steps={args.steps}", "train.compile=off"] if args.steps else []
    made = api.train(
        start.recipe.name,
        start.card["data"]["root"],
        out=args.out,
        start=start,
        minutes=None if args.steps else args.minutes,
        changes=[CONTROL, "train.preview=0", "train.judge=0", *steps],
    )
    taken = time.perf_counter() - clock
    print(f"trained in {taken:.0f} s, {made.card['steps']} steps\n", flush=True)
    return api.load(args.out)


def agreement(found: Tensor, asked: Tensor) -> dict[str, str]:
    """Edges [N, 1, H, W] from -1 to 1, means over pictures; within a pixel."""
    a, b = found > 0, asked > 0
    precision, recall = share(a, wide(b)), share(b, wide(a))
    both = 2 * precision * recall / (precision + recall).clamp(min=1e-9)
    values = {"precision": precision, "recall": recall, "f1": both}
    return {name: f"{float(value.mean()):.3f}" for name, value in values.items()}


def wide(there: Tensor) -> Tensor:
    return F.max_pool2d(there.float(), 3, stride=1, padding=1) > 0


def share(there: Tensor, near: Tensor) -> Tensor:
    """[N], of the pixels of the first the share that lie in the second; 1 where there is none."""
    count = there.sum((1, 2, 3))
    return torch.where(count > 0, (there & near).sum((1, 2, 3)) / count.clamp(min=1), 1.0)


def kernel_ratio(model: api.Model, held: Any, made: Any) -> str:
    report = quality.evaluate(model, held, made=made, shown=0)
    return f"{report['kernel_ratio'].value:.2f}"


if __name__ == "__main__":
    main()
