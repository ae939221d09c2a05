"""Sprites, emoji, icons and characters: each preset trained for some minutes, judged on the unseen.

Usage: bench_assets.py [--set tiles32|emoji72|icons_svg|omniglot] [--minutes 60] [--size S]
                       [--device auto] [--data FOLDER] [--out MODEL] [--count 400] [--shown N]
                       [--sheet FILE.png] [--change k=v ...] or  --model MODEL
Where captions are words, a tenth of them is held out with all their pictures. A judge taught by
real training pictures alone (contrastive, text and picture) ranks the right caption of each made
picture among 150 that no training picture has, and once more among 150 of the training, where
knowing by heart helps; chance and real pictures stand beside it. Where captions are classes, a
tenth of the pictures is held out and a classifier is the judge. Kernel distance is told over that
of real halves; copies are what is nearer to a training picture than all but a fiftieth of real
held-out pictures are. The sheet has made pictures above the real ones of the same captions, unseen
ones first.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Container, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import protocol
from torch import Tensor

from genloom import api
from genloom.codec.image.files import png_bytes
from genloom.codec.image.grid import grid
from genloom.codec.image.pictures import as_picture
from genloom.data.split import evenly
from genloom.metric.text_image import TextImage, train_text_image
from genloom.trust import quality
from genloom.trust.quality_captioned import AMONG, BEST, REPEATS, ranked
from genloom.trust.quality_near import copies_row
from genloom.watch import made_like

PRESETS = {
    "tiles32": "sprites",
    "emoji72": "emoji",
    "icons_svg": "icons",
    "omniglot": "characters",
}
SHOWN = (
    "recognised",
    "taught_by_made",
    "kernel_ratio",
    "near_copies",
    "exact_copies",
    "precision",
    "recall",
)
ON_SHEET = 14  # captions


def main() -> None:
    args = _arguments()
    preset = PRESETS[args.set]
    protocol.head(f"The preset {preset} on {args.set}, {args.minutes:g} minutes")
    model = api.load(args.model) if args.model else train(preset, args)
    protocol.table(measured(model, args.count, args.shown))
    if args.sheet:
        sheet(model, args.sheet)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", choices=sorted(PRESETS), default="tiles32")
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--size")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--shown", type=int, default=100_000, help="pictures that a judge sees")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--change", action="append", default=[])
    return parser.parse_args()


def train(preset: str, args: argparse.Namespace) -> api.Model:
    out = args.out or Path(f"{preset}-model")
    sized = {"size": args.size} if args.size else {}
    begun = time.perf_counter()
    made = api.train(
        preset,
        args.data or protocol.data(args.set),
        out=out,
        minutes=args.minutes,
        device=args.device,
        changes=args.change,
        **sized,
    )
    taken = time.perf_counter() - begun
    print(f"trained for {taken / 60:.1f} minutes, {made.card['steps']} steps, ", end="")
    print(f"{made.parameters:,} weights\n")
    return api.load(out)


def measured(model: api.Model, count: int, shown: int) -> list[dict[str, str]]:
    """The rows of the table. Where captions are classes, the protocol of `genloom eval` has its own
    judge."""
    codec: Any = model.codec
    held = evenly(model.held_out_items(), count)
    asked = codec.captions(held)
    made = made_like(model, len(held), asked)
    learnt = set(codec.captions(model.training_items()))
    words = not learnt >= set(asked)
    report = quality.evaluate(model, held, made=made, shown=0 if words else shown)
    found = [row for name in SHOWN for row in report.rows if row.metric == name]
    lines = [_line(row) for row in found if row.value is not None]
    return [*_as_asked(model, codec.even(made), asked, shown), *lines] if words else lines


def _line(row: quality.Row) -> dict[str, str]:
    return {
        "metric": row.metric,
        "made": f"{row.value:.3g}",
        "floor": "" if row.floor is None else f"{row.floor:.3g}",
        "ceiling": "" if row.ceiling is None else f"{row.ceiling:.3g}",
        "what": row.note,
    }


def _as_asked(
    model: api.Model, made: Tensor, asked: Sequence[str], shown: int
) -> list[dict[str, str]]:
    """One judge ranks captions of pictures: unseen ones made [N, C, H, W] as asked, then as many
    learnt ones, which are looked at for copies, too."""
    codec: Any = model.codec
    items, held = model.training_items(), evenly(model.held_out_items(), len(asked))
    x, captions = codec.even(items), codec.captions(items)
    judge = train_text_image(x, captions, shown=min(shown, REPEATS * len(x)))
    unseen = _first(asked, without=set(captions))
    some = evenly(list(_first(captions)), min(AMONG, len(unseen)))
    known = {caption: n for n, caption in enumerate(some)}
    again = made_like(model, len(some), some)
    real = x[[captions.index(caption) for caption in some]]
    near = copies_row(*map(codec.features, (again, held, items)))
    return [
        _ranked("unseen captions", judge, (made, codec.even(held)), unseen),
        _ranked("learnt captions", judge, (codec.even(again), real), known),
        {**_line(near), "metric": "learnt captions: near_copies"},
    ]


def _first(captions: Sequence[str], without: Container[str] = ()) -> dict[str, int]:
    """Where each caption stands first."""
    places = reversed(list(enumerate(captions)))
    return {caption: n for n, caption in places if caption and caption not in without}


def _ranked(
    what: str, judge: TextImage, sides: Sequence[Tensor], first: Mapping[str, int]
) -> dict[str, str]:
    own, real = ranked(judge, sides, first, seed=0)
    among = min(AMONG, len(first))
    return {
        "metric": f"{what}: in best {BEST} of {among}",
        "made": f"{own:.3g}",
        "floor": f"{BEST / among:.3g}",
        "ceiling": f"{real:.3g}",
        "what": "floor: chance; ceiling: the real pictures",
    }


# --- the sheet ------------------------------------------------------------------------------------


def sheet(model: api.Model, path: Path) -> None:
    """Two rows made above a row of real ones: for unseen captions where there are any, and then for
    learnt ones."""
    known = set(model.codec.captions(model.training_items()) or ())
    held = _by_caption(model.held_out_items())
    unseen = {name: item for name, item in held.items() if name not in known}
    parts = [unseen] if unseen else []
    parts.append(_by_caption(model.training_items()) if unseen else held)
    rows = [block for part in parts for block in _block(model, part)]
    images, labels = zip(*rows, strict=True)
    path.write_bytes(png_bytes(grid(list(images), list(labels), ON_SHEET), None))


def _by_caption(items: Iterable[Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for item in items:
        if item.caption:
            found.setdefault(item.caption, item)
    return dict(sorted(found.items()))


def _block(model: api.Model, real: dict[str, Any]) -> Sequence[tuple[Any, str]]:
    """(picture, what stands under it), row by row."""
    names = evenly(list(real), ON_SHEET)
    made = [model.generate(name, 2, seed=7) for name in names]
    first = [(as_picture(m[0]).open(), name) for m, name in zip(made, names, strict=True)]
    second = [(as_picture(m[1]).open(), "") for m in made]
    codec: Any = model.codec
    truth = codec.decode(codec.even([real[name] for name in names]))
    return [*first, *second, *((picture, "real") for picture in truth)]


if __name__ == "__main__":
    main()
