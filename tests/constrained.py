"""Orders that must meet constraints of every kind, and a model of them that has learnt nothing: the
hardest to keep to anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import torch
import toys

from genloom.api import Model
from genloom.recipe import Part

TOWNS = {"Rome": "Italy", "Milan": "Italy", "Paris": "France", "Lyon": "France"}
CONSTRAINTS: list[dict[str, Any]] = [
    {"kind": "key", "column": "order", "pattern": "X[0-9]{3}-[AB]"},
    {"kind": "fixed", "columns": ["town", "country"]},
    {"kind": "inequality", "low": "sent", "high": "came"},
    {"kind": "inequality", "low": "low", "high": "high", "strict": True},
    {"kind": "inequality", "low": "high", "high": "top"},
    {"kind": "inequality", "low": 0, "high": "child"},
    {"kind": "inequality", "low": "child", "high": "age", "strict": True},
    {"kind": "formula", "column": "total", "formula": "price * count"},
    {"kind": "unique", "columns": ["slot", "room"]},
]


def orders(rows: int = 600, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    town = rng.choice(list(TOWNS), rows)
    sent = pd.Timestamp("2022-01-01") + pd.to_timedelta(rng.integers(0, 300, rows), unit="D")
    came = pd.Series(sent + pd.to_timedelta(rng.integers(0, 20, rows), unit="D"))
    low = np.round(rng.normal(0, 1, rows), 3)
    high = np.round(low + 0.01 + rng.gamma(1, 0.3, rows), 3)
    child = rng.integers(0, 10, rows)
    price, count = np.round(rng.gamma(2, 10, rows) + 1, 2), rng.integers(1, 9, rows)
    frame = pd.DataFrame(
        {
            "order": [f"X{n:03d}-A" for n in range(rows)],
            "town": town,
            "country": [TOWNS[one] for one in town],
            "sent": sent,
            "came": came.dt.strftime("%d.%m.%Y"),
            "low": low,
            "high": high,
            "top": np.where(rng.random(rows) < 0.1, np.nan, np.round(high + rng.random(rows), 2)),
            "child": child,
            "age": child + rng.integers(1, 30, rows),
            "price": price,
            "count": count,
            "total": np.round(price * count, 2),
            "slot": rng.permutation(rows) // 4 % 60,
            "room": rng.permutation(rows) % 4,
        }
    )
    frame.loc[frame["top"] < frame["high"], "top"] = np.nan
    return frame


def unlearnt(frame: pd.DataFrame, **options: Any) -> Model:
    made = toys.recipe(
        Part("table", options), Part("autoregressive", {"order": "any"}), {"net": "row"}
    )
    codec = made.make_codec()
    codec.fit(frame)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        nets = made.make_nets(codec.spec, None)
    toys._shake(nets, 0)
    return Model(recipe=made, codec=codec, prompt=None, nets=nets)


def broken(frame: pd.DataFrame) -> list[str]:
    """Which constraints a table breaks."""
    came = pd.to_datetime(frame["came"], format="%d.%m.%Y")
    total = np.abs(frame["total"] - frame["price"] * frame["count"])
    faults = {
        "key": frame["order"].duplicated() | ~frame["order"].str.fullmatch(r"X\d{3}-[AB]"),
        "fixed": frame["town"].map(TOWNS) != frame["country"],
        "dates": frame["sent"] > came,
        "strict": frame["low"] >= frame["high"],
        "chain": frame["high"] > frame["top"],
        "bound": frame["child"] < 0,
        "whole": frame["child"] >= frame["age"],
        "formula": total > 0.0051,
        "unique": frame[["slot", "room"]].duplicated(),
    }
    return [name for name, wrong in faults.items() if wrong.any()]
