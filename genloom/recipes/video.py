"""Clips from words, and what goes on from a picture or a clip, by flow matching.

    genloom train video clips.npz --minutes 30      genloom generate clips "a digit 3 moving left"
    genloom generate clips "a digit 3 moving left" --item first.png -o clip.mp4

A diffusion transformer over patches of time, rows and columns that puts out the clean clip; it is
told frames that are known already, so that one model makes clips, goes on from them and fills in
between them. Patches span four frames: of 16 frames of 24 pixels that is 36 of them. Attention goes
within frames and along time in turns where there are many.
"""

from __future__ import annotations

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.image import prompt_for

SIZES = {
    "tiny": {"width": 128, "depth": 4, "heads": 4},
    "small": {"width": 192, "depth": 6, "heads": 6},
    "base": {"width": 320, "depth": 8, "heads": 5},
    "large": {"width": 512, "depth": 12, "heads": 8},
}
# Pixels of a side at most: on 16 frames of 48 pixels a step of `small` takes four times as long, so
# that half an hour of a core ends while digits are still in pieces.
SIDES = {"tiny": 24, "small": 24, "base": 48, "large": 64}
MINUTES = {"tiny": 10.0, "small": 60.0, "base": 240.0, "large": float("inf")}
TIME, SIDE = 4, 8  # frames and pixels of a patch
LARGE = 64  # pixels of a side from which layers see frames and lines through time in turns


def choose(size: str, facts: Facts) -> Recipe:
    """Frames, clock and colours are those of most clips; --set codec.frames=32 asks for others;
    sides are those of the clips, but no more than the size can learn in its time."""
    side = min(SIDES[size], max(16, (facts.side or 48) // 8 * 8))
    net = {**SIZES[size], "patches": [TIME, SIDE, SIDE], "norm": "layer", "qk_norm": "layer"}
    net |= {"axial": side >= LARGE}
    prompt = prompt_for(facts)
    return Recipe(
        name="video",
        codec=Part("video", {"size": side, "control": "frames"}),
        prompt=prompt,
        family=Part(
            "flow",
            {"predicts": "data", "guidance": 2.0 if prompt else 1.0, "steps": 24, "shift": 8.0},
        ),
        net={"net": Part("diffusion_transformer", net)},
        data=Data(batch=32),
        train=Train(steps=3000, rate=2e-3, muon_rate=0.01, weight_decay=0.0, preview=500),
    )
