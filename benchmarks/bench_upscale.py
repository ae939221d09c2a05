"""Pictures out of held-out pictures that were made coarse, damaged or grey, beside what is trivial.

Usage: bench_upscale.py [--task upscale|restore|colourise] [--minutes 10] [--only tiles32|emoji72]
                        [--factor 4] [--steps N] [--size SIZE] [--keep FOLDER]
upscale: tiles from 8 to 32 pixels, emoji from 18 to 72, beside nearest pixels and bicubic, with the
plain net and with a critic, which goes on from the plain one. restore: the damage of the preset,
beside the damaged picture and a median of 3 x 3 pixels. colourise: beside the grey picture, and
beside the mean colour of the training pixels as bright. Small pictures are means of squares. Every
figure is taken on pictures as they are seen, on white, in 8 bits; PSNR is the mean over pictures,
each at most 60 dB. Sharpness is that of metric/sharpness.py, colour the mean distance of a pixel
from its own grey, both relative to the real pictures.
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
from genloom.codec.image.controls import grey
from genloom.codec.image.files import png_bytes
from genloom.codec.image.grid import grid
from genloom.codec.image.resize import flattened
from genloom.metric.fidelity import peak_signal_to_noise, structural_similarity
from genloom.metric.sharpness import relative_sharpness
from genloom.train.log import Event

SIDES = {"tiles32": 32, "emoji72": 72}
TASKS = {
    "upscale": {"plain": "upscale", "with a critic": "upscale-gan"},
    "restore": {"restored": "restore"},
    "colourise": {"coloured": "colourise"},
}
MOST = 60.0  # dB
SHOWN = 12
SHADES = 32  # steps of brightness that the trivial colours are a mean over
AVERAGED = 1000  # training pictures
MEDIAN = 3


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--task", choices=sorted(TASKS), default="upscale")
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--only", choices=sorted(SIDES))
    parser.add_argument("--factor", type=int, default=4)
    parser.add_argument("--steps", type=int, help="instead of minutes")
    parser.add_argument("--size", default="tiny", help="with --steps")
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    told = f"{args.steps} steps" if args.steps else f"{args.minutes:g} minutes each"
    protocol.head(f"The task {args.task}, a tenth held out, {told}")
    with tempfile.TemporaryDirectory() as place:
        for name in [args.only] if args.only else SIDES:
            measure(name, args, args.keep or Path(place))


def measure(name: str, args: argparse.Namespace, folder: Path) -> None:
    models: dict[str, api.Model] = {}
    for kind, recipe in TASKS[args.task].items():
        models[kind] = trained(recipe, name, args, folder, next(iter(models.values()), None))
    first = next(iter(models.values()))
    codec: Any = first.codec
    real = first.held_out_items()
    told = torch.stack(list(watch.told_of(codec, real) or ()))
    made = TRIVIAL[args.task](first, told)
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
    path = folder / f"{name}-{args.task}.png"
    path.write_bytes(png_bytes(sheet, None))
    print(f"({path}: {', '.join(made)}, real)\n", flush=True)


def trained(
    recipe: str, name: str, args: argparse.Namespace, folder: Path, start: api.Model | None
) -> api.Model:
    out = folder / f"{name}-{recipe}-{args.factor}"
    if (out / "card.json").is_file():
        return api.load(out)
    clock = time.perf_counter()
    api.train(
        recipe,
        protocol.data(name),
        out=out,
        minutes=None if args.steps else args.minutes,
        size=args.size if args.steps else None,
        changes=changes(recipe, name, args, start is None),
        start=start,
        listener=heard,
    )
    model = api.load(out)
    print(
        f"{name}, {recipe}: trained in {time.perf_counter() - clock:.0f} s, "
        f"{model.card['steps']} steps, {model.parameters:,} weights\n",
        flush=True,
    )
    return model


def changes(recipe: str, name: str, args: argparse.Namespace, anew: bool) -> list[str]:
    """What a model that goes on from another takes from it is left as it is."""
    made = ["train.preview=0"]
    made += [f"train.steps={args.steps}", "train.compile=off"] if args.steps else []
    if anew:
        made.append(f"codec.size={SIDES[name]}")
    if anew and recipe in TASKS["upscale"].values():
        made += [f"codec.control.factor={args.factor}", f"net.net.factor={args.factor}"]
    return made


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
        "relative_colour": f"{float((a - grey(a)).abs().mean() / (b - grey(b)).abs().mean()):.3f}",
    }


# --- without a model ------------------------------------------------------------------------------


def enlarged(model: api.Model, told: Tensor) -> dict[str, Any]:
    codec: Any = model.codec
    factor, sides = codec.telling.factor, told.shape[-2:]
    small = told[..., ::factor, ::factor]
    bicubic = F.interpolate(small, sides, mode="bicubic").clamp(-1, 1)
    return {"nearest": codec.decode(told), "bicubic": codec.decode(bicubic)}


def undone(model: api.Model, told: Tensor) -> dict[str, Any]:
    reach = MEDIAN // 2
    around = F.pad(told, (reach,) * 4, mode="replicate")
    windows = around.unfold(2, MEDIAN, 1).unfold(3, MEDIAN, 1).flatten(4)
    return {
        "damaged": model.codec.decode(told),
        "median": model.codec.decode(windows.median(4).values),
    }


def tinted(model: api.Model, told: Tensor) -> dict[str, Any]:
    """The grey pictures [N, 1, H, W], and each pixel in the mean colour of training pixels of its
    shade."""
    codec: Any = model.codec
    items = model.training_items()
    x = codec.even([items[n] for n in range(0, len(items), max(1, len(items) // AVERAGED))])
    pixels = x.transpose(0, 1).flatten(1)
    shade = _shades(grey(x)).flatten()
    own = torch.zeros(3, SHADES).index_add_(1, shade, pixels)
    colour = own / shade.bincount(minlength=SHADES).clamp(min=1)
    coloured = colour[:, _shades(told)[:, 0]].transpose(0, 1)
    tint = told + coloured - grey(coloured)  # its own brightness, to the last step
    return {
        "grey": [codec.shown(one).convert("RGB") for one in told],
        "mean colour": codec.decode(tint),
    }


def _shades(x: Tensor) -> Tensor:
    """The number of each brightness within [-1, 1], long."""
    return ((x + 1) / 2 * SHADES).long().clamp(0, SHADES - 1)


TRIVIAL = {"upscale": enlarged, "restore": undone, "colourise": tinted}


if __name__ == "__main__":
    main()
