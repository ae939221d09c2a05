"""The protocol for tunes: surprise beside counts, and made tunes beside real ones held out.

Tunes are asked for by the type and the key of held-out ones, their metre left open. Floors are
5-grams and tunes asked for otherwise, ceilings real tunes: a key finder is not always right.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from genloom import api
from genloom.codec.tune.item import HEADER, tune
from genloom.codec.tune.kin import runs
from genloom.codec.tune.score import arranged, score_of
from genloom.data.loader import evaluation
from genloom.errors import DataError, MissingExtra
from genloom.metric.ngram import NGram
from genloom.metric.tunes import Verdict, copied, scored, share, verdict
from genloom.music.engraving import library
from genloom.music.keys import Key
from genloom.spec import Options, Request
from genloom.trust.quality import Row, Tell

MADE = 64
ORDER = 5  # words of the counting floor
LONG, SHORT = 8, 4  # bars that are looked for in training tunes
BITS = 8  # of a word, for the counts


@dataclass(frozen=True)
class Wish:
    """What was asked of a tune, and the metre that the held-out one has."""

    kind: str
    key: Key
    seed: int

    @property
    def where(self) -> dict[str, str]:
        told = {"key": str(self.key)}
        return {**told, "type": self.kind} if self.kind else told


def measure(
    model: api.Model,
    train: Sequence[Any],
    held: Sequence[Any],
    *,
    seed: int,
    count: int | None,
    tell: Tell,
    temperature: float = 0.9,
) -> tuple[list[Row], dict[str, Any]]:
    """Rows of likelihood, form, key and copies. temperature: at which tunes are drawn."""
    tell("scoring held-out tunes")
    rows = _likelihood(model, train, held)
    wishes = _wishes(held, count or MADE, seed)
    tell("making tunes")
    made, ended = _made(model, wishes, temperature)
    tell("reading them")
    rows += [*_form(made, ended, held), *_keys(made, wishes, held), _metres(made, wishes, train)]
    tell("looking for copies")
    rows += _copies(made, held, train)
    return rows, {"made": len(made), "temperature": temperature, "bars_refused": _refused(model)}


def _refused(model: api.Model) -> int:
    codec: Any = model.codec
    return int(codec.fresh)


# --- likelihood -----------------------------------------------------------------------------------


def _likelihood(model: api.Model, train: Sequence[Any], held: Sequence[Any]) -> list[Row]:
    codec: Any = model.codec
    eos = codec.spec.eos
    ids = [np.array([*tune(one).ids, eos], np.uint8) for one in held]
    floor = NGram(np.concatenate([np.array([*tune(x).ids, eos], np.uint8) for x in train]), ORDER)
    counted = sum(float(floor.bits(one).sum()) for one in ids) / sum(map(len, ids))
    return [
        Row(
            metric="bits_per_word",
            value=_bits(model, held),
            floor=counted,
            ceiling=_bits(model, train[: len(held)]),
            note=f"of {len(held)} held-out tunes; floor: {ORDER}-gram counts (Kneser-Ney) of the "
            "training tunes; ceiling: as many training tunes",
        )
    ]


@torch.inference_mode()
def _bits(model: api.Model, items: Sequence[Any]) -> float:
    codec: Any = model.codec
    nets: Any = model.nets
    nats = words = 0.0
    for batch in evaluation(codec.encode(items), codec.spec, batch=model.recipe.data.batch):
        nats -= float(model.family.score(nets, batch.to(model.device)).double().sum())
        words += float(batch.count())
    if not words:
        raise DataError("the held-out tunes cannot be scored: give more")
    return nats / words / math.log(2)


# --- made tunes -----------------------------------------------------------------------------------


def _wishes(held: Sequence[Any], count: int, seed: int) -> list[Wish]:
    scores = [score_of(tune(one).ids) for one in held]
    chosen = [scores[n % len(scores)] for n in range(count)]
    return [Wish(one.kind, one.key, seed + n) for n, one in enumerate(chosen)]


def _made(
    model: api.Model, wishes: Sequence[Wish], temperature: float
) -> tuple[list[str], list[bool]]:
    options = Options(temperature=temperature)
    with model.engine() as engine:
        asked = [
            engine.submit(Request(where=one.where, seed=one.seed, options=options))
            for one in wishes
        ]
        made = [str(one.result()[0]) for one in asked]
    return made, [one.endings[0].finish == "stop" for one in asked]


def _form(made: Sequence[str], ended: Sequence[bool], held: Sequence[Any]) -> list[Row]:
    own = [verdict(text, Key()) for text in made]
    real = [verdict(str(tune(one)), Key()) for one in held]
    rows = [
        Row(
            metric="parse",
            value=share(own, "parses"),
            floor=0.0,
            ceiling=share(real, "parses"),
            better="higher",
            note="share of made tunes that read as ABC; ceiling: held-out tunes",
        ),
        Row(
            metric="bars_add_up",
            value=share(own, "adds_up"),
            floor=0.0,
            ceiling=share(real, "adds_up"),
            better="higher",
            note="share whose every bar holds what its metre says, upbeats allowed for",
        ),
        Row(
            metric="ended",
            value=sum(a and b.closed for a, b in zip(ended, own, strict=True)) / len(made),
            ceiling=1.0,
            better="higher",
            note="share that came to an end by itself, at a double line or a repeat",
        ),
    ]
    return [*rows, *_read_elsewhere(made, held)]


def _read_elsewhere(made: Sequence[str], held: Sequence[Any]) -> list[Row]:
    """By Verovio's own reader, with as many notes; nothing where it is not installed."""
    try:
        toolkit = library().toolkit()
    except MissingExtra:
        return []
    own = [_same_notes(toolkit, text) for text in made]
    real = [_same_notes(toolkit, str(tune(one))) for one in held]
    return [
        Row(
            metric="parse_elsewhere",
            value=sum(own) / len(own),
            ceiling=sum(real) / len(real),
            better="higher",
            note="share that Verovio's reader of ABC reads with as many notes as ours; ceiling: "
            "held-out tunes, some of which it does not",
        )
    ]


