"""SQL from questions about a table: the text preset's transformer over questions and queries.

Makes one query of WikiSQL's subset a question, by a grammar of the table's columns and the
question's words, so that every query parses. Learns from WikiSQL's lines and from variations of
them. Expect from 1,000 of them and 9 minutes of 2 cores 27 of 100 questions about unseen tables
right to the letter (95%: 19 to 36; the most frequent shape 1, a rule by shared words 22).
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation

# minutes on two cores -> width, depth, heads, context, questions a step, byte pairs
SIZES = {
    "tiny": {"width": 96, "depth": 3, "heads": 3, "length": 256, "batch": 32, "vocab": 512},
    "small": {"width": 128, "depth": 4, "heads": 4, "length": 384, "batch": 16, "vocab": 1024},
    "base": {"width": 256, "depth": 6, "heads": 4, "length": 384, "batch": 32, "vocab": 1024},
    "large": {"width": 512, "depth": 8, "heads": 8, "length": 512, "batch": 64, "vocab": 2048},
}
VARIATIONS = 40_000  # that few minutes do not go through twice
MINUTES = {"tiny": 1.0, "small": 10.0, "base": 60.0, "large": float("inf")}
EXPECTED = {
    "sql": Expectation(
        metric="exact match",
        value=0.27,
        higher=True,
        floor=0.22,
        floor_is="a rule by shared words",
        data="WikiSQL, 100 questions about unseen tables",
        size="small",
        minutes=11.0,
        machine="2 cores beside other work",
        section="Tasks, trained from nothing",
    ),
}


def choose(size: str, facts: Facts) -> Recipe:
    """The preset of a size for these questions."""
    s = SIZES[size]
    net = {k: s[k] for k in ("width", "depth", "heads")}
    return Recipe(
        name="sql",
        codec=Part("sql", {"length": s["length"], "vocab": s["vocab"], "variations": VARIATIONS}),
        family=Part("autoregressive"),
        net={"net": Part("transformer", net)},
        data=Data(batch=s["batch"]),
        train=Train(steps=1500, rate=6e-3, judge=250, preview=500, patience=4, epochs=40.0),
    )
