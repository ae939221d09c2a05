"""What genes add to the protocol for DNA: made genes beside real ones and beside a Markov chain.

Genes are asked for by their word and begin where the model begins them. The chain has a memory of
five letters, all that runs of six can teach: what it lacks is the reading frame.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from genloom import api
from genloom.codec.sequence.genes import STARTS, STOPS
from genloom.codec.sequence.item import BioSequence
from genloom.metric.kmers import Markov, divergence, spectrum, until_stop
from genloom.spec import Options, Request
from genloom.trust.quality import Row

GENES = 64
GENE = "gene"
MEMORY = 5
OPEN = 60  # codons that are read before a stop, of a gene that is open


def gene_rows(
    model: api.Model,
    train: Sequence[BioSequence],
    held: Sequence[BioSequence],
    seed: int,
    temperature: float,
    count: int = GENES,
) -> list[Row]:
    """Nothing where no genes were learnt or none are held out. count: genes to make; of few, runs
    of six are too few for their distance to say much."""
    codec: Any = model.codec
    real = [f for one in held for f in one.features if f.words[:1] == (GENE,)]
    if GENE not in codec.ids.words or len(real) < 8:
        return []
    known = [f for one in train for f in one.features if f.words[:1] == (GENE,)]
    most = codec.room - codec.room % 3
    real, known = ([str(one[:most]) for one in some] for some in (real, known))
    options = Options(temperature=temperature, max_tokens=most)
    with model.engine() as engine:
        told = engine.submit(Request(prompt=GENE, count=count, seed=seed, options=options))
        made = [str(one) for one in told.result()]
    letters = codec.letters.letters

    def number(text: str) -> np.ndarray:
        own: np.ndarray = codec.ids.letters(text).astype(np.int64)
        return own - int(codec.ids.letters(letters[0])[0])

    own, theirs, seen = ([number(one) for one in some] for some in (made, real, known))
    chain = Markov(map(number, train), MEMORY, len(letters))
    drawn = chain.draw([len(one) for one in own], seed)
    drawn = [np.concatenate((number("ATG"), one[3:])) for one in drawn]
    alike = _like(seen, own)
    return [*_frames(own, theirs, alike, drawn, number), *_begun(made, real)]


def _like(real: Sequence[np.ndarray], made: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Real genes as many and, from the longest, as long as the made ones."""
    step = max(1, len(real) // max(1, len(made)))
    return [a[: max(3, len(b))] for a, b in zip(real[::step], made, strict=False)]


def _frames(
    own: Sequence[np.ndarray],
    theirs: Sequence[np.ndarray],
    seen: Sequence[np.ndarray],
    drawn: Sequence[np.ndarray],
    number: Any,
) -> list[Row]:
    stops = frozenset(int(number(one) @ np.array([16, 4, 1])) for one in STOPS)

    def far(some: Sequence[np.ndarray], size: int) -> float:
        return divergence(spectrum(some, size, 4, 3), spectrum(theirs, size, 4, 3))

    def is_open(some: Sequence[np.ndarray]) -> float:
        return float(
            np.mean([until_stop(one, stops) >= min(OPEN, len(one) // 3 - 1) for one in some])
        )

    note = "floor: a chain of five letters of memory, begun with ATG; ceiling: training genes, as "
    note += "many and as long"
    return [
        Row(
            metric="spectrum_6_in_frame",
            value=far(own, 6),
            floor=far(drawn, 6),
            ceiling=far(seen, 6),
            note=f"Jensen-Shannon, bits, of pairs of codons, made to held-out genes; {note}",
        ),
        Row(
            metric="codon_distance",
            value=far(own, 3),
            floor=far(drawn, 3),
            ceiling=far(seen, 3),
            note=f"the same of codons; {note}",
        ),
        Row(
            metric="open_frames",
            value=is_open(own),
            floor=is_open(drawn),
            ceiling=is_open(seen),
            better="higher",
            note=f"share read for {OPEN} codons, or to the end, without a stop; {note}",
        ),
    ]


def _begun(made: Sequence[str], real: Sequence[str]) -> list[Row]:
    def right(some: Sequence[str]) -> float:
        return float(np.mean([one[:3] in STARTS for one in some]))

    return [
        Row(
            metric="begins_as_a_gene",
            value=right(made),
            floor=3 / 64,
            ceiling=right(real),
            better="higher",
            note="share that begins with ATG, GTG or TTG; floor: chance; ceiling: held-out genes",
        )
    ]
