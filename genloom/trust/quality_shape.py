"""The protocol for shapes: whether asked sizes are there, surfaces closed, and how made shapes lie
among real ones.

Shapes are made with the captions of held-out ones. Ceilings are held-out shapes that went through
the codec, or training shapes beside held-out ones; floors shapes made for other captions, or the
mean shape.
Shape legend: N shapes, P points.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from genloom import api
from genloom.codec.prompt.measured import phrases
from genloom.codec.shape.item import as_shape
from genloom.data.split import evenly
from genloom.errors import DataError
from genloom.metric.clouds import likeness
from genloom.metric.image import nearest_distance
from genloom.shape.drawing.cars import COLOURS
from genloom.shape.drawing.measuring import Measure, measures_for, paint
from genloom.shape.mesh import Mesh, parts, watertight
from genloom.shape.sampling import normalised, sampled
from genloom.spec import Request
from genloom.trust.quality import Row, Tell

MADE = 200
POINTS = 512  # of a cloud
CLOUDS = 100  # of a side
LEAST = 4
NEAR = 0.05  # of an asked size


def measure(
    model: api.Model,
    train: Sequence[Any],
    held: Sequence[Any],
    *,
    seed: int,
    count: int | None,
    tell: Tell,
) -> tuple[list[Row], dict[str, Any]]:
    if len(held) < LEAST or len(train) < LEAST:
        raise DataError(
            f"{len(held)} held-out and {len(train)} training shapes: {LEAST} of each are needed"
        )
    codec: Any = model.codec
    held = evenly(held, count or MADE)
    captions = codec.captions(held)
    asked: Sequence[str | None] = captions if model.prompts is not None and captions else []
    tell("making shapes")
    begun = time.perf_counter()
    made = make(model, asked or [None] * len(held), seed)
    seconds = (time.perf_counter() - begun) / len(made)
    tell("taking real shapes through the codec")
    through = codec.decode(codec.encode(held))
    rows = [*sizes(asked, made, through), *closed(made, through, held)]
    tell("comparing clouds of points")
    rows += _clouds(codec, made, train, held)
    tell("looking for copies")
    rows.append(_copies(codec, made, train, held))
    used = {"made": len(made), "seconds_each": round(seconds, 3), "points": POINTS}
    return rows, {**used, "lattice": list(codec.spec.grid), "sampler": str(model.family)}


def make(model: api.Model, prompts: Sequence[str | None], seed: int) -> list[Mesh]:
    """A shape for each prompt, each under a number of its own within the seed."""
    with model.engine() as engine:
        waiting = [
            engine.submit(Request(prompt=prompt, seed=seed, first=n))
            for n, prompt in enumerate(prompts)
        ]
        return [generation.result()[0] for generation in waiting]


# --- sizes ----------------------------------------------------------------------------------------


def sizes(asked: Sequence[str | None], made: Sequence[Mesh], through: Sequence[Mesh]) -> list[Row]:
    """Whether each has the sizes that its caption says; no rows where none can be measured."""
    told = [_numbers(caption or "") for caption in asked]
    if not told or not all(told) or any(measures_for(numbers) is None for numbers in told):
        return []
    sides = [[*made[1:], made[0]], made, through]  # others' shapes, its own, the real one
    worst, own, best = (
        [errors(mesh, numbers) for mesh, numbers in zip(side, told, strict=True)] for side in sides
    )

    def share(found: Sequence[Mapping[str, float]]) -> float:
        return float(np.mean([max(one.values()) <= NEAR for one in found]))

    rows = [
        Row(
            metric="sizes_as_asked",
            value=share(own),
            floor=share(worst),
            ceiling=share(best),
            better="higher",
            note=f"every measured size within {NEAR:.0%} of what was asked for; floor: shapes made "
            "for other captions; ceiling: the real shapes through the codec",
        )
    ]
    for name in sorted({name for one in own for name in one}):
        values = [
            float(np.mean([e[name] <= NEAR for e in s if name in e])) for s in (worst, own, best)
        ]
        metric = f"{name.replace(' ', '_')}_as_asked"
        rows.append(
            Row(metric=metric, value=values[1], floor=values[0], ceiling=values[2], better="higher")
        )
    return rows + _colours(asked, sides)


def _colours(asked: Sequence[str | None], sides: Sequence[Sequence[Mesh]]) -> list[Row]:
    """Whether most of the paint has the colour that was asked for; no row where none was."""
    wanted = [
        next((w for p in phrases(text or "") for w in p.words if w in COLOURS), None)
        for text in asked
    ]
    if not all(wanted):
        return []
    floor, value, ceiling = (
        float(np.mean([paint(mesh) == name for mesh, name in zip(side, wanted, strict=True)]))
        for side in sides
    )
    note = "the colour with most of the surface, glass and rubber aside"
    return [
        Row(
            metric="colour_as_asked",
            value=value,
            floor=floor,
            ceiling=ceiling,
            better="higher",
            note=note,
        )
    ]


def _numbers(caption: str) -> dict[str, float]:
    return {p.name: p.number for p in phrases(caption) if p.number is not None}


def errors(mesh: Mesh, numbers: Mapping[str, float]) -> dict[str, float]:
    """How far each measured size is off, as a share of the asked one."""
    known: Mapping[str, Measure] = measures_for(numbers) or {}
    if mesh.empty:
        return dict.fromkeys(known, 1.0)
    return {name: abs(how(mesh) - numbers[name]) / numbers[name] for name, how in known.items()}


# --- surfaces -------------------------------------------------------------------------------------


def closed(made: Sequence[Mesh], through: Sequence[Mesh], held: Sequence[Any]) -> list[Row]:
    files = [shape for shape in (as_shape(one).open() for one in held) if isinstance(shape, Mesh)]
    return [
        Row(
            metric="watertight",
            value=_share(made, _whole),
            floor=_share(files, _whole) if files else 0.0,
            ceiling=_share(through, _whole),
            better="higher",
            note="every edge has two triangles that agree; floor: "
            + ("the real files as they are" if files else "any open mesh")
            + "; ceiling: real shapes through the codec",
        ),
        Row(
            metric="one_part",
            value=_share(made, _one),
            floor=0.0,
            ceiling=_share(through, _one),
            better="higher",
            note="the surface is one connected part; ceiling: real shapes through the codec",
        ),
    ]


def _share(meshes: Sequence[Mesh], good: Any) -> float:
    return float(np.mean([not mesh.empty and good(mesh) for mesh in meshes]))


def _whole(mesh: Mesh) -> bool:
    return watertight(mesh) and mesh.volume > 0


def _one(mesh: Mesh) -> bool:
    return int(parts(mesh).max()) == 0


# --- among real ones ------------------------------------------------------------------------------


def cloud(mesh: Mesh, seed: int) -> Tensor:
    """float [P, 3] within a cube of side 2; of an empty mesh its middle."""
    if mesh.empty:
        return torch.zeros(POINTS, 3)
    return torch.from_numpy(normalised(sampled(mesh, POINTS, seed))).float()


def clouds(meshes: Sequence[Mesh]) -> Tensor:
    return torch.stack([cloud(mesh, n) for n, mesh in enumerate(meshes)])


def _clouds(
    codec: Any, made: Sequence[Mesh], train: Sequence[Any], held: Sequence[Any]
) -> list[Row]:
    count = min(CLOUDS, len(made), len(train))
    some = evenly(train, count)
    x = codec.encode(some)
    mean = codec.decode(x.float().mean(0, keepdim=True))
    through = codec.decode(codec.encode(evenly(held, count)))
    real = clouds(through)
    sides = [clouds(evenly(made, count)), clouds(mean * count), clouds(codec.decode(x))]
    own, worst, best = (likeness(real, side) for side in sides)
    note = (
        f"{count} shapes against as many held-out ones, {POINTS} points each, by Chamfer distance; "
        "floor: the mean training shape; ceiling: training shapes"
    )
    return [
        Row(
            metric="coverage",
            value=own.coverage,
            floor=worst.coverage,
            ceiling=best.coverage,
            better="higher",
            note=f"share of held-out shapes that are nearest to a made one; {note}",
        ),
        Row(
            metric="neighbour_accuracy",
            value=own.accuracy,
            floor=worst.accuracy,
            ceiling=best.accuracy,
            note=f"how often made and real are told apart by neighbours, 0.5 at best; {note}",
        ),
    ]


def _copies(codec: Any, made: Sequence[Mesh], train: Sequence[Any], held: Sequence[Any]) -> Row:
    known = codec.features(train)
    whole = [mesh for mesh in made if not mesh.empty]
    far = [
        float(nearest_distance(codec.features(side), known)[0].median()) if len(side) else 0.0
        for side in (whole, held)
    ]
    return Row(
        metric="nearest_training_distance",
        value=far[0],
        floor=0.0,
        ceiling=far[1],
        better="higher",
        note="median over shapes, of coarse fields; floor: a copy; ceiling: held-out shapes",
    )
