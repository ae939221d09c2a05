"""The protocol for driving scenes: whether what was asked for happens, whether it could happen, and
whether scenes are new and useful.

Everything is judged by the movements, with the rules that judge the simulator's. Scenes are made
with the captions of held-out ones; the floor is a scene made for another caption, the ceiling the
held-out scenes themselves.
Shape legend: N scenes, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from genloom import api
from genloom.data.split import evenly
from genloom.drive.scene import Scene
from genloom.drive.seen import cuts_in, density, faults, jaywalks
from genloom.errors import DataError
from genloom.metric.energy import energy_distance
from genloom.metric.image import nearest_distance
from genloom.trust.hazards import usefulness
from genloom.trust.made_scenes import make
from genloom.trust.quality import Row, Tell

MADE = 400
LEAST = 8


def measure(
    model: api.Model,
    train: Sequence[Scene],
    held: Sequence[Scene],
    *,
    seed: int,
    count: int | None,
    tell: Tell,
) -> tuple[list[Row], dict[str, Any]]:
    if len(held) < LEAST or len(train) < LEAST:
        raise DataError(
            f"{len(held)} held-out and {len(train)} training scenes: {LEAST} of each are needed"
        )
    codec: Any = model.codec
    held = evenly(held, count or MADE)
    captions = codec.captions(held)
    tell("making scenes")
    made = make(model, captions, seed)
    tell("looking at what happens")
    rows = [_asked(captions, made, held)] if model.prompts is not None else []
    rows += [*_events(captions, made, held), _possible(codec, made, held, seed)]
    if model.prompts is not None:
        rows += _kept(captions, made, make(model, captions, seed, codec.usual_tries), held)
    tell("looking for copies")
    rows += _among(codec, made, train, held)
    tell("teaching detectors of hazards")
    rows += usefulness(model, train, held, seed=seed)
    return rows, {"made": len(made), "sampler": str(model.family), "moments": len(held[0].ego.s)}


def _asked(captions: Sequence[str], made: Sequence[Scene], held: Sequence[Scene]) -> Row:
    others = [*captions[1:], captions[0]]
    return Row(
        metric="all_as_asked",
        value=_share(scene.caption == text for scene, text in zip(made, captions, strict=True)),
        floor=_share(scene.caption == text for scene, text in zip(made, others, strict=True)),
        ceiling=1.0,
        better="higher",
        note="weather, density and events are just those asked for; floor: scenes made for other "
        "captions; ceiling: the simulator, which tries again until they are",
    )


def _events(captions: Sequence[str], made: Sequence[Scene], held: Sequence[Scene]) -> list[Row]:
    """Each condition by itself: of scenes that were asked for it, how many have it."""
    looks = {
        "weather": lambda scene, text: text.startswith(scene.weather),
        "density": lambda scene, text: f"{density(scene)} traffic" in text,
        "cut_in": lambda scene, text: cuts_in(scene),
        "jaywalker": lambda scene, text: jaywalks(scene),
    }
    marks = {"cut_in": "a cut-in", "jaywalker": "a jaywalker"}
    rows = []
    for name, look in looks.items():
        wanted = [n for n, text in enumerate(captions) if marks.get(name, "") in text]
        if not wanted:
            continue
        hits = _share(look(made[n], captions[n]) for n in wanted)
        turned = [*captions[1:], captions[0]]
        rest = [n for n, text in enumerate(captions) if n not in set(wanted)] or [
            n for n in range(len(captions)) if captions[n] != turned[n]
        ]
        floor = _share(look(made[n], turned[n] if name not in marks else captions[n]) for n in rest)
        rows.append(
            Row(
                metric=f"{name}_there",
                value=hits,
                floor=floor,
                ceiling=_share(look(held[n], captions[n]) for n in wanted),
                better="higher",
                note=f"of {len(wanted)} scenes; floor: scenes that were asked for something else",
            )
        )
    return rows


def _kept(
    captions: Sequence[str], made: Sequence[Scene], kept: Sequence[Scene], held: Sequence[Scene]
) -> list[Row]:
    """As asked and possible at once: one try, and the best of as many as `generate` draws."""

    def share(scenes: Sequence[Scene]) -> float:
        pairs = zip(scenes, captions, strict=True)
        return _share(scene.caption == text and faults(scene).possible for scene, text in pairs)

    return [
        Row(
            metric="as_asked_and_possible_of_tries",
            value=share(kept),
            floor=share(made),
            ceiling=share(held),
            better="higher",
            note="what `generate` keeps of its usual tries; floor: of one try",
        )
    ]


def _possible(codec: Any, made: Sequence[Scene], held: Sequence[Scene], seed: int) -> Row:
    rng = torch.Generator().manual_seed(seed)
    x = codec.encode(held)
    rows = torch.rand(len(x), x.shape[2], generator=rng).argsort(0)  # movers of unlike scenes
    mixed = torch.gather(x, 0, rows[:, None].expand_as(x))
    return Row(
        metric="possible",
        value=_share(faults(scene).possible for scene in made),
        floor=_share(faults(scene).possible for scene in codec.decode(mixed)),
        ceiling=_share(faults(scene).possible for scene in codec.decode(x)),
        better="higher",
        note="speeds, accelerations and lanes as vehicles and walkers can, and no two in one "
        "place; floor: movers of unlike scenes put together; ceiling: held-out scenes through the "
        "codec",
    )


def _among(
    codec: Any, made: Sequence[Scene], train: Sequence[Scene], held: Sequence[Scene]
) -> list[Row]:
    known, own, real = (codec.features(some) for some in (train, made, held))
    far = [float(nearest_distance(side, known)[0].median()) for side in (own, real)]
    half = len(real) // 2
    return [
        Row(
            metric="nearest_training_distance",
            value=far[0],
            floor=0.0,
            ceiling=far[1],
            better="higher",
            note="median over scenes; floor: a replay of training scenes; ceiling: held-out scenes",
        ),
        Row(
            metric="scene_distance",
            value=energy_distance(real, own),
            floor=energy_distance(real, known.mean(0, keepdim=True).expand(2, -1)),
            ceiling=energy_distance(real[:half], real[half:]),
            note="between clouds of scenes; floor: the mean scene; ceiling: halves of real ones",
        ),
    ]


def _share(hits: Any) -> float:
    found = [bool(hit) for hit in hits]
    return float(np.mean(found)) if found else 0.0
