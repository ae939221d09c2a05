"""A driving scene: a road, the weather, and who moves on it over a few seconds.

The road is straight or an arc of one radius with lanes one way; places are told along it (s, metres
from its beginning) and across it (d, metres to the left of its middle). Knows numbers; no file.
Shape legend: N movers, T moments.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from genloom.errors import DataError

WEATHERS = ("clear", "rain", "fog", "snow")
KINDS = ("car", "truck", "pedestrian")
SIZES: Mapping[str, tuple[float, float]] = {  # length and width in metres
    "car": (4.6, 1.9),
    "truck": (9.0, 2.5),
    "pedestrian": (0.6, 0.6),
}
LANE = 3.5  # metres wide
ROAD = 160.0  # metres of it that are looked at
STEP = 0.25  # seconds from moment to moment
MOMENTS = 25  # six seconds
EGO = 0  # the number of the vehicle that is being tested


@dataclass(frozen=True, kw_only=True)
class Road:
    """lanes: one way, numbered from the right; curvature: 1 / metres, to the left above 0;
    crossing: where a zebra crossing begins, metres along; None without."""

    lanes: int
    curvature: float = 0.0
    crossing: float | None = None

    @property
    def width(self) -> float:
        return self.lanes * LANE

    def centre(self, lane: int) -> float:
        """d of a lane's middle."""
        return (lane + 0.5) * LANE - self.width / 2

    def lane_of(self, d: np.ndarray) -> np.ndarray:
        """The lane at each d, below 0 or at least `lanes` beside the road."""
        return np.floor((d + self.width / 2) / LANE).astype(int)

    def places(self, s: np.ndarray, d: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, y and the road's own heading there, radians; the road begins eastwards at 0, 0."""
        k = self.curvature
        if abs(k) < 1e-9:
            return s, d, np.zeros_like(s)
        turn = s * k
        return np.sin(turn) / k - d * np.sin(turn), (1 - np.cos(turn)) / k + d * np.cos(turn), turn


@dataclass(frozen=True, eq=False, kw_only=True)
class Mover:
    """kind: one of KINDS; s, d: float64 [T] along and across the road."""

    kind: str
    s: np.ndarray
    d: np.ndarray

    @property
    def size(self) -> tuple[float, float]:
        return SIZES[self.kind]

    @property
    def walks(self) -> bool:
        return self.kind == "pedestrian"

    def speeds(self) -> np.ndarray:
        """float64 [T - 1], metres a second."""
        return np.hypot(np.diff(self.s), np.diff(self.d)) / STEP

    def along(self) -> np.ndarray:
        """float64 [T - 1]: speed along the road."""
        return np.diff(self.s) / STEP

    def headings(self) -> np.ndarray:
        """float64 [T], radians against the road's own direction; of who stands, as before."""
        ds, dd = np.gradient(self.s), np.gradient(self.d)
        moving = np.hypot(ds, dd) > 0.02
        out = np.where(moving, np.arctan2(dd, ds), 0.0)
        for n in range(1, len(out)):
            if not moving[n]:
                out[n] = out[n - 1]
        return out


@dataclass(frozen=True, eq=False, kw_only=True)
class Scene:
    """movers: the first is the vehicle under test. caption: what is seen in it."""

    road: Road
    weather: str
    movers: tuple[Mover, ...]
    caption: str | None = None

    def __post_init__(self) -> None:
        if self.weather not in WEATHERS or not self.movers or not 1 <= self.road.lanes <= 6:
            raise DataError(
                f"a scene in {self.weather!r} with {len(self.movers)} movers on {self.road.lanes} "
                f"lanes: use {', '.join(WEATHERS)}, 1 mover or more and 1 to 6 lanes"
            )
        sizes = {(len(m.s), len(m.d)) for m in self.movers}
        if sizes != {(MOMENTS, MOMENTS)} or any(m.kind not in KINDS for m in self.movers):
            raise DataError(f"movers have {MOMENTS} moments each and are {', '.join(KINDS)}")
        if not all(np.isfinite(m.s).all() and np.isfinite(m.d).all() for m in self.movers):
            raise DataError("a mover's places are no finite numbers")

    @property
    def ego(self) -> Mover:
        return self.movers[EGO]

    @property
    def vehicles(self) -> tuple[Mover, ...]:
        return tuple(m for m in self.movers if not m.walks)

    def to_json(self) -> dict[str, Any]:
        road = {"lanes": self.road.lanes, "lane_width": LANE, "length": ROAD}
        road |= {"curvature": round(self.road.curvature, 6), "crossing": self.road.crossing}
        movers = [
            {"kind": m.kind, "s": m.s.round(3).tolist(), "d": m.d.round(3).tolist()}
            for m in self.movers
        ]
        told: dict[str, Any] = {"road": road, "weather": self.weather, "step": STEP}
        told |= {"caption": self.caption} if self.caption else {}
        return {**told, "movers": movers}


def scene_from_json(values: Any, name: str) -> Scene:
    """DataError where it is none."""
    try:
        road = values["road"]
        crossing = road.get("crossing")
        caption = values.get("caption")
        if not math.isclose(float(values.get("step", STEP)), STEP):
            raise DataError(f"{name}: moments are {STEP} s apart")
        return Scene(
            road=Road(
                lanes=int(road["lanes"]),
                curvature=float(road.get("curvature", 0.0)),
                crossing=None if crossing is None else float(crossing),
            ),
            weather=str(values["weather"]),
            movers=tuple(
                Mover(
                    kind=str(m["kind"]),
                    s=np.array(m["s"], np.float64),
                    d=np.array(m["d"], np.float64),
                )
                for m in values["movers"]
            ),
            caption=None if caption is None else str(caption),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{name} is no driving scene ({error!r})") from None
