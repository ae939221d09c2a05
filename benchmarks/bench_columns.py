"""Texts, dates and places in a table: what `genloom eval` says of them, by the preset as it is.

Usage: bench_columns.py [--only texts dates places] [--minutes 1]
texts: 4,000 made-up things on sale whose description follows from kind and price; dates: 4,000
made-up visits with strong patterns of weekday, month and hour; places: California housing. A fifth
of the rows, after a shuffle with seed 0, is held out of the training and measured against.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import protocol

from genloom import api
from genloom.trust.quality import evaluate

ROWS = 5000
THINGS = {
    "shoe": ["running shoe", "leather boot", "canvas sneaker", "winter boot"],
    "lamp": ["desk lamp", "floor lamp", "reading light", "wall light"],
    "chair": ["office chair", "dining chair", "garden bench", "bar stool"],
    "bag": ["travel bag", "school backpack", "leather purse", "tote bag"],
}
COLOURS = ["red", "blue", "black", "white", "green", "grey", "brown"]
CHEAP, DEAR = ["simple", "plain", "basic", "light"], ["handmade", "designer", "premium", "fine"]
STUFF = ["cotton", "steel", "oak", "nylon", "wool", "glass"]
DEAR_FROM = 40.0
WEEKDAYS = np.array([8, 7, 6, 6, 9, 1, 0.3])
MONTHS = np.array([1, 1, 2, 2, 3, 6, 9, 9, 3, 2, 1, 5.0])
HOURS = np.array([0.1] * 7 + [1, 6, 9, 7, 4, 2, 3, 6, 8, 7, 3, 1, 0.5] + [0.1] * 4)


def texts(rows: int, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    out = []
    for kind, price in zip(
        rng.choice(list(THINGS), rows), np.exp(rng.normal(3.5, 0.8, rows)), strict=True
    ):
        word = rng.choice(DEAR if price > DEAR_FROM else CHEAP)
        text = f"{rng.choice(COLOURS)} {word} {rng.choice(THINGS[kind])} with {rng.choice(STUFF)}"
        if rng.random() < 0.4:
            text += f" parts, for {rng.choice(['men', 'women', 'children'])}"
        out.append((kind, round(float(price), 2), text))
    return pd.DataFrame(out, columns=["kind", "price", "description"])


def dates(rows: int, seed: int = 0) -> Any:
    """Visits of three years: which weekdays, months and hours hangs on nothing else."""
    rng = np.random.default_rng(seed)
    days = pd.date_range("2021-01-01", "2023-12-31", freq="D")
    share = WEEKDAYS[days.day_of_week] * MONTHS[days.month - 1]
    day = rng.choice(len(days), rows, p=share / share.sum())
    hour = rng.choice(24, rows, p=HOURS / HOURS.sum())
    second = hour * 3600 + rng.integers(0, 3600, rows)
    moment = days[day] + pd.to_timedelta(second, unit="s")
    return pd.DataFrame(
        {
            "moment": moment,
            "day": days[rng.choice(len(days), rows, p=share / share.sum())],
            "ward": rng.choice(["a", "b", "c"], rows),
            "cost": np.round(np.exp(rng.normal(4, 1, rows)), 2),
        }
    )


def places(rows: int, seed: int = 0) -> Any:
    return pd.read_csv(protocol.data("tables") / "california_housing" / "train.csv")


TABLES: dict[str, Callable[[int], Any]] = {"texts": texts, "dates": dates, "places": places}


def measured(name: str, minutes: float) -> None:
    frame = TABLES[name](ROWS).sample(frac=1, random_state=0).reset_index(drop=True)
    cut = int(0.8 * len(frame))
    train, held = frame[:cut].reset_index(drop=True), frame[cut:].reset_index(drop=True)
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        model = api.train("table", train, out=Path(folder) / "model", minutes=minutes)
        seconds = time.perf_counter() - begun
        print(f"\n## {name}: {cut:,} rows, {seconds:.0f} s")
        for row in evaluate(model, held, training=train).rows:
            print(f"{row.metric:24} {row.value} {row.floor} {row.ceiling}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", choices=[*TABLES], default=[*TABLES])
    parser.add_argument("--minutes", type=float, default=1.0)
    given = parser.parse_args()
    for name in given.only:
        measured(name, given.minutes)


if __name__ == "__main__":
    main()
