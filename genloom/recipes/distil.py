"""Distillation: a small model of texts learns from a larger one what it would say next, and from
the texts themselves.

Made to learn from a model: genloom train distil DATA --teacher MODEL. The student takes the
teacher's vocabulary, and with --from STUDENT it goes on from a model that has the same.
"""

from __future__ import annotations

from dataclasses import replace

from genloom.recipe import Facts, Part, Recipe
from genloom.recipes import text

SIZES, MINUTES = text.SIZES, text.MINUTES


def choose(size: str, facts: Facts) -> Recipe:
    """The text preset of a size, taught."""
    return replace(text.choose(size, facts), name="distil", family=Part("distillation"))
