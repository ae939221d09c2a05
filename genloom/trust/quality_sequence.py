"""The protocol for biological sequences: surprise beside counts, and made ones beside real ones.

Floors are letters by their frequency and runs of letters by counting, ceilings training sequences
and real held-out ones. What genes add is in `quality_genes`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from genloom import api
from genloom.codec.sequence.item import BioSequence, as_sequence
from genloom.errors import DataError
from genloom.likelihood import likelihoods
from genloom.metric.alignment import Nearest
from genloom.metric.kmers import divergence, spectrum
from genloom.metric.ngram import NGram
from genloom.spec import Options, Request
from genloom.trust.quality import Row, Tell
from genloom.trust.quality_genes import gene_rows
from genloom.trust.quality_variants import variant_rows

MADE = 64
SCORED = 400_000  # letters of held-out sequences that are scored
LIBRARY = 20_000  # sequences in which the nearest is looked for
ALIGNED = 24  # sequences of each sort that are aligned
COPY = 0.9  # letters alike from which a sequence is a copy
FILLED = 64  # sequences in which letters are taken out
HOLE = 5


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
    """Rows of likelihood, of variants, of made sequences and their nearest, of genes where they
    were learnt. temperature: at which sequences are drawn."""
    codec: Any = model.codec
    train = [as_sequence(one, codec.letters) for one in train]
    held = [as_sequence(one, codec.letters) for one in held]
    tell("scoring held-out sequences")
    rows, told = _likelihood(model, train, _first(held, SCORED))
    tell("ranking substitutions")
    rows += variant_rows(model, train, held, seed)
    tell("making sequences")
    made = _made(model, held, count or MADE, seed, temperature)
    rows += _composition(codec, made, train, held)
    tell("filling letters in")
    rows += _filling(model, train, held, seed)
    if not codec.letters.long:
        tell("looking for the nearest")
        rows += _nearest(codec, made, train, held)
    tell("reading genes")
    rows += gene_rows(model, train, held, seed, temperature)
    return rows, {**told, "made": len(made), "temperature": temperature}


def _first(items: Sequence[BioSequence], letters: int) -> list[BioSequence]:
    """Evenly from all, so many letters at most."""
    size = sum(map(len, items))
    step = max(1, -(-size // letters))
    return list(items[::step])


# --- likelihood -----------------------------------------------------------------------------------


def bare(item: BioSequence, words: Sequence[str] = ()) -> BioSequence:
    """Without its words, or with others."""
    return BioSequence(str(item), item.name, words, inner=item.inner, open=item.open)


def _perplexity(model: api.Model, items: Sequence[BioSequence]) -> float:
    told = likelihoods(model, items)
    letters = sum(one.letters for one in told)
    nats = sum(one.nats for one in told)
    if not letters or not math.isfinite(nats):
        raise DataError("the held-out sequences cannot be scored: give more")
    return math.exp(-nats / letters)


def counted(codec: Any, train: Sequence[str], held: Sequence[str], order: int) -> float:
    """Perplexity of letters by counts of runs of `order` (Kneser-Ney), 1 for their frequencies."""
    known = len(codec.letters.letters)
    width = (known + 1).bit_length()  # of a letter, the unknown one and an end
    end = np.array([(1 << width) - 1], np.uint8)
    text = [part for one in train for part in (digits(codec, one).astype(np.uint8), end)]
    floor = NGram(np.concatenate(text), order, width)
    bits = letters = 0.0
    for one in held:
        own = digits(codec, one).astype(np.uint8)
        told = floor.bits(np.concatenate((end, own)))[1:][own < known]
        bits, letters = bits + float(told.sum()), letters + len(told)
    return 2.0 ** (bits / letters)


def _likelihood(
    model: api.Model, train: Sequence[BioSequence], held: Sequence[BioSequence]
) -> tuple[list[Row], dict[str, Any]]:
    codec: Any = model.codec
    order = 6 if codec.letters.long else 3
    plain = [bare(one) for one in held]
    own = _perplexity(model, plain)
    seen = _perplexity(model, [bare(one) for one in _first(train, sum(map(len, held)))])
    often, runs = (counted(codec, train, held, size) for size in (1, order))
    what = f"{order}-gram counts (a Markov chain of order {order - 1})"
    note = (
        f"a letter of {len(held):,} held-out sequences; floor: {what}, letters by their frequency "
        f"have {often:.4f}; ceiling: as many training letters"
    )
    rows = [
        Row(metric="perplexity", value=own, floor=runs, ceiling=seen, note=note),
        Row(
            metric="bits_per_letter",
            value=math.log2(own),
            floor=math.log2(runs),
            ceiling=math.log2(seen),
            note=f"the same; letters by their frequency have {math.log2(often):.4f}",
        ),
    ]
    told = {"frequency_perplexity": often, "scored_letters": sum(map(len, held))}
    return [*rows, *_words(model, held, own)], told


def _words(model: api.Model, held: Sequence[BioSequence], own: float) -> list[Row]:
    """What it gains to be told the right words, and others'."""
    codec: Any = model.codec
    known = set(codec.ids.words)
    some = [one for one in held if set(one.words) & known]
    if len(some) < 8 or codec.letters.long:
        return []
    told = [bare(one, [word for word in one.words if word in known][:4]) for one in some]
    others = [*told[len(told) // 2 :], *told[: len(told) // 2]]
    wrong = [bare(one, other.words) for one, other in zip(some, others, strict=True)]
    return [
        Row(
            metric="perplexity_told_words",
            value=_perplexity(model, told),
            floor=_perplexity(model, wrong),
            ceiling=None,
            note=f"of {len(some):,} held-out sequences with words of their headers told; floor: "
            f"with words of others; with none {_perplexity(model, [bare(x) for x in some]):.4f}",
        )
    ]


# --- made sequences -------------------------------------------------------------------------------


def _made(
    model: api.Model, held: Sequence[BioSequence], count: int, seed: int, temperature: float
) -> list[BioSequence]:
    codec: Any = model.codec
    longest = codec.room if codec.letters.long else 2 * codec.length
    options = Options(temperature=temperature, max_tokens=longest)
    with model.engine() as engine:
        told = engine.submit(Request(count=count, seed=seed, options=options))
        return list(told.result())


def _composition(
    codec: Any,
    made: Sequence[BioSequence],
    train: Sequence[BioSequence],
    held: Sequence[BioSequence],
) -> list[Row]:
    base = len(codec.letters.letters)
    size = 6 if codec.letters.long else 2
    real = _like_lengths(held, [len(one) for one in made])
    sides = [[digits(codec, one) for one in some] for some in (made, real, train)]
    rng = np.random.default_rng(0)
    even = [rng.integers(0, base, len(one)) for one in sides[0]]
    flat = [rng.permutation(one) for one in sides[0]]
    held_all = [digits(codec, one) for one in held]

    def far(some: Sequence[np.ndarray], run: int) -> float:
        return divergence(spectrum(some, run, base), spectrum(held_all, run, base))

    return [
        Row(
            metric="composition_distance",
            value=far(sides[0], 1),
            floor=far(even, 1),
            ceiling=far(sides[2], 1),
            note="Jensen-Shannon, bits, of letters to held-out ones; floor: all letters alike "
            "often; ceiling: training sequences",
        ),
        Row(
            metric=f"spectrum_{size}",
            value=far(sides[0], size),
            floor=far(flat, size),
            ceiling=divergence(
                spectrum(_pieces(sides[2], sides[0]), size, base), spectrum(held_all, size, base)
            ),
            note=f"the same of runs of {size}; floor: the made letters in any order; ceiling: as "
            "many training letters in pieces of the same lengths",
        ),
    ]


def _pieces(real: Sequence[np.ndarray], made: Sequence[np.ndarray]) -> list[np.ndarray]:
    whole = real[:: max(1, len(real) // max(1, len(made)))]
    return [a[: len(b)] for a, b in zip(whole, made, strict=False)]


def _like_lengths(items: Sequence[BioSequence], sizes: Sequence[int]) -> list[BioSequence]:
    chosen = [items[n * len(items) // max(1, len(sizes))] for n in range(len(sizes))]
    return [bare(one.piece(0, size)) for one, size in zip(chosen, sizes, strict=True)]


def digits(codec: Any, item: str) -> np.ndarray:
    """Letters as numbers from 0, the unknown one behind the others."""
    return codec.ids.letters(item).astype(np.int64) - codec.ids.letters(codec.letters.letters[0])[0]


def _nearest(
    codec: Any,
    made: Sequence[BioSequence],
    train: Sequence[BioSequence],
    held: Sequence[BioSequence],
) -> list[Row]:
    base = len(codec.letters.letters)
    worth = codec.letters.worth
    library = Nearest([digits(codec, x) for x in train[:LIBRARY]], codec.letters.kmer - 1, base + 1)
    own, real = (
        [library.find(digits(codec, one), worth)[0] for one in some[:ALIGNED]]
        for some in (made, held)
    )
    return [
        Row(
            metric="identity_to_nearest",
            value=float(np.mean(own)),
            floor=1.0,
            ceiling=float(np.mean(real)),
            note=f"mean share of letters alike in the nearest training sequence, of {len(own)}; "
            f"floor: copies; ceiling: held-out ones, the most alike of which has {max(real):.2f}",
        ),
        Row(
            metric="copies",
            value=sum(one >= COPY for one in own) / len(own),
            floor=1.0,
            ceiling=sum(one >= COPY for one in real) / len(real),
            note=f"share with at least {COPY:.0%} of its letters alike",
        ),
        Row(
            metric="distinct",
            value=len(set(made)) / len(made),
            floor=1 / len(made),
            ceiling=1.0,
            better="higher",
            note="share of made sequences that are not made twice",
        ),
    ]


# --- filling in -----------------------------------------------------------------------------------


def _filling(
    model: api.Model, train: Sequence[BioSequence], held: Sequence[BioSequence], seed: int
) -> list[Row]:
    """The likeliest letters in holes beside the real ones."""
    codec: Any = model.codec
    rng = np.random.default_rng(seed)
    long = [one for one in held if len(one) >= 8 * HOLE][:FILLED]
    if not long or not codec.gaps:
        return []
    asked, real = [], []
    for one in long:
        text = str(one[: int(codec.room / 1.3)])
        at = int(rng.integers(0, len(text) - HOLE))
        asked.append(f"{text[:at]}{'?' * HOLE}{text[at + HOLE :]}")
        real.append((at, text[at : at + HOLE]))
    with model.engine() as engine:
        options = Options(temperature=0.0)
        told = [engine.submit(Request(prompt=one, options=options)) for one in asked]
        filled = [str(one.result()[0]) for one in told]
    right = [
        a == b
        for one, (at, true) in zip(filled, real, strict=True)
        for a, b in zip(one[at : at + HOLE], true, strict=True)
    ]
    letters = "".join(map(str, train[:2000]))
    usual = max(codec.letters.letters, key=letters.count)
    often = np.mean([letter == usual for _, true in real for letter in true])
    return [
        Row(
            metric="filled_right",
            value=float(np.mean(right)),
            floor=float(often),
            ceiling=1.0,
            better="higher",
            note=f"share of {len(right)} letters filled in as they were, {HOLE} a sequence; floor: "
            "the commonest letter",
        )
    ]
