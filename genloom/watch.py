"""What is looked at while a model trains: its quality on held-out items, and previews.

Joins the engine and the codecs for the loop, which knows neither.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import prod
from pathlib import Path
from types import MappingProxyType
from typing import Any

import torch

from genloom.data.loader import evaluation
from genloom.data.split import take
from genloom.engine.engine import Engine
from genloom.material import Material
from genloom.model import Model
from genloom.spec import Batch, Request, Spec, TokenSpec

JUDGED = 2000  # items made for a judgement, at most
JUDGED_NUMBERS = 1 << 19  # numbers that they hold together, but for LEAST_MADE of them
LEAST_MADE = 256
JUDGED_SECONDS = 4.0
SHOWN = 16  # items of a preview


def judge_of(
    material: Material, beside: Mapping[str, Any] = MappingProxyType({})
) -> Callable[[Model], dict[str, float]]:
    """The medium's own quality on held-out items; where it has none, the held-out loss. beside: the
    nets in the family's frozen roles."""
    codec, held = material.codec, material.held_items
    some = take(held, range(min(len(held), _judged(codec.spec))))

    def judge(model: Model) -> dict[str, float]:
        if not codec.compares:
            return held_out(model, material, beside)
        prompts = codec.captions(some) if model.prompts is not None else None
        again = some if repeats(model) else None
        made = made_like(model, len(some), prompts, told_of(codec, some), again)
        return codec.compare(some, made)

    return judge


def _judged(spec: Spec) -> int:
    """How many items to make: few where each is large, since making them takes the time."""
    size = spec.length if isinstance(spec, TokenSpec) else prod(spec.shape)
    return max(LEAST_MADE, min(JUDGED, JUDGED_NUMBERS // size))


def repeats(model: Model) -> bool:
    """Whether the model makes given items again."""
    return bool(getattr(model.family, "repeats", False))


def told_of(codec: Any, items: Any) -> Sequence[Any] | None:
    """What is told of real items besides a prompt, the same each time; None where nothing is."""
    if not getattr(codec.spec, "control", 0):
        return None
    rng = torch.Generator().manual_seed(0)
    return [codec.told(one[None], rng)[1][0] for one in codec.encode(items)]


def made_like(
    model: Model,
    count: int,
    prompts: Sequence[str] | None,
    told: Sequence[Any] | None = None,
    again: Sequence[Any] | None = None,
) -> Any:
    """Items made with the prompts of real ones and what is told of them, or from these themselves,
    decoded together."""
    with Engine(model) as engine:
        if prompts is None and told is None and again is None:
            return engine.submit(Request(count=count, seed=1)).result()
        given = ([None] * count if one is None else one for one in (prompts, told, again))
        made = [
            engine.submit(Request(prompt=p, control=t, item=x, seed=1, first=n))
            for n, (p, t, x) in enumerate(zip(*given, strict=True))
        ]
        while not all(g.complete for g in made):
            engine.tick()
        return model.codec.decode([x for g in made for x in g.tensors()])


@torch.inference_mode()
def held_out(
    model: Model, material: Material, beside: Mapping[str, Any], most: float = JUDGED_SECONDS
) -> dict[str, float]:
    """What the family's loss says of held-out data, or as much of it as time allows: the mean of
    -score a target where targets are counted, of the loss and its parts where whole items are."""
    sums: dict[str, float] = {}
    count = 0.0
    begun = time.monotonic()
    for batch in _held_batches(material):
        for name, value in _said(model, batch.to(model.device), beside).items():
            sums[name] = sums.get(name, 0.0) + value
        count += float(batch.count())
        if time.monotonic() - begun > most:
            break
    return {name: total / max(count, 1.0) for name, total in sums.items()}


def _said(model: Model, batch: Batch, beside: Mapping[str, Any]) -> dict[str, float]:
    family, nets = model.family, dict(model.nets.items())
    if batch.worth is None:
        return {"held_out_loss": -float(family.score(nets, batch).sum())}
    rng = torch.Generator(model.device).manual_seed(0)
    (player,) = family.players
    loss = family.loss(player, {**nets, **beside}, batch, rng)
    parts = {f"held_out_{name}": float(value) for name, value in loss.parts.items()}
    return {"held_out_loss": float(loss.total), **parts}


def _held_batches(material: Material) -> Iterator[Batch]:
    d = material.recipe.data
    return evaluation(
        material.held_encoded,
        material.codec.spec,
        batch=d.batch,
        prompts=material.held_prompts,
        weights=material.held_weights,
        pack=d.pack,
        group=material.group,
        worth=material.held_worths,
        told=material.telling,
    )


def preview_of(material: Material, run: Path) -> Callable[[Model, int], Path | None]:
    """A few items, the same seeds each time, as a file."""
    captions = material.codec.captions(material.train_items)
    fixed = isinstance(material.codec.spec, TokenSpec) and material.codec.spec.eos is None

    def preview(model: Model, step: int) -> Path:
        folder = run / "previews"
        folder.mkdir(parents=True, exist_ok=True)
        if getattr(model.codec.spec, "control", 0):
            items = _beside_real(model, material)
        elif repeats(model):
            items = _again(model, material)
        elif model.prompts is not None and captions is not None:
            shown = sorted(set(captions))
            stride = max(1, len(shown) // SHOWN)
            shown = (shown[::stride] * SHOWN)[:SHOWN]
            items = made_like(model, len(shown), shown)
        else:
            items = made_like(model, 10 if fixed else 4, None)
        film = getattr(model.codec, "film", None)
        if film is not None:
            film(items, step, folder)
        return model.codec.preview(items, folder / f"step-{step:06d}{model.codec.preview_suffix}")

    return preview


def _beside_real(model: Model, material: Material) -> list[Any]:
    """What is told, what is made of it, and the real item, in turns."""
    codec: Any = model.codec
    real = _some_real(material)
    count, told = len(real), told_of(codec, real)
    assert told is not None
    made = made_like(model, count, None if model.prompts is None else codec.captions(real), told)
    return [x for three in zip(map(codec.shown, told), made, real, strict=True) for x in three]


def _again(model: Model, material: Material) -> list[Any]:
    """Real items, and the same made again, in turns."""
    real = _some_real(material)
    made = made_like(model, len(real), None, again=real)
    return [x for two in zip(real, made, strict=True) for x in two]


def _some_real(material: Material) -> Any:
    """A few held-out items, evenly from all."""
    real = material.held_items if len(material.held_items) else material.train_items
    count = min(SHOWN, len(real))
    return take(real, [n * len(real) // count for n in range(count)])
