"""The protocol for labelled pictures: whether a segmenter taught by made pairs works on real ones.

Pairs are made with the counts of real training pictures. A segmenter is taught by them, another by
real pairs (the ceiling); both are tried on real held-out pairs; always saying the background is the
floor. Beside it: whether the counts asked for are there, how the pictures look, copies.
Shape legend: N pictures, C channels, K classes, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from genloom import api
from genloom.codec.image.labelled_item import NOTHING, Labelled
from genloom.data.split import evenly
from genloom.errors import DataError
from genloom.metric.fixed_features import fixed_features
from genloom.metric.image import frechet_distance, kernel_distance, nearest_distance
from genloom.metric.segmenter import Segmenter, mean_overlap, overlaps, train_segmenter
from genloom.spec import Request
from genloom.trust.quality import Row, Tell

MADE = 1000  # pairs, where as many real ones are learnt from
SHOWN = 20_000  # pictures that a segmenter is shown in all, repeats counted
LEAST = 4


def measure(
    model: api.Model,
    train: Sequence[Labelled],
    held: Sequence[Labelled],
    *,
    seed: int,
    count: int | None,
    tell: Tell,
    shown: int = SHOWN,
) -> tuple[list[Row], dict[str, Any]]:
    """shown: pictures that each segmenter is shown in training, repeats counted."""
    if len(held) < LEAST or len(train) < LEAST:
        raise DataError(
            f"{len(held)} held-out and {len(train)} training pictures: {LEAST} of each are needed"
        )
    codec: Any = model.codec
    train = evenly(train, count or MADE)
    tell("making pairs")
    asked = codec.captions(train)
    made = make(model, asked, seed)
    x = [codec.encode(items) for items in (made, train, held)]
    tell("teaching a segmenter made pairs, another real ones")
    students = [taught(codec, side, seed, shown) for side in x[:2]]
    tell("comparing")
    rows = _overlap_rows(codec, students, x[2])
    if model.prompt is not None:
        rows.append(_counted(codec, asked, made, train))
    rows += _looks(codec, made, train, held)
    return rows, {
        "made_pairs": len(made),
        "real_pairs": len(train),
        "classes": list(codec.classes),
        "judge": f"convolutional segmenters of three scales, each shown {shown:,} pictures",
    }


def make(model: api.Model, captions: Sequence[str], seed: int) -> list[Labelled]:
    """A pair for each caption, each under a number of its own within the seed."""
    prompts = captions if model.prompt is not None else [None] * len(captions)
    with model.engine() as engine:
        waiting = [
            engine.submit(Request(prompt=prompt, seed=seed, first=n))
            for n, prompt in enumerate(prompts)
        ]
        return [generation.result()[0] for generation in waiting]


# --- segmenters -----------------------------------------------------------------------------------


def parted(codec: Any, x: Tensor) -> tuple[Tensor, Tensor]:
    """Pictures float [N, C, H, W], and the number of each pixel's class, long [N, H, W]."""
    channels = x.shape[1] - len(codec.classes)
    strength, number = x[:, channels:].max(1)
    return x[:, :channels], torch.where(strength > 0, number + 1, 0)


def taught(codec: Any, x: Tensor, seed: int, shown: int) -> Segmenter:
    pictures, masks = parted(codec, x)
    return train_segmenter(pictures, masks, classes=len(codec.classes), seed=seed, shown=shown)


def _overlap_rows(codec: Any, students: Sequence[Segmenter], held: Tensor) -> list[Row]:
    """The mean over classes, then class by class."""
    pictures, masks = parted(codec, held)
    count = len(codec.classes)
    found = [student.predict(pictures) for student in students] + [torch.zeros_like(masks)]
    note = (
        "intersection over union on real held-out pictures, of a segmenter taught by made pairs "
        "only; floor: always the commonest class; ceiling: taught by real pairs"
    )
    value, ceiling, floor = (mean_overlap(side, masks, count) for side in found)
    rows = [
        Row(
            metric="taught_by_made_iou",
            value=value,
            floor=floor,
            ceiling=ceiling,
            better="higher",
            note=note,
        )
    ]
    each = [overlaps(side, masks, count) for side in found]
    for number, name in enumerate(codec.classes, start=1):
        mine, real, none = (side[number] for side in each)
        metric = f"iou_{name.replace(' ', '_')}"
        rows.append(Row(metric=metric, value=mine, floor=none, ceiling=real, better="higher"))
    return rows


# --- counts, looks and copies ---------------------------------------------------------------------


def _counted(
    codec: Any, asked: Sequence[str], made: Sequence[Labelled], train: Sequence[Labelled]
) -> Row:
    shown = codec.captions(made)
    usual = max(set(asked), key=[*asked].count)
    return Row(
        metric="counts_as_asked",
        value=_share(a == b for a, b in zip(asked, shown, strict=True)),
        floor=_share(caption == usual for caption in asked),
        ceiling=_share(a == b for a, b in zip(asked, codec.captions(train), strict=True)),
        better="higher",
        note=f"the mask holds just as many things of each class; floor: always {usual or NOTHING}; "
        "ceiling: real pairs",
    )


def _share(hits: Any) -> float:
    found = [bool(hit) for hit in hits]
    return sum(found) / len(found)


def _looks(
    codec: Any, made: Sequence[Labelled], train: Sequence[Labelled], held: Sequence[Labelled]
) -> list[Row]:
    """Of the pictures without their masks, equal counts of each side."""
    count = min(len(made), len(train), len(held))
    sides = [
        codec.pictures.encode([item.picture for item in evenly(items, count)])
        for items in (held, made, train)
    ]
    blank = torch.zeros_like(sides[0]) + sides[2].mean((0, 2, 3), keepdim=True)
    real, own, best, worst = (fixed_features(side) for side in (*sides, blank))
    note = (
        f"{count} pictures against as many held-out ones, by fixed random convolutions; floor: one "
        "even colour; ceiling: training pictures"
    )
    rows = [
        Row(
            metric=name,
            value=distance(real, own),
            floor=distance(real, worst),
            ceiling=distance(real, best),
            note=note,
        )
        for name, distance in (
            ("frechet_distance", frechet_distance),
            ("kernel_distance", kernel_distance),
        )
    ]
    known = codec.features(train)
    far = [nearest_distance(codec.features(side), known)[0].median() for side in (made, held)]
    rows.append(
        Row(
            metric="nearest_training_distance",
            value=float(far[0]),
            floor=0.0,
            ceiling=float(far[1]),
            better="higher",
            note="median over pictures, in pixels; floor: a copy; ceiling: held-out pictures",
        )
    )
    return rows
