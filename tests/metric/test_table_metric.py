"""Shape and trend errors against SDMetrics: golden figures always, live where it is installed."""

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from genloom.metric.table import (
    correlation,
    cramers_v,
    ks_distance,
    table_quality,
    tv_distance,
)

PEER = os.environ.get("SDMETRICS_PYTHON")  # of an environment that has SDMetrics 0.32
KINDS = {"a": "number", "b": "number", "c": "number", "d": "choice", "e": "choice"}


def small_table(seed: int, rows: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    a = np.round(rng.normal(shift, 1, rows), 3)
    b = np.round(a * 0.9 + rng.normal(0, 0.4, rows), 3)
    c = rng.integers(0, 6 + int(4 * shift), rows).astype(float)
    c[rng.random(rows) < 0.1] = np.nan
    d = np.where(a > 0.5, "high", np.where(a < -0.5, "low", "mid")).astype(object)
    letters = np.array(["x", "y", "z", "rare"], dtype=object)
    e = letters[rng.choice(4, rows, p=[0.5, 0.3, 0.19, 0.01])]
    e[d == "high"] = "rare"
    e[rng.random(rows) < 0.05] = None
    return pd.DataFrame({"a": a, "b": b, "c": c, "d": d, "e": e})


# QualityReport of SDMetrics 0.32.0 on small_table(1, 400) and small_table(2, 300, 0.3).
GOLDEN = json.loads(Path(__file__).with_name("sdmetrics_0_32.json").read_text())


def check_against(scores: dict, real: pd.DataFrame, made: pd.DataFrame, kinds: dict) -> None:
    found = table_quality(real, made, kinds)
    assert found.shape_error == pytest.approx(100 * (1 - scores["shape"]), abs=1e-6)
    assert found.trend_error == pytest.approx(100 * (1 - scores["trend"]), abs=1e-6)
    for name, score in scores["columns"].items():
        assert found.columns[name] == pytest.approx(100 * (1 - score), abs=1e-6)
    for one, other, score in scores["pairs"]:
        expected = float("nan") if score is None else 100 * (1 - score)
        assert found.pairs[one, other] == pytest.approx(expected, abs=1e-6, nan_ok=True)


def test_golden_figures():
    check_against(GOLDEN, small_table(1, 400), small_table(2, 300, 0.3), KINDS)
    assert any(score is not None for _, _, score in GOLDEN["pairs"])
    assert any(score is None for _, _, score in GOLDEN["pairs"])


def test_equal_tables_have_no_error():
    table = small_table(3, 200)
    found = table_quality(table, table, KINDS)
    assert found.shape_error == 0 and found.trend_error == 0 and found.strong


def test_ks_distance_by_hand():
    assert ks_distance(np.array([1.0, 2.0, 3.0, 4.0]), np.array([3.0, 4.0])) == 0.5
    assert np.isnan(ks_distance(np.array([]), np.array([1.0])))


def test_tv_distance_by_hand():
    assert tv_distance(np.array([0, 0, 1, 1]), np.array([0, 2])) == 0.5


def test_association_is_one_for_a_bijection_and_zero_for_independence():
    one = np.array([0, 1, 2] * 4)
    assert cramers_v(one, (one + 1) % 3) == pytest.approx(1)
    assert cramers_v(np.array([0, 0, 1, 1]), np.array([0, 1, 0, 1])) == pytest.approx(0)
    assert np.isnan(cramers_v(one, np.zeros(12, int)))


def test_correlation_leaves_missing_rows_out():
    x = np.array([1.0, 2.0, 3.0, np.nan, 5.0])
    assert correlation(x, np.array([2.0, 4.0, 6.0, 0.0, 10.0])) == pytest.approx(1)


def test_constant_columns_and_empty_columns_are_left_out():
    real = pd.DataFrame({"a": [1.0, 2.0, 3.0], "b": [1.0, 1.0, 1.0], "c": [np.nan] * 3})
    found = table_quality(real, real)
    assert found.columns["a"] == 0 and np.isnan(found.columns["c"])
    assert np.isnan(found.trend_error)


def peer_scores(folder: Path, real: pd.DataFrame, made: pd.DataFrame, numbers: list[str]) -> dict:
    real.to_csv(folder / "real.csv", index=False)
    made.to_csv(folder / "made.csv", index=False)
    script = Path(__file__).with_name("sdmetrics_scores.py")
    command = [PEER, str(script), str(folder / "real.csv"), str(folder / "made.csv")]
    done = subprocess.run(
        [*command, json.dumps(numbers)], capture_output=True, text=True, check=True, timeout=300
    )
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.skipif(not PEER, reason="SDMETRICS_PYTHON names no Python that has SDMetrics")
@pytest.mark.parametrize("seed", [4, 5])
def test_live_on_small_tables(tmp_path, seed):
    real, made = small_table(seed, 500), small_table(seed + 10, 700, 0.2)
    check_against(peer_scores(tmp_path, real, made, ["a", "b", "c"]), real, made, KINDS)


@pytest.mark.shared
@pytest.mark.skipif(not PEER, reason="SDMETRICS_PYTHON names no Python that has SDMetrics")
@pytest.mark.parametrize("how", ["halves", "bootstrap", "noised"])
def test_live_on_a_census_table(tmp_path, shared, how):
    path = shared / "data" / "tables" / "adult" / "train.csv"
    table = pd.read_csv(path, skipinitialspace=True, keep_default_na=False)
    rng = np.random.default_rng(0)
    half = rng.permutation(len(table))
    real, made = table.iloc[half[: len(half) // 2]], table.iloc[half[len(half) // 2 :]].copy()
    if how == "bootstrap":
        real, made = table, table.iloc[rng.integers(0, len(table), len(table))]
    numbers = [name for name in table if table[name].dtype.kind in "if"]
    if how == "noised":
        for name in table:
            mixed = rng.random(len(made)) < 0.2
            made.loc[mixed, name] = rng.permutation(made[name].to_numpy())[mixed]
    kinds = {name: "number" if name in numbers else "choice" for name in table}
    real, made = real.reset_index(drop=True), made.reset_index(drop=True)
    check_against(peer_scores(tmp_path, real, made, numbers), real, made, kinds)
