"""Series of which everything is known: a load by the hour, sales by the day, visits now and then.

Planted are: seasons, memory, noise that grows and shrinks, a channel that follows another, sales by
the kind of shop, and gaps between visits that hang on what was found. Knows no model.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

BEGINS = "2024-01-01"
TYPES = ("corner", "market", "mall")


def draw_load(steps: int, seed: int = 0) -> Any:
    """By the hour: a load with a daily season whose noise has one, too, a temperature that it
    leads, and the state that follows from it."""
    pd = importlib.import_module("pandas")
    rng = np.random.default_rng(seed)
    hour = np.arange(steps)
    swell = 1 + 0.5 * np.sin(2 * np.pi * hour / 24)
    inner, outer = np.zeros(steps), np.zeros(steps)
    for n in range(1, steps):
        inner[n] = 0.8 * inner[n - 1] + swell[n] * rng.normal()
        outer[n] = 0.6 * outer[n - 1] + 0.5 * inner[n - 1] + 0.5 * rng.normal()
    load = 50 + 10 * np.sin(2 * np.pi * hour / 24) + 3 * inner
    temperature = 15 + outer + 4 * np.sin(2 * np.pi * (hour - 5) / 24)
    return pd.DataFrame(
        {
            "time": pd.date_range(BEGINS, periods=steps, freq="h"),
            "load": load.round(2),
            "temperature": temperature.round(2),
            "state": np.where(inner > 1, "high", np.where(inner < -1, "low", "middle")),
        }
    )


def draw_sales(shops: int, days: int, seed: int = 0) -> Any:
    """By the day and shop: how many were sold, by the kind of shop, the weekday, and a wandering
    demand; the shops' sizes and kinds."""
    pd = importlib.import_module("pandas")
    rng = np.random.default_rng(seed)
    kind = rng.choice(3, shops, p=[0.5, 0.3, 0.2])
    size = np.round(np.exp(rng.normal(np.array([3.5, 5.0, 6.0])[kind], 0.3)))
    week = np.array([[1.0, 0.9, 0.9, 1.0, 1.2, 1.3, 0.7], [1, 1, 1, 1, 1.1, 1.4, 0.2]])
    demand = np.zeros(shops)
    rows = []
    for day in range(days):
        demand = 0.9 * demand + 0.15 * rng.normal(size=shops)
        mean = 0.3 * size * week[(kind > 0).astype(int), day % 7] * np.exp(demand)
        rows.append(rng.poisson(mean))
    sold = np.stack(rows, 1)
    return pd.DataFrame(
        {
            "shop_id": np.repeat(np.arange(1, shops + 1), days),
            "date": np.tile(pd.date_range(BEGINS, periods=days, freq="D"), shops),
            "kind": np.repeat(np.array(TYPES)[kind], days),
            "size": np.repeat(size, days),
            "sold": sold.ravel(),
        }
    )


def draw_visits(patients: int, seed: int = 0) -> Any:
    """Visits at odd times: a pressure that is treated down, its finding, and a sooner return where
    it was high; the patients' ages and sexes."""
    pd = importlib.import_module("pandas")
    rng = np.random.default_rng(seed)
    parts = []
    for patient in range(patients):
        age, count = int(rng.integers(30, 90)), 2 + rng.poisson(6)
        pressure, when = 120 + 0.5 * (age - 30) + 10 * rng.normal(), 365 * 24 * rng.random()
        for _ in range(count):
            finding = "high" if pressure > 145 else "normal"
            parts.append((patient + 1, when, age, round(pressure), finding))
            when += 24 * (3 + rng.exponential(10 if pressure > 145 else 60))
            pressure += -0.3 * (pressure - 125) * (pressure > 145) + 6 * rng.normal()
    frame = pd.DataFrame(parts, columns=["patient_id", "time", "age", "pressure", "finding"])
    frame["time"] = (pd.Timestamp(BEGINS) + pd.to_timedelta(frame["time"], unit="h")).dt.floor(
        "min"
    )
    return frame
