"""The protocol for pictures: distances in a stated feature space, recognition as asked, copies.

Sounds are measured by it, too, for their frames are pictures; notes call them as their codec does
(`calls`). Makes one for the caption of each real held-out one and compares equal counts. Floors are
pixels shuffled between pictures, or the commonest answer; ceilings are real pictures.
Shape legend: N pictures, C channels, H rows, W columns, F features.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from genloom import api
from genloom.data.split import even, evenly
from genloom.errors import DataError, RequestError
from genloom.metric.classifier import Classifier, train_classifier
from genloom.metric.fixed_features import fixed_features
from genloom.metric.image import (
    frechet_distance,
    kernel_distance,
    nearest_distance,
    precision_recall,
)
from genloom.spec import Request
from genloom.trust import quality_again
from genloom.trust.captions import Slot, slots
from genloom.trust.memorisation import copied
from genloom.trust.quality import Row, Tell
from genloom.trust.quality_captioned import caption_rows
from genloom.trust.quality_near import copies_row, kernel_row
from genloom.watch import made_like, repeats, told_of

MADE = 1000  # pictures, where as many real ones were held out
TRAINED = 20_000  # training pictures that are looked at
SHOWN = 100_000  # pictures that the judges are shown in all, repeats counted
REPEATS = 40  # at most, of each
LEAST = 4
LEAST_SIDE = 8  # pixels that a judge needs

Features = Callable[[Tensor], Tensor]


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """Arrays [N, C, H, W] within [-1, 1], with what their captions ask for, long [S, N]."""

    x: Tensor
    labels: Tensor


@dataclass(frozen=True, kw_only=True)
class Judge:
    """A classifier for each slot, and where there is one slot its features."""

    parts: tuple[Classifier, ...]

    def agrees(self, pictures: Pictures) -> Tensor:
        """bool [S, N], which slots are recognised as asked."""
        found = [part.predict(pictures.x) for part in self.parts]
        return torch.stack(found) == pictures.labels


def measure(
    model: api.Model,
    train: Sequence[Any],
    held: Sequence[Any],
    *,
    seed: int,
    count: int | None,
    tell: Tell,
    shown: int = SHOWN,
    made: Sequence[Any] | None = None,
) -> tuple[list[Row], dict[str, Any]]:
    """shown: pictures that the judges are shown in training; 0: no judge, distances only. made:
    pictures of another maker to be measured in the place of the model's, one for each held-out
    picture that is compared, made for its caption."""
    held = _askable(model, held)
    if repeats(model):
        return quality_again.measure(model, train, held, seed=seed, count=count, tell=tell)
    number = min(count or MADE, len(held))
    if number < LEAST or len(train) < number:
        raise DataError(
            f"{len(held)} held-out and {len(train)} training pictures, {number} to be made: at "
            f"least {LEAST} held-out ones and as many for training are needed"
        )
    train, held = evenly(train, TRAINED), evenly(held, number)
    found = _slots(model, train, held) if shown else []
    real, rest = _pictures(model, train, held, found)
    tell("making as many")
    made_items = _make(model, held, seed) if made is None else _given(made, number)
    own = Pictures(x=_encoded(model.codec, made_items), labels=rest.labels)
    floor = _shuffled(real.x, number, seed)
    judge = None
    if found:
        tell("teaching the judge real ones")
        judge = _teach(real, found, seed, shown)
    tell("comparing")
    features, space = _space(judge)
    rows = _distances(features, rest.x, own.x, floor, real.x[even(len(real.x), len(own.x))], space)
    if judge is not None:
        rows = [*_recognised(judge, own, rest, found), *rows]
        tell("teaching another judge made ones")
        rows.append(_taught_by_made(own, rest, judge, found, seed, shown))
    tell("looking for copies")
    rows += _nearness(model.codec, train, held, made_items)
    if len(rest.x) >= 2 * LEAST:
        sides = rest.x, own.x, floor
        rows.append(kernel_row(*map(features, sides), seed=seed))
    if shown and not found:
        tell("teaching a judge of captions")
        rows = [*_captioned(model, train, held, real, rest, own, seed, shown), *rows]
    used = {
        "pictures": len(own.x),
        "real_pictures": len(rest.x),
        "training_pictures": len(real.x),
        "feature_space": space,
        "judge": _described(found, shown),
    }
    return called(rows, used, getattr(model.codec, "calls", {}))


def called(
    rows: Sequence[Row], used: Mapping[str, Any], calls: Mapping[str, str]
) -> tuple[list[Row], dict[str, Any]]:
    """The same of a medium whose items are called otherwise. calls: its word for each of ours."""
    if not calls:
        return list(rows), dict(used)
    pattern = re.compile("|".join(rf"(?<![a-z]){word}(?![a-z])" for word in calls))

    def told(text: Any) -> Any:
        return pattern.sub(lambda m: calls[m[0]], text) if isinstance(text, str) else text

    named = [replace(row, note=told(row.note)) for row in rows]
    return named, {told(key): told(value) for key, value in used.items()}


def _captioned(
    model: api.Model,
    train: Sequence[Any],
    held: Sequence[Any],
    real: Pictures,
    rest: Pictures,
    own: Pictures,
    seed: int,
    shown: int,
) -> list[Row]:
    """Captions that are neither classes nor a pattern, for models that are prompted by them."""
    told, asked = model.codec.captions(train), model.codec.captions(held)
    if model.prompts is None or not told or not asked or min(real.x.shape[2:]) < LEAST_SIDE:
        return []
    return caption_rows(real.x, told, rest.x, own.x, asked, seed=seed, shown=shown)


def _described(found: Sequence[Slot], shown: int) -> str:
    if not found:
        return "none: the captions are neither classes nor a fixed pattern"
    kinds = ", ".join(str(len(slot.values)) for slot in found)
    return (
        f"{len(found)} small convolutional classifiers ({kinds} classes), shown {shown:,} pictures "
        "in all, or 200 batches each"
    )


# --- pictures ------------------------------------------------------------------------------------


def _slots(model: api.Model, train: Sequence[Any], held: Sequence[Any]) -> list[Slot]:
    """What captions ask for, over training and held-out pictures together."""
    codec: Any = model.codec
    known = [codec.captions(part) for part in (train, held)]
    side = min(_encoded(codec, held[:1]).shape[2:])
    if model.prompts is None or side < LEAST_SIDE or not all(known):
        return []
    return slots([caption for part in known for caption in part])


def _askable(model: api.Model, held: Sequence[Any]) -> Sequence[Any]:
    """Without the pictures whose caption the model has no word for."""
    captions = model.codec.captions(held) if model.prompts is not None else None
    if captions is None:
        return held
    strange = {caption for caption in set(captions) if not _known(model, caption)}
    return [item for item, caption in zip(held, captions, strict=True) if caption not in strange]


def _known(model: api.Model, caption: str) -> bool:
    try:
        model.prompts.encode([caption])
    except RequestError:
        return False
    return True


def _pictures(
    model: api.Model, train: Sequence[Any], held: Sequence[Any], found: Sequence[Slot]
) -> tuple[Pictures, Pictures]:
    count = len(train) + len(held)
    labels = torch.tensor([slot.labels for slot in found]).reshape(len(found), count)
    parts = labels.split([len(train), len(held)], dim=1)
    x = [_encoded(model.codec, part) for part in (train, held)]
    return Pictures(x=x[0], labels=parts[0]), Pictures(x=x[1], labels=parts[1])


def _encoded(codec: Any, items: Sequence[Any]) -> Tensor:
    """float [N, C, H, W], all on one grid."""
    return getattr(codec, "even", codec.encode)(items)


def _make(model: api.Model, held: Sequence[Any], seed: int) -> list[Any]:
    """One picture for each held-out one, with its caption; every picture has a number of its own
    within the seed, so that no two start from the same noise."""
    captions = model.codec.captions(held) if model.prompts is not None else None
    told = told_of(model.codec, held)
    if told is not None:
        again: list[Any] = made_like(model, len(held), captions, told)
        return again
    asked = [None] * len(held) if captions is None else [caption or None for caption in captions]
    made: list[Any] = [None] * len(held)
    first = 0
    with model.engine() as engine:
        pending = []
        for caption, count in Counter(asked).items():
            request = Request(prompt=caption, seed=seed, first=first, count=count)
            pending.append((caption, engine.submit(request)))
            first += count
        for caption, generation in pending:
            places = [n for n, other in enumerate(asked) if other == caption]
            for n, item in zip(places, generation.result(), strict=True):
                made[n] = item
    return made


def _given(made: Sequence[Any], number: int) -> Sequence[Any]:
    if len(made) != number:
        raise DataError(
            f"{len(made)} made pictures are given, but {number} are compared: give one for each "
            "held-out picture, in their order"
        )
    return made


def _shuffled(x: Tensor, count: int, seed: int) -> Tensor:
    """Pictures that have the right colours at every place and nothing that holds them together:
    each pixel is drawn from a training picture of its own."""
    rng = torch.Generator().manual_seed(seed)
    pixels = x.flatten(2)
    source = torch.randint(len(x), (count, pixels.shape[2]), generator=rng)
    place = torch.arange(pixels.shape[2])
    return pixels[source, :, place].transpose(1, 2).reshape(count, *x.shape[1:])


# --- distances -----------------------------------------------------------------------------------


def _space(judge: Judge | None) -> tuple[Features, str]:
    if judge is not None and len(judge.parts) == 1:
        return judge.parts[0].features, "last hidden layer of the judge taught by real pictures"
    return fixed_features, "fixed random convolutions"


def _distances(
    features: Features, rest: Tensor, own: Tensor, floor: Tensor, best: Tensor, space: str
) -> list[Row]:
    """Against held-out pictures; each side has as many, since a Frechet distance needs that."""
    real = features(rest)
    sides = {"value": features(own), "floor": features(floor), "ceiling": features(best)}
    note = (
        f"{len(own)} pictures against as many held-out ones, by {space}; floor: pixels drawn one "
        "by one from training pictures; ceiling: training pictures"
    )
    both = {key: precision_recall(real, side) for key, side in sides.items()}
    figures: dict[str, dict[str, float]] = {
        "frechet_distance": {k: frechet_distance(real, side) for k, side in sides.items()},
        "kernel_distance": {k: kernel_distance(real, side) for k, side in sides.items()},
        "precision": {key: pair[0] for key, pair in both.items()},
        "recall": {key: pair[1] for key, pair in both.items()},
    }
    upward = {"precision", "recall"}
    return [
        Row(metric=name, better="higher" if name in upward else "lower", note=note, **values)
        for name, values in figures.items()
    ]


def _nearness(
    codec: Any, train: Sequence[Any], held: Sequence[Any], made: Sequence[Any]
) -> list[Row]:
    """In the plain space of pixels, which no training has shaped."""
    known = codec.features(train)
    far = [nearest_distance(codec.features(side), known)[0].median() for side in (made, held)]
    return [
        Row(
            metric="nearest_training_distance",
            value=float(far[0]),
            floor=0.0,
            ceiling=float(far[1]),
            better="higher",
            note="median over pictures, in pixels; floor: a copy; ceiling: held-out pictures, "
            "beyond which it is no merit",
        ),
        Row(
            metric="exact_copies",
            value=float(copied(codec, made, train).mean()),
            floor=1.0,
            ceiling=float(copied(codec, held, train).mean()),
            note="share equal to a training picture; floor: copying; ceiling: held-out pictures",
        ),
        copies_row(codec.features(made), codec.features(held), known),
    ]


# --- recognition ---------------------------------------------------------------------------------


def _teach(pictures: Pictures, found: Sequence[Slot], seed: int, shown: int) -> Judge:
    shown = min(shown, REPEATS * len(pictures.x))
    parts = [
        train_classifier(
            pictures.x, labels, classes=len(slot.values), seed=seed, shown=shown // len(found)
        )
        for slot, labels in zip(found, pictures.labels, strict=True)
    ]
    return Judge(parts=tuple(parts))


def _recognised(judge: Judge, own: Pictures, rest: Pictures, found: Sequence[Slot]) -> list[Row]:
    """All that the caption asks for at once, then slot by slot where there are several."""
    mine, real = judge.agrees(own), judge.agrees(rest)
    chance = _commonest(rest.labels)
    note = "recognised as asked by a judge taught by real pictures; floor: always the commonest; "
    note += "ceiling: the judge on real held-out pictures"
    rows = [
        Row(
            metric="recognised",
            value=_share(mine.all(0)),
            floor=chance,
            ceiling=_share(real.all(0)),
            better="higher",
            note=note,
        )
    ]
    for n, slot in enumerate(found if len(found) > 1 else ()):
        rows.append(
            Row(
                metric=f"recognised_{n + 1}",
                value=_share(mine[n]),
                floor=_commonest(rest.labels[n : n + 1]),
                ceiling=_share(real[n]),
                better="higher",
                note=f"of {', '.join(slot.values[:4])} ...",
            )
        )
    return rows


def _taught_by_made(
    own: Pictures, rest: Pictures, judge: Judge, found: Sequence[Slot], seed: int, shown: int
) -> Row:
    student = _teach(own, found, seed, shown)
    return Row(
        metric="taught_by_made",
        value=_share(student.agrees(rest).all(0)),
        floor=_commonest(rest.labels),
        ceiling=_share(judge.agrees(rest).all(0)),
        better="higher",
        note=f"real held-out pictures recognised by a judge taught by {len(own.x)} made ones only; "
        "floor: always the commonest; ceiling: the judge taught by real ones",
    )


def _commonest(labels: Tensor) -> float:
    """The share of the commonest answer: what can be had without looking."""
    counts = labels.T.unique(dim=0, return_counts=True)[1]
    return int(counts.max()) / labels.shape[1]


def _share(hits: Tensor) -> float:
    return float(hits.double().mean())
