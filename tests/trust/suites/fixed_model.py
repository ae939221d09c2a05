"""A model of Llama's form whose every weight follows from its name and place by whole numbers: the
same on every machine, without a download or a random generator.

usage: python fixed_model.py FOLDER    writes it, to be measured by other programs
"""

from __future__ import annotations

import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch

from genloom.api import Model
from genloom.codec.text.byte_pairs import BytePairs
from genloom.recipe import Data, Part, Recipe

MERGES = (
    ("t", "h"),
    ("th", "e"),
    ("i", "n"),
    ("a", "n"),
    ("e", "r"),
    ("o", "n"),
    ("Ġ", "the"),
    ("an", "d"),
    ("Ġ", "a"),
    ("Ġ", "w"),
    ("in", "g"),
    ("Ġ", "s"),
    ("Q", "u"),
    ("A", "n"),
    ("o", "u"),
    ("Ġ", "and"),
)
NET = {
    "width": 48,
    "depth": 2,
    "heads": 4,
    "expansion": 2,
    "activation": "swiglu",
    "qk_norm": "none",
    "softcap": 0,
    "bigram": 0,
}
LENGTH = 640


def model() -> Model:
    recipe = Recipe(
        name="fixed",
        codec=Part("text", {"vocab": 258 + len(MERGES), "length": LENGTH}),
        family=Part("autoregressive"),
        net={"net": Part("transformer", NET)},
        data=Data(batch=1),
    )
    codec: Any = recipe.make_codec()
    codec._pairs = BytePairs(MERGES)
    nets = recipe.make_nets(codec.spec, None)
    with torch.no_grad():
        for name, weight in nets.named_parameters():
            weight.copy_(_weight(name, tuple(weight.shape)))
    nets.requires_grad_(False).eval()
    return Model(recipe=recipe, codec=codec, prompt=None, nets=nets)


def _weight(name: str, shape: tuple[int, ...]) -> torch.Tensor:
    """Gains near one; matrices uniform, as wide as their input asks; embeddings wide."""
    number = np.arange(np.prod(shape), dtype=np.uint64) + np.uint64(zlib.crc32(name.encode()) << 20)
    number = (number ^ (number >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    number = (number ^ (number >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    number ^= number >> np.uint64(31)
    part = (number >> np.uint64(40)).astype(np.float64) / (1 << 24) - 0.5  # exact
    if len(shape) == 1:
        return torch.from_numpy(1 + 0.2 * part).float().view(shape)
    scale = 2.0 if "embed" in name else 4.0 * shape[-1] ** -0.5
    return torch.from_numpy(scale * part).float().view(shape)


if __name__ == "__main__":
    model().save(Path(sys.argv[1]))
