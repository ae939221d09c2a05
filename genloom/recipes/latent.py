"""Pictures by way of an autoencoder: the autoencoder itself, with normal latents or with codes, and
what makes pictures of these: flow in the latents, or one code after another as texts are made.

    genloom train image-autoencoder DATA --out small
    genloom train image-latent DATA --set codec.autoencoder=small

On 2 cores `small` autoencoders take about 10 minutes at 28-64 pixels, and as much again what is
built on them. Measured with `tiny` on 10,000 digits: after 300 steps of 32 the tokenizer gives
digits, some of them learnt from, back with 22.7 dB (the mean digit: 11.9), and after 250 steps of
32 in its codes about half of the digits drawn can be read. Where pictures have 64 pixels or fewer
a place of the latents covers 4 x 4 of them, else 8 x 8.
"""

from __future__ import annotations

from typing import Any

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import of_digits
from genloom.recipes.image import prompt_for

MINUTES = {"tiny": 3.0, "small": 20.0, "base": 120.0, "large": float("inf")}
EXPECTED = {
    "image-codes": of_digits(
        97.6, minutes=18.0, machine="one core beside other work, the tokenizer's training included"
    ),
}
CODERS = {
    "tiny": {"width": 32, "most": 64, "blocks": 1},
    "small": {"width": 64, "most": 128, "blocks": 2},
    "base": {"width": 96, "most": 256, "blocks": 3},
    "large": {"width": 128, "most": 512, "blocks": 4},
}
SIZES = {
    "tiny": {"width": 128, "depth": 3, "heads": 4},
    "small": {"width": 192, "depth": 4, "heads": 6},
    "base": {"width": 320, "depth": 8, "heads": 5},
    "large": {"width": 512, "depth": 12, "heads": 8},
}
LEVELS = (8, 5, 5, 5)  # 1000 codes (Mentzer et al. 2023, table 1)
SMALL_SIDE = 28  # pixels, up to which four channels of latents are enough
LARGE_SIDE = 64  # pixels, above which a place covers 8 x 8
LARGE_GRID = 16  # places a side of the latents, above which the flow's patches are 2 x 2


def _coder(name: str, size: str, facts: Facts, net: dict[str, Any]) -> Recipe:
    side = facts.side or 32
    factor = 8 if side > LARGE_SIDE and side % 8 == 0 else 4
    options = {} if facts.side is None else {"size": side}
    return Recipe(
        name=name,
        codec=Part("image", options),
        family=Part("reconstruction"),
        net={"net": Part("autoencoder", {**CODERS[size], "factor": factor, **net})},
        data=Data(batch=32 if side <= LARGE_SIDE else 8),
        train=Train(steps=3000, rate=3e-3, muon_rate=0.0, weight_decay=0.0, preview=500),
    )


def choose_autoencoder(size: str, facts: Facts) -> Recipe:
    """Normal latents of 4 channels for small pictures, which are mostly grey, else of 8."""
    channels = 4 if (facts.side or 32) <= SMALL_SIDE else 8
    return _coder("image-autoencoder", size, facts, {"latent": channels})


def choose_tokenizer(size: str, facts: Facts) -> Recipe:
    """Codes."""
    return _coder("image-tokenizer", size, facts, {"levels": list(LEVELS)})


def choose(size: str, facts: Facts) -> Recipe:
    """Flow matching in an autoencoder's latents; the side of the facts is that of their grid."""
    prompt = prompt_for(facts)
    patch = 2 if (facts.side or 8) > LARGE_GRID and not (facts.side or 8) % 2 else 1
    return Recipe(
        name="image-latent",
        codec=Part("latent"),
        prompt=prompt,
        family=Part("flow", {"guidance": 2.0 if prompt else 1.0, "steps": 24}),
        net={"net": Part("diffusion_transformer", {**SIZES[size], "patch": patch})},
        data=Data(batch=64),
        train=Train(steps=3000, rate=2e-3, muon_rate=0.01, weight_decay=0.0, preview=500),
    )


def choose_codes(size: str, facts: Facts) -> Recipe:
    """One code after another."""
    return Recipe(
        name="image-codes",
        codec=Part("codes"),
        family=Part("autoregressive"),
        net={"net": Part("transformer", {**SIZES[size], "learned": -1})},
        data=Data(batch=32),
        train=Train(steps=3000, rate=2e-3, muon_rate=0.01, weight_decay=0.01, preview=500),
    )
