"""A model that was made to learn rows by heart lights up, one that was not does not; the report
says so with bounds."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from genloom import api
from genloom.cli import report as command
from genloom.errors import DataError, UsageError
from genloom.folders import write_json
from genloom.metric.interval import Interval
from genloom.trust import attacks, membership
from genloom.trust.attacks import attack
from genloom.trust.measured import keep
from genloom.trust.report import report_of
from genloom.trust.report_page import page_of

ROWS = 160
BY_HEART = (
    "train.steps=110",
    "train.ema=0",
    "train.rate=0.01",
    "train.compile=off",
    "data.batch=80",
    "data.holdout=0.5",
    "train.judge=0",
    "codec.rare=1",
    "net.net.summed=64",
    "net.net.width=64",
)
MEMBERS = membership.Told(
    caught=Interval(0.02, 0.01, 0.03), area=Interval(0.5, 0.4, 0.6), members=9, others=9, shadows=2
)
LIGHTLY = (
    "train.steps=8",
    "data.batch=250",
    "data.holdout=0.5",
    "train.judge=0",
    "net.net.summed=64",
    "net.net.width=64",
)


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    """Columns that have nothing to do with each other: who knows a row has learnt it by heart."""
    import pandas

    rng = np.random.default_rng(0)
    columns = {f"c{n}": rng.choice(list("abcdefghi"), ROWS) for n in range(7)}
    file = tmp_path_factory.mktemp("people") / "people.csv"
    pandas.DataFrame(columns).to_csv(file, index=False)
    return file


@pytest.fixture(scope="module")
def leaky(people, tmp_path_factory):
    out = tmp_path_factory.mktemp("leaky") / "leaky"
    return api.train("table", people, out=out, size="tiny", changes=BY_HEART)


@pytest.fixture(scope="module")
def attacked(leaky):
    return attack(leaky, shadows=2)


def test_a_planted_leak_lights_up_everywhere(attacked):
    alarms = set(attacked.protocol["alarms"])
    assert {"membership_caught", "membership_auc", "linkability", "inference"} <= alarms
    assert {"closer_to_train", "near_copies", "exact_copies", "singling_out"} <= alarms
    assert attacked["membership_auc"].value > 0.95
    for row in attacked.rows:
        if row.value is not None:
            assert row.low <= row.value <= row.high and row.floor is not None


@pytest.mark.slow
def test_a_model_that_learnt_lightly_of_many_does_not(tmp_path):
    import pandas

    rng = np.random.default_rng(0)
    age = rng.integers(0, 40, 3000)
    frame = pandas.DataFrame({"age": age, "old": age > 20, "job": rng.choice(list("abc"), 3000)})
    frame.to_csv(tmp_path / "a.csv", index=False)
    model = api.train("table", tmp_path / "a.csv", out=tmp_path / "m", size="tiny", changes=LIGHTLY)
    found = attack(model, shadows=2)
    assert found.protocol["alarms"] == []
    assert found["membership_auc"].low < 0.55


def test_the_report_tells_alarms_and_bounds(leaky, attacked):
    keep(leaky.folder, attacked.to_json())
    told = report_of(leaky.folder)
    section = next(one for one in told["sections"] if one["id"] == "attacks")
    row = next(r for r in section["rows"] if r["metric"] == "membership_auc")
    assert row["low"] <= row["value"] <= row["high"] and row["floor"] == 1.0
    alarms = next(f["value"] for f in section["facts"] if f["name"] == "alarms")
    assert "Telling rows learnt from" in alarms
    page = page_of(told)
    assert "Linking two halves of a row" in page and f"({row['low']:.4g} to" in page
    assert "Not measured yet on data" in page  # an attack is no measurement of quality


def test_a_report_without_an_attack_says_so(leaky, tmp_path):
    folder = tmp_path / "m"
    shutil.copytree(leaky.folder, folder)
    told = report_of(folder)
    section = next(one for one in told["sections"] if one["id"] == "attacks")
    assert "--attack" in section["missing"][0] and not section["rows"]
    absent = next(one for one in told["sections"] if one["id"] == "absent")
    assert any("no such bound" in line for line in absent["missing"])


def test_the_bound_is_told_of_a_model_that_has_one(leaky, tmp_path):
    bound = {"epsilon": 2.5, "epsilon_asked": 3, "unit": "one row", "counts": {"public": ["names"]}}
    folder = tmp_path / "m"
    shutil.copytree(leaky.folder, folder)
    write_json(folder / "card.json", {**leaky.card, "privacy": bound})
    told = report_of(folder)
    (section,) = (s for s in told["sections"] if s["id"] == "bound")
    facts = {f["name"]: f["value"] for f in section["facts"]}
    assert facts["epsilon"] == 2.5 and facts["taken as known to everybody"] == "names"
    absent = next(one for one in told["sections"] if one["id"] == "absent")
    assert not any("no such bound" in line for line in absent["missing"])
    most = attacks._membership(MEMBERS, {"epsilon": 2.0, "delta": 1e-5})[0]
    assert "epsilon allows at most 0.0739" in most.note


def test_what_cannot_be_attacked_is_refused(leaky, text_model):
    with pytest.raises(UsageError, match="2 and more"):
        attack(leaky, shadows=1)
    with pytest.raises(UsageError, match="genloom eval"):
        command.report(str(text_model.folder), attack=True)
    with pytest.raises(UsageError, match="goes with --attack"):
        command.report(str(leaky.folder), shadows=4)
    assert "not exact" in membership.why_not(text_model)
    with pytest.raises(DataError, match="held out"):
        attack(leaky, train=leaky.training_items(), held=leaky.training_items()[:0])


def test_shadows_are_told_by_their_time_and_learn_from_halves(leaky):
    assert membership.seconds_of(leaky, 8) == pytest.approx(4 * leaky.card["seconds"])
    inside = membership._halves(50, 8, np.random.default_rng(0))
    assert (inside.sum(0) == 4).all() and not (inside[0] == inside[1]).all()
