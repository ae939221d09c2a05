"""The protocol for tables: shapes and trends, a classifier that learns from made rows, another that
tells made from real, copies and nearness.

Knows frames and scikit-learn. Floors are columns shuffled one by one, ceilings a bootstrap of the
training rows or real held-out rows.
Shape legend: N rows, C columns.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from genloom import api
from genloom.data.split import take
from genloom.errors import MissingExtra, UsageError
from genloom.metric.privacy import closeness, closest, copy_rate
from genloom.metric.table import Kind, Quality, table_quality
from genloom.trust.quality import Row, Tell
from genloom.trust.quality_seasons import place_rows, season_rows
from genloom.trust.quality_texts import text_rows

MOST = 50_000  # rows that are made
TOLD_APART = 8000  # rows of each side that the two-sample test sees
FOLDS = 3
NEAR = 3000  # rows whose nearest record is looked for
AMONG = 30_000  # training rows that it is looked for in


def measure(
    model: api.Model,
    train: Any,
    held: Any,
    *,
    seed: int,
    count: int | None,
    tell: Tell,
    target: str | None = None,
) -> tuple[list[Row], dict[str, Any]]:
    codec: Any = model.codec
    tell("making rows")
    made = model.generate(None, count or min(len(train), MOST), seed=seed)
    kinds = codec.kinds()
    real, rest, own = (measured(codec, frame) for frame in (train, held, made))
    floor, best = _shuffled(real, len(own), seed), _bootstrap(real, len(own), seed)
    tell("comparing columns and pairs")
    rows = _marginals(real, {"value": own, "floor": floor, "ceiling": best}, kinds)
    task = _task(real, kinds, target)
    if task is not None:
        tell("learning from made rows")
        rows.append(_utility(task, real, rest, own, floor, kinds, seed))
    tell("telling made from real")
    rows.append(_two_samples(real, own, floor, rest, kinds, task, seed))
    tell("looking for copies")
    texts = [span.name for span in codec.spec.spans if span.kind == "words"]
    rows += _privacy(codec, train, held, made, [*kinds, *texts], seed)
    frames = {"real": train, "held": held, "made": made}
    plain = {"real": real, "held": rest, "made": own}
    rows += text_rows(texts, frames, plain, kinds, seed)
    rows += season_rows(codec.dates, plain) + place_rows(codec.places, plain, seed)
    told = {"rows": len(made), "two_sample_rows": min(len(real), len(own), TOLD_APART)}
    told |= {"two_sample_folds": FOLDS, "near_rows": NEAR}
    return rows, told | ({} if task is None else {"target": task.column, "task": task.goal})


def measured(codec: Any, frame: Any) -> Any:
    """The learnt columns: numbers (dates, too) as float64, the rest as texts."""
    pd = importlib.import_module("pandas")
    columns = {column.name: column for column in codec.columns}
    out = {}
    for name, kind in codec.kinds().items():
        if kind == "number":
            out[name] = columns[name].form.plain(frame[name])
        else:
            out[name] = frame[name].astype(object).where(frame[name].notna(), None).map(str)
    return pd.DataFrame(out)


def _shuffled(real: Any, count: int, seed: int) -> Any:
    """Rows that have the right columns and no dependency between them."""
    rng = np.random.default_rng(seed)
    pd = importlib.import_module("pandas")
    draws = {name: rng.integers(len(real), size=count) for name in real.columns}
    return pd.DataFrame({name: real[name].to_numpy()[rows] for name, rows in draws.items()})


def _bootstrap(real: Any, count: int, seed: int) -> Any:
    return take(real, np.random.default_rng(seed).integers(len(real), size=count))


def _marginals(real: Any, sides: Mapping[str, Any], kinds: Mapping[str, Kind]) -> list[Row]:
    note = "percent; floor: columns shuffled one by one; ceiling: a bootstrap of training rows"
    found: dict[str, Quality] = {k: table_quality(real, side, kinds) for k, side in sides.items()}
    shapes = {key: quality.shape_error for key, quality in found.items()}
    trends = {key: quality.trend_error for key, quality in found.items()}
    # Shuffling keeps every column, so it is no floor for shapes: a constant column is.
    shapes["floor"] = table_quality(real, _constant(real), kinds).shape_error
    shape_note = note.replace("columns shuffled one by one", "the commonest value of each column")
    return [
        Row(
            metric="shape_error",
            note=shape_note,
            value=shapes["value"],
            floor=shapes["floor"],
            ceiling=shapes["ceiling"],
        ),
        Row(
            metric="trend_error",
            note=f"{note}; of {len(found['value'].strong)} pairs",
            value=trends["value"],
            floor=trends["floor"],
            ceiling=trends["ceiling"],
        ),
    ]


def _constant(real: Any) -> Any:
    """One row over and over: the commonest category, the median number."""
    pd = importlib.import_module("pandas")
    out = {}
    for name in real.columns:
        numeric = real[name].dtype.kind == "f"
        value = real[name].median() if numeric else real[name].mode().iloc[0]
        out[name] = [value] * len(real)
    return pd.DataFrame(out)


# --- gradient boosting --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Task:
    """A column to be predicted from the others. positive: the rarer of two classes."""

    column: str
    goal: Literal["class", "value"]
    positive: str = ""

    def outcome(self, frame: Any) -> np.ndarray:
        values = frame[self.column]
        if self.goal == "value":
            return values.to_numpy(np.float64)
        return (values == self.positive).to_numpy(np.float64)


def _task(real: Any, kinds: Mapping[str, Kind], target: str | None) -> Task | None:
    """The target named; else the last category of two values; else the last number."""
    if target is not None:
        if target not in kinds:
            raise UsageError(f"target {target!r} is no learnt column: use {', '.join(kinds)}")
        if kinds[target] == "number":
            return Task(column=target, goal="value")
        if real[target].nunique() < 2:
            raise UsageError(f"target {target!r} has one value only: name another column")
        return _classes(real, target)
    if len(kinds) < 2:
        return None
    pairs = [n for n, kind in kinds.items() if kind == "choice" and real[n].nunique() == 2]
    if pairs:
        return _classes(real, pairs[-1])
    numbers = [name for name, kind in kinds.items() if kind == "number"]
    return Task(column=numbers[-1], goal="value") if numbers else None


def _classes(real: Any, column: str) -> Task:
    counts = real[column].value_counts()
    rarer = counts.index[1] if len(counts) == 2 else counts.index[0]
    return Task(column=column, goal="class", positive=str(rarer))


def _utility(
    task: Task, real: Any, rest: Any, own: Any, floor: Any, kinds: Mapping[str, Kind], seed: int
) -> Row:
    """Train on made rows, test on real held-out ones; the ceiling trains on real rows."""
    names = [name for name in kinds if name != task.column]
    features = _numbers_of([real, rest, own, floor], {n: kinds[n] for n in names})
    score = _auc if task.goal == "class" else _r2

    def of(frame: Any) -> float | None:
        return score(features(frame), task.outcome(frame), features(rest), task.outcome(rest), seed)

    return Row(
        metric="tstr_auc" if task.goal == "class" else "tstr_r2",
        value=of(own),
        floor=of(floor),
        ceiling=of(real),
        better="higher",
        note=f"gradient boosting predicts {task.column!r} of held-out rows; floor: taught by "
        "columns shuffled one by one; ceiling: taught by the training rows",
    )


def _auc(
    x: np.ndarray, y: np.ndarray, test: np.ndarray, outcome: np.ndarray, seed: int
) -> float | None:
    if len(np.unique(y)) < 2 or len(np.unique(outcome)) < 2:
        return 0.5 if len(np.unique(outcome)) == 2 else None  # taught one class: it cannot tell
    model = _sklearn("ensemble").HistGradientBoostingClassifier(random_state=seed).fit(x, y)
    return float(_sklearn("metrics").roc_auc_score(outcome, model.predict_proba(test)[:, 1]))


def _r2(
    x: np.ndarray, y: np.ndarray, test: np.ndarray, outcome: np.ndarray, seed: int
) -> float | None:
    known, asked = np.isfinite(y), np.isfinite(outcome)
    if known.sum() < 2 or asked.sum() < 2:
        return None
    model = _sklearn("ensemble").HistGradientBoostingRegressor(random_state=seed)
    guess = model.fit(x[known], y[known]).predict(test[asked])
    return float(_sklearn("metrics").r2_score(outcome[asked], guess))


def _two_samples(
    real: Any,
    own: Any,
    floor: Any,
    rest: Any,
    kinds: Mapping[str, Kind],
    task: Task | None,
    seed: int,
) -> Row:
    """AUC, by cross-validation, of telling made rows from training rows; 0.5: it cannot."""
    target = task.column if task is not None and task.goal == "class" else None
    names = {name: kind for name, kind in kinds.items() if name != target}
    features = _numbers_of([real, own, floor, rest], names)

    def of(side: Any) -> float:
        n = min(len(real), len(side), TOLD_APART)
        both = importlib.import_module("pandas").concat(
            [real.sample(n, random_state=seed), side.sample(n, random_state=seed)]
        )
        x = features(both)
        if target is not None and task is not None:
            x = np.hstack((x, task.outcome(both)[:, None]))
        label = np.repeat((0.0, 1.0), n)
        model = _sklearn("ensemble").HistGradientBoostingClassifier(random_state=seed)
        guess = _sklearn("model_selection").cross_val_predict(
            model, x, label, cv=FOLDS, method="predict_proba"
        )
        return float(_sklearn("metrics").roc_auc_score(label, guess[:, 1]))

    if min(map(len, (real, own, rest))) < FOLDS:
        return Row(metric="two_sample_auc", value=None, note="too few rows")
    return Row(
        metric="two_sample_auc",
        value=of(own),
        floor=of(floor),
        ceiling=of(rest),
        note="gradient boosting tells made from training rows, 0.5 is ideal; floor: columns "
        "shuffled one by one; ceiling: real held-out rows",
    )


def _numbers_of(frames: list[Any], kinds: Mapping[str, Kind]) -> Callable[[Any], np.ndarray]:
    """A function frame -> float64 [N, C]: numbers, then categories as their place among all."""
    numbers = [name for name, kind in kinds.items() if kind == "number"]
    words = [name for name in kinds if name not in numbers]
    known = {w: np.unique(np.concatenate([f[w].to_numpy(str) for f in frames])) for w in words}

    def features(frame: Any) -> np.ndarray:
        places = [np.searchsorted(known[w], frame[w].to_numpy(str)) for w in words]
        return np.column_stack([frame[numbers].to_numpy(np.float64), *places])

    return features


def _sklearn(part: str) -> Any:
    try:
        return importlib.import_module(f"sklearn.{part}")
    except ImportError:
        raise MissingExtra("scikit-learn", "tables") from None


# --- copies -------------------------------------------------------------------------------------


def _privacy(
    codec: Any, train: Any, held: Any, made: Any, names: list[str], seed: int
) -> list[Row]:
    near, other, own = (codec.features(frame) for frame in (train, held, made))
    found = closeness(own, near, other, rows=NEAR, seed=seed)
    copy = closeness(near, near, other, rows=NEAR, seed=seed)
    far = [float(closest(side[:NEAR], near[:AMONG]).median()) for side in (own, other)]
    return [
        Row(
            metric="closer_to_train",
            value=found.closer_to_train,
            floor=copy.closer_to_train,
            ceiling=0.5,
            note="share of made rows nearer to a training row than to a held-out one, of equally "
            "many each; floor: the training rows themselves; ceiling: ideal; misses subtle leaks",
        ),
        Row(
            metric="closest_record",
            value=far[0],
            floor=0.0,
            ceiling=far[1],
            better="higher",
            note=f"median distance to the nearest of {min(len(near), AMONG):,} training rows; "
            "floor: a copy; ceiling: real held-out rows, beyond which it is no merit",
        ),
        Row(
            metric="exact_copies",
            value=copy_rate(made, train, names),
            floor=1.0,
            ceiling=copy_rate(held, train, names),
            note="share of rows that equal a training row; floor: copying; ceiling: held-out rows",
        ),
    ]
