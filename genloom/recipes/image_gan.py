"""Pictures by a GAN: one step a picture, latents to walk along, from thousands of pictures.

Up to 28 grey pixels a side residual MLPs, beyond convolutions. On 2 cores `small` takes about 10
minutes on digits and an hour on coloured pictures of 32 pixels. Expect on MNIST, 10 minutes: 98 %
of real digits recognised by a classifier that has seen generated ones only.
"""

from __future__ import annotations

from typing import Any

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import of_digits
from genloom.recipes.image import prompt_for

MINUTES = {"tiny": 3.0, "small": 20.0, "base": 120.0, "large": float("inf")}
EXPECTED = {
    "image-gan": of_digits(98.4, minutes=23.0),
}
# What a GAN sees as one vector. On MNIST and 2 cores 130 s of products draw 96 % of digits as
# asked, where 160 s of convolutions draw 76 %; on coloured pictures of 32 pixels a minute of
# convolutions draws shapes and a minute of products does not.
SMALL_SIDE = 28
MLP = {
    "tiny": {"width": 256, "depth": 2},
    "small": {"width": 512, "depth": 2},
    "base": {"width": 1024, "depth": 3},
    "large": {"width": 2048, "depth": 4},
}
# Groups of 64 channels cost what groups of 16 do, and more is learnt: a step of 32 pictures takes
# 286 ms of one core in fp32, 203 with all but the penalty in bf16.
CONV = {
    "tiny": {"base": 32, "most": 64, "blocks": 1, "group": 32},
    "small": {"base": 64, "most": 128, "blocks": 1, "group": 64},
    "base": {"base": 64, "most": 256, "blocks": 1, "group": 64},
    "large": {"base": 128, "most": 512, "blocks": 2, "group": 64},
}
# Pixels a side that are one place of the finest grid: it then has 16 to 32 places a side, which a
# CPU can afford, and channels enough for the pixels of a place. Twice as many in `tiny`.
PATCHES = ((128, 8), (64, 4), (32, 4), (16, 2))
FEW = 10_000  # items, up to which the critic would learn them by heart, given the time
AUGMENT = 0.4


def choose(size: str, facts: Facts) -> Recipe:
    """Classes or captions reach both parties; few pictures are changed before the critic sees
    them."""
    side = facts.side or 32
    small = side <= SMALL_SIDE
    kind, player = ("mlp", _products(size)) if small else ("conv", _convolutions(size, side))
    family = {"penalty": 1.0, "penalised": 0.25}
    if not small and facts.items <= FEW and size != "tiny":
        family["augment"] = AUGMENT
    return Recipe(
        name="image-gan",
        codec=Part("image", {} if facts.side is None else {"size": facts.side}),
        prompt=prompt_for(facts),
        family=Part("adversarial", family),
        net={role: Part(f"{kind}_{role}", player) for role in ("generator", "critic")},
        data=Data(batch=128 if small else 32),
        train=Train(
            steps=3000,
            rate=5e-4 if small else 1e-3,
            muon_rate=0.0,
            weight_decay=0.0,
            betas=(0.0, 0.99),
            clip=0.0,
            precision="fp32" if small else "auto",
            judge=500,  # a run that collapses is stopped by what its items cover
            preview=500,
        ),
    )


def _products(size: str) -> dict[str, Any]:
    return MLP[size] | {"normalised": False, "bounded": True}


def _convolutions(size: str, side: int) -> dict[str, Any]:
    coarser, given = 2 if size == "tiny" else 1, CONV[size]
    patches = (coarser * patch for low, patch in PATCHES if side > low)
    patch = next((one for one in patches if side % one == 0), 1)
    base = max(given["base"], 8 * patch)
    return given | {
        "base": base,
        "most": max(given["most"], base),
        "patch": patch,
        "expansion": 1.0,
        "styled": True,
    }
