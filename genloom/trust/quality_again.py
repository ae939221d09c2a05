"""The protocol for models that make given pictures again, through a latent or out of what is told
of them: how near each comes to its original.

Floors are the mean training picture, or what was told itself; the ceiling is the picture itself.
Shape legend: N pictures, C channels, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from genloom import api
from genloom.data.split import evenly
from genloom.metric.fidelity import peak_signal_to_noise, structural_similarity
from genloom.metric.fixed_features import fixed_features
from genloom.metric.image import frechet_distance
from genloom.metric.sharpness import relative_sharpness
from genloom.trust.quality import Row, Tell
from genloom.watch import made_like, told_of

MADE = 1000  # pictures, where as many were held out
AVERAGED = 2000  # training pictures
LEAST = 4


def measure(
    model: api.Model,
    train: Sequence[Any],
    held: Sequence[Any],
    *,
    seed: int,
    count: int | None,
    tell: Tell,
) -> tuple[list[Row], dict[str, Any]]:
    """Rows of fidelity, one picture made for each held-out one."""
    codec: Any = model.codec
    held = evenly(held, count or MADE)
    told = told_of(codec, held)
    prompts = codec.captions(held) if model.prompts is not None else None
    tell("making pictures again")
    made = codec.even(made_like(model, len(held), prompts, told, held))
    real = codec.even(held)
    floor = _floor(codec, evenly(train, AVERAGED), real, told)
    what = "the mean training picture" if told is None else "what was told"
    return _rows(made, real, floor, what), {"pictures": len(real), "floor": what}


def _floor(codec: Any, train: Sequence[Any], real: Tensor, told: Sequence[Any] | None) -> Tensor:
    """[N, C, H, W]: what can be had without the model."""
    if told is not None:
        shown: Tensor = codec.even([codec.shown(one) for one in told])
        return shown
    mean: Tensor = codec.even(train).mean(0, keepdim=True)
    return mean.expand_as(real)


def _rows(made: Tensor, real: Tensor, floor: Tensor, what: str) -> list[Row]:
    def decibels(x: Tensor) -> float:
        found = peak_signal_to_noise(x.clamp(-1, 1), real)
        return float(found[torch.isfinite(found)].mean())

    similar = [float(structural_similarity(x, real).mean()) for x in (made, floor)]
    sharp = [relative_sharpness(x, real) for x in (made, floor)]
    rows = [
        Row(
            metric="psnr",
            value=decibels(made),
            floor=decibels(floor),
            better="higher",
            note=f"decibels, a mean over {len(real)} held-out pictures; floor: {what}",
        ),
        Row(
            metric="ssim",
            value=similar[0],
            floor=similar[1],
            ceiling=1.0,
            better="higher",
            note=f"structural similarity; floor: {what}; ceiling: the picture itself",
        ),
        Row(
            metric="sharpness",
            value=sharp[0],
            floor=sharp[1],
            ceiling=1.0,
            better="higher",
            note=f"fine detail over that of the originals; floor: {what}; above 1 is noise",
        ),
    ]
    if len(real) >= LEAST:
        far = [frechet_distance(*map(fixed_features, (real, x))) for x in (made, floor)]
        rows.append(
            Row(
                metric="frechet_distance",
                value=far[0],
                floor=far[1],
                ceiling=0.0,
                note=f"by fixed random convolutions; floor: {what}; ceiling: the pictures "
                "themselves",
            )
        )
    return rows
