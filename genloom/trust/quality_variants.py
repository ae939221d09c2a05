"""Whether a model finds what nature does to sequences likelier than chance: substitutions ranked.

Of proteins, the residues by which related held-out sequences differ beside random ones; of genes,
changes of a letter that leave the protein as it is beside those that end it. Floors are the
frequencies of letters, a chain of letters, and BLOSUM62.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from genloom import api
from genloom.codec.sequence.genes import STOPS, SYNONYMS
from genloom.codec.sequence.item import BioSequence
from genloom.codec.sequence.kin import kin
from genloom.likelihood import gains
from genloom.metric.alignment import aligned
from genloom.metric.kmers import Markov
from genloom.metric.ranks import auroc
from genloom.trust.quality import Row

PAIRS = 60  # of related sequences
EACH = 4  # substitutions of a sequence
LOW, HIGH = 0.4, 0.9  # letters alike, of a pair
LEAST = 40  # letters
MOST = 400
MEMORY = 5  # letters


def variant_rows(
    model: api.Model, train: Sequence[BioSequence], held: Sequence[BioSequence], seed: int
) -> list[Row]:
    codec: Any = model.codec
    rng = np.random.default_rng(seed)
    if codec.letters.long:
        genes = [f for one in held for f in one.features if f.words[:1] == ("gene",)]
        return _genes(model, train, genes, rng) if genes else []
    return _proteins(model, train, held, rng)


# --- proteins -------------------------------------------------------------------------------------


def _proteins(
    model: api.Model, train: Sequence[BioSequence], held: Sequence[BioSequence], rng: Any
) -> list[Row]:
    """Each real substitution beside a random one at the same place and one anywhere."""
    codec: Any = model.codec
    letters = codec.letters.letters
    real: list[tuple[BioSequence, int, str]] = []
    for a, b in _pairs(codec, held, rng):
        own = [(a, i, b[j]) for i, j in _differing(codec, a, b)]
        real += [own[n] for n in rng.permutation(len(own))[:EACH]]
    if len(real) < 20:
        return []
    there = [(a, i, _other(letters, {a[i], new}, rng)) for a, i, new in real]
    places = [(a, int(rng.integers(len(a)))) for a, _, _ in real]
    anywhere = [(a, i, _other(letters, {a[i]}, rng)) for a, i in places]
    scores = _gained(model, [*real, *there, *anywhere])
    own, same, other = np.split(np.array(scores), 3)
    text = "".join(map(str, train[:4000]))
    often = {letter: np.log((1 + text.count(letter)) / len(text)) for letter in letters}
    table, at = codec.letters.worth, {letter: n for n, letter in enumerate(letters)}

    def by(worth: Any, some: Sequence[tuple[BioSequence, int, str]]) -> list[float]:
        return [float(worth(a[i], new)) for a, i, new in some]

    def frequency(old: str, new: str) -> float:
        return often[new] - often.get(old, 0.0)

    def exchanged(old: str, new: str) -> float:
        return float(table[at[old], at[new]]) if old in at else 0.0

    out = []
    for name, bad, some, what in (
        ("real_over_random", other, anywhere, "anywhere in the same protein"),
        ("real_over_random_there", same, there, "at the same place"),
    ):
        out.append(
            Row(
                metric=f"auroc_{name}",
                value=auroc(own, bad),
                floor=auroc(by(frequency, real), by(frequency, some)),
                ceiling=1.0,
                better="higher",
                note=f"{len(real)} substitutions between related held-out proteins above random "
                f"ones {what}; floor: frequencies of residues; BLOSUM62 alone reaches "
                f"{auroc(by(exchanged, real), by(exchanged, some)):.3f}",
            )
        )
    return out


def _gained(model: api.Model, some: Sequence[tuple[BioSequence, int, str]]) -> list[float]:
    """By the sequence they are of, so that each is scored once."""
    out = [0.0] * len(some)
    owners: dict[int, list[int]] = {}
    for n, (one, _, _) in enumerate(some):
        owners.setdefault(id(one), []).append(n)
    for numbers in owners.values():
        wild = some[numbers[0]][0]
        others = [wild[: some[n][1]] + some[n][2] + wild[some[n][1] + 1 :] for n in numbers]
        for n, gain in zip(numbers, gains(model, wild, others), strict=True):
            out[n] = gain
    return out


def _other(letters: str, taken: set[str], rng: Any) -> str:
    return str(rng.choice([letter for letter in letters if letter not in taken]))


def _pairs(
    codec: Any, held: Sequence[BioSequence], rng: Any
) -> list[tuple[BioSequence, BioSequence]]:
    """Related ones, each sequence in one pair."""
    fit = [one for one in held if LEAST <= len(one) <= MOST]
    names = kin(fit, codec.letters) or []
    groups: dict[str, list[BioSequence]] = {}
    for one, name in zip(fit, names, strict=False):
        groups.setdefault(name, []).append(one)
    out = []
    for some in groups.values():
        order = rng.permutation(len(some))
        out += [
            (_bare(some[a]), _bare(some[b]))
            for a, b in zip(order[::2].tolist(), order[1::2].tolist(), strict=False)
        ][:8]
    return [out[n] for n in rng.permutation(len(out))[:PAIRS]]


def _bare(one: BioSequence) -> BioSequence:
    return BioSequence(str(one), one.name)


def _differing(codec: Any, a: str, b: str) -> list[tuple[int, int]]:
    """Places where they differ, of a pair that is alike enough and not too much."""
    first = codec.ids.letters(codec.letters.letters[0])[0]
    x, y = (codec.ids.letters(one).astype(int) - first for one in (a, b))
    pairs = aligned(x, y, codec.letters.worth)
    alike = sum(int(x[i] == y[j]) for i, j in pairs) / max(1, min(len(a), len(b)))
    known = len(codec.letters.letters)
    differ = [(i, j) for i, j in pairs if x[i] != y[j] and x[i] < known and y[j] < known]
    return differ if LOW <= alike <= HIGH else []


# --- genes ----------------------------------------------------------------------------------------


def _genes(
    model: api.Model, train: Sequence[BioSequence], genes: Sequence[BioSequence], rng: Any
) -> list[Row]:
    """Changes of one letter that leave the protein, above changes that end it early."""
    codec: Any = model.codec
    some = [one for one in genes if len(one) > LEAST and len(one) % 3 == 0]
    some = [some[n] for n in rng.permutation(len(some))[:PAIRS]]
    kept: list[tuple[BioSequence, int, str]] = []
    ended: list[tuple[BioSequence, int, str]] = []
    for gene in some:
        one = BioSequence(gene[: codec.room - codec.room % 3], words=gene.words[:1], open=True)
        silent, stops = _changes(one)
        count = min(EACH, len(silent), len(stops))
        kept += [silent[n] for n in rng.permutation(len(silent))[:count]]
        ended += [stops[n] for n in rng.permutation(len(stops))[:count]]
    if len(kept) < 20:
        return []
    scores = np.split(np.array(_gained(model, [*kept, *ended])), 2)
    letters = codec.letters.letters
    text = "".join(str(one) for one in train[:40])
    often = {letter: np.log(text.count(letter) / len(text)) for letter in letters}

    def frequency(changes: Sequence[tuple[BioSequence, int, str]]) -> list[float]:
        return [often[new] - often.get(one[i], 0.0) for one, i, new in changes]

    def number(text: str) -> np.ndarray:
        own: np.ndarray = codec.ids.letters(text).astype(np.int64)
        return own - int(codec.ids.letters(letters[0])[0])

    chain = Markov(map(number, train), MEMORY, len(letters))

    def chained(changes: Sequence[tuple[BioSequence, int, str]]) -> list[float]:
        return [
            chain.nats(number(one[:i] + new + one[i + 1 :])) - chain.nats(number(one))
            for one, i, new in changes
        ]

    return [
        Row(
            metric="auroc_silent_over_stop",
            value=auroc(*scores),
            floor=auroc(frequency(kept), frequency(ended)),
            ceiling=1.0,
            better="higher",
            note=f"{len(kept)} changes of a letter of held-out genes that leave the protein above "
            f"as many that end it; floor: frequencies of letters; a chain of {MEMORY} letters "
            f"reaches {auroc(chained(kept), chained(ended)):.3f}",
        )
    ]


def _changes(
    gene: BioSequence,
) -> tuple[list[tuple[BioSequence, int, str]], list[tuple[BioSequence, int, str]]]:
    """(silent, ending) ones, of all but the first two and the last codon."""
    silent, stops = [], []
    for start in range(6, len(gene) - 3, 3):
        codon = str(gene[start : start + 3])
        for place in range(3):
            for letter in "ACGT":
                other = codon[:place] + letter + codon[place + 1 :]
                if letter == codon[place] or codon not in SYNONYMS:
                    continue
                if other in STOPS:
                    stops.append((gene, start + place, letter))
                elif other in SYNONYMS[codon]:
                    silent.append((gene, start + place, letter))
    return silent, stops
