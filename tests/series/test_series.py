"""Series learnt, drawn, foretold and filled: of one thing, of many, and at odd times."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from genloom import series
from genloom.datasets.drawn_series import draw_load, draw_sales, draw_visits
from genloom.errors import DataError, ModelError, UsageError
from genloom.series import forecasting
from genloom.series import model as kept
from genloom.series.filling import fill, imputed
from genloom.series.plan import back_of

STEPS = ["train.steps=60", "train.judge=0", "net.net.width=32", "net.net.summed=64"]


@pytest.fixture(scope="module")
def load(tmp_path_factory):
    place = tmp_path_factory.mktemp("series") / "load"
    series.train(draw_load(700), out=place, changes=STEPS)
    return series.load(place)


def test_drawn_series_have_the_columns_and_steps_that_were_learnt(load, monkeypatch):
    monkeypatch.setattr(kept, "WARM", 3)
    made = load.generate(2, steps=12, seed=1)
    real = draw_load(700)
    assert list(made.columns) == list(real.columns) and len(made) == 24
    gaps = made["time"].diff().drop(index=[0, 12])
    assert (gaps == pd.Timedelta(hours=1)).all()
    assert made["state"].isin(real["state"].unique()).all()
    assert made["load"].between(0, 120).all()
    pd.testing.assert_frame_equal(made, load.generate(2, steps=12, seed=1))
    assert not made.equals(load.generate(2, steps=12, seed=2))
    alone = load.generate(1, steps=12, seed=1)
    pd.testing.assert_frame_equal(alone, made.head(12))  # whoever is drawn beside it


def test_what_comes_next_is_nearer_than_the_last_value_even_when_hardly_taught(load):
    frame = draw_load(900)
    panel = forecasting.given(load, frame)
    origins = np.arange(700, 870, 24)
    drawn, seconds = forecasting.paths_from(load.walker(0), panel, origins, 8, 20)
    truth = panel.values[origins[:, None] + np.arange(8)]
    ours = np.abs(np.median(drawn, 1) - truth).mean()
    naive = np.abs(panel.values[origins - 1][:, None] - truth).mean()
    assert ours < 0.9 * naive
    assert (np.diff(seconds) == 3600).all() and (seconds[:, 0] == panel.seconds[origins]).all()


def test_forecasts_are_tables_of_ordered_quantiles(load):
    panel = forecasting.given(load, draw_load(300))
    found = series.forecast(load, panel, 4, coverages=(0.5, 0.9), paths=20, windows=8, seed=3)
    table = forecasting.told(load, panel, found)
    assert len(table) == 4 and found.windows == 8
    order = ["load_q5", "load_q25", "load", "load_q75", "load_q95"]
    assert (np.diff(table[order].to_numpy(), axis=1) >= 0).all()
    assert table["time"][0] == draw_load(300)["time"].iloc[-1] + pd.Timedelta(hours=1)
    for bad in ({"horizon": 0}, {"horizon": 3, "coverages": (1.0,)}):
        with pytest.raises(UsageError):
            series.forecast(load, panel, **bad)


def test_intervals_are_corrected_to_hold_their_share():
    rng = np.random.default_rng(0)
    levels = forecasting.levels_of((0.8,))
    truth = rng.normal(size=(400, 3, 1))
    narrow = np.quantile(rng.normal(size=2000) * 0.5, levels)
    quantiles = np.broadcast_to(narrow[:, None, None, None], (3, 400, 3, 1))
    scores = forecasting._scores(quantiles[:, :200], truth[:200], levels)
    fixed = forecasting.corrected(np.moveaxis(quantiles[:, 200:], 0, -1), scores, levels)
    held = ((truth[200:] >= fixed[..., 0]) & (truth[200:] <= fixed[..., -1])).mean()
    before = ((truth[200:] >= narrow[0]) & (truth[200:] <= narrow[-1])).mean()
    assert before < 0.55 and abs(held - 0.8) < 0.05


def test_gaps_are_filled_and_what_is_there_stays(load):
    frame = draw_load(300)
    holes = frame.assign(load=frame["load"].mask(frame.index.isin([40, 41, 42, 120])))
    panel = forecasting.given(load, holes.drop(index=200))
    made = fill(load, panel, seed=1)
    assert len(made) == 300 and not made[["load", "temperature"]].isna().any().any()
    there = ~frame.index.isin([40, 41, 42, 120, 200])
    assert (made["load"][there] == frame["load"][there]).all()
    other = imputed(load, panel, seed=2)
    assert (other[[40, 41, 42], 0] != made["load"][[40, 41, 42]]).any()
    only = fill(load, panel, ["load"], seed=1)
    assert only["temperature"].isna().sum() == 1
    with pytest.raises(UsageError, match="no channel that can be filled"):
        fill(load, panel, ["state"])


@pytest.mark.slow
def test_many_series_have_attributes_and_names_of_their_own(tmp_path):
    found = series.train(draw_sales(40, 12), out=tmp_path / "m", changes=STEPS)
    made = series.load(tmp_path / "m").generate(6, seed=1)
    assert found.plan.roles.statics == ("kind", "size") and found.owners is not None
    assert made.groupby("shop_id")["kind"].nunique().max() == 1
    assert made["shop_id"].nunique() == 6 and made["sold"].dtype == "int64"
    assert (made["sold"] >= 0).all()


@pytest.mark.slow
def test_visits_come_at_odd_times_in_order(tmp_path):
    found = series.train(draw_visits(30), out=tmp_path / "m", changes=STEPS)
    assert found.plan.roles.step is None
    made = series.load(tmp_path / "m").generate(3, seed=1)
    gaps = made.groupby("patient_id")["time"].diff().dropna()
    assert (gaps >= pd.Timedelta(0)).all() and gaps.nunique() > 3
    assert set(made["finding"]) <= {"high", "normal"}


def test_a_folder_that_was_changed_and_history_that_does_not_fit_are_refused(load, tmp_path):
    with pytest.raises(DataError, match="lacks the columns load"):
        forecasting.given(load, draw_load(50).drop(columns="load"))
    place = load.save(tmp_path / "copy")
    text = (place / "linked.json").read_text().replace('"period": 24', '"period": 12')
    (place / "linked.json").write_text(text)
    with pytest.raises(ModelError, match="damaged"):
        series.load(place)


def test_the_past_is_the_oldest_there_is_where_it_is_short():
    values = np.arange(1.0, 6.0)[:, None]
    told = back_of(values, np.array([0, 3, 5]), (1, 2))
    assert told[:, :, 0].tolist() == [[0, 0], [1, 1], [2, 1], [0, 0], [4, 4]]
