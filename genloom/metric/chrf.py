"""chrF and chrF++ of a corpus (Popovic 2015, 2017), as sacreBLEU reckons them by default.

F with beta 2 over runs of 1 to 6 characters, blanks left out, orders that one side lacks left out;
chrF++ adds runs of 1 and 2 words. Of several references the nearest counts. Knows strings.
Shape legend: N texts, S = 3 counts an order: our runs, the reference's, those in both.
"""

from __future__ import annotations

import string
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

CHARACTERS, WORDS, BETA = 6, 2, 2.0
SIGNATURE = "case:mixed|eff:yes|nc:6|nw:{words}|space:no"
_SIGNS = frozenset(string.punctuation)


def counts(
    made: Sequence[str], references: Sequence[Sequence[str]], *, words: int = 0
) -> np.ndarray:
    """float [N, S]; words: 0 for chrF, WORDS for chrF++."""
    rows = [_nearest(text, told, words) for text, told in zip(made, references, strict=True)]
    return np.array(rows, dtype=np.float64).reshape(len(rows), -1)


def score(sums: np.ndarray) -> np.ndarray:
    """chrF, 0 to 100, of sums of counts [..., S]."""
    sums = np.asarray(sums, dtype=np.float64)
    ours, theirs, both = (sums[..., n::3] for n in range(3))
    there = (ours > 0) & (theirs > 0)
    orders = np.maximum(there.sum(-1), 1)
    precision = np.where(there, both / np.maximum(ours, 1), 0).sum(-1) / orders
    recall = np.where(there, both / np.maximum(theirs, 1), 0).sum(-1) / orders
    below = BETA**2 * precision + recall
    return 100 * (1 + BETA**2) * precision * recall / np.where(below > 0, below, 1)


def _nearest(text: str, references: Sequence[str], words: int) -> list[int]:
    own = _runs(text, words)
    rows = [_counts(own, _runs(reference, words)) for reference in references]
    return max(rows, key=lambda row: float(score(np.array(row))))


def _counts(own: list[Counter[str]], told: list[Counter[str]]) -> list[int]:
    row = []
    for ours, theirs in zip(own, told, strict=True):
        both = sum((ours & theirs).values())
        row += [sum(ours.values()) if theirs else 0, sum(theirs.values()), both]
    return row


def _runs(text: str, words: int) -> list[Counter[str]]:
    letters = "".join(text.split())
    found = [_of_size(letters, n) for n in range(1, CHARACTERS + 1)]
    tokens = [part for word in text.split() for part in _parted(word)] if words else []
    for size in range(1, words + 1):
        runs: Iterable[str] = (
            " ".join(tokens[n : n + size]) for n in range(len(tokens) - size + 1)
        )
        found.append(Counter(runs))
    return found


def _of_size(letters: str, size: int) -> Counter[str]:
    return Counter(letters[n : n + size] for n in range(len(letters) - size + 1))


def _parted(word: str) -> list[str]:
    """A sign at a word's end, else at its beginning, stands alone."""
    if len(word) > 1 and word[-1] in _SIGNS:
        return [word[:-1], word[-1]]
    if len(word) > 1 and word[0] in _SIGNS:
        return [word[0], word[1:]]
    return [word]
