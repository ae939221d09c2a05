"""Level maps by rules: no forbidden neighbours, a way to the goal, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from genloom.errors import DataError
from genloom.level.rules import THEMES, Kind, broken, neighbours, theme_of, walked
from genloom.level.solving import REACHED, distances, scattered, solved


@pytest.mark.parametrize("theme", [*THEMES])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_level_keeps_the_rules_and_can_be_walked(theme, seed):
    kinds = THEMES[theme]
    level = solved(kinds, 14, 11, seed)
    assert level.size == (14, 11) and level.cells.shape == (11, 14)
    assert broken(level.cells, neighbours(kinds)) == 0
    free = walked(kinds)[level.cells]
    way = distances(free, level.start)
    assert 8 < way[level.goal] < np.inf
    assert np.isfinite(way).sum() >= REACHED * free.sum()
    assert np.array_equal(level.cells, solved(kinds, 14, 11, seed).cells)
    assert not np.array_equal(level.cells, solved(kinds, 14, 11, seed + 7).cells)


def test_noise_breaks_the_rules_that_levels_keep():
    kinds = THEMES["island"]
    noise = np.random.default_rng(0).integers(0, len(kinds), (11, 14))
    assert broken(noise, neighbours(kinds)) > 50


def test_distances_are_those_of_walking_around():
    free = np.array([[1, 0, 1], [1, 0, 1], [1, 1, 1]], bool)
    assert distances(free, (0, 0))[0, 2] == 6
    assert np.isinf(distances(free, (0, 0))[0, 1])


def test_things_stand_where_one_comes():
    level = solved(THEMES["island"], 14, 11, 0)
    places = scattered(level, 12, seed=1)
    assert len(set(places)) == len(places) >= 8
    assert all(level.reached[p] and p not in (level.start, level.goal) for p in places)
    grass = level.names.index("grass")
    assert all(level.cells[p] == grass for p in scattered(level, 4, 1, on="grass"))


def test_what_cannot_be_made_is_refused():
    sea = {"water": Kind(share=1, walked=False, height=0, beside=())}
    with pytest.raises(DataError, match="can be walked through"):
        solved(sea, 6, 6, 0)
    with pytest.raises(DataError, match="4 to"):
        solved(THEMES["island"], 3, 500, 0)
    with pytest.raises(DataError, match="no kind of tile"):
        neighbours({"a": Kind(share=1, walked=True, height=0, beside=("b",))})
    with pytest.raises(DataError, match="not known"):
        theme_of("moon")
