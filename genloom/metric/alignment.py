"""Sequences beside each other: a global alignment within a band, the share of letters alike, and
the nearest of many by the runs of letters they share.

Knows letters as small numbers; no alphabet, file or model. Source: Needleman and Wunsch 1970, with
gaps that cost by their length, in a band around the diagonal (Fickett 1984).
Shape legend: T letters of a sequence, A letters of the alphabet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

GAP = 2.0
BAND = 48
CANDIDATES = 5
_BAD = -1e9


def aligned(a: np.ndarray, b: np.ndarray, worth: np.ndarray) -> list[tuple[int, int]]:
    """Places (of a, of b) that stand beside each other in the best alignment, ends free of charge.
    worth: float [A, A], of two letters."""
    width = BAND + abs(len(a) - len(b))
    columns = np.arange(len(b) + 1)
    score = np.zeros(len(b) + 1)
    steps = np.zeros((len(a) + 1, len(b) + 1), np.int8)  # 0 stop, 1 both, 2 up, 3 left
    best, end = 0.0, (0, 0)
    for i in range(1, len(a) + 1):
        both = np.full(len(b) + 1, _BAD)
        both[1:] = score[:-1] + worth[a[i - 1], b]
        up = score - GAP
        up[0] = 0.0
        made = np.maximum(both, up)
        made[abs(columns - i) > width] = _BAD
        made[0] = 0.0
        left = np.maximum.accumulate(made + GAP * columns) - GAP * columns
        steps[i] = np.where(left > made, 3, np.where(both >= up, 1, 2))
        score = left
        if score[-1] >= best:
            best, end = float(score[-1]), (i, len(b))
    last = int(score.argmax())
    if score[last] > best:
        end = (len(a), last)
    return _path(steps, *end)


def _path(steps: np.ndarray, i: int, j: int) -> list[tuple[int, int]]:
    out = []
    while i > 0 and j > 0:
        step = steps[i, j]
        if step == 1:
            out.append((i - 1, j - 1))
            i, j = i - 1, j - 1
        elif step == 2:
            i -= 1
        else:
            j -= 1
    return out[::-1]


def identity(a: np.ndarray, b: np.ndarray, worth: np.ndarray) -> float:
    """Letters alike in the best alignment, as a share of the shorter sequence."""
    pairs = aligned(a, b, worth)
    alike = sum(int(a[i] == b[j]) for i, j in pairs)
    return alike / max(1, min(len(a), len(b)))


class Nearest:
    """Many sequences, of which the one most alike to another is looked for.

    Those that share most runs of `size` letters are aligned; where none shares any, nothing is
    alike."""

    def __init__(self, library: Sequence[np.ndarray], size: int, base: int) -> None:
        self.library, self.size, self.base = library, size, base
        found = [np.unique(self._runs(one)) for one in library]
        owner = np.repeat(np.arange(len(library)), [len(one) for one in found])
        keys = np.concatenate([np.zeros(0, np.int64), *found])
        order = keys.argsort(kind="stable")
        self.keys, self.owner = keys[order], owner[order]

    def candidates(self, one: np.ndarray, count: int = CANDIDATES) -> list[int]:
        """Numbers of those that share most runs."""
        keys = np.unique(self._runs(one))
        low = np.searchsorted(self.keys, keys)
        high = np.searchsorted(self.keys, keys, "right")
        shared: Counter[int] = Counter()
        for a, b in zip(low.tolist(), high.tolist(), strict=True):
            shared.update(self.owner[a:b].tolist())
        return [number for number, _ in shared.most_common(count)]

    def find(self, one: np.ndarray, worth: np.ndarray) -> tuple[float, int | None]:
        """(share of letters alike, number of the nearest)."""
        tried = [(identity(one, self.library[n], worth), n) for n in self.candidates(one)]
        return max(tried) if tried else (0.0, None)

    def _runs(self, letters: np.ndarray) -> np.ndarray:
        if len(letters) < self.size:
            return np.zeros(0, np.int64)
        windows = np.lib.stride_tricks.sliding_window_view(letters.astype(np.int64), self.size)
        return windows @ (self.base ** np.arange(self.size, dtype=np.int64))
