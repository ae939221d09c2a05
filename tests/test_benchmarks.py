"""What the benchmarks ask of recipes is legal: names that no longer exist show up here at once."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest

from genloom import registry
from genloom.recipe import Facts, Recipe

FOLDER = Path(__file__).parents[1] / "benchmarks"
FACTS = Facts(items=1000, units=1_000_000, side=32)


@pytest.fixture
def script(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    module = importlib.import_module(request.param)
    yield module
    for name in (request.param, "protocol"):
        sys.modules.pop(name, None)


def chosen(medium: str, size: str, *changes: str) -> Recipe:
    recipe: Recipe = registry.find("recipe", medium)(size, FACTS)
    return recipe.with_(*changes)  # checks


@pytest.mark.parametrize("script", ["bench_text"], indirect=True)
def test_the_peers_architecture_is_one_of_ours(script: ModuleType) -> None:
    for way in script.WAYS.values():
        recipe = chosen("text", "tiny", *script.GPT2, *way)
        codec = recipe.make_codec()
        codec.fit(["To be, or not to be"])
        count = sum(p.numel() for p in recipe.make_nets(codec.spec, None).parameters())
        # nanoGPT: 4 blocks of 12 x 128^2 and two gains, 65 ids; ours has bytes
        blocks = 4 * (12 * 128**2 + 2 * 128) + 128
        assert count == blocks + 128 * (codec.spec.vocab + 64)


@pytest.mark.parametrize("script", ["bench_plan"], indirect=True)
def test_the_planned_trainings_are_legal(script: ModuleType) -> None:
    assert len(script.TRAININGS) >= 6
    for medium, _, size, changes in script.TRAININGS.values():
        chosen(medium, size, *changes)
