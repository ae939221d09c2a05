"""Folk tunes: a transformer over the words of melodies, its bars held to the metre.

Makes dance tunes of a type, metre and key that are asked for, over chords, goes on from a melody,
fills bars in. The sizes are meant for 680 Irish session tunes.
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation

# minutes on two cores -> width, depth, heads, context, tunes a step
SIZES = {
    "tiny": {"width": 96, "depth": 2, "heads": 2, "length": 512, "batch": 16, "variations": 4},
    "small": {"width": 128, "depth": 4, "heads": 4, "length": 512, "batch": 16, "variations": 8},
    "base": {"width": 192, "depth": 6, "heads": 4, "length": 512, "batch": 24, "variations": 12},
    "large": {"width": 512, "depth": 8, "heads": 8, "length": 1024, "batch": 64, "variations": 12},
}
MINUTES = {"tiny": 1.0, "small": 10.0, "base": 60.0, "large": float("inf")}


EXPECTED = {
    "folk": Expectation(
        metric="bits a word of held-out tunes",
        value=2.08,
        higher=False,
        floor=2.88,
        floor_is="a 5-gram",
        ceiling=1.64,
        ceiling_is="tunes it learnt from",
        data="672 Irish session tunes",
        size="small",
        minutes=5.8,
        machine="one core beside other work",
        section="Tunes",
    )
}


def choose(size: str, facts: Facts) -> Recipe:
    """The preset of a size for these tunes."""
    s = SIZES[size]
    net = {k: s[k] for k in ("width", "depth", "heads")}
    return Recipe(
        name="folk",
        codec=Part("tune", {"length": s["length"], "variations": s["variations"]}),
        family=Part("autoregressive"),
        net={"net": Part("transformer", {**net, "dropout": 0.1})},
        data=Data(batch=s["batch"]),
        train=Train(steps=2000, rate=4e-3, judge=100, preview=500, patience=6, epochs=60.0),
    )
