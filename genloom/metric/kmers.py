"""Runs of letters: how often each comes, how far two such spectra lie apart, codons, and what a
Markov chain of the letters makes. On arrays of small numbers, one a letter.

Knows no alphabet, file or model.
Shape legend: T letters of a sequence, A letters of the alphabet, K length of a run.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

CODON = 3


def runs(letters: np.ndarray, size: int, base: int) -> np.ndarray:
    """long [T - K + 1]: each run as a number; -1 where a letter of it is none (not below base)."""
    if len(letters) < size:
        return np.zeros(0, np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(letters.astype(np.int64), size)
    number = windows @ (base ** np.arange(size, dtype=np.int64)[::-1])
    number[((windows >= base) | (windows < 0)).any(1)] = -1
    return number


def spectrum(sequences: Iterable[np.ndarray], size: int, base: int, step: int = 1) -> np.ndarray:
    """float64 [A ** K]: how often each run comes. step: from one to the next, 3 for codons."""
    out = np.zeros(base**size)
    for one in sequences:
        found = runs(one, size, base)[::step]
        out += np.bincount(found[found >= 0], minlength=len(out))
    return out


def divergence(a: np.ndarray, b: np.ndarray) -> float:
    """Jensen and Shannon's, bits from 0 to 1, of two spectra (Lin 1991); NaN where one is empty."""
    if not a.sum() or not b.sum():
        return float("nan")
    p, q = a / a.sum(), b / b.sum()
    middle = (p + q) / 2
    return (_relative(p, middle) + _relative(q, middle)) / 2


def _relative(p: np.ndarray, q: np.ndarray) -> float:
    there = p > 0
    return float((p[there] * np.log2(p[there] / q[there])).sum())


def until_stop(letters: np.ndarray, stops: frozenset[int], base: int = 4) -> int:
    """Codons of the first frame before a stop, or in all."""
    for n, codon in enumerate(runs(letters, CODON, base)[::CODON].tolist()):
        if codon in stops:
            return n
    return len(letters) // CODON


class Markov:
    """A chain of so many letters of memory, by counting; unseen ones are likely as one in A."""

    def __init__(self, sequences: Iterable[np.ndarray], order: int, base: int) -> None:
        self.order, self.base = order, base
        counts = spectrum(sequences, order + 1, base).reshape(-1, base)
        self.start = counts.sum(1) + 1e-9
        self.chance = (counts + 1.0 / base) / (counts.sum(1, keepdims=True) + 1.0)

    def nats(self, letters: np.ndarray) -> float:
        """log-likelihood of what follows the first `order` letters."""
        found = runs(letters, self.order + 1, self.base)
        return float(np.log(self.chance.reshape(-1)[found[found >= 0]]).sum())

    def draw(self, sizes: Sequence[int], seed: int) -> list[np.ndarray]:
        """A sequence of each size. All step together."""
        rng = np.random.default_rng(seed)
        longest, many = max(sizes, default=0), len(sizes)
        state = rng.choice(len(self.start), many, p=self.start / self.start.sum())
        sums = self.chance.cumsum(1)
        out = np.zeros((many, max(longest, self.order)), np.int64)
        for n in range(self.order):
            out[:, n] = state // self.base ** (self.order - 1 - n) % self.base
        for n in range(self.order, longest):
            pick = (rng.random(many)[:, None] > sums[state]).sum(1).clip(max=self.base - 1)
            out[:, n] = pick
            state = (state * self.base + pick) % len(self.start)
        return [row[:size] for row, size in zip(out, sizes, strict=True)]
