"""Scores of a made table by SDMetrics and scikit-learn, run in the environment of that peer.

Usage: score_tables.py TRAIN.csv TEST.csv MADE.csv TARGET POSITIVE   (-: TARGET is a number)
Prints one line of JSON. shape_error, trend_error: 100 - SDMetrics' scores. tstr, trtr: gradient
boosting taught by made and by real rows, tested on real held-out ones: area under the ROC curve, or
R2. two_sample_auc: gradient boosting tells made from training rows, 3 folds. closer_to_train: share
of made rows nearer to one of so many training rows than to one of as many held-out ones, ties count
half. copies, copies_of_held: rows that equal a training row, made ones and held-out ones.
Imports nothing of the project: the judge is not ours.
"""

from __future__ import annotations

import json
import sys
import warnings

import numpy as np
import pandas as pd
from sdmetrics.reports.single_table import QualityReport
from sklearn.compose import make_column_transformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

warnings.filterwarnings("ignore")
TOLD_APART, NEAR, AMONG = 8000, 3000, 4000


def read(path):
    return pd.read_csv(path, skipinitialspace=True)


def plain(frames, numbers, words):
    out = []
    for frame in frames:
        made = {c: pd.to_numeric(frame[c], errors="coerce").astype(float) for c in numbers}
        made |= {c: frame[c].astype(object).where(frame[c].notna(), "nan").map(str) for c in words}
        out.append(pd.DataFrame(made))
    return out


def outcome(frame, target, positive):
    if positive == "-":
        return frame[target].to_numpy(float)
    return (frame[target] == positive).to_numpy(float)


def utility(x, y, test, truth, number):
    """AUC or R2 on real rows of what learnt from (x, y)."""
    known, asked = np.isfinite(y), np.isfinite(truth)
    x, y, test, truth = x[known], y[known], test[asked], truth[asked]
    if number:
        model = HistGradientBoostingRegressor(random_state=0).fit(x, y)
        return r2_score(truth, model.predict(test))
    if len(np.unique(y)) < 2:
        return 0.5
    model = HistGradientBoostingClassifier(random_state=0).fit(x, y)
    return roc_auc_score(truth, model.predict_proba(test)[:, 1])


def main():
    train, test, made = map(read, sys.argv[1:4])
    target, positive = sys.argv[4:6]
    columns = list(train.columns)
    numbers = [c for c in columns if train[c].dtype.kind in "if"]
    words = [c for c in columns if c not in numbers]
    copies, copies_of_held = (
        len(side[columns].merge(train.drop_duplicates(), on=columns)) / len(side)
        for side in (made, test)
    )
    train, test, made = plain((train, test, made), numbers, words)
    meta = {c: {"sdtype": "numerical" if c in numbers else "categorical"} for c in columns}
    report = QualityReport()
    report.generate(train, made[train.columns], {"columns": meta}, verbose=False)
    scores = report.get_properties().set_index("Property")["Score"]

    both = pd.concat([train, test, made])
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    if words:
        ordinal.fit(both[words])

    def features(frame, without=()):
        some = [c for c in numbers if c not in without]
        codes = ordinal.transform(frame[words]) if words else np.zeros((len(frame), 0))
        kept = [n for n, c in enumerate(words) if c not in without]
        return np.hstack([frame[some].to_numpy(float), codes[:, kept]])

    number = positive == "-"
    truth = outcome(test, target, positive)

    def taught_by(frame):
        y = outcome(frame, target, positive)
        return utility(features(frame, (target,)), y, features(test, (target,)), truth, number)

    count = min(len(train), len(made), TOLD_APART)
    sides = [side.sample(count, random_state=0) for side in (train, made)]
    label = np.repeat((0.0, 1.0), count)
    judge = HistGradientBoostingClassifier(random_state=0)
    x = np.vstack([features(side) for side in sides])
    guess = cross_val_predict(judge, x, label, cv=3, method="predict_proba")[:, 1]

    hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    space = make_column_transformer((StandardScaler(), numbers), (hot, words)).fit(train)
    among = min(len(train), len(test), AMONG)

    def nearest(rows, side):
        some = np.nan_to_num(space.transform(side.sample(among, random_state=1)))
        return NearestNeighbors(n_neighbors=1).fit(some).kneighbors(rows)[0][:, 0]

    rows = np.nan_to_num(space.transform(made.sample(min(len(made), NEAR), random_state=1)))
    near, far = nearest(rows, train), nearest(rows, test)
    closer = (near < far).mean() + 0.5 * (near == far).mean()
    print(
        json.dumps(
            {
                "shape_error": round(100 * (1 - scores["Column Shapes"]), 2),
                "trend_error": round(100 * (1 - scores["Column Pair Trends"]), 2),
                "tstr": round(float(taught_by(made)), 4),
                "trtr": round(float(taught_by(train)), 4),
                "two_sample_auc": round(float(roc_auc_score(label, guess)), 4),
                "closer_to_train": round(float(closer), 3),
                "copies": round(copies, 4),
                "copies_of_held": round(copies_of_held, 4),
            }
        )
    )


if __name__ == "__main__":
    main()
