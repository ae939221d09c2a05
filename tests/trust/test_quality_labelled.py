"""Labelled pictures from end to end: made pairs teach a segmenter that works on real ones."""

from __future__ import annotations

import json

import pytest
import toys
from labelled_scenes import CLASSES, SIDE, scenes

from genloom import api
from genloom.errors import DataError, RequestError
from genloom.recipe import Facts, Part
from genloom.recipes.labelled import choose
from genloom.trust import provenance
from genloom.trust.labelled_set import ORDER, make_set, shares, write_set
from genloom.trust.quality import evaluate


def untrained(tmp_path, prompt="words"):
    nets = {"net": "diffusion_transformer"}
    made = toys.recipe(Part("labelled", {"size": 8}), Part("flow"), nets, prompt)
    folder = toys.shaken(made, tmp_path).save(tmp_path / "model")
    return api.load(folder)


def test_the_protocol_ranks_noise_below_real_pairs(tmp_path):
    model = untrained(tmp_path)
    report = evaluate(model, toys.labelled(12), training=toys.labelled(24), count=12, shown=1600)
    head = report.rows[0]
    assert head.metric == "taught_by_made_iou" and head.better == "higher"
    assert head.ceiling > head.value and head.ceiling > head.floor
    counted = report["counts_as_asked"]
    assert counted.ceiling == 1.0 and counted.value < 0.9
    assert {"iou_car", "iou_sign", "frechet_distance"} <= {row.metric for row in report.rows}
    with pytest.raises(DataError, match="needed"):
        evaluate(model, toys.labelled(2), training=toys.labelled(24))


def test_orders_are_checked_and_bounded(tmp_path):
    model = untrained(tmp_path)
    made = make_set(model, {"a sign and a car": 2, "1 car": 1}, tries=2)
    assert set(made.made) == {"1 car, 1 sign", "1 car"}
    assert sum(made.made.values()) <= 6 and len(made.items) == sum(made.kept.values())
    for order in ({}, {"1 car": 0}, {"1 car": 1, "a car": 1}, {"1 tree": 1}):
        with pytest.raises(RequestError):
            make_set(model, order)
    with pytest.raises(RequestError, match="labelled"):
        make_set(untrained(tmp_path / "free", None), {"1 car": 1})


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_made_pairs_teach_what_real_ones_do(tmp_path):
    items = scenes(600)
    facts = Facts(items=600, units=600, captions=["1 disc"], side=SIDE)
    recipe = choose("tiny", facts).with_(
        *("train.steps=700", "train.preview=0", "train.judge=0", "train.compile=off"),
        *("data.batch=32", "net.net.width=96", "net.net.depth=2"),
    )
    model = api.train(recipe, items, out=tmp_path / "model")
    report = evaluate(model, scenes(150, 7), training=items, count=200, shown=4000)
    head, counted = report.rows[0], report["counts_as_asked"]
    assert head.value > head.floor + 0.8 * (head.ceiling - head.floor)
    assert counted.value > counted.floor
    rare = make_set(model, {"1 disc, 1 cross": 12}, tries=12)
    assert rare.kept == {"1 disc, 1 cross": 12}
    assert rare.totals == dict.fromkeys(CLASSES, 12)
    assert shares(rare.items)["cross"] == 1.0 > 3 * shares(items)["cross"]
    paths = write_set(model, rare, tmp_path / "set")
    assert len(paths) == 12 and all(provenance.verify(path).ok for path in paths)
    told = json.loads((tmp_path / "set" / ORDER).read_text())
    assert told["things"] == {"disc": 12, "cross": 12}
    again = model.codec.read(tmp_path / "set").items
    assert [item.caption for item in again] == ["1 disc, 1 cross"] * 12
