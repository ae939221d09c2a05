"""Scenes that a model makes to be measured, as `generate` makes them.

Knows models and captions; no measure.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from genloom import api
from genloom.drive.scene import Scene
from genloom.spec import Request


def make(model: api.Model, captions: Sequence[str], seed: int, tries: int = 1) -> list[Scene]:
    """A scene for each caption, each under a number of its own within the seed; of several tries
    the one that strays least, as `generate` keeps it."""
    codec: Any = model.codec
    prompts = captions if model.prompts is not None else [None] * len(captions)
    asked = [
        Request(prompt=prompt, seed=seed, first=n * tries, count=tries)
        for n, prompt in enumerate(prompts)
    ]
    with model.engine() as engine:
        waiting = [engine.submit(request) for request in asked]
        made = [generation.result() for generation in waiting]
    strays = [codec.strays(some, one) for some, one in zip(made, asked, strict=True)]
    return [some[off.index(min(off))] for some, off in zip(made, strays, strict=True)]
