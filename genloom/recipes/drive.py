"""Driving scenes from words, by flow matching over movers: rare cases for those who test machines.

    genloom data draw driving -n 20000 -o driving.jsonl
    genloom train drive driving.jsonl --minutes 15
    genloom generate drive "rain, dense traffic, a cut-in" -n 100 -o scenes/

A scene is a road, the weather and up to eleven movers over six seconds.
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation

SIZES = {
    "tiny": {"width": 128, "depth": 4, "heads": 4},
    "small": {"width": 192, "depth": 6, "heads": 6},
    "base": {"width": 320, "depth": 8, "heads": 5},
    "large": {"width": 512, "depth": 12, "heads": 8},
}
MINUTES = {"tiny": 5.0, "small": 30.0, "base": 180.0, "large": float("inf")}

EXPECTED = {
    "drive": Expectation(
        metric="as asked and possible, the best of four tries",
        value=0.975,
        higher=True,
        floor=0.760,
        floor_is="one try",
        ceiling=1.0,
        ceiling_is="the simulator",
        data="5,362 simulated scenes, captions that were held out",
        size="tiny",
        minutes=None,
        machine="one core beside other work",
        section="Driving scenes as asked",
    ),
}


def choose(size: str, facts: Facts) -> Recipe:
    """The net puts out the clean scene, a mover a place."""
    net = {**SIZES[size], "patch": 1, "norm": "layer", "qk_norm": "layer"}
    return Recipe(
        name="drive",
        codec=Part("drive"),
        prompt=Part("words") if facts.captions else None,
        family=Part("flow", {"predicts": "data", "guidance": 1.5, "steps": 32}),
        net={"net": Part("diffusion_transformer", net)},
        data=Data(batch=128),
        train=Train(steps=4000, rate=2e-3, muon_rate=0.01, weight_decay=0.0, preview=1000),
    )
