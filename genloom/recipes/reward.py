"""Rewards: a model that can speak tries tasks, and what judges better becomes likelier (GRPO).

On 2 cores `small` takes about 5 minutes from a model of a million weights. Rewards sharpen what the
model sometimes gets right; what it never gets right they cannot teach. See docs/benchmarks.md.
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation

# prompts a step, tries of each, ids of a try
SIZES = {
    "tiny": {"batch": 8, "tries": 4, "max_tokens": 32, "steps": 30},
    "small": {"batch": 16, "tries": 8, "max_tokens": 128, "steps": 300},
    "base": {"batch": 16, "tries": 16, "max_tokens": 256, "steps": 1000},
    "large": {"batch": 32, "tries": 16, "max_tokens": 512, "steps": 2000},
}
MINUTES = {"tiny": 1.0, "small": 20.0, "base": 120.0, "large": float("inf")}
EXPECTED = {
    "reward": Expectation(
        metric="sums that are right",
        value=0.983,
        higher=True,
        floor=0.953,
        floor_is="before, by imitation",
        ceiling=1.0,
        ceiling_is="imitation of all answers",
        data="400 held-out sums",
        size=None,
        minutes=2.5,
        machine="one core beside other work",
        section="Tasks, trained from nothing",
    ),
}


def choose(size: str, facts: Facts) -> Recipe:
    """The preset of a size; codec and net are those of the model that it starts from."""
    s = SIZES[size]
    return Recipe(
        name="reward",
        codec=Part("text"),
        family=Part("policy", {k: s[k] for k in ("tries", "max_tokens")}),
        net={"net": Part("transformer")},
        data=Data(batch=s["batch"]),
        train=Train(
            steps=s["steps"],
            rate=RATE,
            muon_rate=0.0,
            weight_decay=0.0,
            warmup=0.05,
            decay=0.2,
            ema=0.0,
            compile="off",  # no two steps have tries of one length
            judge=50,
        ),
    )


RATE = 4e-3  # of new weights; those of a model that is gone on from take a twentieth
