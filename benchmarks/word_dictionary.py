"""Translation word by word: a dictionary learnt from which words occur together (IBM model 1).

The floor that translation models are held against. Knows strings and counts, no model of ours.
Shape legend: P pairs, K links (a source word and a target word in one pair), C kinds of links.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

_PARTS = re.compile(r"\w+(?:['\u2019]\w+)*|[^\w\s]")
_CLOSING = re.compile(r" ([.,;:!?»“”)])")
ROUNDS = 5


def parts(text: str) -> list[str]:
    """Words and signs."""
    return _PARTS.findall(text)


class Dictionary:
    """The likeliest target word of each source word, by expectation and maximisation (Brown et al.
    1993, model 1): t(f|e) is proportional to the links that pairs are expected to hold."""

    def __init__(self, sources: Sequence[str], targets: Sequence[str]) -> None:
        ours, theirs = ([parts(text) for text in side] for side in (sources, targets))
        self.source = {
            w: n for n, w in enumerate(dict.fromkeys(w.lower() for s in ours for w in s))
        }
        target = {w: n for n, w in enumerate(dict.fromkeys(w for s in theirs for w in s))}
        e, f, place = self._links(ours, theirs, target)
        kinds, kind = np.unique(e * len(target) + f, return_inverse=True)
        e_of, f_of = kinds // len(target), kinds % len(target)
        chance = np.full(len(kinds), 1.0)
        for _ in range(ROUNDS):
            share = chance[kind]
            share /= np.bincount(place, share)[place]  # each target word is linked once in all
            count = np.bincount(kind, share, len(kinds))
            chance = count / np.bincount(e_of, count)[e_of]
        best = np.lexsort((-chance, e_of))
        first = best[np.unique(e_of[best], return_index=True)[1]]
        words = list(target)
        self.best = {int(e_of[n]): words[f_of[n]] for n in first}

    def _links(
        self, ours: list[list[str]], theirs: list[list[str]], target: dict[str, int]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Source word, target word and place of the target word of every link, long [K] each."""
        e, f, place, at = [], [], [], 0
        for left, right in zip(ours, theirs, strict=True):
            a = [self.source[w.lower()] for w in left]
            for word in right:
                e += a
                f += [target[word]] * len(a)
                place += [at] * len(a)
                at += 1
        return np.array(e), np.array(f), np.array(place)

    def translate(self, text: str) -> str:
        """Each word by its likeliest; one that is not known stays."""
        made = [self.best.get(self.source.get(w.lower(), -1), w) for w in parts(text)]
        joined = _CLOSING.sub(r"\1", " ".join(made))
        return joined[:1].upper() + joined[1:]
