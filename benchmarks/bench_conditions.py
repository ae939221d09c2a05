"""Rows under conditions beside the real rows that meet them: chi-square, column by column.

Usage: bench_conditions.py [--minutes M] [--model NAME] [--rows 1000]
Adult, shuffled with seed 0. Half of the rows train; the real subsets are of the other half, and
only conditions that at least 300 of these rows meet are taken. Each column that the condition does
not speak of is cut into 10 parts of equal counts (numbers) or its values; parts that expect fewer
than 5 are pooled; two-sample chi-square, and a column passes above p = 0.01. Ceiling: real rows of
the training half that meet the condition, in place of made ones. Floor: made rows without the
condition. Told besides: how many made rows meet it, how probable the model says it is, and how
often it is met among the held-out rows.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import protocol
from scipy.stats import chi2_contingency

from genloom import api
from genloom.codec.table.codec import TableCodec

CONDITIONS = (
    "sex = 'Female'",
    "age > 60",
    "education = 'Bachelors' and income-per-year = '>50K'",
    "hours-per-week between 20 and 30",
    "capital-gain > 5000",
    "age < 30 and marital-status = 'Married-civ-spouse'",
    "occupation in ('Sales', 'Tech-support') and education-num >= 13",
    "age > 50 or hours-per-week > 55",
    "race = 'Black' and sex = 'Female' and age < 40",
    "workclass = 'Self-emp-inc'",
)
CHANGES = ("train.compile=off",)
PARTS, LEAST, FEWEST, PASS = 10, 300, 5, 0.01


def halves() -> tuple[Any, Any]:
    path = protocol.data("tables") / "adult" / "train.csv"
    frame = TableCodec().read(path).items.sample(frac=1, random_state=0).reset_index(drop=True)
    cut = len(frame) // 2
    return frame[:cut].reset_index(drop=True), frame[cut:].reset_index(drop=True)


def parts(real: Any, made: Any) -> tuple[Any, Any]:
    """Both columns as numbers of parts."""
    if real.dtype.kind in "if" and real.nunique() > PARTS:
        edges = np.unique(np.quantile(real, np.linspace(0, 1, PARTS + 1)[1:-1]))
        return np.searchsorted(edges, real, "right"), np.searchsorted(edges, made, "right")
    values = {value: place for place, value in enumerate(real.astype(str).unique())}
    return tuple(
        one.astype(str).map(values).fillna(len(values)).astype(int) for one in (real, made)
    )


def chance(real: Any, made: Any) -> float:
    """p of both coming from one distribution; 1 where there is one part alone."""
    left, right = parts(real, made)
    size = int(max(left.max(), right.max())) + 1
    table = np.stack([np.bincount(left, minlength=size), np.bincount(right, minlength=size)])
    expected = table.sum(0) * min(len(left), len(right)) / (len(left) + len(right))
    few = expected < FEWEST
    table = np.concatenate((table[:, ~few], table[:, few].sum(1, keepdims=True)), 1)
    table = table[:, table.sum(0) > 0]
    return float(chi2_contingency(table).pvalue) if table.shape[1] > 1 else 1.0


def passed(real: Any, made: Any, free: list[str]) -> tuple[int, int]:
    found = [chance(real[name], made[name]) for name in free]
    return sum(p > PASS for p in found), len(found)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=None, help="the preset's own passes else")
    parser.add_argument("--model", default=None, help="one trained before on the same half")
    parser.add_argument("--rows", type=int, default=1000)
    args = parser.parse_args()
    protocol.head(f"Conditions on Adult, {args.rows} rows each")
    train, test = halves()
    with tempfile.TemporaryDirectory() as folder:
        out = args.model or Path(folder) / "model"
        if args.model is None or not Path(args.model).exists():
            api.train("table", train, out=out, minutes=args.minutes, changes=CHANGES)
        report(api.load(out), train, test, args.rows)


def report(model: Any, train: Any, test: Any, rows: int) -> None:
    print("| condition | real rows | met | passed | ceiling | floor | probable | real | seconds |")
    print("|---|---|---|---|---|---|---|---|---|")
    plain = model.generate(rows, seed=1)
    sums = np.zeros((3, 2), int)
    for where in CONDITIONS:
        real = test[model.codec.matches(test, where)]
        if len(real) < LEAST:
            print(f"| `{where}` | {len(real)}: too few |")
            continue
        own = train[model.codec.matches(train, where)]
        free = [name for name in test.columns if name not in where]
        begun = time.perf_counter()
        made = model.generate(rows, seed=1, where=where, weights="w")
        seconds = time.perf_counter() - begun
        met = model.codec.matches(made, where).mean()
        found = [passed(real, one, free) for one in (made, own, plain)]
        sums += found
        share = [f"{good}/{of}" for good, of in found]
        print(
            f"| `{where}` | {len(real)} | {met:.0%} | {' | '.join(share)} | {made['w'][0]:.4f} | "
            f"{len(real) / len(test):.4f} | {seconds:.1f} |"
        )
    print(f"| all | | | {' | '.join(f'{a / b:.0%}' for a, b in sums)} | | | |")


if __name__ == "__main__":
    main()
