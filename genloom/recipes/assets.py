"""Game sprites, emoji, icons, digits and hand-drawn characters: flow matching in pixels.

    genloom train sprites tiles32 --minutes 60      genloom generate sprites "a red dragon"
    genloom train icons icons_svg --minutes 60      genloom generate icons "a sword" -o sword.svg

One net for all: a diffusion transformer that puts out the clean picture (Li & He 2025). What
differs is which pictures: backgrounds one sees through, hard or soft edges, words or classes,
whether mirror images may be learnt, too. A size is meant for the minutes below on two cores.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation

SIZES = {
    "tiny": {"width": 128, "depth": 4, "heads": 4},
    "small": {"width": 192, "depth": 6, "heads": 6},
    "base": {"width": 256, "depth": 8, "heads": 8},
    "large": {"width": 384, "depth": 12, "heads": 12},
}
# A step of `small` on sprites takes 0.8 s of one core in bf16, of `base` 1.9 s; in an hour of two
# cores many steps of a small net are worth more than few of a large one.
MINUTES = {"tiny": 10.0, "small": 60.0, "base": 240.0, "large": float("inf")}
EXPECTED = {
    "sprites": Expectation(
        metric="the right one of 150 captions among a judge's ten best",
        value=0.703,
        higher=True,
        floor=0.067,
        floor_is="chance",
        ceiling=0.912,
        ceiling_is="real tiles",
        data="tiles32, captions that were held out",
        size="small",
        minutes=12.7,
        machine="2 cores",
        section="Pictures: sprites from text",
    ),
}
# What a drawing is of is decided where nearly all is noise: 80 % of characters as asked with it.
SHIFT = 4.0
# Of a few thousand captions most words stand in one only (two, with its mirror image): these share
# an id, so that what is asked with a new word is still met by the words beside it. A tenth of the
# words is left out each time.
WORDS = {"least": 3, "dropped": 0.1}


def choose_sprites(size: str, facts: Facts) -> Recipe:
    """Pixel art with hard edges, each pixel kept: 64 patches a picture of 32 pixels."""
    codec = {"size": _side(facts, 32), "scaling": "pixel", "mirrored": True}
    return _recipe("sprites", size, codec, _words(facts), 4, guidance=3.0)


def choose_emoji(size: str, facts: Facts) -> Recipe:
    """Coloured drawings with soft edges."""
    codec = {"size": _side(facts, 64), "mirrored": True}
    return _recipe("emoji", size, codec, _words(facts), 8, guidance=3.0, shift=SHIFT)


def choose_icons(size: str, facts: Facts) -> Recipe:
    """One-colour drawings, whole within the picture; `generate -o icon.svg` traces them again."""
    codec = {"size": _side(facts, 64), "mode": "L", "background": "black", "mirrored": True}
    return _recipe("icons", size, codec, _words(facts), 8, guidance=3.0, shift=SHIFT)


def choose_digits(size: str, facts: Facts) -> Recipe:
    """Grey pictures of a few classes."""
    return _recipe("digits", size, {"size": 28, "mode": "L"}, _classes(facts), 4, guidance=1.5)


def choose_characters(size: str, facts: Facts) -> Recipe:
    """Strokes of many classes with a few pictures each; these have a direction: no mirroring."""
    codec = {"size": 32, "mode": "L", "fit": "stretch"}
    return _recipe("characters", size, codec, _classes(facts), 4, guidance=2.0, shift=SHIFT)


def _side(facts: Facts, usual: int) -> int:
    """The pictures' own, in whole patches."""
    return max(16, (facts.side or usual) // 8 * 8)


def _words(facts: Facts) -> Part | None:
    return Part("words", WORDS) if facts.captions else None


def _classes(facts: Facts) -> Part | None:
    return Part("label") if facts.captions else None


def _recipe(
    name: str,
    size: str,
    codec: Mapping[str, Any],
    prompt: Part | None,
    patch: int,
    guidance: float,
    shift: float = 1.0,
) -> Recipe:
    strength = guidance if prompt is not None else 1.0
    flow: dict[str, Any] = {"predicts": "data", "guidance": strength, "steps": 24}
    flow |= {} if shift == 1 else {"shift": shift}
    return Recipe(
        name=name,
        codec=Part("image", codec),
        prompt=prompt,
        family=Part("flow", flow),
        net={"net": Part("diffusion_transformer", {**SIZES[size], "patch": patch})},
        data=Data(batch=64),
        train=Train(steps=4000, rate=2e-3, muon_rate=0.01, weight_decay=0.0, preview=500),
    )
