"""The protocol for clips: what is asked for is seen and moves the asked way, nothing flickers, what
follows known frames is near what did follow, copies.

Captions that name one direction are taken apart into that and the rest, which a judge taught by
real frames recognises. Floors are chance, a standing frame, or frames of other clips; ceilings are
real clips.
Shape legend: N clips, C channels, T frames, H rows, W columns.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from genloom import api
from genloom.data.split import evenly
from genloom.errors import DataError
from genloom.metric.classifier import Classifier, train_classifier
from genloom.metric.fixed_features import fixed_features
from genloom.metric.image import frechet_distance
from genloom.metric.motion import (
    WAYS,
    changes,
    cut_out,
    flicker,
    headings,
    moving_on,
    standing,
    starts,
)
from genloom.spec import Request
from genloom.trust.captions import Slot, slots
from genloom.trust.quality import Row, Tell
from genloom.trust.quality_captioned import caption_rows
from genloom.trust.quality_near import copies_row

MADE = 200  # clips, where as many real ones were held out
SHOWN = 60_000  # frames that a judge is shown in all
LEAST = 4
STARTS = "starting"  # the first step counts alone; else the whole clip
CUT = 2 / 3  # of a side: what a judge sees around the thing that moves
TOLD = 0.5  # of the way from chance to certainty: a slot that frames do not tell is not judged
_WAY = re.compile(r"\b(?:up|down|left|right)\b(?: and \b(?:up|down|left|right)\b)?")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """way: number in WAYS; rest: the caption without it; first: it is that of the first step."""

    way: int
    rest: str
    first: bool


def asked(caption: str) -> Asked | None:
    """What a caption says of motion; None where it names no direction, or several."""
    found = _WAY.findall(caption)
    if len(found) != 1:
        return None
    words = found[0].split(" and ")
    told = " ".join(sorted(words, key=("up", "down", "left", "right").index))
    if told not in WAYS:
        return None
    rest = " ".join(_WAY.sub("", caption).split())
    return Asked(way=WAYS.index(told), rest=rest, first=STARTS in caption)


@dataclass(frozen=True, kw_only=True)
class Told:
    """Clips [N, C, T, H, W] of captions that name one direction, and what each asks for."""

    x: Tensor
    asked: tuple[Asked, ...]

    @classmethod
    def of(cls, x: Tensor, captions: Sequence[str]) -> Told:
        found = [(n, one) for n, c in enumerate(captions) if (one := asked(c))]
        rows = torch.tensor([n for n, _ in found], dtype=torch.long)
        return cls(x=x[rows], asked=tuple(one for _, one in found))

    def right(self) -> Tensor:
        """bool [N]: moves the asked way."""
        found = []
        for one, a in zip(self.x.split(1), self.asked, strict=True):
            whole = headings(one, one.shape[2] - 1) == a.way
            found.append(bool(starts(one, a.way) if a.first else whole))
        return torch.tensor(found)


def measure(
    model: api.Model,
    train: Sequence[Any],
    held: Sequence[Any],
    *,
    seed: int,
    count: int | None,
    tell: Tell,
    shown: int = SHOWN,
) -> tuple[list[Row], dict[str, Any]]:
    """shown: frames that the judge is shown in training; 0: no judge."""
    if len(held) < LEAST or len(train) < LEAST:
        raise DataError(
            f"{len(held)} held-out and {len(train)} training clips: {LEAST} of each are needed"
        )
    codec: Any = model.codec
    held = evenly(held, count or MADE)
    real, known = codec.encode(held), codec.encode(train)
    captions, learnt = codec.captions(held), codec.captions(train)
    tell("making clips")
    prompted = model.prompt is not None and captions is not None
    own = _made(model, captions if prompted else None, len(held), seed)
    rows: list[Row] = []
    judge = "none: captions name no direction"
    if prompted and learnt is not None:
        tell("teaching a judge real frames")
        rows, judge = _as_asked(own, real, known, captions, learnt, seed, shown)
    if getattr(codec.spec, "control", 0):
        tell("going on from real beginnings")
        rows += _going_on(model, real, captions if prompted else None, seed)
    tell("comparing")
    rows += [*_flicker(own, real, known), _frames(own, real, known)]
    made = codec.decode(own)
    rows.append(copies_row(codec.features(made), codec.features(held), codec.features(train)))
    return rows, {
        "clips": len(own),
        "frames": real.shape[2],
        "real_clips": len(held),
        "training_clips": len(train),
        "judge": judge,
    }


def _made(
    model: api.Model, prompts: Sequence[str] | None, count: int, seed: int, **given: Any
) -> Tensor:
    """float [N, C, T, H, W], each under a number of its own within the seed."""
    told = given.get("control")
    with model.engine() as engine:
        waiting = [
            engine.submit(
                Request(
                    prompt=None if prompts is None else prompts[n],
                    control=None if told is None else told[n],
                    seed=seed,
                    first=n,
                )
            )
            for n in range(count)
        ]
        for one in waiting:
            one.result()
        return torch.stack([one.tensors()[0].float().cpu().clamp(-1, 1) for one in waiting])


# --- as asked -------------------------------------------------------------------------------------


def _as_asked(
    own: Tensor,
    real: Tensor,
    known: Tensor,
    captions: Sequence[str],
    learnt: Sequence[str],
    seed: int,
    shown: int,
) -> tuple[list[Row], str]:
    mine, best, base = (
        Told.of(x, c) for x, c in ((own, captions), (real, captions), (known, learnt))
    )
    if len(best.asked) < LEAST or len(base.asked) < LEAST:
        return [], "none: captions name no direction"
    way, real_way = mine.right(), best.right()
    others = Told(x=best.x, asked=(*best.asked[1:], best.asked[0]))
    most = _share(others.right())
    rows = [
        Row(
            metric="moves_as_asked",
            value=_share(way),
            floor=most,
            ceiling=_share(real_way),
            better="higher",
            note=f"the one of eight ways of the centroid, of {len(way)} clips whose caption names "
            "one; floor: real clips of other captions; ceiling: real clips",
        )
    ]
    if not shown:
        return rows, "none"
    found = slots([a.rest for a in (*base.asked, *best.asked)], whole=False)
    if not found:
        return [*rows, *_named(mine, best, base, seed, shown)], "frames against captions"
    hits = _recognised(mine, best, base, found, seed, shown)
    if hits is None:
        return rows, "none: frames do not tell what captions say"
    own_hits, real_hits, chance, named = hits
    note = f"recognised from its frames ({named}); floor: the commonest; ceiling: real clips"
    both = own_hits & way, real_hits & real_way
    rows.insert(
        0,
        Row(
            metric="as_asked",
            value=_share(both[0]),
            floor=chance * most,
            ceiling=_share(both[1]),
            better="higher",
            note=f"{named} recognised and moving the asked way; floor: chance",
        ),
    )
    rows.insert(
        1,
        Row(
            metric="recognised",
            value=_share(own_hits),
            floor=chance,
            ceiling=_share(real_hits),
            better="higher",
            note=note,
        ),
    )
    return (
        rows,
        f"a classifier of frames around the thing that moves, taught by {len(base.x)} clips",
    )


def _recognised(
    mine: Told, best: Told, base: Told, found: Sequence[Slot], seed: int, shown: int
) -> tuple[Tensor, Tensor, float, str] | None:
    """(own hits bool [N], real hits, chance, what) over the slots that frames tell; None for none.

    Whether frames tell one is seen from training clips that the judge has not seen.
    """
    side = max(8, int(CUT * min(base.x.shape[-2:])))
    views = [cut_out(one.x, side) for one in (mine, best, base)]
    kept, chance, named = [], 1.0, []
    apart = max(LEAST, len(base.x) // 5)
    for slot in found:
        labels = torch.tensor(slot.labels)
        learn, rest = labels[: len(base.x)], labels[len(base.x) :]
        common = float(torch.bincount(learn).max()) / len(learn)
        trial = _taught(views[2][apart:], learn[apart:], len(slot.values), seed, shown // 2)
        right = float((_said(trial, views[2][:apart]) == learn[:apart]).double().mean())
        if right < common + TOLD * (1 - common):
            continue
        judge = _taught(views[2], learn, len(slot.values), seed, shown)
        kept.append([_said(judge, view) == rest for view in views[:2]])
        chance *= float(torch.bincount(rest).max()) / len(rest)
        named.append(", ".join(slot.values[:3]) + " ..." * (len(slot.values) > 3))
    if not kept:
        return None
    own, real = (torch.stack(side).all(0) for side in zip(*kept, strict=True))
    return own, real, chance, " and ".join(named)


def _taught(x: Tensor, labels: Tensor, classes: int, seed: int, shown: int) -> Classifier:
    frames, count = x.transpose(1, 2).flatten(0, 1), x.shape[2]
    every = labels.repeat_interleave(count)
    return train_classifier(frames, every, classes=classes, seed=seed, shown=shown)


@torch.no_grad()
def _said(judge: Classifier, x: Tensor) -> Tensor:
    """long [N]: what most of the frames say."""
    frames = x.transpose(1, 2).flatten(0, 1)
    return judge(frames).unflatten(0, (len(x), -1)).softmax(-1).mean(1).argmax(1)


def _named(mine: Told, best: Told, base: Told, seed: int, shown: int) -> list[Row]:
    """Captions that are neither classes nor a pattern: a judge ranks them by middle frames."""
    middle = base.x.shape[2] // 2
    views = [one.x[:, :, middle] for one in (base, best, mine)]
    rests = [[a.rest for a in one.asked] for one in (base, best)]
    return caption_rows(views[0], rests[0], views[1], views[2], rests[1], seed=seed, shown=shown)


# --- what follows ---------------------------------------------------------------------------------


def _going_on(
    model: api.Model, real: Tensor, captions: Sequence[str] | None, seed: int
) -> list[Row]:
    """The second half of real clips, made from the first."""
    codec: Any = model.codec
    frames = real.shape[2]
    half = frames // 2
    if half < 2:
        return []
    fresh = torch.zeros(real.shape[2:])
    fresh[half:] = 1.0
    told = [codec.control_of(one, fresh) for one in real]
    made = _made(model, captions, len(real), seed, control=told)[:, :, half:]
    known, rest = real[:, :, :half], real[:, :, half:]
    one = torch.ones(len(real), dtype=torch.bool)
    if captions is not None:
        one = torch.tensor([asked(caption) is not None for caption in captions])
        one = one if int(one.sum()) >= LEAST else torch.ones_like(one)
    sides = made, standing(known, frames - half), moving_on(known, frames - half)
    value, floor, ceiling = (float((side - rest)[one].square().mean()) for side in sides)
    return [
        Row(
            metric="going_on_error",
            value=value,
            floor=floor,
            ceiling=ceiling,
            note=f"mean squared error of the last {frames - half} of {frames} frames, made from "
            f"the first {half}, of {int(one.sum())} clips with one thing that moves; floor: the "
            "last known frame stands; ceiling: it moves on at constant velocity and turns at edges",
        )
    ]


# --- looks ----------------------------------------------------------------------------------------


def _flicker(own: Tensor, real: Tensor, known: Tensor) -> list[Row]:
    some = known[: len(real)]
    turns = torch.arange(real.shape[2])
    rows = (torch.arange(len(real))[:, None] + turns) % len(real)
    mixed = real.transpose(1, 2)[rows, turns].transpose(1, 2)
    base = max(float(changes(real).mean()), 1e-6)
    sides = own, mixed, some
    value, floor, ceiling = (float(changes(side).mean()) / base for side in sides)
    left = [float(flicker(side).mean()) for side in (*sides, real)]
    return [
        Row(
            metric="flicker_ratio",
            value=value,
            floor=floor,
            ceiling=ceiling,
            note="mean absolute change from frame to frame, over that of real clips "
            f"({base:.4f}); floor: each frame from another clip; ceiling: training clips",
        ),
        Row(
            metric="unmatched",
            value=left[0],
            floor=left[1],
            ceiling=left[3],
            note="what of each frame is not found in the next, block by block within 4 pixels; "
            "floor: each frame from another clip; ceiling: real clips",
        ),
    ]


def _frames(own: Tensor, real: Tensor, known: Tensor) -> Row:
    """Frames and how they change, in fixed features."""
    rng = torch.Generator().manual_seed(0)
    pixels = known.flatten(2)
    source = torch.randint(len(known), (len(real), pixels.shape[2]), generator=rng)
    noise = pixels[source, :, torch.arange(pixels.shape[2])].transpose(1, 2).reshape(real.shape)
    best = known[torch.linspace(0, len(known) - 1, len(real)).long()]
    value, floor, ceiling = (
        frechet_distance(_seen(real), _seen(side)) for side in (own, noise, best)
    )
    return Row(
        metric="frechet_distance",
        value=value,
        floor=floor,
        ceiling=ceiling,
        note=f"of {len(own)} made and as many real clips, in fixed random convolutions of a middle "
        "frame and of what changes to the next; floor: pixels drawn one by one; ceiling: training "
        "clips",
    )


def _seen(x: Tensor) -> Tensor:
    middle = x.shape[2] // 2 - 1
    here, there = x[:, :, middle], x[:, :, middle + 1]
    return torch.cat((fixed_features(here), fixed_features((there - here) / 2)), 1)


def _share(hits: Tensor) -> float:
    return float(hits.double().mean())
