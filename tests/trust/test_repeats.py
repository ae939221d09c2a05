"""Repeats within a collection are counted: texts, rows and pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch

from genloom import api
from genloom.trust.repeats import repeated


class Plain:
    """Arrays as they are; of rows, two of the columns are learnt."""

    def encode(self, items: Any) -> list[torch.Tensor]:
        return [torch.from_numpy(item) for item in items]

    def kinds(self) -> dict[str, str]:
        return {"a": "number", "b": "category"}


def test_texts_are_counted_exactly_and_nearly() -> None:
    long = "the quick brown fox jumps over the lazy dog and runs away into the dark woods"
    found = repeated(None, [long, long.upper(), f"{long}!", "something else entirely"])
    assert found == {"exact": 1, "near": 1, "of": 4}
    assert repeated(None, [{"a": 1}, {"a": 1}, {"a": 2}])["exact"] == 1


def test_rows_are_counted_by_what_was_learnt() -> None:
    rows = pd.DataFrame({"a": [1, 1, 2], "b": ["x", "x", "x"], "key": [1, 2, 3]})
    assert repeated(Plain(), rows) == {"exact": 1, "near": None, "of": 3}


def test_other_items_are_counted_by_their_shape_and_bytes() -> None:
    items = [np.zeros((2, 3)), np.zeros((3, 2)), np.zeros((2, 3)), np.ones((2, 3))]
    assert repeated(Plain(), items) == {"exact": 1, "near": None, "of": 4}
    assert repeated(Plain(), []) == {"exact": 0, "near": None, "of": 0}


def test_pictures_of_a_model(image_model: api.Model) -> None:
    items = image_model.training_items()
    once = repeated(image_model.codec, items)
    twice = repeated(image_model.codec, [*items, *items])
    assert twice["exact"] == once["exact"] + len(items) and twice["of"] == 2 * len(items)
