"""Enlarging four times: held-out tiles (8 -> 32 pixels) and emoji (18 -> 72), beside bicubic and
nearest pixels, with the plain net and with a critic.

Usage: bench_upscale.py [--minutes 10] [--only tiles32|emoji72] [--factor 4] [--steps N]
                        [--size SIZE] [--keep FOLDER]
The net with a critic goes on from the plain one. Small pictures are means of squares. Every figure
is taken on pictures as they are seen, on white, in 8 bits; PSNR is the mean over pictures, each at
most 60 dB. Sharpness is that of metric/sharpness.py, relative to the real pictures.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import protocol
import torch
from torch import Tensor
from torch.nn import functional as F

from genloom import api, watch
from genloom.codec.grid import grid
from genloom.codec.picture_files import png_bytes
from genloom.codec.resize import flattened
from genloom.metric.fidelity import peak_signal_to_noise, structural_similarity
from genloom.metric.sharpness import relative_sharpness
from genloom.train.log import Event

SIDES = {"tiles32": 32, "emoji72": 72}
RECIPES = {"plain": "upscale", "with a critic": "upscale-gan"}
MOST = 60.0  # dB
SHOWN = 12


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--only", choices=sorted(SIDES))
    parser.add_argument("--factor", type=int, default=4)
    parser.add_argument("--steps", type=int, help="instead of minutes")
    parser.add_argument("--size", default="tiny", help="with --steps")
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    told = f"{args.steps} steps" if args.steps else f"{args.minutes:g} minutes each"
    protocol.head(f"Enlarging {args.factor} times, a tenth held out, {told}")
    with tempfile.TemporaryDirectory() as place:
        for name in [args.only] if args.only else SIDES:
            measure(name, args, args.keep or Path(place))


def measure(name: str, args: argparse.Namespace, folder: Path) -> None:
    models: dict[str, api.Model] = {}
    for kind in RECIPES:
        models[kind] = trained(kind, name, args, folder, next(iter(models.values()), None))
    first = next(iter(models.values()))
    codec, real = first.codec, first.held_out_items()
    told = torch.stack(list(watch.told_of(codec, real) or ()))
    small = told[..., :: args.factor, :: args.factor]
    sides = told.shape[-2:]
    made = {
        "nearest": codec.decode(told),
        "bicubic": codec.decode(F.interpolate(small, sides, mode="bicubic").clamp(-1, 1)),
    }
    for kind, model in models.items():
        made[kind] = watch.made_like(model, len(real), None, list(told))
    truth = codec.decode(codec.encode(real))
    print(f"### {name}: {len(real)} held-out pictures\n")
    protocol.table(
        [{"pictures": k, **figures(v, truth)} for k, v in (*made.items(), ("real", truth))]
    )
    some = [n * len(real) // SHOWN for n in range(SHOWN)]
    columns = [*made.values(), truth]
    sheet = grid([column[n] for n in some for column in columns], None, len(columns))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.png").write_bytes(png_bytes(sheet, None))
    print(f"({folder / f'{name}.png'}: {', '.join(made)}, real)\n", flush=True)


def trained(
    kind: str, name: str, args: argparse.Namespace, folder: Path, start: api.Model | None
) -> api.Model:
    out = folder / f"{name}-{RECIPES[kind]}-{args.factor}"
    if (out / "card.json").is_file():
        return api.load(out)
    changes = [f"codec.size={SIDES[name]}", "train.preview=0"]
    changes += [f"codec.control.factor={args.factor}", f"net.net.factor={args.factor}"]
    changes += [f"train.steps={args.steps}", "train.compile=off"] if args.steps else []
    clock = time.perf_counter()
    api.train(
        RECIPES[kind],
        protocol.data(name),
        out=out,
        minutes=None if args.steps else args.minutes,
        size=args.size if args.steps else None,
        changes=changes if start is None else [c for c in changes if c.startswith("train.")],
        start=start,
        listener=heard,
    )
    model = api.load(out)
    print(
        f"{name}, {kind}: trained in {time.perf_counter() - clock:.0f} s, {model.card['steps']} "
        f"steps, {model.parameters:,} weights\n",
        flush=True,
    )
    return model


def heard(event: Event) -> None:
    if event.kind == "step" and event.step % 100 == 0:
        values = {k: round(v, 4) for k, v in event.values.items()}
        print(f"<!-- {event.step} {values} -->", flush=True)


def seen(pictures: Any) -> Tensor:
    """float [N, 3, H, W] within [-1, 1]: as they look on white."""
    flat = [np.asarray(flattened(p, "RGB", "white").convert("RGB")) for p in pictures]
    return torch.from_numpy(np.stack(flat)).permute(0, 3, 1, 2) / 127.5 - 1


def figures(made: Any, real: Any) -> dict[str, str]:
    a, b = seen(made), seen(real)
    decibels = peak_signal_to_noise(a, b).clamp(max=MOST)
    whole = -10 * torch.log10(((a - b) / 2).square().mean()) if not torch.equal(a, b) else MOST
    return {
        "psnr_db": f"{float(decibels.mean()):.2f}",
        "psnr_db_of_all": f"{float(whole):.2f}",
        "ssim": f"{float(structural_similarity(a, b).mean()):.4f}",
        "relative_sharpness": f"{relative_sharpness(a, b):.3f}",
    }


if __name__ == "__main__":
    main()
