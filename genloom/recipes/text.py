"""Text and code: a transformer over bytes or byte pairs, left to right.

Makes continuations in the manner of the corpus. On 2 cores `small` takes about 2 minutes; on a
megabyte of English plays expect about 1.5 nats per character of held-out text.
"""

from __future__ import annotations

import math

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation

# minutes on two cores -> width, depth, heads, context, windows a step, byte pairs at most
SIZES = {
    "tiny": {"width": 96, "depth": 3, "heads": 3, "length": 128, "batch": 16, "vocab": 512},
    "small": {"width": 128, "depth": 4, "heads": 4, "length": 128, "batch": 16, "vocab": 1024},
    "base": {"width": 320, "depth": 6, "heads": 5, "length": 256, "batch": 24, "vocab": 4096},
    "large": {"width": 768, "depth": 12, "heads": 6, "length": 1024, "batch": 64, "vocab": 8192},
}
MINUTES = {"tiny": 1.0, "small": 6.0, "base": 60.0, "large": float("inf")}
EXPECTED = {
    "text": Expectation(
        metric="nats per character",
        value=1.453,
        higher=False,
        data="the last tenth of tinyshakespeare",
        size=None,
        minutes=2.4,
        machine="2 cores",
        section="Text: tinyshakespeare",
    ),
}
LASTING = ("base", "large")  # sizes that see the same text often enough to learn it by heart


def choose(size: str, facts: Facts) -> Recipe:
    """The preset of a size for this corpus."""
    s = SIZES[size]
    net: dict[str, float] = {k: s[k] for k in ("width", "depth", "heads")}
    drop = dropout(s["width"], s["depth"], facts.units) if size in LASTING else 0.0
    if drop:
        net["dropout"] = drop
    return Recipe(
        name="text",
        codec=Part("text", {"length": s["length"], "vocab": vocabulary(s["vocab"], facts.units)}),
        family=Part("autoregressive"),
        net={"net": Part("transformer", net)},
        data=Data(batch=s["batch"], pack=True),
        train=Train(
            steps=1500,
            rate=6e-3,
            weight_decay=0.1 if drop else 0.01,
            judge=250,
            preview=500,
            patience=4,
            epochs=60.0 if drop else 20.0,
        ),
    )


def vocabulary(most: int, units: int) -> int | str:
    """Byte pairs for so many characters: about half their square root, plain bytes for few. On a
    megabyte of plays 512 reach 1.452 nats per character where 1,024 reach 1.501."""
    if units <= 200_000:
        return "bytes"
    return min(most, max(512, 1 << round(math.log2(units) / 2 - 1)))


def dropout(width: int, depth: int, units: int) -> float:
    """More, the more weights there are for each id of the corpus (some 3 characters): 0.1 for each
    doubling, 0.3 at most."""
    weights, ids = 12 * depth * width**2, units / 3
    share = 0.1 * math.log2(weights / ids) if ids else 0.0
    return round(min(0.3, max(0.0, share)), 2)
