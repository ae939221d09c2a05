"""Pictures out of pictures: enlarged two or four times, restored, coloured.

A fully convolutional net learns from pictures that are made coarse, damaged or grey on the way, so
any collection teaches it; what it has learnt is used by `genloom enhance` on pictures of any size.
Enlarging learns from squared errors: on squares of one colour, 600 steps of 32 are 12 dB above the
bicubic filter, where absolute errors at half the rate are 1.6 dB.
The GAN variant adds a critic of patches, for sharper results. On 2 cores `tiny` takes 3 minutes.
"""

from __future__ import annotations

from typing import Any

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation

# Rates fall with width and depth: ten blocks of 64 break at 4e-3, six of 48 learn fastest there.
RATES = {"tiny": 4e-3, "small": 1.5e-3, "base": 1e-3, "large": 5e-4}
SIZES = {
    "tiny": {"width": 48, "depth": 6},
    "small": {"width": 64, "depth": 10},
    "base": {"width": 96, "depth": 16},
    "large": {"width": 160, "depth": 20},
}
MINUTES = {"tiny": 5.0, "small": 30.0, "base": 180.0, "large": float("inf")}
EXPECTED = {
    "upscale": Expectation(
        metric="PSNR",
        value=20.02,
        higher=True,
        floor=17.08,
        floor_is="the bicubic filter",
        data="tiles32, 8 to 32 pixels",
        size="small",
        minutes=13.4,
        machine="one core beside other work",
        section="Pictures: enlarging four times",
    ),
    "upscale-gan": Expectation(
        metric="PSNR",
        value=19.87,
        higher=True,
        floor=17.08,
        floor_is="the bicubic filter",
        data="tiles32, 8 to 32 pixels",
        size="small",
        minutes=14.1,
        machine="one core beside other work, after the plain net's",
        section="Pictures: enlarging four times",
    ),
}
STEADY = 1.5e-3  # of colouring: at 4e-3 `tiny` broke in step 180
CRITIC = {"patch": 2, "base": 16, "most": 64, "levels": 3, "patches": True, "blocks": 1}
CONVINCE = 0.003  # a tenth of the slope of the errors: more is sharper and further from the real


def choose(size: str, facts: Facts) -> Recipe:
    """Four times larger."""
    return _enlarging("upscale", 4, size, facts)


def choose_twice(size: str, facts: Facts) -> Recipe:
    """Twice as large."""
    return _enlarging("upscale-2x", 2, size, facts)


def choose_adversarial(size: str, facts: Facts) -> Recipe:
    """Four times larger, and a critic that wants it sharp."""
    return _judged(_enlarging("upscale-gan", 4, size, facts))


def choose_restoring(size: str, facts: Facts) -> Recipe:
    """Without noise, blur, blocks and scratches."""
    net = {"factor": 2, "begins": "control"}
    return _made("restore", {"kind": "damaged"}, net, size, facts)


def choose_colouring(size: str, facts: Facts) -> Recipe:
    """Colours for grey pictures."""
    net = {"factor": 2, "begins": "control"}
    made = _made("colourise", {"kind": "grey"}, net, size, facts)
    rate = min(made.train.rate, STEADY)
    return made.with_('codec.mode="RGB"', f"train.rate={rate}")


def _enlarging(name: str, factor: int, size: str, facts: Facts) -> Recipe:
    made = _made(name, {"kind": "coarse", "factor": factor}, {"factor": factor}, size, facts)
    return made.with_("family.error=squared")


def _made(
    name: str, control: dict[str, Any], net: dict[str, Any], size: str, facts: Facts
) -> Recipe:
    side = (facts.side or 32) // 4 * 4
    return Recipe(
        name=name,
        codec=Part("image", {"size": side, "control": control, "mirrored": True}),
        family=Part("reconstruction", {"detail": 0.5}),
        net={"net": Part("upscaler", {**SIZES[size], **net})},
        data=Data(batch=32),
        train=Train(
            steps=3000,
            rate=RATES[size],
            muon_rate=0.0,
            weight_decay=0.0,
            decay=0.7,
            preview=500,
        ),
    )


def _judged(recipe: Recipe) -> Recipe:
    """With a critic that sees what the net was told, too."""
    values = recipe.to_json()
    values["family"] |= {"adversarial": CONVINCE, "error": "absolute"}
    values["net"]["critic"] = {"kind": "conv_critic", **CRITIC}
    values["train"] |= {"betas": [0.5, 0.99], "rate": recipe.train.rate / 2, "precision": "fp32"}
    return Recipe.from_json(values)
