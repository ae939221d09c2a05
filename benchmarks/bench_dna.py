"""DNA: bits a base beside Markov chains, spectra of runs of six, genes, and variants in genes.

Usage: bench_dna.py train FOLDER [--minutes 9]      trains FOLDER on data/dna, half held out
       bench_dna.py MODEL
Data: the genome of E. coli K-12 with its genes; every other half of blocks of 16,384 bases is held
out (by a hash of the block's number). The rows are those of `genloom eval`
(genloom/trust/quality_sequence.py, quality_genes.py). Besides, the plain spectrum of runs of six of
so many bases of each: a chain of five bases of memory is made of exactly these counts, so that it
reaches what real blocks reach, and nothing can have half of its distance; what it cannot have is
the reading frame, the same runs counted in frame, and what lies further apart than six bases.
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import protocol

from genloom import api
from genloom.metric.kmers import Markov, divergence
from genloom.spec import Options, Request
from genloom.trust.quality import evaluate
from genloom.trust.quality_genes import gene_rows
from genloom.trust.quality_sequence import counted, digits

DATA = Path(__file__).parents[2] / "shared" / "data" / "dna"
WINDOWS = 192
MEMORY = 5
MANY = 384  # genes
GAPPED = ((0, 1, 2, 3, 4, 5), (0, 1, 2, 6, 7, 8), (0, 1, 2, 12, 13, 14), (0, 3, 6, 9, 12, 15))


def train(target: Path, minutes: float) -> None:
    begun = time.process_time()
    model = api.train("dna", DATA, out=target, minutes=minutes, changes=["data.holdout=0.5"])
    print(f"{time.process_time() - begun:.0f} s of a core, {model.card['metrics']}")


def gapped(sequences: Sequence[np.ndarray], places: Sequence[int]) -> np.ndarray:
    """How often six bases come that stand so far apart, float [4096]."""
    out = np.zeros(4 ** len(places))
    for one in sequences:
        size = len(one) - places[-1]
        if size <= 0:
            continue
        columns = np.stack([one[p : p + size] for p in places], 1)
        known = (columns < 4).all(1)
        number = columns @ (4 ** np.arange(len(places))[::-1])
        out += np.bincount(number[known], minlength=len(out))
    return out


def spectra(model: api.Model, temperature: float = 1.0) -> None:
    codec: Any = model.codec
    known = [digits(codec, one) for one in model.training_items()]
    held = [digits(codec, one) for one in model.held_out_items()]
    begun = time.process_time()
    options = Options(temperature=temperature, max_tokens=codec.room)
    with model.engine() as engine:
        told = engine.submit(Request(count=WINDOWS, seed=1, options=options)).result()
    made = [digits(codec, one) for one in told]
    seconds = time.process_time() - begun
    sizes = [len(one) for one in made]
    chain = Markov(known, MEMORY, 4).draw(sizes, seed=1)
    both = [*known, *(3 - one[::-1] for one in known)]
    turned = Markov(both, MEMORY, 4).draw(sizes, seed=2)
    rng = np.random.default_rng(3)
    real = []
    for size in sizes:
        one = known[int(rng.integers(len(known)))]
        at = int(rng.integers(max(1, len(one) - size)))
        real.append(one[at : at + size])
    rows = []
    for places in GAPPED:
        theirs = gapped(held, places)
        told_ = {"bases": " ".join(map(str, places))}
        for name, some in (
            ("model", made),
            ("chain of 5", chain),
            ("chain of 5, both strands", turned),
            ("real training windows", real),
        ):
            told_[name] = f"{divergence(gapped(some, places), theirs):.5f}"
        rows.append(told_)
    print(f"Jensen-Shannon to the held-out half, bits; {sum(sizes):,} bases, {seconds:.0f} s")
    protocol.table(rows)


def frames(model: api.Model) -> None:
    """Rows of genes, of so many that their runs of six are counted well."""
    known, held = list(model.training_items()), list(model.held_out_items())
    for row in gene_rows(model, known, held, 0, 1.0, MANY):
        told = ", ".join(
            "-" if x is None else f"{x:.4f}" for x in (row.value, row.floor, row.ceiling)
        )
        print(f"{row.metric} of {MANY} genes: {told}", flush=True)


def bits(model: api.Model) -> None:
    """What chains of other lengths need, in bits a base."""
    codec: Any = model.codec
    known, held = list(model.training_items()), list(model.held_out_items())[::8]
    for order in (3, 9, 12):
        told = np.log2(counted(codec, known, held, order))
        print(f"a chain of {order - 1} bases: {told:.4f} bits", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("target", nargs="?")
    parser.add_argument("--minutes", type=float, default=9.0)
    asked = parser.parse_args()
    if asked.model == "train":
        train(Path(asked.target), asked.minutes)
        return
    model = api.load(asked.model)
    report = evaluate(model)
    for row in report.rows:
        numbers = [row.value, row.floor, row.ceiling]
        told = ", ".join("-" if x is None else f"{x:.4f}" for x in numbers)
        print(f"{row.metric}: {told} ({row.note})")
    print(re.sub(r"\s+", " ", str(report.protocol)), flush=True)
    frames(model)
    spectra(model)
    bits(model)


if __name__ == "__main__":
    main()
