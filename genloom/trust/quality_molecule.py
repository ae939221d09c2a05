"""The protocol for molecules: what a model makes unfiltered, beside counts and beside real ones.

Whether a line is a molecule is told before anything is left out, with the grammar off, and once
more with it; uniqueness and novelty are told by canonical lines. Floors are draws of a character
5-gram of the training lines, ceilings held-out molecules.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from genloom import api
from genloom.codec.molecule import chemistry
from genloom.codec.molecule.item import molecule
from genloom.data.loader import evaluation
from genloom.errors import DataError
from genloom.metric.markov import Markov
from genloom.metric.molecules import cosine, wasserstein
from genloom.metric.ngram import NGram
from genloom.spec import Options, Request
from genloom.trust.quality import Row, Tell

MADE = 1000
ORDER = 5
ASKED = 100  # wishes for each property
PARTS = 20  # scaffolds of held-out molecules that are asked for
EACH = 5  # molecules with each
TRIES = 4
COMPARED = ("logP", "QED", "weight", "TPSA", "SA")
TRAINED = 20_000  # training molecules whose properties and scaffolds are looked at


@dataclass(frozen=True)
class Made:
    """lines as they came; keys: of those that are molecules, canonical."""

    lines: list[str]
    keys: list[str]

    @classmethod
    def of(cls, lines: Sequence[str]) -> Made:
        found = [chemistry.canonical(str(one)) for one in lines]
        return cls(list(map(str, lines)), [key for key in found if key is not None])

    @property
    def valid(self) -> float:
        return len(self.keys) / len(self.lines)

    @property
    def unique(self) -> float:
        return len(set(self.keys)) / len(self.keys) if self.keys else float("nan")

    def new(self, known: frozenset[str]) -> float:
        own = set(self.keys)
        return len(own - known) / len(own) if own else float("nan")


def measure(
    model: api.Model,
    train: Sequence[Any],
    held: Sequence[Any],
    *,
    seed: int,
    count: int | None,
    tell: Tell,
    temperature: float = 1.0,
) -> tuple[list[Row], dict[str, Any]]:
    """Rows of likelihood, validity, novelty, distributions, conditions and parts. temperature: at
    which molecules are drawn."""
    codec: Any = model.codec
    chemistry.library()
    many = count or MADE
    known = frozenset(codec.keys(train))
    tell("scoring held-out molecules")
    rows = [_likelihood(model, train, held)]
    tell("making molecules")
    strict = codec.strict
    try:
        codec.strict = False
        made = Made.of(_made(model, many, seed, temperature))
        codec.strict = True
        guided = Made.of(_made(model, many, seed, temperature))
    finally:
        codec.strict = strict
    counted = _counted(train, many, seed)
    real = Made.of([str(one) for one in held])
    rows += _shares(made, guided, counted, real, known, many)
    tell("comparing properties and scaffolds")
    rows += _distributions(made, counted, train, held, seed)
    tell("asking for properties")
    rows += _conditions(model, held, made, seed)
    tell("asking for parts")
    rows += _parts(model, held, made, seed)
    told = {"made": many, "temperature": temperature, "shared_with_training": real.new(known) < 1}
    return rows, told


def _made(model: api.Model, count: int, seed: int, temperature: float) -> list[str]:
    options = Options(temperature=temperature)
    with model.engine() as engine:
        items = engine.submit(Request(count=count, seed=seed, options=options)).result()
    return [str(one) for one in items]


def _counted(train: Sequence[Any], count: int, seed: int) -> Made:
    """By characters alone."""
    draw, counts = random.Random(seed), Markov(map(str, train), ORDER)
    return Made.of([counts.draw(draw) for _ in range(count)])


# --- likelihood -----------------------------------------------------------------------------------


def _likelihood(model: api.Model, train: Sequence[Any], held: Sequence[Any]) -> Row:
    codec: Any = model.codec
    spec = codec.spec
    width = max(8, (spec.vocab - 1).bit_length())
    eos = torch.tensor([spec.eos])
    plain = [str(one) for one in train]
    ids = [torch.cat([x, eos]).numpy() for x in codec.encode(plain)]
    counts = NGram(np.concatenate(ids), ORDER, width)
    own = [torch.cat([x, eos]).numpy() for x in codec.encode([str(one) for one in held])]
    floor = sum(float(counts.bits(x).sum()) for x in own) / len(own)
    return Row(
        metric="bits_per_molecule",
        value=_bits(model, [str(one) for one in held]),
        floor=floor,
        ceiling=_bits(model, plain[: len(held)]),
        note=f"of {len(held)} held-out molecules; floor: {ORDER}-gram counts (Kneser-Ney) of the "
        "training molecules' words; ceiling: as many training molecules",
    )


@torch.inference_mode()
def _bits(model: api.Model, items: Sequence[str]) -> float:
    codec: Any = model.codec
    nets: Any = model.nets
    nats = 0.0
    for batch in evaluation(codec.encode(items), codec.spec, batch=model.recipe.data.batch):
        nats -= float(model.family.score(nets, batch.to(model.device)).double().sum())
    if not len(items):
        raise DataError("there are no held-out molecules: give some")
    return nats / len(items) / math.log(2)


# --- what is made ---------------------------------------------------------------------------------


def _shares(
    made: Made, guided: Made, counted: Made, real: Made, known: frozenset[str], many: int
) -> list[Row]:
    return [
        Row(
            metric="validity",
            value=made.valid,
            floor=counted.valid,
            ceiling=1.0,
            better="higher",
            note=f"share of {many} lines that RDKit takes, nothing left out, the grammar off; "
            f"floor: a character {ORDER}-gram of the training lines",
        ),
        Row(
            metric="validity_with_grammar",
            value=guided.valid,
            floor=made.valid,
            ceiling=1.0,
            better="higher",
            note="the same where words that the grammar and the usual valences forbid cannot be "
            "drawn; floor: without",
        ),
        Row(
            metric="unique",
            value=made.unique,
            floor=counted.unique,
            ceiling=real.unique,
            better="higher",
            note="share of valid ones that are no repeats, by canonical lines",
        ),
        Row(
            metric="novelty",
            value=made.new(known),
            floor=0.0,
            ceiling=real.new(known),
            better="higher",
            note="share of these that do not stand in the training data, by canonical lines; "
            "floor: copying; ceiling: held-out molecules",
        ),
    ]


def _distributions(
    made: Made, counted: Made, train: Sequence[Any], held: Sequence[Any], seed: int
) -> list[Row]:
    draw = random.Random(seed)
    real = [str(one) for one in held]
    some = draw.sample([str(x) for x in train], min(len(train), max(len(real), 1)))
    values = {
        name: chemistry.properties(lines, COMPARED)
        for name, lines in (
            ("made", made.keys),
            ("counted", counted.keys),
            ("real", real),
            ("some", some),
        )
    }
    rows = [
        Row(
            metric=f"wasserstein_{name}",
            value=wasserstein(values["real"][:, n].tolist(), values["made"][:, n].tolist()),
            floor=wasserstein(values["real"][:, n].tolist(), values["counted"][:, n].tolist()),
            ceiling=wasserstein(values["real"][:, n].tolist(), values["some"][:, n].tolist()),
            note=f"first Wasserstein distance of {name} to held-out molecules, in deviations; "
            "floor: the 5-gram's valid ones; ceiling: as many training molecules",
        )
        for n, name in enumerate(COMPARED)
    ]
    frames = {
        name: [chemistry.scaffold(one) or "" for one in lines]
        for name, lines in (("made", made.keys), ("counted", counted.keys), ("some", some))
    }
    base = [chemistry.scaffold(one) or "" for one in real]
    rows.append(
        Row(
            metric="scaffold_similarity",
            value=cosine(base, frames["made"]),
            floor=cosine(base, frames["counted"]),
            ceiling=cosine(base, frames["some"]),
            better="higher",
            note="cosine of the counts of Bemis-Murcko scaffolds, to held-out molecules; ceiling: "
            "as many training molecules",
        )
    )
    return rows


# --- what is asked for ----------------------------------------------------------------------------


def _conditions(model: api.Model, held: Sequence[Any], made: Made, seed: int) -> list[Row]:
    """Each property that RDKit can check, by the numbers of held-out molecules."""
    codec: Any = model.codec
    rows: list[Row] = []
    for name, scale in codec.scales.items():
        plain = chemistry.named(name)
        if plain is None:
            continue
        wishes = _wishes(held, name, plain)
        if not wishes:
            continue
        errors, valid = _missed(model, name, plain, wishes, seed, 1)
        several, _ = _missed(model, name, plain, wishes, seed, TRIES)
        own = chemistry.properties(made.keys[: len(wishes)], [plain])[:, 0]
        chance = [abs(a - b) for a, b in zip(own.tolist(), wishes, strict=False)]
        step = [abs(scale.middles[scale.step(w)] - w) for w in wishes]
        note = f"mean distance to {len(wishes)} numbers of held-out molecules; {valid:.1%} "
        note += "are molecules; floor: molecules made without asking; ceiling: the steps' width"
        for metric, some, how in (
            (f"asked_{name}_error", errors, "one draw each; "),
            (f"asked_{name}_error_of_{TRIES}", several, f"the best of {TRIES} tries each; "),
        ):
            rows.append(
                Row(
                    metric=metric,
                    value=_mean(some),
                    floor=_mean(chance),
                    ceiling=_mean(step),
                    note=how + note,
                )
            )
    return rows


def _wishes(held: Sequence[Any], name: str, plain: str) -> list[float]:
    some = [molecule(one) for one in held[:ASKED]]
    found = chemistry.properties(some, [plain])[:, 0].tolist()
    told = [one.values.get(name, value) for one, value in zip(some, found, strict=True)]
    return [value for value in told if math.isfinite(value)]


def _missed(
    model: api.Model, name: str, plain: str, wishes: Sequence[float], seed: int, tries: int
) -> tuple[list[float], float]:
    """How far each molecule is off, and how many are some."""
    codec: Any = model.codec
    with model.engine() as engine:
        asked = [
            engine.submit(Request(where=f"{name} = {wish!r}", seed=seed + n, count=tries))
            for n, wish in enumerate(wishes)
        ]
        made = [[str(x) for x in one.result()] for one in asked]
    out: list[float] = []
    fine = 0
    for wish, some in zip(wishes, made, strict=True):
        strays = codec.strays(some, Request(where=f"{name} = {wish!r}"))
        best = some[min(range(len(some)), key=lambda n: strays[n])]
        value = chemistry.property_of(best, plain)
        fine += math.isfinite(value)
        out.append(abs(value - wish))
    return [x for x in out if math.isfinite(x)], fine / len(wishes)


def _parts(model: api.Model, held: Sequence[Any], made: Made, seed: int) -> list[Row]:
    """Scaffolds of held-out molecules, to be held by what is made."""
    codec: Any = model.codec
    if codec.notation == "selfies":
        return []
    known = frozenset(codec.words)
    frames = dict.fromkeys(chemistry.scaffold(str(one)) or "" for one in held)
    wanted = [one for one in frames if one and set(codec.told_in(one)) <= known][:PARTS]
    if not wanted:
        return []
    with model.engine() as engine:
        asked = [
            engine.submit(Request(prompt=one, seed=seed + n, count=EACH))
            for n, one in enumerate(wanted)
        ]
        found = [[str(x) for x in one.result()] for one in asked]
    pairs = [(part, line) for part, some in zip(wanted, found, strict=True) for line in some]
    held_ = sum(chemistry.contains(line, part) for part, line in pairs) / len(pairs)
    grown = {
        key
        for part, line in pairs
        if (key := chemistry.canonical(line)) and key != chemistry.canonical(part)
    }
    chance = [chemistry.contains(line, part) for part in wanted for line in made.keys[: 5 * EACH]]
    return [
        Row(
            metric="holds_part",
            value=held_,
            floor=sum(chance) / len(chance) if chance else None,
            ceiling=1.0,
            better="higher",
            note=f"share of {len(pairs)} molecules that are some and hold the scaffold asked for, "
            f"{len(wanted)} of held-out molecules; {len(grown)} are different and more than it; "
            "floor: molecules made without asking",
        )
    ]


def _mean(some: Sequence[float]) -> float:
    known = [x for x in some if math.isfinite(x)]
    return statistics.fmean(known) if known else float("nan")
