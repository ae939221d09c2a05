"""One-line summaries: the sentence of a text that says the most, found by a small transformer.

Learns to grade sentences from texts with summaries that people wrote; the best graded one stands
for its text. On 2 cores `small` takes about 3 minutes; expect ROUGE-1 36, -2 18 and -L 30 on
abstracts of papers, where the first sentence has 27, 10 and 22, and a bag of words a point more
than this model. From two thousand texts no model of this size writes sentences worth reading.
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation

# minutes on two cores -> width, depth, heads, ids of a row, rows a step, byte pairs
SIZES = {
    "tiny": {"width": 96, "depth": 2, "heads": 3, "length": 128, "batch": 16, "vocab": 2048},
    "small": {"width": 128, "depth": 3, "heads": 4, "length": 128, "batch": 16, "vocab": 2048},
    "base": {"width": 256, "depth": 4, "heads": 4, "length": 128, "batch": 16, "vocab": 4096},
    "large": {"width": 512, "depth": 6, "heads": 8, "length": 128, "batch": 32, "vocab": 4096},
}
MINUTES = {"tiny": 1.0, "small": 10.0, "base": 60.0, "large": float("inf")}
EXPECTED = {
    "summary": Expectation(
        metric="ROUGE-1",
        value=36.2,
        higher=True,
        floor=27.2,
        floor_is="the first sentence",
        ceiling=44.0,
        ceiling_is="the nearest sentence",
        data="SciTLDR, 618 abstracts",
        size="small",
        minutes=2.6,
        machine="2 cores beside other work",
        section="Tasks, trained from nothing",
    ),
}


def choose(size: str, facts: Facts) -> Recipe:
    """The preset of a size for these texts."""
    s = SIZES[size]
    net = {**{k: s[k] for k in ("width", "depth", "heads")}, "dropout": 0.2}
    return Recipe(
        name="summary",
        codec=Part("summary", {"length": s["length"], "vocab": s["vocab"]}),
        family=Part("autoregressive"),
        net={"net": Part("transformer", net)},
        data=Data(batch=s["batch"], pack=True),
        train=Train(steps=600, rate=3e-3, muon_rate=0.01, judge=0, preview=0, epochs=5.0),
    )
