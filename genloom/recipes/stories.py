"""Stories: the text preset for tens of megabytes of books.

Writes on in the manner of the books. Expect on the children's and adventure books of the open data,
in bits per byte of whole held-out books: see docs/benchmarks.md.
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train

# minutes on two cores -> width, depth, heads, context, windows a step, byte pairs
SIZES = {
    "tiny": {"width": 128, "depth": 3, "heads": 2, "length": 128, "batch": 16, "vocab": 2048},
    "small": {"width": 192, "depth": 4, "heads": 3, "length": 256, "batch": 16, "vocab": 4096},
    "base": {"width": 320, "depth": 6, "heads": 5, "length": 256, "batch": 24, "vocab": 4096},
    "large": {"width": 768, "depth": 12, "heads": 12, "length": 1024, "batch": 64, "vocab": 8192},
}
MINUTES = {"tiny": 1.0, "small": 8.0, "base": 200.0, "large": float("inf")}


def choose(size: str, facts: Facts) -> Recipe:
    """The preset of a size for these books."""
    s = SIZES[size]
    net = {k: s[k] for k in ("width", "depth", "heads")}
    if size == "large":
        net |= {"dropout": 0.1}
    return Recipe(
        name="stories",
        codec=Part("text", {"length": s["length"], "vocab": s["vocab"]}),
        family=Part("autoregressive"),
        net={"net": Part("transformer", net)},
        data=Data(batch=s["batch"], pack=True, holdout=0.02),
        train=Train(steps=2000, rate=6e-3, judge=500, preview=0, patience=0, epochs=20.0),
    )
