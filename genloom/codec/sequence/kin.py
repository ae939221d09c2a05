"""Which sequences are related, so that they are learnt or held out together.

Two are taken for related where they share more runs of letters than chance allows: the longest
sequence with a run is compared with all others that have it (as in Linclust, Steinegger and Söding
2018), and what is joined once stays joined. Knows letters; no file and no id.
Shape legend: T letters of all sequences.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from genloom.codec.sequence.alphabet import Alphabet

LEAST = 3  # runs that are shared
SHARE = 0.025  # of the runs of the shorter one: 0.5 ** 5 of a pair that has half its letters alike
MOST_LETTERS = 1 << 26  # beyond which every sequence is by itself


def kin(items: Sequence[str], alphabet: Alphabet) -> list[str] | None:
    """A name for each; those that are related, however remotely in a chain, have the same. None
    where there is too much to compare."""
    if sum(map(len, items)) > MOST_LETTERS:
        return None
    runs, owner = _runs(items, alphabet)
    pairs = _pairs(runs, owner, np.array([len(one) for one in items]))
    parent = list(range(len(items)))

    def root(n: int) -> int:
        while parent[n] != n:
            parent[n] = parent[parent[n]]
            n = parent[n]
        return n

    for a, b in pairs:
        first, second = sorted((root(a), root(b)))
        parent[second] = first
    same: dict[str, int] = {}
    for n, one in enumerate(items):  # equal ones, too short for runs
        first, second = sorted((root(same.setdefault(one, n)), root(n)))
        parent[second] = first
    return [_name(items[root(n)]) for n in range(len(items))]


def _name(item: str) -> str:
    return str(item)


def _runs(items: Sequence[str], alphabet: Alphabet) -> tuple[np.ndarray, np.ndarray]:
    """(runs of letters as numbers, whose they are), long [T] each; of each item each run once."""
    size, base = alphabet.kmer, len(alphabet.letters) + 1
    table = np.zeros(256, np.int64)
    for n, letter in enumerate(alphabet.letters, start=1):
        table[ord(letter)] = n
    found, owners = [], []
    for number, one in enumerate(items):
        own = table[np.frombuffer(str(one).encode("ascii", "replace"), np.uint8)]
        if len(own) < size:
            continue
        windows = np.lib.stride_tricks.sliding_window_view(own, size)
        whole = windows.all(1)
        powers = base ** np.arange(size, dtype=np.int64)
        runs = np.unique((windows * powers).sum(1)[whole])
        found.append(runs)
        owners.append(np.full(len(runs), number))
    none = np.zeros(0, np.int64)
    return np.concatenate([none, *found]), np.concatenate([none, *owners])


def _pairs(runs: np.ndarray, owner: np.ndarray, sizes: np.ndarray) -> list[tuple[int, int]]:
    """Those that share enough runs with the longest that has them."""
    order = np.lexsort((-sizes[owner], runs))
    runs, owner = runs[order], owner[order]
    first = np.flatnonzero(np.r_[True, runs[1:] != runs[:-1]]) if len(runs) else np.zeros(0, int)
    lead = owner[np.repeat(first, np.diff(np.r_[first, len(runs)]))]
    other = lead != owner
    key, shared = np.unique(lead[other] * len(sizes) + owner[other], return_counts=True)
    a, b = np.divmod(key, max(1, len(sizes)))
    least = np.maximum(LEAST, SHARE * np.minimum(sizes[a], sizes[b]))
    enough = shared >= least
    return list(zip(a[enough].tolist(), b[enough].tolist(), strict=True))
