"""Four-part chorales: any voice and any bar from the others, by a net that fills in what is hidden.

Makes chorales of eight bars in a given key, harmonises a melody, makes bars of a piece anew.
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation

SIZES = {
    "tiny": {"width": 48, "depth": 5, "attention": 0, "dropout": 0.0},
    "small": {"width": 64, "depth": 6, "attention": 0, "dropout": 0.1},
    "base": {"width": 192, "depth": 15, "attention": 2},
    "large": {"width": 320, "depth": 20, "attention": 4},
}
MINUTES = {"tiny": 1.0, "small": 15.0, "base": 60.0, "large": float("inf")}


EXPECTED = {
    "chorale": Expectation(
        metric="nats a frame, any order, true voices within the frame",
        value=0.725,
        higher=False,
        floor=2.07,
        floor_is="the note held",
        data="Bach's chorales in sixteenths",
        size="small",
        minutes=5.0,
        machine="one core beside other work",
        section="Chorales",
    )
}


def choose(size: str, facts: Facts) -> Recipe:
    """Hidden places filled in; drawn by blocked Gibbs sampling, cool: that has fewer parallels."""
    return Recipe(
        name="chorale",
        codec=Part("chorale"),
        family=Part("masked", {"steps": 256, "smallest": 0.01, "temperature": 0.6}),
        net={"net": Part("lattice", SIZES[size])},
        data=Data(batch=16, holdout=0.1),
        train=Train(steps=3000, rate=3e-3, muon_rate=0.02, judge=500, patience=4, preview=0),
    )
