"""Every legal codec x family x net trains three steps, saves, loads, generates and decodes.

Legality is asked of the recipe: a new line in the registry joins without a change here.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import replace
from typing import Any

import pytest
import torch
import toys

from genloom import api, registry
from genloom.engine.engine import Engine
from genloom.errors import RecipeError
from genloom.hosting.about import about
from genloom.hosting.site import Site
from genloom.recipe import Part, Recipe
from genloom.spec import Request
from genloom.train.loop import Loop


def every() -> list[tuple[str, Recipe]]:
    """(name, recipe) of every combination, legal or not, with a prompt where one may be."""
    out = []
    for codec, family in itertools.product(registry.names("codec"), registry.names("family")):
        roles = sorted(registry.find("family", family)().roles)
        for options in toys.OPTIONS[codec]:
            for nets in itertools.product(registry.names("net"), repeat=len(roles)):
                prompt = _prompt(codec, family)
                filled = dict(zip(roles, nets, strict=True))
                made = toys.recipe(Part(codec, options), Part(family), filled, prompt)
                out.append((f"{codec}-{sorted(options)[0]}-{family}-{'-'.join(nets)}", made))
    return out


def _prompt(codec: str, family: str) -> str | None:
    if toys.ITEMS[codec] not in (toys.captioned, toys.sounds):
        return None
    return "spelled" if getattr(registry.find("family", family), "ordered", False) else "label"


def legal(made: Recipe, learnt: dict[str, Any]) -> bool:
    """learnt: what codecs have learnt, which is the same whatever the nets are."""
    try:
        made.check()
        if made.explores:  # goes on from nets of its own
            return bool(toys.material_of(made).nets())
        key = repr((made.codec, made.prompt, made.family))
        if key not in learnt:
            learnt[key] = toys.material_of(made)
        replace(learnt[key], recipe=made).nets()
    except (RecipeError, ValueError):
        return False
    return True


def all_legal() -> list[Any]:
    learnt: dict[str, Any] = {}
    good = [(name, made) for name, made in EVERY if legal(made, learnt)]
    return [pytest.param(made, id=name, marks=_slow(made)) for name, made in good]


def _slow(made: Recipe) -> list[Any]:
    """Rewards are tried on texts and chats; on what else is made of texts in slow tests."""
    plain = made.codec.kind in ("text", "chat") or not made.explores
    return [] if plain else [pytest.mark.slow]


EVERY = every()
LEGAL = all_legal()


def test_what_is_illegal_says_what_to_use_instead():
    refused = 0
    for _, made in EVERY:
        try:
            made.check()
        except RecipeError as error:
            refused += 1
            assert "use " in str(error)
    assert refused > len(LEGAL) >= 8


@pytest.mark.parametrize("made", LEGAL)
def test_trains_saves_loads_generates(made, tmp_path):
    ready = toys.job(made, tmp_path / "run")
    before = [p.clone() for p in ready.model.nets.parameters()]
    assert Loop(ready).fit().steps == 3
    after = list(ready.model.nets.parameters())
    assert any(not torch.equal(a, b) for a, b in zip(before, after, strict=True))
    loaded = api.load(ready.model.save(tmp_path / "model"))
    request = Request(
        prompt=toys.asked(ready.model), count=3, seed=5, control=toys.told(ready.model)
    )
    results = []
    for model in (ready.model, loaded):
        with Engine(model) as engine:
            generation = engine.submit(request)
            items = generation.result()
            results.append(generation.tensors())
            assert len(items) == 3
            if model is loaded:
                site = Site(model, engine, {})
                assert json.dumps(about(site))  # it can be served
                site.side.close()
    for a, b in zip(*results, strict=True):
        assert torch.equal(a, b)
