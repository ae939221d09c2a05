"""Stories: the text preset for tens of megabytes of books, judged on little and previewed rarely.

Writes on in the manner of the books. docs/benchmarks.md has the bits per byte of whole held-out
books that were measured: on 2 cores after half an hour, and on a GPU.
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation
from genloom.recipes.text import dropout

# minutes on two cores -> width, depth, heads, context, windows a step, byte pairs at most
SIZES = {
    "tiny": {"width": 128, "depth": 3, "heads": 2, "length": 128, "batch": 16, "vocab": 2048},
    "small": {"width": 192, "depth": 4, "heads": 3, "length": 256, "batch": 16, "vocab": 4096},
    "base": {"width": 256, "depth": 5, "heads": 4, "length": 256, "batch": 24, "vocab": 4096},
    "large": {"width": 640, "depth": 10, "heads": 5, "length": 1024, "batch": 32, "vocab": 8192},
}
MINUTES = {"tiny": 1.0, "small": 8.0, "base": 90.0, "large": float("inf")}
EXPECTED = {
    "stories": Expectation(
        metric="bits_per_byte",
        value=1.513,
        higher=False,
        floor=2.074,
        floor_is="counts of six bytes",
        data="whole held-out books",
        size="base",
        minutes=22.6,
        machine="2 cores",
        section="Pretraining: what each technique is worth",
    ),
}


def choose(size: str, facts: Facts) -> Recipe:
    """The preset of a size for these books."""
    s = SIZES[size]
    net: dict[str, float] = {k: s[k] for k in ("width", "depth", "heads")}
    net["tied"] = size != "large"
    drop = dropout(s["width"], s["depth"], facts.units)
    if drop:
        net["dropout"] = drop
    return Recipe(
        name="stories",
        codec=Part("text", {"length": s["length"], "vocab": s["vocab"]}),
        family=Part("autoregressive"),
        net={"net": Part("transformer", net)},
        data=Data(batch=s["batch"], pack=True, holdout=0.02, short=0.25),
        train=Train(
            steps=2000,
            rate=6e-3,
            weight_decay=0.1 if drop else 0.01,
            judge=500,
            epochs=30.0,
            save_seconds=600.0,
        ),
    )
