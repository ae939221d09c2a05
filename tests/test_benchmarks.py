"""What the benchmarks ask of recipes is legal: names that no longer exist show up here at once."""

from __future__ import annotations

import importlib
import json
import sys
from argparse import Namespace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch

from genloom import registry
from genloom.codec.chat.tool_calls import Call
from genloom.codec.chat.tool_grammar import fault
from genloom.codec.sql.queries import Condition, Query, Question
from genloom.recipe import Facts, Recipe

FOLDER = Path(__file__).parents[1] / "benchmarks"
FACTS = Facts(items=1000, units=1_000_000, side=32)


@pytest.fixture
def script(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(FOLDER))
    module = importlib.import_module(request.param)
    yield module
    for name in (request.param, "protocol", "talks"):
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


@pytest.mark.parametrize("script", ["bench_chat"], indirect=True)
def test_the_chat_that_is_measured_is_legal(script: ModuleType) -> None:
    assert chosen("chat", "base", *script.CHANGES).codec.options["length"] == 1280


@pytest.mark.parametrize("script", ["bench_python"], indirect=True)
def test_the_counts_beside_python_have_room_for_its_vocabulary(script: ModuleType) -> None:
    for size in ("tiny", "small", "base", "large"):
        assert chosen("python", size).codec.options["vocab"] <= 1 << 12  # 5 ids in 64 bits
    learnt, held = script.standard_library()
    assert len(held) > 20 and not set(learnt) & set(held)


@pytest.mark.parametrize("script", ["talks"], indirect=True)
def test_services_are_called_as_their_tools_have_it(script: ModuleType, shared: Path) -> None:
    """What is held out fits the tools that the training part shows, and is none of it."""
    learnt, held = script.services(shared / "data" / "instruct")
    assert len(learnt) > 8 * len(held) > 800
    seen = [json.dumps(talk["messages"]) for talk in learnt]
    assert not {json.dumps(talk["messages"]) for talk in held} & set(seen)
    calls = [(call, talk["tools"]) for talk in held for _, call in script.calls(talk)]
    told = [fault(Call(name=c["name"], arguments=c["arguments"]), tools) for c, tools in calls]
    assert len(told) > 400 and not any(told)


@pytest.mark.parametrize("script", ["bench_sql"], indirect=True)
def test_rules_for_sql_make_queries_that_parse(script: ModuleType) -> None:
    question = Question("t", ("Name", "Home town"), "What is the name with Home town Paris?")
    shape = ("", ("=",))
    made = script.best_words(question, shape)
    assert made == Query("Name", "", (Condition("Home town", "=", "paris"),))
    for rule in (script.best_words, script.first_column):
        assert script.parses(rule(question, shape).sql("t"), question)
    assert not script.parses('SELECT "name" FROM "t" WHERE', question)


@pytest.mark.parametrize("script", ["bench_upscale"], indirect=True)
def test_what_is_made_of_damaged_and_grey_pictures_is_legal(script: ModuleType) -> None:
    args = Namespace(steps=5, factor=2)
    for recipes in script.TASKS.values():
        for anew, recipe in zip((True, False), recipes.values(), strict=False):
            chosen(recipe, "tiny", *script.changes(recipe, "emoji72", args, anew))


@pytest.mark.parametrize("script", ["bench_control"], indirect=True)
def test_edges_are_met_within_a_pixel(script: ModuleType) -> None:
    asked = torch.full((1, 1, 8, 8), -1.0)
    asked[..., 2] = 1.0
    assert script.agreement(asked.roll(1, 3), asked)["f1"] == "1.000"
    assert script.agreement(asked.roll(3, 3), asked)["f1"] == "0.000"
    both = torch.maximum(asked, asked.roll(4, 3))
    assert script.agreement(both, asked) == {"precision": "0.500", "recall": "1.000", "f1": "0.667"}


@pytest.mark.parametrize("script", ["bench_labelled"], indirect=True)
def test_scenes_hold_things_that_touch_no_other(script: ModuleType) -> None:
    thing, floor = np.full((16, 16, 4), 255, np.uint8), np.zeros((48, 48, 4), np.uint8)
    tiles = script.Tiles(floors=[floor], things={name: [thing] for name in script.CLASSES})
    made = script.scenes(tiles, 40, seed=0)
    counts = [item.counts for item in made]
    assert {count["monster"] for count in counts} == {1, 2}
    assert all(
        sum(c.values()) * 256 == (i.labels() > 0).sum() for c, i in zip(counts, made, strict=True)
    )
