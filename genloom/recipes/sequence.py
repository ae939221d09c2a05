"""Proteins and DNA: a transformer over letters, behind words told of each sequence.

Makes sequences by the words of their headers and annotations, goes on from a beginning, fills in
letters, and says how likely a sequence or a variant is. `small` was measured on proteins, `tiny` on
DNA: docs/benchmarks.md.
"""

from __future__ import annotations

from typing import Any

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation

# minutes on two cores -> width, depth, heads, context, rows a step
SIZES = {
    "tiny": {"width": 96, "depth": 2, "heads": 3, "length": 256, "batch": 8},
    "small": {"width": 128, "depth": 3, "heads": 4, "length": 512, "batch": 8},
    "base": {"width": 320, "depth": 6, "heads": 5, "length": 1024, "batch": 16},
    "large": {"width": 768, "depth": 16, "heads": 12, "length": 2048, "batch": 32},
}
EXPECTED = {
    "protein": Expectation(
        metric="perplexity of held-out residues",
        value=16.67,
        higher=False,
        floor=17.76,
        floor_is="3-gram counts",
        ceiling=13.18,
        ceiling_is="residues it learnt from",
        data="8,013 proteins of E. coli, archaea and mitochondria",
        size="small",
        minutes=12.0,
        machine="one core",
        section="Proteins",
    ),
    "dna": Expectation(
        metric="distance of codons in made genes",
        value=0.0043,
        higher=False,
        floor=0.0556,
        floor_is="a Markov chain of five bases",
        ceiling=0.0041,
        ceiling_is="genes it learnt from",
        data="the genome of E. coli with its genes",
        size="tiny",
        minutes=4.8,
        machine="a fifth of a core beside other work",
        section="DNA",
    ),
}
MINUTES = {"tiny": 1.0, "small": 12.0, "base": 90.0, "large": float("inf")}


def choose(size: str, facts: Facts) -> Recipe:
    """Proteins of a FASTA file: by family, function and organism, with letters filled in."""
    return _recipe("protein", size, facts, {"alphabet": "protein", "backward": 0.25, "gaps": 0.15})


def choose_dna(size: str, facts: Facts) -> Recipe:
    """A genome or pieces of one: both strands, genes and promoters where an annotation says."""
    return _recipe("dna", size, facts, {"alphabet": "dna", "backward": 0.0, "gaps": 0.1})


def _recipe(name: str, size: str, facts: Facts, options: dict[str, Any]) -> Recipe:
    s = SIZES[size]
    net = {k: s[k] for k in ("width", "depth", "heads")}
    rows = max(1, facts.units // s["length"])
    return Recipe(
        name=name,
        codec=Part("sequence", {**options, "length": s["length"], "variations": _variations(rows)}),
        family=Part("autoregressive"),
        net={"net": Part("transformer", {**net, "bigram": 1024})},
        data=Data(batch=s["batch"], pack=True, separate=True),
        train=Train(steps=1500, rate=6e-3, judge=250, preview=500, patience=6, epochs=20.0),
    )


def _variations(rows: int) -> int:
    """More of what is little, within what is held in memory."""
    return max(1, min(8, 20_000 // rows))
