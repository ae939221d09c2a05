"""Which column is what, and what becomes of times out of order, twice, mixed or lacking."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from genloom.datasets.drawn_series import draw_load, draw_sales, draw_visits
from genloom.errors import DataError, UsageError
from genloom.series.panel import panel_of, roles_of, stamps


def test_columns_are_told_by_their_values():
    roles = roles_of(draw_load(60))
    assert (roles.time, roles.entity) == ("time", None)
    assert (roles.channels, roles.categories) == (("load", "temperature"), ("state",))
    sales = roles_of(draw_sales(4, 30))
    assert (sales.entity, sales.statics, sales.channels) == ("shop_id", ("kind", "size"), ("sold",))
    visits = roles_of(draw_visits(20))
    assert (visits.entity, visits.statics) == ("patient_id", ("age",))


def test_times_in_parts_and_row_numbers_are_known():
    hours = pd.date_range("2024-03-01", periods=50, freq="h")
    parts = {p: getattr(hours, p) for p in ("year", "month", "day", "hour")}
    frame = pd.DataFrame({"No": range(1, 51), **parts, "x": np.arange(50.0) ** 2})
    roles = roles_of(frame)
    assert roles.parts == ("year", "month", "day", "hour") and roles.left == ("No",)
    panel = panel_of(frame, roles)
    assert panel.roles.step == 3600.0
    assert (stamps(panel.seconds, "") == hours).all()


def test_rows_out_of_order_are_sorted_and_told():
    frame = draw_load(40)
    panel = panel_of(frame.iloc[::-1], roles_of(frame))
    assert (np.diff(panel.seconds) > 0).all()
    assert any("out of the order of time" in note for note in panel.notes)
    assert panel.values[0, 0] == frame["load"][0]


def test_missing_steps_are_put_in():
    frame = draw_load(60)
    panel = panel_of(frame.drop(index=[10, 11, 30]), roles_of(frame))
    assert len(panel.seconds) == 60 and np.isnan(panel.values[[10, 11, 30]]).all()
    assert any("3 steps between are missing" in note for note in panel.notes)


def test_times_that_come_twice_are_refused_kept_or_averaged():
    frame = draw_load(40)
    twice = pd.concat([frame, frame.iloc[[5]].assign(load=frame["load"][5] + 2)])
    roles = roles_of(frame)
    with pytest.raises(DataError, match=r"1 times come twice \(such as 2024-01-01 05:00"):
        panel_of(twice, roles)
    assert panel_of(twice, roles, "first").values[5, 0] == frame["load"][5]
    assert panel_of(twice, roles, "mean").values[5, 0] == pytest.approx(frame["load"][5] + 1)


def test_the_hour_that_daylight_saving_repeats_is_named():
    local = pd.date_range("2024-10-26", periods=60, freq="h", tz="Europe/Berlin")
    frame = pd.DataFrame({"time": local.tz_localize(None), "x": np.arange(60.0)})
    with pytest.raises(DataError, match="daylight saving"):
        panel_of(frame, roles_of(frame))
    aware = pd.DataFrame({"time": local, "x": np.arange(60.0)})
    panel = panel_of(aware, roles_of(aware))
    assert len(panel.seconds) == 60 and panel.roles.zone == "Europe/Berlin"
    assert (stamps(panel.seconds, panel.roles.zone) == aware["time"]).all()


def test_zones_that_are_mixed_are_taken_as_one_and_half_zones_refused():
    times = ["2024-01-01T00:00+01:00", "2024-01-01T00:00Z", "2024-01-01T03:00+02:00"] * 12
    days = pd.to_timedelta(np.repeat(np.arange(12), 3), unit="D")
    whole = [
        f"{(pd.Timestamp(t[:10]) + d).date()}{t[10:]}" for t, d in zip(times, days, strict=True)
    ]
    frame = pd.DataFrame({"time": whole, "x": np.arange(36.0)})
    roles = roles_of(frame, time="time")
    panel = panel_of(frame, roles, grid=False)
    assert any("mixes the zones +01:00, +02:00, Z" in note for note in panel.notes)
    assert (np.diff(panel.seconds) > 0).all()
    frame.loc[3, "time"] = "2024-01-02T05:00"
    with pytest.raises(DataError, match="1 of 36 times of time have no zone"):
        panel_of(frame, roles, grid=False)


def test_what_is_no_time_is_told():
    frame = draw_load(30).drop(columns="time")
    with pytest.raises(DataError, match=r"no column of .* is a time"):
        roles_of(frame)
    with pytest.raises(UsageError, match="there is no column 'when'"):
        roles_of(draw_load(30), time="when")
    broken = draw_load(30).astype({"time": "str"})
    broken.loc[7, "time"] = "yesterday"
    with pytest.raises(DataError, match=r"1 of 30 times of time cannot be read .*'yesterday'"):
        panel_of(broken, roles_of(draw_load(30)))
