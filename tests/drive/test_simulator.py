"""Simulated driving: what is asked for is there, and nothing is impossible; faults are found."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest

from genloom.drive.curves import at_knots, between_knots
from genloom.drive.scene import MOMENTS, STEP, Mover, Road, Scene, scene_from_json
from genloom.drive.seen import cuts_in, density, faults, hazard, jaywalks, told
from genloom.drive.simulator import simulate, simulate_many
from genloom.errors import DataError

STEADY = np.arange(MOMENTS) * STEP


def mover(kind="car", s=0.0, v=10.0, d=0.0) -> Mover:
    return Mover(kind=kind, s=s + v * STEADY, d=np.full(MOMENTS, float(d)))


def scene(*movers: Mover, road: Road | None = None) -> Scene:
    return Scene(road=road or Road(lanes=3), weather="clear", movers=movers)


@pytest.mark.parametrize("event", ["cut-in", "jaywalker", None])
@pytest.mark.parametrize("density_", ["light", "medium", "dense"])
def test_what_is_asked_for_is_there_and_possible(event, density_):
    rng = random.Random(f"{event} {density_}")
    wanted = frozenset([event] if event else [])
    made = simulate(rng, "rain", density_, wanted)
    assert made.weather == "rain" and density(made) == density_
    assert cuts_in(made) == (event == "cut-in") and jaywalks(made) == (event == "jaywalker")
    assert faults(made).possible and made.caption == told(made)


def test_the_same_seed_makes_the_same_scenes():
    one, two, other = (simulate_many(2, n)[1].to_json() for n in (3, 3, 4))
    assert one == two != other


def test_weather_slows_traffic():
    speeds = {
        sky: np.mean([m.ego.along().mean() for m in simulate_many(12, 0, weather=sky)])
        for sky in ("clear", "snow")
    }
    assert speeds["snow"] < 0.7 * speeds["clear"]


def test_rare_cases_are_hazards_more_often():
    usual = simulate_many(25, 0, events=frozenset())
    rare = simulate_many(25, 0, events=frozenset(["cut-in"]))
    shares = [np.mean([hazard(one, 4) for one in some]) for some in (usual, rare)]
    assert shares[0] < 0.2 < 0.5 < shares[1]


def test_faults_are_found():
    good = scene(mover(s=10), mover(s=40))
    assert faults(good).possible
    assert faults(scene(mover(s=10), mover(s=12))).overlaps == 1
    assert faults(scene(mover(v=30.0))).speed == 1
    assert faults(scene(mover(d=5.1))).astray == 1
    jerk = mover()
    jerk = replace(jerk, s=np.where(STEADY > 3, jerk.s + 6, jerk.s))
    assert faults(scene(jerk)).push == 1
    swerve = replace(mover(), d=np.where(STEADY > 3, 1.5, 0.0))
    assert faults(scene(swerve)).side == 1
    assert faults(scene(mover(s=60, v=-5))).speed == 1


def test_a_cut_in_is_told_from_a_change_far_away():
    ego, away = mover(s=20, d=0.0), mover(s=32, v=10, d=3.5)
    d = np.interp(STEADY, [1, 3], [3.5, 0.0])
    assert cuts_in(scene(ego, replace(away, d=d)))
    assert not cuts_in(scene(ego, replace(away, s=away.s + 60, d=d)))
    assert not cuts_in(scene(ego, replace(away, s=away.s - 40, d=d)))
    assert not cuts_in(scene(ego, away))


def test_a_walker_on_the_crossing_is_no_jaywalker():
    across = Mover(kind="pedestrian", s=np.full(MOMENTS, 60.0), d=np.linspace(-7, 7, MOMENTS))
    assert jaywalks(scene(mover(), across))
    assert not jaywalks(scene(mover(), across, road=Road(lanes=3, crossing=58.0)))
    beside = replace(across, d=np.full(MOMENTS, 6.5))
    assert not jaywalks(scene(mover(), beside))


def test_an_arc_keeps_distances():
    road = Road(lanes=2, curvature=1 / 100)
    s = np.linspace(0, 100, 201)
    x, y, _ = road.places(s, np.zeros(201))
    assert np.hypot(np.diff(x), np.diff(y)).sum() == pytest.approx(100, rel=1e-4)
    x, y, turn = road.places(s, np.full(201, 3.0))
    assert np.hypot(np.diff(x), np.diff(y)).sum() == pytest.approx(97, rel=1e-4)
    assert turn[-1] == pytest.approx(1.0)


def test_a_scene_is_the_same_after_json():
    made = simulate_many(1, 0)[0]
    again = scene_from_json(made.to_json(), "it")
    assert told(again) == made.caption and len(again.movers) == len(made.movers)
    assert np.abs(again.ego.s - made.ego.s).max() < 1e-3


@pytest.mark.parametrize(
    "change",
    [
        {"weather": "hail"},
        {"movers": []},
        {"movers": [{"kind": "car", "s": [0, 1], "d": [0, 1]}]},
        {"movers": [{"kind": "horse", "s": [0] * MOMENTS, "d": [0] * MOMENTS}]},
        {"movers": [{"kind": "car", "s": [float("nan")] * MOMENTS, "d": [0] * MOMENTS}]},
        {"road": {"lanes": 99}},
        {"road": None},
        {"step": 0.1},
    ],
)
def test_what_is_no_scene_is_refused(change):
    values = {**simulate_many(1, 0)[0].to_json(), **change}
    with pytest.raises(DataError):
        scene_from_json(values, "it")


def test_curves_pass_through_their_knots_and_back():
    values = np.array([1.0, 3.0, 2.0, 5.0, 4.0])
    curve = between_knots(values, 17)
    assert np.allclose(curve[::4], values)
    step = 0.25
    places = 7 + np.concatenate(([0], np.cumsum((curve[1:] + curve[:-1]) / 2 * step)))
    start, found = at_knots(places, 5, step)
    assert start == 7 and np.allclose(found, values)
