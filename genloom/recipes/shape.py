"""Shapes from words and sizes, by flow matching over fields of signed distances.

    genloom data draw cars -n 4000 -o cars.jsonl
    genloom train shape cars.jsonl --minutes 20 --set codec.size=48
    genloom generate cars "red sedan, length 4.5, height 1.4" -o car.glb

Learns from GLB, OBJ, STL and PLY files with captions, and from closed forms whose sizes are told;
then sizes can be asked for in numbers.
"""

from __future__ import annotations

from genloom.codec.prompt.measured import NUMBER
from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import Expectation
from genloom.recipes.image import prompt_for

SIZES = {
    "tiny": {"width": 192, "depth": 4, "heads": 6, "patch": 8},
    "small": {"width": 256, "depth": 6, "heads": 8, "patch": 8},
    "base": {"width": 384, "depth": 8, "heads": 6, "patch": 4},
    "large": {"width": 512, "depth": 12, "heads": 8, "patch": 4},
}
MINUTES = {"tiny": 5.0, "small": 40.0, "base": 240.0, "large": float("inf")}
EXPECTED = {
    "shape": Expectation(
        metric="all four sizes within 5 % of what was asked for",
        value=0.983,
        higher=True,
        floor=0.050,
        floor_is="shapes made for other captions",
        ceiling=1.0,
        ceiling_is="the drawn cars through the codec",
        data="3,150 drawn cars, captions that were held out",
        size="tiny",
        minutes=6.0,
        machine="one core beside other work",
        section="Shapes: cars drawn to sizes",
    ),
}
# Of 1,500 steps on drawn cars, all sizes as asked in 16 % without a shift and in 100 % with it.
SHIFT = 8.0
MEASURED = 0.5  # share of captions with numbers from which numbers are told as numbers


def choose(size: str, facts: Facts) -> Recipe:
    """The net puts out the clean field, 8 x 8 x 8 places at once: fields are smooth."""
    net = {**SIZES[size], "norm": "layer", "qk_norm": "layer"}
    prompt = _prompt(facts)
    flow = {"predicts": "data", "guidance": 1.5 if prompt else 1.0, "steps": 24, "shift": SHIFT}
    return Recipe(
        name="shape",
        codec=Part("shape", {"size": facts.side or 32, "box": "data"}),
        prompt=prompt,
        family=Part("flow", flow),
        net={"net": Part("diffusion_transformer", net)},
        data=Data(batch=32),
        train=Train(steps=3000, rate=2e-3, muon_rate=0.01, weight_decay=0.0, preview=500),
    )


def _prompt(facts: Facts) -> Part | None:
    captions = facts.captions or ()
    numbered = sum(bool(NUMBER.search(caption)) for caption in captions)
    if captions and numbered >= MEASURED * len(captions):
        return Part("measured")
    return prompt_for(facts)
