"""Film strips of trainings: a column a step, thinned when many, made again after a stop."""

from __future__ import annotations

import numpy as np
from PIL import Image

from genloom.codec.image.film import CELL, COLUMNS, film


def pictures(value: int, count: int = 8) -> list[Image.Image]:
    return [Image.fromarray(np.full((8, 8), value, np.uint8)) for _ in range(count)]


def test_each_step_adds_a_column_in_order(tmp_path):
    first = np.asarray(Image.open(film(pictures(10), 5, tmp_path)))
    film(pictures(200), 20, tmp_path)
    strip = np.asarray(Image.open(film(pictures(90), 10, tmp_path)))
    assert strip.shape[1] == 3 * first.shape[1] and strip.shape[0] == first.shape[0]
    middle = [strip[CELL // 2, first.shape[1] * n + CELL // 2, 0] for n in range(3)]
    assert middle == [10, 90, 200]  # by step, not by when they came


def test_a_long_training_keeps_a_bounded_strip_with_its_ends(tmp_path):
    for step in range(40):
        path = film(pictures(step * 5, 1), step, tmp_path)
    strip = np.asarray(Image.open(path))
    width = strip.shape[1] // COLUMNS
    shown = [int(strip[CELL // 2, width * n + CELL // 2, 0]) for n in range(COLUMNS)]
    assert shown[0] == 0 and shown[-1] == 195 and shown == sorted(set(shown))
