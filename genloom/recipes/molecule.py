"""Molecules: a transformer over the words of SMILES, its properties told before it.

Makes molecules like those it learnt from, with properties within ranges or around a part that is
given. The sizes are meant for some 25,000 drug-like molecules.
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation

# minutes on two cores -> width, depth, heads, ids of a row, rows a step. Molecules are put whole
# into rows side by side: of 128 ids some two and a half each.
SIZES = {
    "tiny": {"width": 96, "depth": 2, "heads": 3, "length": 128, "batch": 24, "variations": 2},
    "small": {"width": 128, "depth": 4, "heads": 4, "length": 128, "batch": 24, "variations": 6},
    "base": {"width": 192, "depth": 6, "heads": 6, "length": 128, "batch": 24, "variations": 12},
    "large": {"width": 512, "depth": 8, "heads": 8, "length": 256, "batch": 64, "variations": 12},
}
MINUTES = {"tiny": 1.0, "small": 15.0, "base": 90.0, "large": float("inf")}
EPOCHS = 2.5  # passes over all variations; from some 4 on held-out molecules become less likely
BIGRAMS = 4096  # buckets of hashed pairs of words: 1.5 % fewer nats a word for no time

EXPECTED = {
    "molecule": Expectation(
        metric="valid by RDKit, nothing left out, grammar off",
        value=0.9737,
        higher=True,
        floor=0.0447,
        floor_is="a character 5-gram",
        ceiling=1.0,
        ceiling_is="held-out molecules",
        data="ZINC, 24,445 molecules",
        size="small",
        minutes=15.0,
        machine="one core",
        section="Molecules: ZINC",
    ),
}


def choose(size: str, facts: Facts) -> Recipe:
    """The preset of a size for these molecules."""
    s = SIZES[size]
    net = {k: s[k] for k in ("width", "depth", "heads")}
    return Recipe(
        name="molecule",
        codec=Part("molecule", {"length": s["length"], "variations": s["variations"]}),
        family=Part("autoregressive"),
        net={"net": Part("transformer", {**net, "bigram": BIGRAMS})},
        data=Data(batch=s["batch"], pack=True, holdout=0.05),
        train=Train(steps=3000, rate=6e-3, judge=500, preview=1000, patience=0, epochs=EPOCHS),
    )
