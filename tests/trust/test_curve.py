"""Quality against steps: the same noise at every number of steps, real items beside them."""

from __future__ import annotations

import json
import math

import pytest
import toys

from genloom import api
from genloom.errors import DataError, UsageError
from genloom.spec import Options
from genloom.trust.curve import curve


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    made = toys.MADE["picture by class"](steps=200, rate=6e-3)
    return api.train(made, toys.captioned(64), out=tmp_path_factory.mktemp("curve") / "m")


def measured(model, **more):
    items = toys.captioned(64)
    return curve(model, items[:32], **{"training": items[32:], "steps": (4, 1, 16), **more})


def test_more_steps_come_nearer_and_real_items_are_nearest(model):
    found = measured(model, options=Options(guidance=1.0))
    assert [p.steps for p in found.points] == [1, 4, 16]
    away = [p.metrics["frechet_distance"] for p in found.points]
    assert away[0] > 1.5 * away[2] and away[2] > found.real.metrics["frechet_distance"]
    assert found[4].seconds > 0 and found.protocol["items"] == 32
    assert found.protocol["options"] == {"guidance": 1.0}


def test_it_is_a_function_of_the_seed_and_json(model):
    one, two = (measured(model, steps=(2,), seed=3) for _ in range(2))
    assert one[2].metrics == two[2].metrics != measured(model, steps=(2,), seed=4)[2].metrics
    told = json.loads(json.dumps(one.to_json()))
    assert told["points"][0]["steps"] == 2 and "frechet_distance" in told["real"]
    assert all(math.isfinite(v) for v in told["real"].values())


@pytest.mark.parametrize(
    "options, kind, words",
    [
        ({"steps": ()}, UsageError, "give 1 or more"),
        ({"steps": (0,)}, UsageError, "steps are 0"),
        ({"count": 2}, UsageError, "at least 4"),
        ({"training": []}, DataError, "0 training items"),
    ],
)
def test_what_cannot_be_measured_is_refused(model, options, kind, words):
    with pytest.raises(kind, match=words):
        measured(model, **options)


def test_a_model_without_steps_has_no_curve(tmp_path):
    gan = toys.trained(toys.MADE["picture by GAN"](), tmp_path)
    with pytest.raises(UsageError, match="no steps of yours"):
        measured(gan)
