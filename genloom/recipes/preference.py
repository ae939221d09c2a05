"""Preferences: a model of chat (or of texts) goes on learning which of two answers is better.

Made to start from a model: genloom train preference DATA --from MODEL. By DPO beside the model as
it was; `--set family.form=simpo` or `orpo` does without, and then a fresh net may learn, too, which
teaches it little else. On 2 cores `small` is minutes for a thousand pairs of short answers.
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation

# minutes on two cores -> width, depth, heads, context, pairs a step, byte pairs
SIZES = {
    "tiny": {"width": 96, "depth": 3, "heads": 3, "length": 128, "batch": 8, "vocab": 512},
    "small": {"width": 128, "depth": 4, "heads": 4, "length": 256, "batch": 8, "vocab": 1024},
    "base": {"width": 320, "depth": 6, "heads": 5, "length": 512, "batch": 16, "vocab": 4096},
    "large": {"width": 768, "depth": 12, "heads": 12, "length": 1024, "batch": 32, "vocab": 8192},
}
MINUTES = {"tiny": 1.0, "small": 6.0, "base": 60.0, "large": float("inf")}
EXPECTED = {
    "preference": Expectation(
        metric="pairs ordered right",
        value=0.612,
        higher=True,
        floor=0.557,
        floor_is="the shorter answer",
        data="hh-rlhf harmless, 454 pairs, by DPO",
        size="base",
        minutes=None,
        machine="one NVIDIA H200",
        section="Tasks, trained from nothing",
    ),
}


def choose(size: str, facts: Facts) -> Recipe:
    """The preset of a size for these pairs."""
    s = SIZES[size]
    vocab = s["vocab"] if facts.units > 200_000 else "bytes"
    net = {k: s[k] for k in ("width", "depth", "heads")}
    return Recipe(
        name="preference",
        codec=Part("preference", {"length": s["length"], "vocab": vocab}),
        family=Part("preference"),
        net={"net": Part("transformer", net)},
        data=Data(batch=s["batch"]),
        train=Train(steps=300, rate=2e-3, judge=50, preview=100, patience=4, epochs=3.0),
    )
