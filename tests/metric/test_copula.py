"""The copula keeps columns and monotone dependencies, and loses those that are neither."""

from __future__ import annotations

import numpy as np
import pandas as pd

from genloom.metric.copula import copula_rows
from genloom.metric.table import table_quality

KINDS = {"x": "number", "y": "number", "bent": "number", "word": "choice"}


def real(count: int = 4000) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    x = rng.normal(size=count)
    y = np.exp(x + 0.3 * rng.normal(size=count))
    y[:400] = np.nan
    word = np.where(x > 1, "c", np.where(x > 0, "b", "a"))
    return pd.DataFrame({"x": x, "y": y, "bent": x**2, "word": word})


def test_columns_and_monotone_dependencies_stay_and_others_go() -> None:
    table = real()
    made = copula_rows(table, KINDS, 4000, seed=1)
    assert list(made.columns) == list(KINDS) and len(made) == 4000
    found = table_quality(table, made, KINDS)
    assert found.shape_error < 2.5
    assert abs(made["y"].isna().mean() - 0.1) < 0.02
    both = [frame[["x", "y"]].dropna().corr("spearman").iloc[0, 1] for frame in (table, made)]
    assert abs(both[0] - both[1]) < 0.05 and both[0] > 0.9
    told = [frame["x"].abs().corr(frame["bent"], "spearman") for frame in (table, made)]
    assert told[0] > 0.99 and abs(told[1]) < 0.1  # a floor: this it cannot see
    shares = [frame["word"].value_counts(normalize=True).sort_index() for frame in (table, made)]
    assert np.abs(shares[0] - shares[1]).max() < 0.03


def test_the_seed_decides_and_one_row_is_enough() -> None:
    table = real(50)
    one, two = (copula_rows(table, KINDS, 20, seed) for seed in (1, 2))
    pd.testing.assert_frame_equal(one, copula_rows(table, KINDS, 20, 1))
    assert not one["x"].equals(two["x"])
    assert set(copula_rows(table[:1], KINDS, 3, 0)["word"]) == {table["word"][0]}
