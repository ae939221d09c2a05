"""Columns of texts in a table: their lengths, their words, whether they follow from their row, and
copies.

Knows frames and scikit-learn; which columns hold texts is the codec's. Means over such columns.
Shape legend: N rows.
"""

from __future__ import annotations

import importlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from genloom.errors import MissingExtra
from genloom.metric.table import Kind, ks_distance
from genloom.trust.quality import Row

MOST_CLASSES = 50
WORDS = 2000  # that the classifier looks at


def text_rows(
    columns: Sequence[str],
    frames: Mapping[str, Any],
    plain: Mapping[str, Any],
    kinds: Mapping[str, Kind],
    seed: int,
) -> list[Row]:
    """frames: "real", "held" and "made" as they are; plain: the same, their other columns as
    numbers and words (`quality_table.measured`)."""
    if not columns:
        return []
    found = [_column(name, frames, plain, kinds, seed) for name in columns]
    told = ", ".join(map(repr, columns))
    rows = []
    for metric, (better, note) in _NOTES.items():
        sides = np.array([one[metric] for one in found if one[metric] is not None], np.float64)
        if len(sides):
            value, floor, ceiling = sides.mean(0).tolist()
            rows.append(
                Row(
                    metric=metric,
                    value=value,
                    floor=floor,
                    ceiling=ceiling,
                    better=better,
                    note=note.format(told),
                )
            )
    return rows


_NOTES: dict[str, Any] = {
    "text_length_error": (
        "lower",
        "percent; Kolmogorov-Smirnov of how many words {} has, against held-out rows; floor: all "
        "of the median length; ceiling: training rows",
    ),
    "text_words_error": (
        "lower",
        "percent; half the summed gap of word frequencies of {}, against held-out rows; floor: "
        "the words that there are, equally often; ceiling: training rows",
    ),
    "text_follows": (
        "higher",
        "share right of naive Bayes on the words of {}, taught by made rows, that tells the other "
        "column most told by them in real held-out rows; floor: taught by made texts shuffled; "
        "ceiling: taught by training rows",
    ),
    "text_copies": (
        "lower",
        "share of made texts of {} that equal a training text; floor: copying; ceiling: held-out "
        "rows",
    ),
}


def _column(
    name: str,
    frames: Mapping[str, Any],
    plain: Mapping[str, Any],
    kinds: Mapping[str, Kind],
    seed: int,
) -> dict[str, tuple[float, float, float] | None]:
    texts = {side: frame[name].dropna().astype(str) for side, frame in frames.items()}
    if any(not len(side) for side in texts.values()):
        return dict.fromkeys(_NOTES)
    known = set(texts["real"])
    return {
        "text_length_error": _lengths(texts),
        "text_words_error": _words(texts),
        "text_follows": _follows(name, frames, plain, kinds, seed),
        "text_copies": (
            float(texts["made"].isin(known).mean()),
            1.0,
            float(texts["held"].isin(known).mean()),
        ),
    }


def _lengths(texts: Mapping[str, Any]) -> tuple[float, float, float]:
    count = {side: part.str.split().str.len().to_numpy(np.float64) for side, part in texts.items()}
    held, real = count["held"], count["real"]
    flat = np.full(len(held), np.median(real))
    return tuple(100 * ks_distance(held, side) for side in (count["made"], flat, real))  # type: ignore[return-value]


def _words(texts: Mapping[str, Any]) -> tuple[float, float, float]:
    held = _counted(texts["held"])
    size = max(1, sum(held.values()))
    sides = [_counted(texts["made"]), Counter(dict.fromkeys(held, 1)), _counted(texts["real"])]
    out = []
    for side in sides:
        total = max(1, sum(side.values()))
        gap = sum(abs(held[word] / size - side[word] / total) for word in {*held, *side})
        out.append(50.0 * gap)
    return out[0], out[1], out[2]


def _counted(texts: Any) -> Counter[str]:
    return Counter(word for text in texts for word in text.lower().split())


def _follows(
    name: str,
    frames: Mapping[str, Any],
    plain: Mapping[str, Any],
    kinds: Mapping[str, Kind],
    seed: int,
) -> tuple[float, float, float] | None:
    """Of the column that training texts tell best, beyond its commonest value."""
    there = {side: frame[name].notna().to_numpy() for side, frame in frames.items()}
    words = {
        side: frame[name][there[side]].astype(str).to_numpy(dtype=object)
        for side, frame in frames.items()
    }
    seen = _seen(words["real"])
    x = {side: seen(part) for side, part in words.items()}
    best: tuple[float, dict[str, np.ndarray], float] | None = None
    for other, kind in kinds.items():
        y = _outcomes(plain, other, kind, there)
        if y is None:
            continue
        score = _told(x["real"], y["real"], x["held"], y["held"])
        values, counts = np.unique(y["held"], return_counts=True)
        gain = score - counts.max() / counts.sum()
        if len(values) > 1 and (best is None or gain > best[0]):
            best = gain, y, score
    if best is None:
        return None
    _, y, ceiling = best
    order = np.random.default_rng(seed).permutation(len(y["made"]))
    value = _told(x["made"], y["made"], x["held"], y["held"])
    return value, _told(x["made"][order], y["made"], x["held"], y["held"]), ceiling


def _outcomes(
    plain: Mapping[str, Any], other: str, kind: Kind, there: Mapping[str, np.ndarray]
) -> dict[str, np.ndarray] | None:
    """Classes of each side's rows: a category, or above the median of the training rows or not."""
    if kind == "choice":
        if not 2 <= plain["real"][other].nunique() <= MOST_CLASSES:
            return None
        return {
            side: frame[other].to_numpy(dtype=str)[there[side]] for side, frame in plain.items()
        }
    middle = np.nanmedian(plain["real"][other])
    return {side: (frame[other].to_numpy() > middle)[there[side]] for side, frame in plain.items()}


def _seen(texts: np.ndarray) -> Any:
    """A function texts -> counts of the words that training texts have."""
    extract = _sklearn("feature_extraction.text")
    counting = extract.CountVectorizer(max_features=WORDS, token_pattern=r"\S+").fit(["-", *texts])
    return counting.transform


def _told(x: Any, y: np.ndarray, test: Any, truth: np.ndarray) -> float:
    model = _sklearn("naive_bayes").MultinomialNB().fit(x, y)
    return float((model.predict(test) == truth).mean())


def _sklearn(part: str) -> Any:
    try:
        return importlib.import_module(f"sklearn.{part}")
    except ImportError:
        raise MissingExtra("scikit-learn", "tables") from None
