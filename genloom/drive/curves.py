"""Smooth curves through values at knots of time. Knows numbers.

Shape legend: K knots, T moments.
"""

from __future__ import annotations

from functools import cache

import numpy as np


def between_knots(values: np.ndarray, moments: int) -> np.ndarray:
    """float64 [T]: a natural cubic spline through values [K] at even times (de Boor 1978)."""
    many = len(values)
    bends = np.zeros(many)
    if many > 2:
        matrix = 4 * np.eye(many - 2) + np.eye(many - 2, k=1) + np.eye(many - 2, k=-1)
        bends[1:-1] = np.linalg.solve(matrix, 6 * np.diff(values, n=2))
    at = np.linspace(0, many - 1, moments)
    n = np.minimum(at.astype(int), many - 2)
    t = at - n
    a, b = values[n], values[n + 1]
    p, q = bends[n], bends[n + 1]
    return a * (1 - t) + b * t + ((1 - t) ** 3 - (1 - t)) * p / 6 + (t**3 - t) * q / 6


def at_knots(places: np.ndarray, knots: int, step: float) -> tuple[float, np.ndarray]:
    """Where a movement [T] begins, and its speeds [K] at the knots: of all sets of speeds those
    whose spline, summed up, comes nearest to the places."""
    return float(places[0]), _inverse(len(places), knots, step) @ (places - places[0])


@cache
def _inverse(moments: int, knots: int, step: float) -> np.ndarray:
    """float64 [K, T]: places to the speeds that come nearest to them."""
    rows = []
    for unit in np.eye(knots):
        speed = between_knots(unit, moments)
        rows.append(np.concatenate(([0.0], np.cumsum((speed[1:] + speed[:-1]) / 2 * step))))
    return np.linalg.pinv(np.stack(rows, 1))
