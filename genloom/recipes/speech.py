"""Speech: texts said by voices that were learnt, by flow matching over mel frames with an alignment
that is learnt along.

    genloom train speech recordings --minutes 20    genloom generate voices "Good morning." -o a.wav

Recordings with what is said in them (metadata.jsonl with "text" and "voice", LJ Speech's
metadata.csv, or names such as seven_anna_3.wav).
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation

SIZES = {
    "tiny": {"width": 128, "depth": 3, "heads": 4, "symbol_width": 96, "symbol_depth": 2},
    "small": {"width": 192, "depth": 5, "heads": 6, "symbol_width": 128, "symbol_depth": 3},
    "base": {"width": 320, "depth": 8, "heads": 5, "symbol_width": 192, "symbol_depth": 4},
    "large": {"width": 512, "depth": 12, "heads": 8, "symbol_width": 256, "symbol_depth": 6},
}
MINUTES = {"tiny": 3.0, "small": 60.0, "base": 240.0, "large": float("inf")}

EXPECTED = {
    "speech": Expectation(
        metric="character errors of a recogniser",
        value=0.106,
        higher=False,
        floor=0.886,
        floor_is="against other sentences",
        ceiling=0.035,
        ceiling_is="as recorded",
        data="1,500 sentences of a synthetic teacher (espeak-ng)",
        size="tiny",
        minutes=24.6,
        machine="one core beside other work",
        section="Speech",
    )
}


def choose(size: str, facts: Facts) -> Recipe:
    """The denoiser puts out the clean frames."""
    return Recipe(
        name="speech",
        codec=Part("sound"),
        prompt=Part("spelled"),
        family=Part("aligned_flow", {"predicts": "data"}),
        net={"net": Part("aligned_transformer", SIZES[size])},
        data=Data(batch=16),
        train=Train(steps=3000, rate=2e-3, muon_rate=0.01, weight_decay=0.0, preview=500),
    )
