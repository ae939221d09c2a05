"""Level maps by constraints: cells are decided one after another, and what may no longer lie beside
them is ruled out (Gumin 2016, "wave function collapse"; Karth & Smith 2017).

No model is asked: rules and chance make the map. It is drawn again until one can walk from the
start to the goal and to most of what can be walked on. Knows rules; no picture and no file.
Shape legend: H rows, W columns, K kinds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from genloom.errors import DataError
from genloom.level.rules import Kind, neighbours, shares, walked

LARGEST = 128
TRIES = 60
REACHED = 0.75  # of what can be walked on, that can be reached from the start
PULL = 2.5  # how strongly a cell is drawn to what lies around it
STEPS = ((0, 1), (1, 0), (0, -1), (-1, 0))
Place = tuple[int, int]


@dataclass(frozen=True, eq=False, kw_only=True)
class Level:
    """cells: uint8 [H, W], numbers of kinds; names: of these; start, goal: (row, column); reached:
    bool [H, W], where one comes from the start."""

    cells: np.ndarray
    names: tuple[str, ...]
    start: Place
    goal: Place
    reached: np.ndarray

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)"""
        return self.cells.shape[1], self.cells.shape[0]


def solved(kinds: Mapping[str, Kind], width: int, height: int, seed: int) -> Level:
    """The same seed makes the same level. DataError where none can be made."""
    if not 4 <= width <= LARGEST or not 4 <= height <= LARGEST:
        raise DataError(f"a level of {width} x {height} tiles: 4 to {LARGEST} a side are expected")
    rng = np.random.default_rng(seed)
    for _ in range(TRIES):
        cells = _filled(kinds, height, width, rng)
        if cells is None:
            continue
        level = _walkable(cells, kinds)
        if level is not None:
            return level
    raise DataError(
        f"no level of {width} x {height} tiles can be walked through by these rules: give more of "
        "what can be walked on"
    )


def _filled(
    kinds: Mapping[str, Kind], height: int, width: int, rng: np.random.Generator
) -> np.ndarray | None:
    """uint8 [H, W], None where nothing was left for a cell."""
    allowed, weight = neighbours(kinds), shares(kinds)
    open_ = np.ones((height, width, len(kinds)), bool)
    done = np.zeros((height, width), bool)
    counts = np.zeros(len(kinds))
    for _ in range(height * width):
        left = open_.sum(2) + 0.5 * rng.random((height, width))
        left[done] = np.inf
        at = divmod(int(left.argmin()), width)
        kind = _drawn(open_, done, at, weight, counts, rng)
        open_[at] = False
        open_[at][kind] = True
        done[at] = True
        counts[kind] += 1
        if not _ruled_out(open_, at, allowed):
            return None
    return open_.argmax(2).astype(np.uint8)


def _drawn(
    open_: np.ndarray,
    done: np.ndarray,
    at: Place,
    weight: np.ndarray,
    counts: np.ndarray,
    rng: np.random.Generator,
) -> int:
    """A kind by its share, rather one that lies beside, and rather one that there is too little
    of."""
    y, x = at
    chance = weight * open_[at]
    near = np.zeros(len(weight))
    for dy, dx in STEPS:
        if 0 <= y + dy < done.shape[0] and 0 <= x + dx < done.shape[1] and done[y + dy, x + dx]:
            near += open_[y + dy, x + dx]
    total = counts.sum()
    lack = weight / np.maximum(counts / max(total, 1), 0.02) if total > 12 else 1.0
    chance = chance * (1 + PULL * near) * np.clip(lack, 0.1, 4.0)
    return int(rng.choice(len(weight), p=chance / chance.sum()))


def _ruled_out(open_: np.ndarray, at: Place, allowed: np.ndarray) -> bool:
    """Take from neighbours, and theirs, what may not lie beside; False where nothing is left."""
    waiting = [at]
    while waiting:
        y, x = waiting.pop()
        may = allowed[open_[y, x]].any(0)
        for dy, dx in STEPS:
            ny, nx = y + dy, x + dx
            if not (0 <= ny < open_.shape[0] and 0 <= nx < open_.shape[1]):
                continue
            kept = open_[ny, nx] & may
            if not kept.any():
                return False
            if (kept != open_[ny, nx]).any():
                open_[ny, nx] = kept
                waiting.append((ny, nx))
    return True


def _walkable(cells: np.ndarray, kinds: Mapping[str, Kind]) -> Level | None:
    """With a start and a goal as far apart as can be; None where too little can be reached."""
    free = walked(kinds)[cells]
    if free.sum() < 4:
        return None
    best = max((distances(free, divmod(int(n), free.shape[1])) for n in _seeds(free)), key=_size)
    far = np.where(np.isfinite(best), best, -1)
    start = divmod(int(far.argmax()), free.shape[1])
    away = distances(free, start)
    reached = np.isfinite(away)
    if reached.sum() < REACHED * free.sum():
        return None
    goal = divmod(int(np.where(reached, away, -1).argmax()), free.shape[1])
    return Level(cells=cells, names=tuple(kinds), start=start, goal=goal, reached=reached)


def _seeds(free: np.ndarray) -> np.ndarray:
    """A few cells to walk from, so that one lies in the largest region."""
    places = np.flatnonzero(free)
    return places[:: max(1, len(places) // 8)]


def _size(far: np.ndarray) -> int:
    return int(np.isfinite(far).sum())


def distances(free: np.ndarray, start: Place) -> np.ndarray:
    """float64 [H, W]: steps from the start, infinite where one does not come."""
    far = np.full(free.shape, np.inf)
    far[start] = 0
    front = np.zeros(free.shape, bool)
    front[start] = True
    step = 0
    while front.any():
        step += 1
        grown = np.zeros_like(front)
        grown[1:] |= front[:-1]
        grown[:-1] |= front[1:]
        grown[:, 1:] |= front[:, :-1]
        grown[:, :-1] |= front[:, 1:]
        front = grown & free & ~np.isfinite(far)
        far[front] = step
    return far


def scattered(level: Level, count: int, seed: int, on: str | None = None) -> list[Place]:
    """Places that can be reached, far from each other, without start and goal: the same seed, the
    same places; fewer where there is no room. on: only tiles of this kind."""
    rng = np.random.default_rng(seed)
    free = level.reached.copy()
    free[level.start] = free[level.goal] = False
    if on is not None and (free & (level.cells == level.names.index(on))).any():
        free &= level.cells == level.names.index(on)
    places = np.argwhere(free)
    chosen: list[Place] = []
    for _ in range(min(count, len(places))):
        tried = places[rng.integers(0, len(places), 12)]
        if chosen:
            apart = np.abs(tried[:, None] - np.array(chosen)).sum(2).min(1)
            tried = tried[apart.argsort()[::-1]]
            if apart.max() < 1:
                continue
        y, x = (int(v) for v in tried[0])
        chosen.append((y, x))
    return chosen
