"""Proteins: perplexity beside counts, relatives, and variants beside what was measured.

Usage: bench_proteins.py train FOLDER [--minutes 9]      trains FOLDER on data/proteins
       bench_proteins.py MODEL [--variants 1500]
Data: E. coli, archaea and mitochondria of data/proteins, 8,013 proteins; a tenth is held out by
groups of relatives (codec/sequence/kin.py), and it is told how alike the nearest training protein
of held-out ones is. The rows are those of `genloom eval` (genloom/trust/quality_sequence.py).
Variants: of the 5,397 of a beta-lactamase (data/proteins) so many, evenly by measured fitness;
Spearman's correlation of log p(variant) - log p(wild) with it, beside BLOSUM62, the frequencies of
residues and how many residues differ. Nothing of the enzyme's fitness was learnt from.
"""

from __future__ import annotations

import argparse
import gzip
import re
import time
from pathlib import Path
from typing import Any

import numpy as np
import protocol

from genloom import api
from genloom.codec.sequence.item import BioSequence
from genloom.likelihood import gains
from genloom.metric.alignment import Nearest
from genloom.metric.ranks import spearman
from genloom.trust.quality import evaluate
from genloom.trust.quality_sequence import digits

DATA = Path(__file__).parents[2] / "shared" / "data" / "proteins"
FILES = ("ecoli_proteome_train", "uniprot_archaea", "uniprot_mitochondria")
LACTAMASE = "beta_lactamase_variants.fasta.gz"
ASKED = 60  # held-out proteins whose nearest is looked for


def train(target: Path, minutes: float) -> None:
    """The three files in one folder beside the model, which is compared with them afterwards:
    their names are words, too."""
    folder = target.with_name(f"{target.name}-data")
    folder.mkdir(exist_ok=True)
    for file in DATA.iterdir():
        if file.name.startswith(FILES) and not (folder / file.name).exists():
            (folder / file.name).symlink_to(file)
    begun = time.process_time()
    model = api.train("protein", folder, out=target, minutes=minutes)
    print(f"{time.process_time() - begun:.0f} s of a core, {model.card['metrics']}")


def splits(model: api.Model) -> None:
    """How alike held-out proteins are to training ones, by the split and by one at random."""
    codec: Any = model.codec
    known, held = list(model.training_items()), list(model.held_out_items())
    every = [*known, *held]
    rng = np.random.default_rng(0)
    order = rng.permutation(len(every))
    cut = len(held)
    ways = {"groups of relatives": (known, held)}
    ways["at random"] = ([every[n] for n in order[cut:]], [every[n] for n in order[:cut]])
    for name, (some, others) in ways.items():
        library = Nearest([digits(codec, one) for one in some], 5, 21)
        asked = [others[n] for n in rng.permutation(len(others))[:ASKED]]
        found = np.array([library.find(digits(codec, x), codec.letters.worth)[0] for x in asked])
        print(
            f"split by {name}: of {len(found)} held-out proteins {np.mean(found >= 0.5):.3f} have "
            f"a training protein with half their residues alike, {np.mean(found >= 0.4):.3f} with "
            f"0.4; mean {found.mean():.3f}, median {np.median(found):.3f}",
            flush=True,
        )


def lactamase(count: int) -> tuple[str, list[tuple[str, str, float]]]:
    """(wild one, (name, letters, fitness) of so many variants)."""
    with gzip.open(DATA / LACTAMASE, "rt") as file:
        text = file.read()
    rows = [record.split("\n", 1) for record in text.split(">")[1:]]
    found = []
    for head, letters in rows:
        _, name, fitness = head.split("|")
        found.append((name.rpartition("_")[2], "".join(letters.split()), float(fitness)))
    counts = [np.bincount([ord(one[1][n]) for one in found]) for n in range(len(found[0][1]))]
    wild = "".join(chr(int(one.argmax())) for one in counts)
    changed = sorted((one for one in found if one[1] != wild), key=lambda one: one[2])
    step = max(1, len(changed) // count)
    return wild, changed[::step][:count]


def variants(model: api.Model, count: int) -> None:
    codec: Any = model.codec
    wild, some = lactamase(count)
    fitness = [one[2] for one in some]
    begun = time.process_time()
    own = gains(model, BioSequence(wild), [BioSequence(letters) for _, letters, _ in some])
    seconds = time.process_time() - begun
    table, order = codec.letters.worth, codec.letters.letters
    known = "".join(map(str, model.training_items()))
    often = {letter: np.log(known.count(letter) / len(known)) for letter in order}

    def differing(letters: str) -> list[tuple[str, str]]:
        return [(a, b) for a, b in zip(wild, letters, strict=True) if a != b]

    exchanged = [
        sum(table[order.index(a), order.index(b)] for a, b in differing(x)) for _, x, _ in some
    ]
    likely = [sum(often[b] - often[a] for a, b in differing(x)) for _, x, _ in some]
    rows = [
        {"by": "the model, both directions", "spearman": f"{spearman(own, fitness):.3f}"},
        {"by": "BLOSUM62", "spearman": f"{spearman(exchanged, fitness):.3f}"},
        {"by": "frequencies of residues", "spearman": f"{spearman(likely, fitness):.3f}"},
        {
            "by": "the model's rank and BLOSUM62's together",
            "spearman": f"{spearman(_together(own, exchanged), fitness):.3f}",
        },
    ]
    library = Nearest([digits(codec, one) for one in model.training_items()], 5, 21)
    near, _ = library.find(digits(codec, wild), codec.letters.worth)
    print(f"{len(some)} variants of beta-lactamase, {seconds:.0f} s of a core")
    protocol.table(rows)
    print(f"the nearest training protein has {near:.2f} of its residues")


def _together(a: list[float], b: list[float]) -> list[float]:
    x, y = (np.argsort(np.argsort(np.array(one))) for one in (a, b))
    return [float(one) for one in x + y]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("target", nargs="?")
    parser.add_argument("--minutes", type=float, default=9.0)
    parser.add_argument("--variants", type=int, default=1500)
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
    variants(model, asked.variants)
    splits(model)


if __name__ == "__main__":
    main()
