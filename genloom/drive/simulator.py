"""Driving scenes made by rules: who follows whom, who changes lanes, who steps onto the road.

Vehicles keep their distance by the intelligent driver model (Treiber, Hennecke & Helbing 2000) with
limits on how hard they brake; lane changes are smooth and begin where there is room. Weather slows
all down and lengthens gaps. Rare things are made on request. Knows scenes; no model and no file.
Shape legend: N movers, T moments.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genloom.drive.scene import EGO, LANE, MOMENTS, STEP, WEATHERS, Mover, Road, Scene
from genloom.drive.seen import faults, told

DENSITIES: Mapping[str, tuple[int, int]] = {"light": (1, 2), "medium": (3, 5), "dense": (6, 8)}
EVENTS = ("cut-in", "jaywalker")
TRIES = 400
FINE = 5  # steps of the simulation for each moment
RARE = 0.12  # share of scenes that have each event where nothing is asked for


@dataclass(frozen=True, kw_only=True)
class Manner:
    """wish: usual speed, m/s; gap: seconds kept to who is in front; brake, push: comfortable m/s2;
    firmest: the hardest braking that the road allows."""

    wish: float
    gap: float
    push: float
    brake: float
    firmest: float


MANNERS: Mapping[str, Manner] = {
    "clear": Manner(wish=14.0, gap=1.2, push=1.5, brake=2.0, firmest=7.0),
    "rain": Manner(wish=11.5, gap=1.6, push=1.2, brake=1.7, firmest=5.0),
    "fog": Manner(wish=9.0, gap=1.9, push=1.2, brake=1.7, firmest=7.0),
    "snow": Manner(wish=7.0, gap=2.4, push=0.8, brake=1.2, firmest=3.0),
}
STILL = 2.0  # metres kept to who stands


@dataclass
class Driver:
    """One vehicle in the making. turn: (when a lane change begins, seconds it takes, d at its
    end)."""

    kind: str
    length: float
    s: float
    d: float
    v: float
    wish: float
    turn: tuple[float, float, float] | None = None
    from_d: float = 0.0


def simulate(
    rng: random.Random,
    weather: str | None = None,
    density: str | None = None,
    events: frozenset[str] | None = None,
) -> Scene:
    """A scene with what is asked for; the rest is drawn. What it shows is told by its caption."""
    for _ in range(TRIES):
        sky = weather or rng.choice(WEATHERS)
        crowd = density or rng.choice([*DENSITIES])
        wanted = events
        if wanted is None:
            wanted = frozenset(e for e in EVENTS if rng.random() < RARE)
        scene = _attempt(rng, sky, crowd, wanted)
        if scene is not None:
            return scene
    raise RuntimeError(f"no scene with {weather}, {density}, {sorted(events or ())}")


def simulate_many(count: int, seed: int, **wanted: object) -> list[Scene]:
    """The same seed makes the same scenes."""
    rng = random.Random(f"driving {seed}")
    return [simulate(rng, **wanted) for _ in range(count)]  # pyrefly: ignore[bad-argument-type]


def _attempt(rng: random.Random, sky: str, crowd: str, wanted: frozenset[str]) -> Scene | None:
    """None where it did not turn out as wanted."""
    manner = MANNERS[sky]
    road = Road(
        lanes=rng.choice((2, 3)),
        curvature=rng.choice((0.0, 0.0, rng.uniform(-1, 1) / 250)),
        crossing=round(rng.uniform(70, 110), 1) if rng.random() < 0.3 else None,
    )
    drivers = _placed(rng, road, manner, rng.randint(*DENSITIES[crowd]))
    if drivers is None:
        return None
    if "cut-in" in wanted and not _cutting_in(rng, road, manner, drivers):
        return None
    if "cut-in" not in wanted and rng.random() < 0.25:
        _drifting(rng, road, drivers)
    walker = _walker(rng, road, drivers, "jaywalker" in wanted)
    movers = _driven(road, manner, drivers, walker)
    scene = Scene(road=road, weather=sky, movers=movers)
    caption = told(scene)
    shown = frozenset(e for e in EVENTS if e in caption)
    if f"{crowd} traffic" not in caption or shown != wanted or not faults(scene).possible:
        return None
    return Scene(road=road, weather=sky, movers=movers, caption=caption)


def _placed(rng: random.Random, road: Road, manner: Manner, others: int) -> list[Driver] | None:
    """The vehicle under test and others, with room between those of a lane."""
    drivers: list[Driver] = []
    for n in range(1 + others):
        kind = "truck" if n and rng.random() < 0.15 else "car"
        length = 9.0 if kind == "truck" else 4.6
        wish = manner.wish * rng.uniform(0.85, 1.15) * (0.85 if kind == "truck" else 1.0)
        for _ in range(60):
            lane = rng.randrange(road.lanes)
            s = rng.uniform(25, 40) if n == EGO else rng.uniform(0, 95)
            d = road.centre(lane)
            v = wish * rng.uniform(0.8, 1.0)
            if all(_apart(s, length, v, o, manner) for o in drivers if abs(o.d - d) < LANE / 2):
                drivers.append(Driver(kind, length, s, d, v, wish, None, d))
                break
        else:
            return None
    return drivers


def _apart(s: float, length: float, v: float, other: Driver, manner: Manner) -> bool:
    """Whether there is room between two of a lane, for who is behind to follow."""
    between = abs(s - other.s) - (length + other.length) / 2
    behind = v if s < other.s else other.v
    return between > STILL + 0.6 * manner.gap * behind


def _cutting_in(rng: random.Random, road: Road, manner: Manner, drivers: list[Driver]) -> bool:
    """Somebody in a lane beside changes to the front of the vehicle under test, too closely."""
    ego = drivers[EGO]
    lane = int(road.lane_of(np.array(ego.d)))
    beside = [n for n in (lane - 1, lane + 1) if 0 <= n < road.lanes]
    side = rng.choice(beside)
    if len(drivers) < 2:
        return False
    one = drivers[rng.randrange(1, len(drivers))]
    one.d = one.from_d = road.centre(side)
    one.kind, one.length = "car", 4.6
    one.s = ego.s + (ego.length + one.length) / 2 + rng.uniform(3.0, 9.0)
    one.v = ego.v * rng.uniform(0.92, 1.02)
    one.wish = ego.wish * rng.uniform(0.75, 0.95)
    one.turn = (rng.uniform(0.6, 2.0), rng.uniform(1.8, 2.6), ego.d)
    rest = [o for o in drivers if o is not one and abs(o.d - one.d) < LANE / 2]
    return all(_apart(one.s, one.length, one.v, o, manner) for o in rest)


def _drifting(rng: random.Random, road: Road, drivers: list[Driver]) -> None:
    """Somebody changes lanes where there is plenty of room."""
    for one in drivers[1:]:
        lane = int(road.lane_of(np.array(one.d)))
        targets = [n for n in (lane - 1, lane + 1) if 0 <= n < road.lanes]
        to = road.centre(rng.choice(targets))
        if all(abs(o.s - one.s) > 22 for o in drivers if o is not one and abs(o.d - to) < LANE):
            one.turn = (rng.uniform(0.5, 2.5), rng.uniform(2.4, 3.2), to)
            return


def _walker(
    rng: random.Random, road: Road, drivers: list[Driver], jay: bool
) -> tuple[np.ndarray, np.ndarray] | None:
    """Where somebody walks, fine steps; None where nobody does. A jaywalker crosses in front of the
    vehicle under test, away from the crossing; others use it, or stay beside the road."""
    steps = (MOMENTS - 1) * FINE + 1
    time = np.arange(steps) * STEP / FINE
    side = rng.choice((-1, 1))
    edge = side * (road.width / 2 + rng.uniform(0.9, 1.6))
    if jay:
        s = drivers[EGO].s + rng.uniform(24, 48)
        if road.crossing is not None and abs(s - road.crossing) < 10:
            return None
        pace, begins = rng.uniform(1.3, 2.2), rng.uniform(0.0, 1.6)
        d = edge - side * pace * np.clip(time - begins, 0, None)
        return np.full(steps, s), np.where(
            side * d < -road.width / 2 - 1, -side * (road.width / 2 + 1), d
        )
    if rng.random() < 0.3:
        pace = rng.uniform(0.8, 1.6) * rng.choice((-1, 1))
        return rng.uniform(40, 120) + pace * time, np.full(steps, edge)
    return None


def _driven(
    road: Road,
    manner: Manner,
    drivers: list[Driver],
    walker: tuple[np.ndarray, np.ndarray] | None,
) -> tuple[Mover, ...]:
    """All of them over time."""
    steps, dt = (MOMENTS - 1) * FINE + 1, STEP / FINE
    track = np.zeros((len(drivers), 2, steps))
    for k in range(steps):
        now = k * dt
        for n, one in enumerate(drivers):
            track[n, :, k] = one.s, one.d
        pushes = [_push(one, drivers, manner, walker, k, road) for one in drivers]
        for one, push in zip(drivers, pushes, strict=True):
            new = max(0.0, one.v + push * dt)
            one.s += (one.v + new) / 2 * dt
            one.v = new
            if one.turn is not None:
                begins, takes, to = one.turn
                share = min(max((now + dt - begins) / takes, 0.0), 1.0)
                one.d = one.from_d + (to - one.from_d) * share**3 * (10 - 15 * share + 6 * share**2)
    movers = [
        Mover(kind=one.kind, s=rows[0, ::FINE].copy(), d=rows[1, ::FINE].copy())
        for one, rows in zip(drivers, track, strict=True)
    ]
    if walker is not None:
        movers.append(Mover(kind="pedestrian", s=walker[0][::FINE], d=walker[1][::FINE]))
    return tuple(movers)


def _push(
    one: Driver,
    drivers: list[Driver],
    manner: Manner,
    walker: tuple[np.ndarray, np.ndarray] | None,
    k: int,
    road: Road,
) -> float:
    """Acceleration, m/s2, by who is in front in the lanes that it is in or goes to."""
    best = manner.push * (1 - (one.v / max(one.wish, 0.1)) ** 4)
    lanes = [one.d] if one.turn is None else [one.d, one.turn[2]]
    for other in drivers:
        if other is one or other.s <= one.s:
            continue
        theirs = (
            [other.d]
            if other.turn is None or k * STEP / FINE < other.turn[0]
            else [
                other.d,
                other.turn[2],
            ]
        )
        if min(abs(a - b) for a in lanes for b in theirs) < 2.4:
            between = other.s - one.s - (one.length + other.length) / 2
            best = min(best, _following(one, other.v, between, manner))
    if walker is not None:
        s, d = walker[0][k], walker[1][k]
        ahead = walker[1][min(k + 25, len(walker[1]) - 1)]  # who looks like stepping into the way
        near = min(abs(d - one.d), abs(ahead - one.d)) < 2.2 or (d - one.d) * (ahead - one.d) < 0
        on_road = min(abs(d), abs(ahead)) < road.width / 2 + 0.3
        if s > one.s and near and on_road:
            best = min(best, _following(one, 0.0, s - one.s - one.length / 2 - 0.5, manner))
    return max(best, -manner.firmest)


def _following(one: Driver, ahead: float, between: float, manner: Manner) -> float:
    """The intelligent driver model's term for somebody `between` metres in front."""
    closing = one.v * (one.v - ahead) / (2 * (manner.push * manner.brake) ** 0.5)
    wanted = STILL + max(0.0, one.v * manner.gap + closing)
    free = (one.v / max(one.wish, 0.1)) ** 4
    return manner.push * (1 - free - (wanted / max(between, 0.1)) ** 2)
