"""What is looked at while a model trains: its quality on held-out items, and previews.

Joins the engine and the codecs for the loop, which knows neither.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path
from typing import Any

import torch

from genloom.data.loader import evaluation
from genloom.data.split import take
from genloom.engine.engine import Engine
from genloom.material import Material
from genloom.model import Model
from genloom.spec import Request, Spec, TokenSpec

JUDGED = 2000  # items made for a judgement, at most
JUDGED_NUMBERS = 1 << 19  # numbers that they hold together, but for LEAST_MADE of them
LEAST_MADE = 256
JUDGED_SECONDS = 4.0
SHOWN = 16  # items of a preview


def judge_of(material: Material) -> Callable[[Model], dict[str, float]]:
    """The medium's own quality on held-out items; where it has none, the held-out loss."""
    codec, held = material.codec, material.held_items
    some = take(held, range(min(len(held), _judged(codec.spec))))

    def judge(model: Model) -> dict[str, float]:
        if not codec.compares:
            return {"held_out_loss": held_out_loss(model, material)}
        prompts = codec.captions(some) if model.prompt is not None else None
        made = made_like(model, len(some), prompts)
        return codec.compare(some, made)

    return judge


def _judged(spec: Spec) -> int:
    """How many items to make: few where each is large, since making them takes the time."""
    size = spec.length if isinstance(spec, TokenSpec) else prod(spec.shape)
    return max(LEAST_MADE, min(JUDGED, JUDGED_NUMBERS // size))


def made_like(model: Model, count: int, prompts: Sequence[str] | None) -> Any:
    """Items made with the prompts of real ones, decoded together."""
    with Engine(model) as engine:
        if prompts is None:
            return engine.submit(Request(count=count, seed=1)).result()
        made = [engine.submit(Request(prompt=p, seed=1, first=n)) for n, p in enumerate(prompts)]
        parts = [g.result() and g.tensors() for g in made]
    return model.codec.decode(torch.cat(parts))


@torch.inference_mode()
def held_out_loss(model: Model, material: Material, most: float = JUDGED_SECONDS) -> float:
    """Mean of -score a counted target over held-out data, or as much of it as time allows."""
    total = count = 0.0
    begun = time.monotonic()
    d = material.recipe.data
    for batch in evaluation(
        material.held_encoded,
        material.codec.spec,
        batch=d.batch,
        prompts=material.held_prompts,
        weights=material.held_weights,
        pack=d.pack,
    ):
        total -= float(model.family.score(dict(model.nets.items()), batch.to(model.device)).sum())
        count += float(batch.count())
        if time.monotonic() - begun > most:
            break
    return total / max(count, 1.0)


def preview_of(material: Material, run: Path) -> Callable[[Model, int], Path | None]:
    """A few items, the same seeds each time, as a file."""
    captions = material.codec.captions(material.train_items)
    fixed = isinstance(material.codec.spec, TokenSpec) and material.codec.spec.eos is None

    def preview(model: Model, step: int) -> Path:
        folder = run / "previews"
        folder.mkdir(parents=True, exist_ok=True)
        if model.prompt is not None and captions is not None:
            shown = sorted(set(captions))
            stride = max(1, len(shown) // SHOWN)
            shown = (shown[::stride] * SHOWN)[:SHOWN]
            items = made_like(model, len(shown), shown)
        else:
            items = made_like(model, 10 if fixed else 4, None)
        return model.codec.preview(items, folder / f"step-{step:06d}{model.codec.preview_suffix}")

    return preview
