"""Quality against steps: the medium's own distances at several numbers of steps, with those of real
items against real ones beside them.

Asks the codec what differs and the engine for items; knows no medium.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from genloom import api
from genloom.data.split import evenly
from genloom.errors import DataError, RequestError, UsageError
from genloom.spec import Options, Request
from genloom.train.log import Event, Listener, silent

STEPS = (1, 2, 4, 8, 16, 32, 50)
MADE = 1000  # items at each number of steps
LEAST = 4


@dataclass(frozen=True, kw_only=True)
class Point:
    """steps: None for real items against real ones, the least that can be hoped for. seconds: for
    an item."""

    steps: int | None
    metrics: Mapping[str, float]
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Curve:
    """points in the order of steps; real: training items against as many held-out ones."""

    points: tuple[Point, ...]
    real: Point
    protocol: Mapping[str, Any] = field(default_factory=dict)

    def __getitem__(self, steps: int) -> Point:
        return next(p for p in self.points if p.steps == steps)

    def to_json(self) -> dict[str, Any]:
        points = [{"steps": p.steps, **p.metrics, "seconds": p.seconds} for p in self.points]
        return {"points": points, "real": dict(self.real.metrics), "protocol": dict(self.protocol)}


def curve(
    model: api.Model | str | Path,
    data: Any = None,
    *,
    training: Any = None,
    steps: Sequence[int] = STEPS,
    count: int | None = None,
    seed: int = 0,
    options: Options | None = None,
    listener: Listener = silent,
) -> Curve:
    """Items made in so many steps, with the prompts of held-out ones, against these.

    data, training: as in `quality.evaluate`. options: further ones of the sampler, such as
    guidance. The same seed starts every number of steps from the same noise. UsageError where the
    model takes no steps, or the medium has no distance between collections.
    """
    loaded = model if isinstance(model, api.Model) else api.load(model)
    _refuse(loaded, steps, count)
    held = loaded.held_out_items() if data is None else _items(loaded, data)
    train = loaded.training_items() if training is None else _items(loaded, training)
    number = min(count or MADE, len(held), len(train))
    if number < LEAST:
        raise DataError(
            f"{len(held)} held-out and {len(train)} training items: at least {LEAST} of each are "
            "needed to compare; name data to measure on"
        )
    codec = loaded.codec
    held, train = evenly(held, number), evenly(train, number)
    real = Point(steps=None, metrics=codec.compare(held, train))
    points = []
    for at in sorted(set(steps)):
        listener(Event(kind="measure", step=at, values={"stage": f"{at} steps"}))
        begun = time.monotonic()
        made = _made(loaded, held, at, seed, options or Options())
        pace = (time.monotonic() - begun) / number
        points.append(Point(steps=at, metrics=codec.compare(held, made), seconds=round(pace, 5)))
    protocol = {
        "model": loaded.recipe.name,
        "weights": loaded.card.get("weights") or loaded.digest(),
        "items": number,
        "real": f"{number} training items against the same held-out ones",
        "seed": seed,
        "options": (options or Options()).given(),
        "software": api.software(),
    }
    return Curve(points=tuple(points), real=real, protocol=protocol)


def _refuse(model: api.Model, steps: Sequence[int], count: int | None) -> None:
    if "steps" not in model.family.takes:
        raise UsageError(
            f"a {model.family.kind} model makes its items in no steps of yours: there is no curve"
        )
    if not model.codec.compares:
        raise UsageError(f"codec {model.recipe.codec.kind!r} has no distance between collections")
    if not steps or min(steps) < 1:
        raise UsageError(f"steps are {', '.join(map(str, steps)) or 'none'}: give 1 or more")
    if count is not None and count < LEAST:
        raise UsageError(f"count is {count}, but at least {LEAST} is expected")


def _items(model: api.Model, data: Any) -> Any:
    if not isinstance(data, str | Path):
        return data
    path = Path(data).expanduser()
    if not path.exists():
        raise DataError(f"{path} does not exist: give a file or a folder to measure on")
    return model.codec.read(path).items


def _made(model: api.Model, held: Any, steps: int, seed: int, options: Options) -> Any:
    """As many items, each with the prompt of a held-out one; prompts that the model has no word
    for are left out. Every item has a number of its own within the seed."""
    captions = model.codec.captions(held) if model.prompt is not None else None
    asked = Counter([None] * len(held) if captions is None else captions)
    first, parts = 0, []
    with model.engine() as engine:
        for prompt, count in asked.items():
            request = Request(
                prompt=prompt or None,
                seed=seed,
                first=first,
                count=count,
                options=_with(options, steps),
            )
            first += count
            try:
                parts.append(engine.submit(request))
            except RequestError:
                if prompt is None or not _strange(model, prompt):
                    raise
        for part in parts:
            part.result()
    return model.codec.decode([x for part in parts for x in part.tensors()])


def _strange(model: api.Model, prompt: str) -> bool:
    """Whether the model never learnt a word of it."""
    return model.prompt is not None and bool(model.prompt.unknown(prompt))


def _with(options: Options, steps: int) -> Options:
    return replace(options, steps=steps)
