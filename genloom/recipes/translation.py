"""Translation: a transformer over pairs of sentences, packed whole into rows of 64 ids.

Makes a sentence in the other language of a short sentence. Give a file such as eng-deu.tsv.gz, or a
folder of several (then say the language first: "deu: How are you?"). On 2 cores `base` takes 30 to
60 minutes: expect 40 BLEU or more from English to German on everyday sentences of at most ten words
(one reference each; a copy has 0.3, a dictionary of words 9, one person beside another 34).
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation

# minutes on two cores -> width, depth, heads, ids of a row, rows a step, byte pairs
SIZES = {
    "tiny": {"width": 96, "depth": 3, "heads": 3, "length": 64, "batch": 16, "vocab": 1024},
    "small": {"width": 192, "depth": 4, "heads": 3, "length": 64, "batch": 48, "vocab": 2048},
    "base": {"width": 256, "depth": 6, "heads": 4, "length": 64, "batch": 64, "vocab": 4096},
    "large": {"width": 512, "depth": 8, "heads": 8, "length": 128, "batch": 128, "vocab": 8192},
}
MINUTES = {"tiny": 1.0, "small": 12.0, "base": 90.0, "large": float("inf")}
EXPECTED = {
    "translation": Expectation(
        metric="BLEU, one reference",
        value=42.3,
        higher=True,
        floor=9.9,
        floor_is="word by word",
        data="English to German, up to ten words",
        size="base",
        minutes=24.0,
        machine="one core beside other work",
        section="Tasks, trained from nothing",
    ),
}


def choose(size: str, facts: Facts) -> Recipe:
    """The preset of a size for these pairs."""
    s = SIZES[size]
    net = {k: s[k] for k in ("width", "depth", "heads")}
    if size == "large":
        net |= {"dropout": 0.1}
    return Recipe(
        name="translation",
        codec=Part("pair", {"length": s["length"], "vocab": s["vocab"]}),
        family=Part("autoregressive"),
        net={"net": Part("transformer", net)},
        data=Data(batch=s["batch"], pack=True, holdout=0.03),
        train=Train(steps=3000, rate=6e-3, judge=1000, preview=1000, epochs=30.0),
    )
