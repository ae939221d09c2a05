"""Pictures: flow matching with a diffusion transformer.

Makes pictures from a class, a caption or nothing. On 2 cores `small` takes about 10 minutes at
28-32 pixels. The net puts out the clean picture, which lets patches be large and so steps cheap (Li
& He 2025): measured on
captioned scenes, 700 steps of 16 patches a picture draw 8 of 10 as asked.
"""

from __future__ import annotations

from collections import Counter

from genloom.recipe import Data, Facts, Part, Recipe, Train
from genloom.recipes.expectation import of_digits

SIZES = {
    "tiny": {"width": 128, "depth": 3, "heads": 4, "batch": 64, "cells": 4},
    "small": {"width": 160, "depth": 4, "heads": 5, "batch": 64, "cells": 4},
    "base": {"width": 320, "depth": 8, "heads": 5, "batch": 96, "cells": 8},
    "large": {"width": 512, "depth": 12, "heads": 8, "batch": 128, "cells": 8},
}
# cells: patches a side at least; where there is time, finer ones.
# Layer norms, of queries and keys, too: forward and back they take a fifth and a quarter of what
# root-mean-square norms take in bf16 on a CPU, where these are made of many small operations.
NORMS = {"norm": "layer", "qk_norm": "layer"}
# Words left out while learning: on 722 tiles seen 70 times, captions that were never seen lower the
# error by 5 % where they raise it by 10 % without (800 steps of a tiny net).
WORDS = {"dropped": 0.15}
MINUTES = {"tiny": 3.0, "small": 20.0, "base": 120.0, "large": float("inf")}
EXPECTED = {
    "image": of_digits(97.1, minutes=26.0),
}


COMMON = 5  # distinct captions that a common word is in


def _codec(facts: Facts) -> tuple[Part, Part | None]:
    options = {} if facts.side is None else {"size": facts.side}
    return Part("image", options), prompt_for(facts)


def prompt_for(facts: Facts) -> Part | None:
    """Classes where captions are few and short, else words. Some are left out while training where
    most of them are rare: of captions that fill a pattern with common words each word counts, and
    scenes drawn as asked fell from 99 % to 71 % with it."""
    if not facts.captions:
        return None
    distinct = set(facts.captions)
    short = all(len(caption.split()) <= 3 for caption in distinct)
    if short and len(distinct) <= 100:
        return Part("label")
    counts = Counter(word for caption in distinct for word in set(caption.split()))
    rare = sum(count < COMMON for count in counts.values())
    return Part("words", WORDS if 2 * rare > len(counts) else {})


def choose(size: str, facts: Facts) -> Recipe:
    """Flow matching."""
    s = SIZES[size]
    codec, prompt = _codec(facts)
    side = facts.side or 32
    patch = next(p for p in (8, 7, 4, 2, 1) if side % p == 0 and side // p >= s["cells"])
    net = {k: s[k] for k in ("width", "depth", "heads")} | {"patch": patch} | NORMS
    return Recipe(
        name="image",
        codec=codec,
        prompt=prompt,
        family=Part("flow", {"predicts": "data", "guidance": 2.0 if prompt else 1.0, "steps": 24}),
        net={"net": Part("diffusion_transformer", net)},
        data=Data(batch=s["batch"]),
        train=Train(steps=3000, rate=2e-3, muon_rate=0.01, weight_decay=0.0, preview=500),
    )
