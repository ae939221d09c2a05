"""Dates and places in a table: patterns of weekday, month and hour; points where there are points.

Knows frames and scikit-learn; which columns are dates or places is the codec's.
Shape legend: N rows.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genloom.errors import MissingExtra
from genloom.metric.table import tv_distance
from genloom.trust.quality import Row

DAY = 86_400_000_000_000  # nanoseconds
HOUR = DAY // 24
EARTH = 6371.0  # km
NEAR, OFF = 0.5, 0.99  # quantiles of how far training places are from held-out ones
PARTS = {"weekday": 7, "month": 12, "hour": 24}


def season_rows(columns: Sequence[Any], plain: Mapping[str, Any]) -> list[Row]:
    """columns: of dates, with their forms; plain: "real", "held" and "made" as numbers
    (`quality_table.measured`). Means over the columns that can have the pattern at all."""
    found: dict[str, list[tuple[float, float, float]]] = {part: [] for part in PARTS}
    for column in columns:
        sides = {side: frame[column.name].to_numpy() for side, frame in plain.items()}
        moments = {side: x[~np.isnan(x)] * column.form.unit for side, x in sides.items()}
        if any(not len(x) for x in moments.values()):
            continue
        for part, size in PARTS.items():
            if part == "hour" and column.form.unit >= DAY:
                continue
            codes = {side: _part(x, part) for side, x in moments.items()}
            even = np.arange(size)
            sides_of = (codes["made"], even, codes["real"])
            errors = [100 * tv_distance(codes["held"], side) for side in sides_of]
            found[part].append((errors[0], errors[1], errors[2]))
    rows = []
    for part, errors_of in found.items():
        if errors_of:
            value, floor, ceiling = np.array(errors_of).mean(0).tolist()
            rows.append(
                Row(
                    metric=f"{part}_error",
                    value=value,
                    floor=floor,
                    ceiling=ceiling,
                    note=f"percent; half the summed gap of how often each {part} comes, against "
                    f"held-out rows, {len(errors_of)} columns of dates; floor: each equally "
                    "often; ceiling: training rows",
                )
            )
    return rows


def _part(moments: np.ndarray, part: str) -> np.ndarray:
    """int64 codes from 0 of nanoseconds since 1970."""
    whole = np.rint(moments).astype(np.int64)
    if part == "weekday":
        return (whole // DAY + 3) % 7
    if part == "hour":
        return whole // HOUR % 24
    months = whole.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    return np.asarray(months % 12, np.int64)


def place_rows(pairs: Sequence[tuple[str, str]], plain: Mapping[str, Any], seed: int) -> list[Row]:
    """pairs: (latitude, longitude). How far made places are from the nearest held-out one, beside
    the same of training places; floor: latitudes and longitudes that do not belong together."""
    near: list[tuple[float, float, float]] = []
    off: list[tuple[float, float, float]] = []
    ends: list[tuple[float, float]] = []
    for pair in pairs:
        points = {side: _points(frame, pair) for side, frame in plain.items()}
        if any(len(x) < 2 for x in points.values()):
            continue
        shuffled = points["real"].copy()
        np.random.default_rng(seed).shuffle(shuffled[:, 1])
        real = _distances(points["real"], points["held"])
        made, parted = (_distances(x, points["held"]) for x in (points["made"], shuffled))
        close, far = np.quantile(real, [NEAR, OFF])
        ends.append((float(close), float(far)))
        sides = (made, parted, real)
        near.append(tuple(float((x <= close).mean()) for x in sides))  # type: ignore[arg-type]
        off.append(tuple(float((x > far).mean()) for x in sides))  # type: ignore[arg-type]
    if not near:
        return []
    close, far = np.mean(ends, 0)
    told = "floor: latitudes shuffled against longitudes; ceiling: training places"
    sides_near, sides_off = np.mean(near, 0).tolist(), np.mean(off, 0).tolist()
    return [
        Row(
            metric="places_near",
            value=sides_near[0],
            floor=sides_near[1],
            ceiling=sides_near[2],
            better="higher",
            note=f"share of made places within {close:.3g} km of a held-out one, as half of the "
            f"training places are; {told}",
        ),
        Row(
            metric="places_off",
            value=sides_off[0],
            floor=sides_off[1],
            ceiling=sides_off[2],
            note=f"share of made places with no held-out one within {far:.3g} km; {told}",
        ),
    ]


def _points(frame: Any, pair: tuple[str, str]) -> np.ndarray:
    """float64 [N, 2] in radians."""
    both = frame[list(pair)].to_numpy(np.float64)
    return np.radians(both[~np.isnan(both).any(1)])


def _distances(points: np.ndarray, among: np.ndarray) -> np.ndarray:
    """float64 [N], km to the nearest."""
    try:
        neighbours = importlib.import_module("sklearn.neighbors")
    except ImportError:
        raise MissingExtra("scikit-learn", "tables") from None
    tree = neighbours.BallTree(among, metric="haversine")
    return np.asarray(tree.query(points, k=1)[0][:, 0] * EARTH)
