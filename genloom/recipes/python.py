"""Python: the text preset for code, with a longer context.

Completes modules in the manner of those it learnt from, under a grammar of the blocks that are open
(nine of ten completions of the standard library parse, drawn at temperature 0.6; else seven).
Does not solve problems: expect none of MBPP's. The numbers to expect are in docs/benchmarks.md.
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation
from genloom.recipes.text import dropout

# minutes on two cores -> width, depth, heads, context, windows a step, byte pairs
SIZES = {
    "tiny": {"width": 96, "depth": 3, "heads": 3, "length": 256, "batch": 8, "vocab": 1024},
    "small": {"width": 192, "depth": 4, "heads": 3, "length": 512, "batch": 8, "vocab": 2048},
    "base": {"width": 384, "depth": 6, "heads": 6, "length": 512, "batch": 16, "vocab": 4096},
    "large": {"width": 640, "depth": 10, "heads": 10, "length": 1024, "batch": 32, "vocab": 4096},
}
MINUTES = {"tiny": 1.0, "small": 10.0, "base": 120.0, "large": float("inf")}
EXPECTED = {
    "python": Expectation(
        metric="bits_per_byte",
        value=1.258,
        higher=False,
        floor=1.735,
        floor_is="counts of five tokens",
        data="35 modules of Python's library",
        size="small",
        minutes=10.0,
        machine="one core",
        section="Tasks, trained from nothing",
    ),
}


def choose(size: str, facts: Facts) -> Recipe:
    """The preset of a size for this code."""
    s = SIZES[size]
    vocab = s["vocab"] if facts.units > 200_000 else "bytes"
    net = {k: s[k] for k in ("width", "depth", "heads")}
    drop = dropout(s["width"], s["depth"], facts.units) if size in ("base", "large") else 0.0
    if drop:
        net |= {"dropout": drop}
    return Recipe(
        name="python",
        codec=Part("python", {"length": s["length"], "vocab": vocab}),
        family=Part("autoregressive"),
        net={"net": Part("transformer", net)},
        data=Data(batch=s["batch"], pack=True, holdout=0.02),
        train=Train(steps=2000, rate=6e-3, judge=250, preview=0, patience=2, epochs=20.0),
    )
