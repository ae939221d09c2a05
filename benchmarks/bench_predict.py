"""A column foretold by the model of rows, beside boosting and a linear model taught for it alone.

Usage: bench_predict.py [--minutes 1.45] [--only adult shoppers magic california_housing insurance]
Rows are shuffled with seed 0 and split 80 : 20 (magic as it comes split). Classes: area under the
ROC curve, log loss and the error of calibration (10 bins of equal counts); floor: the share of the
class. Numbers: R2, and the share of true values within the interval of 90 %; floor: the mean. The
linear models are logistic and ridge regression on one-hot and standardised columns; boosting is
scikit-learn's histogram kind with its defaults. Filling: a fifth of the cells of the held-out rows
are hidden; right: categories filled with the true value, against the same column shuffled (floor);
what another draw of the same shares would reach is the sum of squared shares, at most.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import protocol
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import log_loss, r2_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from genloom import api, filling

TARGETS: dict[str, tuple[str, str | None]] = {  # what is foretold, and the class that counts
    "adult": ("income-per-year", ">50K"),
    "shoppers": ("Revenue", "True"),
    "magic": ("class", "g"),
    "california_housing": ("median_house_value", None),
    "insurance": ("charges", None),
}
BINS, HIDDEN = 10, 0.2


def data(name: str) -> tuple[Any, Any]:
    frame = pd.read_csv(protocol.data("tables") / name / "train.csv", skipinitialspace=True)
    frame = frame.sample(frac=1, random_state=0).reset_index(drop=True)
    cut = int(0.8 * len(frame))
    return frame[:cut].reset_index(drop=True), frame[cut:].reset_index(drop=True)


def peers(goal: str, train: Any, target: str) -> dict[str, Any]:
    x = train.drop(columns=target)
    words = [c for c in x.columns if x[c].dtype.kind not in "if"]
    numbers = [c for c in x.columns if c not in words]
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    trees = make_column_transformer((ordinal, words), ("passthrough", numbers))
    hot = OneHotEncoder(handle_unknown="ignore")
    plain = make_pipeline(SimpleImputer(), StandardScaler())
    lines = make_column_transformer((hot, words), (plain, numbers))
    if goal == "class":
        boosting: Any = HistGradientBoostingClassifier(random_state=0)
        linear: Any = LogisticRegression(max_iter=1000)
    else:
        boosting, linear = HistGradientBoostingRegressor(random_state=0), Ridge()
    made = {"boosting": make_pipeline(trees, boosting), "linear": make_pipeline(lines, linear)}
    return {name: one.fit(x, train[target]) for name, one in made.items()}


def calibration(truth: np.ndarray, chance: np.ndarray) -> float:
    """Expected calibration error over bins of equal counts."""
    parts = np.array_split(np.argsort(chance), BINS)
    return float(sum(abs(truth[p].mean() - chance[p].mean()) * len(p) for p in parts) / len(truth))


def classes(model: api.Model, train: Any, test: Any, target: str, positive: str) -> list[Any]:
    truth = (test[target].astype(str) == positive).to_numpy(float)
    share = (train[target].astype(str) == positive).mean()
    begun = time.perf_counter()
    found = filling.predict(model, test.drop(columns=target), target)
    seconds = time.perf_counter() - begun
    rows = {"Genloom": (found[f"{target}={positive}"].to_numpy(), seconds)}
    for name, one in peers("class", train, target).items():
        place = list(map(str, one.classes_)).index(positive)
        rows[name] = one.predict_proba(test.drop(columns=target))[:, place], float("nan")
    rows["floor"] = np.full(len(test), share), float("nan")
    return [
        {
            "": name,
            "auc": f"{roc_auc_score(truth, chance):.4f}",
            "log_loss": f"{log_loss(truth, np.clip(chance, 1e-6, 1 - 1e-6)):.4f}",
            "calibration_error": f"{calibration(truth, chance):.4f}",
            "predict s": f"{s:.2f}",
        }
        for name, (chance, s) in rows.items()
    ]


def numbers(model: api.Model, train: Any, test: Any, target: str) -> list[Any]:
    truth = test[target].to_numpy(float)
    found = filling.predict(model, test.drop(columns=target), target)
    low, high = (found[f"{target}_{end}"].to_numpy(float) for end in ("low", "high"))
    inside = float(((low <= truth) & (truth <= high)).mean())
    guesses = {"Genloom": found[target].to_numpy(float)}
    for name, one in peers("number", train, target).items():
        guesses[name] = one.predict(test.drop(columns=target))
    guesses["floor"] = np.full(len(test), train[target].mean())
    rows = [
        {"": n, "r2": f"{r2_score(truth, g):.4f}", "within 90 %": ""} for n, g in guesses.items()
    ]
    rows[0]["within 90 %"] = f"{inside:.3f}"
    return rows


def filled(model: api.Model, test: Any) -> None:
    rng = np.random.default_rng(0)
    hidden = rng.random(test.shape) < HIDDEN
    holes = test.copy()
    for place, name in enumerate(test.columns):
        holes[name] = holes[name].astype(object).mask(hidden[:, place])
        if test[name].dtype.kind in "if":
            holes[name] = holes[name].astype(float)
    begun = time.perf_counter()
    made = filling.fill(model, holes)
    seconds = time.perf_counter() - begun
    print(f"filled {int(hidden.sum()):,} cells of {len(test):,} rows in {seconds:.1f} s")
    right, floor, same, count = 0.0, 0.0, 0.0, 0
    for place, name in enumerate(test.columns):
        if test[name].dtype.kind in "if":
            continue
        rows = hidden[:, place]
        true = test[name][rows].astype(str).to_numpy()
        right += (made[name][rows].astype(str).to_numpy() == true).sum()
        floor += (rng.permutation(true) == true).sum()
        same += (test[name].astype(str).value_counts(normalize=True) ** 2).sum() * len(true)
        count += len(true)
    print(
        f"categories filled with the true value: {right / count:.3f}, "
        f"floor (shuffled) {floor / count:.3f}, sum of squared shares {same / count:.3f}\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.45)
    parser.add_argument("--only", nargs="+", choices=tuple(TARGETS), default=tuple(TARGETS))
    args = parser.parse_args()
    protocol.head("Tables: a column foretold")
    with tempfile.TemporaryDirectory() as place:
        for name in args.only:
            target, positive = TARGETS[name]
            train, test = data(name)
            begun = time.perf_counter()
            out = Path(place) / name
            model = api.train("table", train, out=out, minutes=args.minutes)
            seconds = time.perf_counter() - begun
            print(f"### {name}: {target}, {len(train):,} rows, fit {seconds:.0f} s\n")
            if positive is None:
                protocol.table(numbers(model, train, test, target))
            else:
                protocol.table(classes(model, train, test, target, positive))
            filled(model, test)


if __name__ == "__main__":
    main()
