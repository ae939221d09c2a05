"""Attacks on rows by what was made alone: singling out, linking, inferring (Giomi et al. 2022).

Each is tried on rows that were learnt from and, just so, on as many that were not; what succeeds
more often on the first is the risk. Knows frames of numbers (float64) and texts, and numpy; no
model and no file.
Shape legend: T targets, N made rows, C columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from genloom.metric.interval import LEVEL, Interval
from genloom.metric.risk import Rate, risk

TOGETHER = 3  # columns of a predicate
ATTEMPTS = 40  # predicates that are tried for each that is kept
NEAR = 0.05  # of a number: a guess this near is right
HOPELESS = 1000  # tries without a single predicate
CHUNK = 128  # targets whose distances are in memory at a time


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """hits of tries on rows that were learnt from, on control rows, and by guessing blindly."""

    attack: int
    control: int
    blind: int
    tries: int

    @property
    def risk(self) -> Interval:
        return self.risk_at(LEVEL)

    def risk_at(self, level: float) -> Interval:
        rates = (Rate.of(hits, self.tries, level) for hits in (self.attack, self.control))
        return risk(*rates)

    @property
    def weak(self) -> bool:
        """Whether it does no better than guessing, so that its risk says nothing."""
        return self.attack <= self.blind


Predicate = Sequence[tuple[str, str, Any]]  # all of (column, how, value)
_HOLDS: Mapping[str, Callable[[np.ndarray, Any], np.ndarray]] = {
    "is": lambda x, value: x == value,
    "missing": lambda x, _: np.isnan(x),
    "at most": lambda x, value: x <= value,
    "at least": lambda x, value: x >= value,
}


class Table:
    """A frame by columns, in numpy."""

    def __init__(self, frame: Any, kinds: Mapping[str, str]) -> None:
        self.kinds, self.rows = kinds, len(frame)
        self.columns = {
            name: frame[name].to_numpy(np.float64 if kind == "number" else str)
            for name, kind in kinds.items()
        }

    def holding(self, predicate: Predicate) -> int:
        """How many rows meet all of it."""
        met = np.ones(self.rows, bool)
        for name, how, value in predicate:
            met &= _HOLDS[how](self.columns[name], value)
        return int(met.sum())


# --- singling out ---------------------------------------------------------------------------------


def singling_out(
    made: Table, learnt: Table, control: Table, tries: int, seed: int, together: int = TOGETHER
) -> Outcome | None:
    """Predicates that one made row alone meets: do they name one real row? together: columns of a
    predicate; 1 takes rare values and the ends of columns. None where there are no such."""
    rng = np.random.default_rng(seed)
    find = _of_one if together == 1 else _of_several
    kept = find(made, tries, min(together, len(made.kinds)), rng)
    if not kept:
        return None
    blind = [_blind(made, len(one), rng) for one in kept]
    return Outcome(
        attack=sum(learnt.holding(one) == 1 for one in kept),
        control=sum(control.holding(one) == 1 for one in kept),
        blind=sum(learnt.holding(one) == 1 for one in blind),
        tries=len(kept),
    )


def _of_several(
    made: Table, tries: int, together: int, rng: np.random.Generator
) -> list[Predicate]:
    """Of a random made row and random columns: its categories, and for numbers the side of the
    median that it lies on."""
    middle = {n: np.nanmedian(made.columns[n]) for n, k in made.kinds.items() if k == "number"}
    names, kept = list(made.kinds), {}
    for attempt in range(tries * ATTEMPTS):
        if attempt == HOPELESS and not kept:
            break  # no row of a table of few values stands alone
        row = int(rng.integers(made.rows))
        chosen = sorted(rng.choice(len(names), together, replace=False))
        one = tuple(_part(names[c], made.columns[names[c]][row], middle) for c in chosen)
        if one not in kept and made.holding(one) == 1:
            kept[one] = None
        if len(kept) == tries:
            break
    return list(kept)


def _part(name: str, value: Any, middle: Mapping[str, float]) -> tuple[str, str, Any]:
    if name not in middle:
        return name, "is", str(value)
    if np.isnan(value):
        return name, "missing", None
    return name, "at least" if value > middle[name] else "at most", float(value)


def _of_one(made: Table, tries: int, together: int, rng: np.random.Generator) -> list[Predicate]:
    """Values that one made row has, and the ends of columns of numbers."""
    kept: list[Predicate] = []
    for name, kind in made.kinds.items():
        column = made.columns[name]
        if kind == "number":
            column = column[~np.isnan(column)]
            if not len(column):
                continue
            ends = (("at most", column.min()), ("at least", column.max()))
            kept += [((name, how, float(value)),) for how, value in ends]
        values, counts = np.unique(column, return_counts=True)
        rare = values[counts == 1]
        kept += [((name, "is", v.item()),) for v in rare]
    kept = [one for one in kept if made.holding(one) == 1]
    order = rng.permutation(len(kept))[:tries]
    return [kept[n] for n in order]


def _blind(made: Table, together: int, rng: np.random.Generator) -> Predicate:
    """A predicate of as many columns by chance alone, its values evenly from what there is."""
    names, out = list(made.kinds), []
    for c in sorted(rng.choice(len(names), together, replace=False)):
        column = made.columns[names[c]]
        if made.kinds[names[c]] == "number":
            value = float(rng.uniform(np.nanmin(column), np.nanmax(column)))
            how = ("at least", "at most")[int(rng.integers(2))]
        else:
            value, how = str(rng.choice(np.unique(column))), "is"
        out.append((names[c], how, value))
    return tuple(out)


# --- neighbours -----------------------------------------------------------------------------------


class Distances:
    """Gower's: of numbers the gap over the range, of categories 0 or 1; what is missing is a value
    of its own."""

    def __init__(self, made: Table, others: Sequence[Table]) -> None:
        self.made = made
        self.codes, self.spans = {}, {}
        for name, kind in made.kinds.items():
            values = np.concatenate([t.columns[name] for t in (made, *others)])
            if kind == "number":
                ends = np.nanmin(values), np.nanmax(values)
                self.spans[name] = max(float(ends[1] - ends[0]), 1e-12)
            else:
                self.codes[name] = np.unique(values)

    def column(self, name: str, targets: Table, some: slice) -> np.ndarray:
        """float32 [T, N]"""
        mine, theirs = targets.columns[name][some], self.made.columns[name]
        if name in self.codes:
            known = self.codes[name]
            a, b = np.searchsorted(known, mine), np.searchsorted(known, theirs)
            return (a[:, None] != b).astype(np.float32)
        a, b = mine.astype(np.float32), theirs.astype(np.float32)
        gap = np.abs(a[:, None] - b) / np.float32(self.spans[name])
        gone = np.isnan(a)[:, None], np.isnan(b)
        return np.where(gone[0] & gone[1], np.float32(0), np.where(np.isnan(gap), 1, gap))


def _parts(rows: int) -> list[slice]:
    return [slice(n, min(n + CHUNK, rows)) for n in range(0, rows, CHUNK)]


# --- linking --------------------------------------------------------------------------------------


def linking(
    made: Table, learnt: Table, control: Table, seed: int, neighbours: int = 1
) -> Outcome | None:
    """Half of the columns of a row here, half there: does one made row lie nearest to both? The
    halves are the columns of odd and even places. All rows of `learnt` and as many of control."""
    names = list(made.kinds)
    if len(names) < 2:
        return None
    halves = names[::2], names[1::2]
    far = Distances(made, (learnt, control))
    tries = min(learnt.rows, control.rows)
    rng = np.random.default_rng(seed)
    draw = [rng.integers(made.rows, size=(tries, neighbours)) for _ in halves]
    return Outcome(
        attack=_linked(far, learnt, halves, neighbours, tries),
        control=_linked(far, control, halves, neighbours, tries),
        blind=_shared(*draw),
        tries=tries,
    )


def _linked(
    far: Distances, targets: Table, halves: Sequence[Sequence[str]], count: int, tries: int
) -> int:
    hits = 0
    for some in _parts(tries):
        near = [
            np.argpartition(sum(far.column(n, targets, some) for n in half), count - 1)[:, :count]
            for half in halves
        ]
        hits += _shared(*near)
    return hits


def _shared(here: np.ndarray, there: np.ndarray) -> int:
    return int((here[:, :, None] == there[:, None]).any((1, 2)).sum())


# --- inferring ------------------------------------------------------------------------------------


def inferring(made: Table, learnt: Table, control: Table, seed: int) -> dict[str, Outcome]:
    """Of each column: is the value of the made row that lies nearest by all others right? Of
    numbers, to a twentieth."""
    names = list(made.kinds)
    if len(names) < 2:
        return {}
    far = Distances(made, (learnt, control))
    tries = min(learnt.rows, control.rows)
    rng = np.random.default_rng(seed)
    hits = [_inferred(far, side, names, tries) for side in (learnt, control)]
    out = {}
    for name in names:
        guess = made.columns[name][rng.integers(made.rows, size=tries)]
        blind = int(_right(guess, learnt.columns[name][:tries], made.kinds[name]).sum())
        out[name] = Outcome(attack=hits[0][name], control=hits[1][name], blind=blind, tries=tries)
    return out


def _inferred(far: Distances, targets: Table, names: list[str], tries: int) -> dict[str, int]:
    hits = dict.fromkeys(names, 0)
    for some in _parts(tries):
        apart = {name: far.column(name, targets, some) for name in names}
        total = sum(apart.values())
        for name in names:
            nearest = (total - apart[name]).argmin(1)
            guess, real = far.made.columns[name][nearest], targets.columns[name][some]
            hits[name] += int(_right(guess, real, far.made.kinds[name]).sum())
    return hits


def _right(guess: np.ndarray, real: np.ndarray, kind: str) -> np.ndarray:
    if kind != "number":
        return guess == real
    both = np.isnan(guess) & np.isnan(real)
    return both | (np.abs(guess - real) <= NEAR * np.abs(real))