def _same_notes(toolkit: Any, text: str) -> bool:
    score = scored(text)
    toolkit.setInputFrom("abc")
    if score is None or not toolkit.loadData(text):
        return False
    found = toolkit.getMEI({"noLayout": True}).count("<note ")
    graced = sum(len(note.grace) for note in score.parts[0].notes)
    return abs(found - score.notes - graced) <= 1


def _keys(made: Sequence[str], wishes: Sequence[Wish], held: Sequence[Any]) -> list[Row]:
    own = [verdict(text, one.key) for text, one in zip(made, wishes, strict=True)]
    turned = [*wishes[len(wishes) // 2 :], *wishes[: len(wishes) // 2]]
    other = [verdict(text, one.key) for text, one in zip(made, turned, strict=True)]
    real = [verdict(str(tune(one)), score_of(tune(one).ids).key) for one in held]
    what = {
        "found": ("key_found", "in the asked key, tonic and mode, by a key finder"),
        "tonic": ("tonic_found", "of which it finds the asked tonic"),
        "signature": ("signature_found", "of which it finds the asked signature"),
    }
    return [_shares(label, name, own, other, real, told) for name, (label, told) in what.items()]


def _shares(
    label: str,
    name: str,
    own: Sequence[Verdict],
    other: Sequence[Verdict],
    real: Sequence[Verdict],
    told: str,
) -> Row:
    return Row(
        metric=label,
        value=share(own, name),
        floor=share(other, name),
        ceiling=share(real, name),
        better="higher",
        note=f"share {told}; floor: keys asked of other tunes; ceiling: held-out tunes",
    )


def _metres(made: Sequence[str], wishes: Sequence[Wish], train: Sequence[Any]) -> Row:
    """Whether each has a metre that its type has in training."""
    usual: dict[str, set[str]] = {}
    counts: Counter[str] = Counter()
    for one in train:
        score = score_of(tune(one).ids[:HEADER])
        usual.setdefault(score.kind, set()).add(str(score.metre))
        counts[str(score.metre)] += 1
    found = [scored(text) for text in made]
    fits = [
        score is not None and str(score.metre) in usual.get(one.kind, {str(score.metre)})
        for score, one in zip(found, wishes, strict=True)
    ]
    total = sum(counts.values())
    chance = [sum(counts[m] for m in usual.get(one.kind, counts)) / total for one in wishes]
    return Row(
        metric="metre_of_type",
        value=sum(fits) / len(fits),
        floor=sum(chance) / len(chance),
        ceiling=1.0,
        better="higher",
        note="share with a metre that tunes of the asked type have in training, where none was "
        "asked for; floor: metres by their frequency",
    )


def _copies(made: Sequence[str], held: Sequence[Any], train: Sequence[Any]) -> list[Row]:
    own = [ids for text in made if (ids := _ids(text)) is not None]
    real, known = ([arranged(tune(one).ids) for one in some] for some in (held, train))
    return [
        Row(
            metric=f"shares_{bars}_bars",
            value=copied(own, known, runs, bars),
            floor=1.0,
            ceiling=copied(real, known, runs, bars),
            note=f"share with {bars} bars in a row that stand in a training tune, in any key; "
            "floor: copying; ceiling: held-out tunes",
        )
        for bars in (LONG, SHORT)
    ]


def _ids(text: str) -> list[int] | None:
    try:
        return list(tune(text).ids)
    except DataError:
        return None
