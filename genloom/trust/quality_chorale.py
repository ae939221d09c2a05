"""The protocol for chorales: surprise beside frequencies, and the rules of voice leading in made
ones beside Bach's.

Ceilings are held-out pieces, floors voices that know nothing of each other. The likelihood under
orderings of frames (Coconet's protocol) is benchmarks/bench_chorales.py: it takes minutes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from genloom import api
from genloom.codec.chorale.item import SILENT, VOICES, Chorale, key_of
from genloom.data.loader import evaluation
from genloom.errors import DataError
from genloom.metric.voice_leading import longest_repeat, voice_leading
from genloom.trust.quality import Row, Tell

MADE = 24
RULES = {  # where less is better beyond Bach's own rate, which is the ceiling
    "parallels": "fifths, octaves and unisons that two voices move in alike, per 100 frames",
    "crossings": "share of frames in which a lower voice is above a higher one",
    "leaps": "share of melodic steps above an octave, or a tritone or a seventh",
    "spacing": "share of frames with more than an octave between neighbours of the upper three",
    "dissonance": "share of frames with a dissonance above the bass",
    "changes": "frames in which some voice begins another note, per 100",
}
PITCHES = 129  # with the rest
EIGHT_BARS = 128  # frames


def measure(
    model: api.Model,
    train: Sequence[Chorale],
    held: Sequence[Chorale],
    *,
    seed: int,
    count: int | None,
    tell: Tell,
) -> tuple[list[Row], dict[str, Any]]:
    codec: Any = model.codec
    tell("scoring held-out pieces")
    rows = [_likelihood(model, train, held)]
    tell("making chorales")
    size = count or MADE
    real = [one.part(0, codec.frames) for one in held][:size]
    keys = [str(real[n % len(real)].key) for n in range(size)]
    made: list[Chorale] = [model.generate(key, 1, seed=seed + n)[0] for n, key in enumerate(keys)]
    rows += _rules(made, real, _drawn(train, size, codec.frames, seed))
    rows.append(_keys(made, keys, real))
    tell("looking for copies")
    rows.append(_copies(made, real, train))
    return rows, {"made": size, "frames": codec.frames, "sampler": str(model.family)}


@torch.inference_mode()
def _nats(model: api.Model, items: Sequence[Chorale]) -> float:
    """A bound on nats a frame, by random sets of hidden places."""
    codec: Any = model.codec
    nets: Any = model.nets
    nats = 0.0
    for batch in evaluation(codec.encode(items), codec.spec, batch=model.recipe.data.batch):
        nats -= float(model.family.score(nets, batch.to(model.device)).double().sum())
    return nats / (len(items) * codec.frames)


def _likelihood(model: api.Model, train: Sequence[Chorale], held: Sequence[Chorale]) -> Row:
    codec: Any = model.codec
    whole = [one.part(0, codec.frames) for one in held if len(one) >= codec.frames]
    if not whole:
        raise DataError(f"no held-out piece of {codec.frames} frames: give longer ones")
    table = np.stack(
        [
            np.bincount(voice % PITCHES, minlength=PITCHES) + 0.1
            for voice in np.concatenate([one.voices for one in train]).T
        ]
    )
    log = np.log(table / table.sum(1, keepdims=True))
    floor = [-log[np.arange(len(VOICES)), one.voices % PITCHES].sum(1).mean() for one in whole]
    seen = [one.part(0, codec.frames) for one in train if len(one) >= codec.frames][: len(whole)]
    return Row(
        metric="nats_per_frame",
        value=_nats(model, whole),
        floor=float(np.mean(floor)),
        ceiling=_nats(model, seen) if seen else None,
        note=f"a bound, over {len(whole)} held-out pieces of {codec.frames} frames; floor: each "
        "voice's pitches by their frequency; ceiling: as many training pieces",
    )


def _rules(made: Sequence[Chorale], real: Sequence[Chorale], drawn: Sequence[Chorale]) -> list[Row]:
    own, best, worst = ([voice_leading(one.voices) for one in some] for some in (made, real, drawn))

    def mean(rows: Sequence[dict[str, float]], name: str) -> float:
        return float(np.mean([one[name] for one in rows]))

    return [
        Row(
            metric=name,
            value=mean(own, name),
            floor=mean(worst, name),
            ceiling=mean(best, name),
            note=f"{told}; floor: each voice drawn from its own notes, independently; ceiling: "
            "held-out pieces",
        )
        for name, told in RULES.items()
    ]


def _drawn(train: Sequence[Chorale], count: int, frames: int, seed: int) -> list[Chorale]:
    """Each voice alone: notes of its own, as long as in training."""
    rng, out = np.random.default_rng(seed), []
    for _ in range(count):
        voices = np.full((frames, len(VOICES)), SILENT)
        for voice in range(len(VOICES)):
            start = 0
            while start < frames:
                notes = list(train[int(rng.integers(len(train)))].held(voice))
                if not notes:
                    break
                _, size, pitch = notes[int(rng.integers(len(notes)))]
                voices[start : start + size, voice] = pitch
                start += size
        out.append(Chorale(voices))
    return out


def _keys(made: Sequence[Chorale], asked: Sequence[str], real: Sequence[Chorale]) -> Row:
    own = [str(key_of(one.voices)) == key for one, key in zip(made, asked, strict=True)]
    turned = [*asked[len(asked) // 2 :], *asked[: len(asked) // 2]]
    other = [str(key_of(one.voices)) == key for one, key in zip(made, turned, strict=True)]
    best = [str(key_of(one.voices)) == str(one.key) for one in real]
    return Row(
        metric="key_found",
        value=float(np.mean(own)),
        floor=float(np.mean(other)),
        ceiling=float(np.mean(best)),
        better="higher",
        note="share in the asked key by a key finder; floor: keys asked of other pieces; ceiling: "
        "the first bars of held-out pieces, whose key is that of the whole",
    )


def _copies(made: Sequence[Chorale], real: Sequence[Chorale], train: Sequence[Chorale]) -> Row:
    known = [one.voices for one in train]
    shares = [
        float(np.mean([longest_repeat(one.voices, known) >= EIGHT_BARS for one in some]))
        for some in (made, real)
    ]
    return Row(
        metric="shares_8_bars",
        value=shares[0],
        floor=1.0,
        ceiling=shares[1],
        note=f"share of which {EIGHT_BARS} frames in a row, in any key, stand in a training piece; "
        "floor: copying; ceiling: held-out pieces",
    )
