"""The plain way to make rows: a Gaussian copula, the floor that any model of rows has to beat.

Every column keeps its own distribution; what hangs together does so as the columns of one normal
distribution do (Nelsen 2006, section 2.3; Patki, Wedge & Veeramachaneni 2016 for mixed columns).
It hands out the training values themselves: a floor for quality, no way to share data. Knows frames
and arithmetic.
Shape legend: N real rows, M made rows, C columns, n values that are there.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from genloom.metric.table import Kind

EDGE = 1e-6  # normal scores of the first and last rank stay finite


def copula_rows(real: Any, kinds: Mapping[str, Kind], count: int, seed: int) -> Any:
    """A DataFrame of `count` rows from one with N >= 1: numbers as float64, others as they are.
    Whether a number is missing is a column of its own among those that hang together."""
    pd = importlib.import_module("pandas")
    rng = np.random.default_rng(seed)
    parts: list[tuple[np.ndarray, np.ndarray]] = []
    for name, kind in kinds.items():
        parts += _by_size(real[name]) if kind == "number" else [_by_share(real[name])]
    made = _normal(pd.DataFrame([_scores(place, rng) for place, _ in parts]).T, count, rng)
    drawn = [_back(values, made[:, k]) for k, (_, values) in enumerate(parts)]
    out, at = {}, 0
    for name, kind in kinds.items():
        out[name] = drawn[at]
        if kind == "number":
            out[name] = np.where(drawn[at + 1].astype(bool), np.nan, drawn[at])
        at += 1 + (kind == "number")
    return pd.DataFrame(out)


def _by_size(series: Any) -> list[tuple[np.ndarray, np.ndarray]]:
    """(place int64 [N] of each row's value, -1 where missing; the values sorted [n]), and the same
    of whether it is missing."""
    values = series.to_numpy(dtype=np.float64, na_value=np.nan)
    gone = np.isnan(values)
    place = np.full(len(values), -1)
    place[~gone] = np.unique(values[~gone], return_inverse=True)[1]
    return [(place, np.sort(values[~gone])), (gone.astype(np.int64), np.sort(gone))]


def _by_share(series: Any) -> tuple[np.ndarray, np.ndarray]:
    """Likewise of categories, the commonest first."""
    pd = importlib.import_module("pandas")
    codes, labels = pd.factorize(series, use_na_sentinel=False)
    order = np.argsort(-np.bincount(codes), kind="stable")
    place = np.argsort(order)[codes]
    return place, np.asarray(labels, dtype=object)[order][np.sort(place)]


def _scores(place: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Normal scores float64 [N], NaN where missing; equal values are spread over the ranks that
    they share."""
    there = place >= 0
    ranks = np.lexsort((rng.random(there.sum()), place[there])).argsort()
    share = torch.from_numpy((ranks + 0.5) / max(1, len(ranks))).clamp(EDGE, 1 - EDGE)
    scores = np.full(len(place), np.nan)
    scores[there] = (math.sqrt(2) * torch.erfinv(2 * share - 1)).numpy()
    return scores


def _normal(scores: Any, count: int, rng: np.random.Generator) -> np.ndarray:
    """float64 [M, C] with the correlations of a frame of scores, over rows where both are there."""
    spread = np.nan_to_num(scores.cov().to_numpy())
    values, vectors = np.linalg.eigh(spread)
    root = vectors * np.sqrt(np.clip(values, 0.0, None))
    made: np.ndarray = rng.standard_normal((count, len(spread))) @ root.T
    return made / np.where(spread.diagonal() > 0, np.sqrt(spread.diagonal()), 1.0)


def _back(values: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """The value at each score's rank among the real ones; missing where there are none."""
    if not len(values):
        return np.full(len(scores), np.nan)
    share = 0.5 * (1 + torch.erf(torch.from_numpy(scores) / math.sqrt(2))).numpy()
    return values[np.minimum((share * len(values)).astype(np.int64), len(values) - 1)]
