"""Recognisers: what is said in recordings, letter by letter, by connectionist temporal
classification.

    genloom train recogniser recordings --minutes 20 --out ears
    genloom generate ears --item question.wav

Recordings with their texts (metadata.jsonl with "text", LJ Speech's metadata.csv, a .txt beside
each, or names such as seven_anna_3.wav).
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation

SIZES = {
    "tiny": {"width": 96, "depth": 3, "heads": 3},
    "small": {"width": 128, "depth": 4, "heads": 4},
    "base": {"width": 256, "depth": 8, "heads": 8},
    "large": {"width": 384, "depth": 12, "heads": 12},
}
MINUTES = {"tiny": 3.0, "small": 60.0, "base": 240.0, "large": float("inf")}

EXPECTED = {
    "recogniser": Expectation(
        metric="character errors in recordings that no training saw",
        value=0.073,
        higher=False,
        floor=1.125,
        floor_is="the commonest text",
        data="3,361 sentences of a synthetic teacher (espeak-ng)",
        size="small",
        minutes=7.2,
        machine="one core beside other work",
        section="Recogniser",
    )
}


def choose(size: str, facts: Facts) -> Recipe:
    """The preset of a size."""
    return Recipe(
        name="recogniser",
        codec=Part("transcript"),
        family=Part("ctc"),
        net={"net": Part("recogniser", {**SIZES[size], "dropout": 0.1})},
        data=Data(batch=16),
        train=Train(steps=3000, rate=2e-3, muon_rate=0.01, weight_decay=0.01, preview=500),
    )
