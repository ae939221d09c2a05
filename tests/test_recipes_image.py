"""Which prompts the preset of pictures takes, and when words are left out while training."""

from __future__ import annotations

import itertools

from genloom.recipe import Facts
from genloom.recipes.image import choose


def prompt(captions: list[str]):
    return choose("tiny", Facts(items=len(captions), units=1, captions=captions, side=32)).prompt


def test_few_short_captions_are_classes():
    assert prompt(["cat", "dog"] * 10).kind == "label"


def test_words_of_a_pattern_all_count_and_rare_words_may_be_missing():
    colours, shapes, places = "red green blue white", "disc ring cross star", "top left low right"
    three = itertools.product(colours.split(), shapes.split(), places.split())
    pattern = [f"a {a} {b} at the {c}" for a, b, c in three]
    assert prompt(pattern).options.get("dropped", 0) == 0
    rare = [f"a thing of the kind {n} named x{n}" for n in range(200)]
    assert prompt(rare).options["dropped"] > 0
