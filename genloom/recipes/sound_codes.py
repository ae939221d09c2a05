"""Sounds by way of codes: a tokenizer that says a recording in codes of several levels, and what
makes sounds of these, one code after another as texts are made.

    genloom train sound-tokenizer RECORDINGS --out codes
    genloom train sound-codes DATA --set codec.autoencoder=codes

A place is two mel frames (32 ms), each level one of 256 codes: 250 bits a second and level.
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.vocoder import heard

MINUTES = {"tiny": 10.0, "small": 60.0, "base": 300.0, "large": float("inf")}
CODERS = {
    "tiny": {"width": 192, "depth": 4},
    "small": {"width": 256, "depth": 6},
    "base": {"width": 384, "depth": 8},
    "large": {"width": 512, "depth": 8},
}
SIZES = {
    "tiny": {"width": 128, "depth": 3, "heads": 4},
    "small": {"width": 192, "depth": 4, "heads": 6},
    "base": {"width": 320, "depth": 8, "heads": 5},
    "large": {"width": 512, "depth": 12, "heads": 8},
}
LEARNT = 4  # levels: the finer ones say little, and a run is as many times as long


def choose_tokenizer(size: str, facts: Facts) -> Recipe:
    """Codes, and the vocoder that hears them."""
    return heard("sound-tokenizer", Part("sound_tokenizer", CODERS[size]))


def choose(size: str, facts: Facts) -> Recipe:
    """One code after another."""
    return Recipe(
        name="sound-codes",
        codec=Part("sound_codes", {"levels": LEARNT}),
        family=Part("autoregressive"),
        net={"net": Part("transformer", SIZES[size])},
        data=Data(batch=16),
        train=Train(steps=3000, rate=2e-3, muon_rate=0.01, weight_decay=0.01, preview=500),
    )
