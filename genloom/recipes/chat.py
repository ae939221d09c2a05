"""Chat: the text preset's transformer over conversations, learning the assistant's turns only.

Makes answers in the manner of the data, and calls of tools where conversations have them. On 2
cores `small` takes about 5 minutes; such models learn the form of short conversations, their
commonest answers and which tool is meant (seven of ten), not facts, and none of a call's arguments:
see docs/benchmarks.md, Tasks.
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation

# minutes on two cores -> width, depth, heads, context, conversations or rows a step, byte pairs
SIZES = {
    "tiny": {"width": 96, "depth": 3, "heads": 3, "length": 128, "batch": 16, "vocab": 512},
    "small": {"width": 128, "depth": 4, "heads": 4, "length": 256, "batch": 16, "vocab": 1024},
    "base": {"width": 320, "depth": 6, "heads": 5, "length": 512, "batch": 24, "vocab": 4096},
    "large": {"width": 768, "depth": 12, "heads": 12, "length": 1024, "batch": 32, "vocab": 8192},
}
MINUTES = {"tiny": 1.0, "small": 6.0, "base": 60.0, "large": float("inf")}
EXPECTED = {
    "chat": Expectation(
        metric="bits_per_byte",
        value=0.562,
        higher=False,
        floor=1.021,
        floor_is="counts of six bytes",
        data="held-out conversations with services",
        size=None,
        minutes=4.0,
        machine="one NVIDIA H200",
        section="Tasks, trained from nothing",
    ),
}


def choose(size: str, facts: Facts) -> Recipe:
    """The preset of a size for these conversations."""
    s, much = SIZES[size], facts.units > 200_000
    vocab = s["vocab"] if much else "bytes"
    net = {k: s[k] for k in ("width", "depth", "heads")}
    return Recipe(
        name="chat",
        codec=Part("chat", {"length": s["length"], "vocab": vocab}),
        family=Part("autoregressive"),
        net={"net": Part("transformer", net)},
        # few conversations a step each; many side by side in full rows, without padding
        data=Data(batch=s["batch"] // 2 if much else s["batch"], pack=much),
        train=Train(steps=1500, rate=6e-3, judge=250, preview=500, patience=4, epochs=20.0),
    )
