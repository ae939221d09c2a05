"""What is said of texts, dates and places in made tables: good and bad ones told apart."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genloom import api
from genloom.codec.table.codec import TableCodec
from genloom.trust.quality_seasons import place_rows, season_rows
from genloom.trust.quality_table import measured
from genloom.trust.quality_texts import text_rows

NOUNS = {"lamp": ["desk lamp", "wall light"], "bag": ["tote bag", "school backpack"]}


def shop(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    kind = rng.choice(list(NOUNS), rows)
    hours = rng.choice([9, 10, 11, 18], rows)
    towns = np.array([[52.5, 13.4], [48.1, 11.6], [53.6, 10.0]])[rng.integers(0, 3, rows)]
    return pd.DataFrame(
        {
            "kind": kind,
            "text": [
                f"{rng.choice(['red', 'blue', 'grey'])} {rng.choice(NOUNS[k])} number {n} of "
                f"{rng.choice(['oak', 'wool', 'steel', 'oak and wool'])}"
                for n, k in enumerate(kind)
            ],
            "when": pd.Timestamp("2024-01-01")
            + pd.to_timedelta(rng.integers(0, 20, rows) * 168 + hours, unit="h"),
            "home_lat": towns[:, 0] + rng.normal(0, 0.05, rows),
            "homeLongitude": towns[:, 1] + rng.normal(0, 0.05, rows),
        }
    )


@pytest.fixture(scope="module")
def codec():
    made = TableCodec()
    made.fit(shop(400, 0))
    return made


def compared(codec: TableCodec, made: pd.DataFrame) -> dict:
    frames = {"real": shop(400, 0), "held": shop(300, 1), "made": made}
    plain = {side: measured(codec, frame) for side, frame in frames.items()}
    rows = text_rows(["text"], frames, plain, codec.kinds(), 0)
    rows += season_rows(codec.dates, plain) + place_rows(codec.places, plain, 0)
    return {row.metric: row for row in rows}


def test_a_good_table_is_at_the_ceiling_and_a_bad_one_is_not(codec):
    assert codec.places == [("home_lat", "homeLongitude")]
    good = compared(codec, shop(400, 2))
    assert len(good) == 9
    for name, row in good.items():
        assert abs(row.value - row.ceiling) < 0.4 * abs(row.floor - row.ceiling), name
    bad = shop(400, 2)
    bad["text"] = np.roll(bad["text"].str.replace("of", "made out of the very same plain"), 1)
    bad["when"] += pd.to_timedelta(np.arange(400) * 37, unit="h")
    bad["home_lat"] = np.roll(bad["home_lat"], 1)
    found = compared(codec, bad)
    for name in ("text_length_error", "text_words_error", "weekday_error", "hour_error"):
        assert found[name].value > good[name].value + 10, name
    assert found["text_follows"].value < good["text_follows"].value - 0.2
    assert found["places_near"].value < 0.3 and found["places_off"].value > 0.4
    assert compared(codec, shop(400, 0))["text_copies"].value == 1.0


def test_no_such_columns_no_rows(codec):
    frames = dict.fromkeys(("real", "held", "made"), shop(10, 0))
    plain = {side: measured(codec, frame) for side, frame in frames.items()}
    assert text_rows([], frames, plain, codec.kinds(), 0) == []
    assert season_rows([], plain) == [] and place_rows([], plain, 0) == []


@pytest.mark.slow
def test_texts_follow_from_their_rows_and_are_no_copies(tmp_path: Path) -> None:
    changes = ("train.steps=200", "train.compile=off", "train.judge=0", "data.holdout=0.0")
    table = shop(400, 0)[["kind", "text"]]
    table["text"] = table["text"].str.replace(r"number \d+ ", "", regex=True) + " and more"
    table["text"] = [f"{t} for {n % 97} days" for n, t in enumerate(table["text"])]
    model = api.train("table", table, out=tmp_path / "m", size="tiny", changes=changes)
    made = model.generate(None, 200, seed=1)
    assert not made["text"].isin(table["text"]).any() and made["text"].nunique() > 100
    right = [any(n in t for n in NOUNS[k]) for k, t in zip(made["kind"], made["text"], strict=True)]
    assert np.mean(right) > 0.8
    again = model.generate(None, 50, seed=1)
    assert made.head(50).equals(again)
