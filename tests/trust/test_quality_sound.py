"""Sounds are measured as pictures of their frames: recognised as asked, distances, copies."""

from __future__ import annotations

import pytest
import toys

from genloom.api import Model
from genloom.trust import quality
from genloom.trust.quality import Report

COUNT = 12


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    made = toys.shaken(toys.MADE["sound by flow"](), tmp_path_factory.mktemp("heard"))
    return Model(recipe=made.recipe, codec=made.codec, prompt=made.prompt, nets=made.nets)


def measured(model: Model, made: list) -> Report:
    real = toys.sounds(72)
    return quality.evaluate(model, real[60:], training=real[:60], count=COUNT, shown=800, made=made)


def test_sounds_are_recognised_copies_counted(model: Model) -> None:
    """Two in three are what was asked for, and a third of all is copied."""
    real = toys.sounds(96)
    found = measured(model, [*real[:4], *real[73:77], *real[80:84]])  # low for high in the middle
    assert found["recognised"].ceiling == 1.0
    assert found["recognised"].value == pytest.approx(2 / 3)
    assert found["exact_copies"].value == pytest.approx(1 / 3)
    assert found["frechet_distance"].value < found["frechet_distance"].floor
    told = " ".join([row.note for row in found.rows] + [*found.protocol, found.protocol["judge"]])
    assert "real_sounds" in told and "values of frames" in told and "picture" not in told


def test_the_model_itself_is_measured(model: Model) -> None:
    own = measured(model, None)
    assert own["exact_copies"].value == 0.0 and own["frechet_distance"].value > 0
