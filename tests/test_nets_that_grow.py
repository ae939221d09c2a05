"""Of two nets for few rows the one that makes held-out rows likelier is taken, and told."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd

from genloom import api, growing
from genloom.forecast import fresh
from genloom.material import Material, prepare
from genloom.net.tree_model import TreeModel
from genloom.train.log import Event


def frame(count: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    kind = rng.choice(["a", "b", "c"], count)
    size = np.select([kind == "a", kind == "b"], [1.0, 5.0], 9.0) + rng.normal(0, 0.3, count)
    return pd.DataFrame({"kind": kind, "size": size.round(3)})


def material(count: int) -> Material:
    return prepare("table", frame(count), "small", None, 0, (), None, lambda event: None, None)


def test_the_likelier_net_is_chosen_and_told(tmp_path: Path) -> None:
    ready, told = material(400), list[Event]()
    beginner = fresh(ready, api.Model)  # a net that has learnt nothing
    found = growing.better(ready, beginner, None, time.monotonic(), told.append)
    assert found is not None
    made, model, chosen = found
    assert isinstance(model.nets["net"], TreeModel) and made.recipe.net["net"].kind == chosen.kind
    assert chosen.losses[chosen.kind] < min(x for k, x in chosen.losses.items() if k != chosen.kind)
    assert told[0].values["notes"] == [chosen.told()] and "because" in chosen.told()
    model.card["chosen"] = chosen.to_json()
    again = api.Model.load(model.save(tmp_path / "model"))
    assert again.generate(20, seed=3).equals(model.generate(20, seed=3))
    assert chosen.told() in (tmp_path / "model" / "README.md").read_text("utf-8")
    wanted = again.generate(10, seed=1, where={"kind": "b"})
    assert (wanted["kind"] == "b").all() and abs(wanted["size"].mean() - 5.0) < 1.0


def test_nothing_is_tried_where_rows_are_few_or_time_is_up() -> None:
    begun = time.monotonic()
    few, enough = material(60), material(400)
    for ready, minutes, since in ((few, None, begun), (enough, 0.1, begun - 60)):
        model = fresh(ready, api.Model)
        assert growing.better(ready, model, minutes, since, lambda event: None) is None


def test_a_net_that_grows_can_be_asked_for(tmp_path: Path) -> None:
    changes = ['net.net={"kind": "trees", "least": 40}', "train.steps=1"]
    model = api.train("table", frame(200), out=tmp_path / "m", size="tiny", changes=changes)
    assert isinstance(model.nets["net"], TreeModel) and len(model.nets["net"].questions)
    assert "chosen" not in model.card
