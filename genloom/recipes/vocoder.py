"""Sounds out of their mel frames: what gives the frames that other models make a voice.

genloom train vocoder RECORDINGS --out voice
genloom train sound DATA --set codec.vocoder=voice

Two and a half minutes of a core on synthetic speech passed Griffin-Lim by mel distance and by
pitch, at four times its speed. It knows the voices that it has learnt of: on others, of another
rate, it lost pitches that Griffin-Lim keeps. A critic is family.adversarial=0.1 and matching with a
net of the kind wave_critic: a step costs some five times as much; not measured.
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train

SIZES = {
    "tiny": {"width": 192, "depth": 4},
    "small": {"width": 256, "depth": 6},
    "base": {"width": 384, "depth": 8},
    "large": {"width": 512, "depth": 8},
}
MINUTES = {"tiny": 4.0, "small": 60.0, "base": 300.0, "large": float("inf")}


def choose(size: str, facts: Facts) -> Recipe:
    """By the spectra alone."""
    return heard("vocoder", Part("vocoder", SIZES[size]))


def heard(name: str, net: Part) -> Recipe:
    """Windows of half a second or so, judged by their spectra."""
    return Recipe(
        name=name,
        codec=Part("waves", {"control": "mel", "samples": 8192}),
        family=Part(
            "reconstruction", {"pixel": 0.0, "detail": 0.0, "spectral": 1.0, "resolutions": 2}
        ),
        net={"net": net},
        data=Data(batch=16),
        train=Train(
            steps=3000,
            rate=2e-3,
            muon_rate=0.0,
            weight_decay=0.0,
            betas=(0.8, 0.99),
            preview=500,
            compile="off",  # complex numbers are not compiled, and a try takes a minute
        ),
    )
