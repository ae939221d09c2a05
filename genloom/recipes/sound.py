"""Sounds from words: effects, words, single sounds, by flow matching over mel frames.

genloom train sound effects.zip --minutes 10      genloom generate effects "a click" -o click.wav
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation
from genloom.recipes.image import prompt_for

SIZES = {
    "tiny": {"width": 128, "depth": 3, "heads": 4},
    "small": {"width": 192, "depth": 6, "heads": 6},
    "base": {"width": 320, "depth": 8, "heads": 5},
    "large": {"width": 512, "depth": 12, "heads": 8},
}
MINUTES = {"tiny": 3.0, "small": 20.0, "base": 120.0, "large": float("inf")}

EXPECTED = {
    "sound": Expectation(
        metric="kernel distance to held-out sounds over that of real halves",
        value=1.27,
        higher=False,
        floor=2.8,
        floor_is="values drawn one by one",
        data="151 captioned effects",
        size="tiny",
        minutes=3.4,
        machine="one core beside other work",
        section="Sound effects",
    )
}


def choose(size: str, facts: Facts) -> Recipe:
    """The net puts out the clean frames, one or a few a place."""
    prompt = prompt_for(facts)
    net = {**SIZES[size], "patch": 2, "norm": "layer", "qk_norm": "layer"}
    return Recipe(
        name="sound",
        codec=Part("sound"),
        prompt=prompt,
        family=Part("flow", {"predicts": "data", "guidance": 2.0 if prompt else 1.0, "steps": 24}),
        net={"net": Part("diffusion_transformer", net)},
        data=Data(batch=32),
        train=Train(steps=3000, rate=2e-3, muon_rate=0.01, weight_decay=0.0, preview=500),
    )
