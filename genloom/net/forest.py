"""Boosted trees as tensors: grown by scikit-learn, kept and asked without it.

Every answer is the log odds of a yes, a start plus one leaf of each of its trees (Friedman 2001).
Nothing of the library's own objects is kept. Knows numbers with gaps; not what they stand for.
Shape legend: N rows, F features, C questions, T trees of a question, M nodes of all trees.
"""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from genloom.errors import MissingExtra

TREES = 40
RATE = 0.1
LEAVES = 15
DEEPEST = 6
RIDGE = 1.0
TOGETHER = 1 << 19  # trees asked at a time, over all rows

NODES = ("feature", "threshold", "left", "right", "value", "gap_left")


class Forest(nn.Module):
    """Trees of many questions. Empty until something is planted or loaded."""

    feature: Tensor  # int32 [M], -1 at a leaf
    threshold: Tensor  # float [M]: left where the feature is at most this
    left: Tensor  # int32 [M]
    right: Tensor  # int32 [M]
    value: Tensor  # float [M], of a leaf
    gap_left: Tensor  # int32 [M]: whether a row without the feature goes left
    root: Tensor  # int32 [C, T]
    start: Tensor  # float [C]

    def __init__(self) -> None:
        super().__init__()
        for name in (*NODES, "root", "start"):
            whole = name not in ("threshold", "value", "start")
            kind = torch.int32 if whole else torch.float32
            size = (0, TREES) if name == "root" else (0,)
            self.register_buffer(name, torch.zeros(size, dtype=kind))
        self.register_load_state_dict_pre_hook(sized_as_stored)

    @torch.no_grad()
    def plant(self, grown: Sequence[dict[str, np.ndarray]]) -> None:
        """Replace all trees by those of questions, as `grow` hands them out."""
        first, roots = 0, []
        for one in grown:
            roots.append(one["root"] + first)
            first += len(one["feature"])
        shifts = np.cumsum([0, *(len(one["feature"]) for one in grown)])
        for name in NODES:
            parts = [one[name] for one in grown]
            if name in ("left", "right"):
                parts = [part + shift for part, shift in zip(parts, shifts, strict=False)]
            self._set(name, np.concatenate(parts) if parts else np.zeros(0))
        self._set("root", np.stack(roots) if roots else np.zeros((0, TREES)))
        self._set("start", np.array([one["start"] for one in grown]).reshape(-1))

    def _set(self, name: str, array: np.ndarray) -> None:
        old: Tensor = getattr(self, name)
        setattr(self, name, torch.from_numpy(array).to(old.device, old.dtype))

    @torch.no_grad()
    def forward(self, x: Tensor, low: int, high: int) -> Tensor:
        """x float [N, F], NaN where a feature is not known -> log odds [N, high - low] of questions
        low to high - 1. A row's answers are its own, whoever is beside it."""
        questions = max(1, (high - low) * self.root.shape[1])
        parts = x.split(max(1, TOGETHER // questions))
        return torch.cat([self._asked(part, low, high) for part in parts])

    def _asked(self, x: Tensor, low: int, high: int) -> Tensor:
        root = self.root[low:high].long()
        node = root.reshape(1, -1).expand(len(x), -1)  # [N, C * T]
        gaps = x.isnan()
        for _ in range(DEEPEST + 1):
            feature = self.feature[node].long()
            leaf = feature < 0
            if bool(leaf.all()):
                break
            at = feature.clamp(min=0)
            gone = gaps.gather(1, at)
            smaller = x.gather(1, at) <= self.threshold[node]
            left = torch.where(gone, self.gap_left[node] > 0, smaller)
            follow = torch.where(left, self.left[node], self.right[node]).long()
            node = torch.where(leaf, node, follow)
        found = self.value[node].reshape(len(x), high - low, -1)
        return self.start[low:high] + found.sum(-1)


def sized_as_stored(net: nn.Module, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
    """Before loading: what a net has grown to is as large as it is stored."""
    for name, held in net._buffers.items():
        stored = state.get(f"{prefix}{name}")
        if held is not None and stored is not None and stored.shape != held.shape:
            net._buffers[name] = torch.empty(stored.shape, dtype=held.dtype)


def grow(x: np.ndarray, yes: np.ndarray, smallest: int, seed: int) -> dict[str, np.ndarray]:
    """Boosted trees (histograms, logistic loss) for bool [N] from float64 [N, F] with NaN: NODES,
    root int [TREES], start float [1]. Both answers must be there. smallest: rows of a leaf."""
    try:
        ensemble = importlib.import_module("sklearn.ensemble")
    except ImportError:
        raise MissingExtra("scikit-learn", "tables") from None
    made = ensemble.HistGradientBoostingClassifier(
        max_iter=TREES,
        learning_rate=RATE,
        max_leaf_nodes=LEAVES,
        max_depth=DEEPEST,
        min_samples_leaf=smallest,
        l2_regularization=RIDGE,
        early_stopping=False,
        random_state=seed,
    ).fit(x, yes)
    trees = [one[0].nodes for one in made._predictors]
    first = np.cumsum([0, *map(len, trees)])
    nodes = np.concatenate(trees)
    shift = np.repeat(first[:-1], np.diff(first))
    leaf = nodes["is_leaf"].astype(bool)
    return {
        "feature": np.where(leaf, -1, nodes["feature_idx"]),
        "threshold": np.nan_to_num(nodes["num_threshold"], posinf=3e38, neginf=-3e38),
        "left": np.where(leaf, 0, nodes["left"] + shift),
        "right": np.where(leaf, 0, nodes["right"] + shift),
        "value": nodes["value"],
        "gap_left": nodes["missing_go_to_left"].astype(np.int64),
        "root": first[:-1],
        "start": np.ravel(made._baseline_prediction)[:1],
    }
