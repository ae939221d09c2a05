"""What a level is made of: kinds of tiles, which may lie beside which, and which one can walk on.

Knows names and shares; no picture and no file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from genloom.errors import DataError


@dataclass(frozen=True, kw_only=True)
class Kind:
    """share: how much of a level it is to be, beside the others; walked: whether one can walk on
    it; height: metres in a scene; beside: kinds that may lie next to it, besides itself."""

    share: float
    walked: bool
    height: float
    beside: tuple[str, ...]


THEMES: Mapping[str, Mapping[str, Kind]] = {
    "island": {
        "water": Kind(share=0.22, walked=False, height=-0.4, beside=("sand",)),
        "sand": Kind(share=0.16, walked=True, height=0.0, beside=("water", "grass")),
        "grass": Kind(share=0.36, walked=True, height=0.1, beside=("sand", "forest", "rock")),
        "forest": Kind(share=0.18, walked=True, height=0.1, beside=("grass",)),
        "rock": Kind(share=0.08, walked=False, height=0.9, beside=("grass",)),
    },
    "dungeon": {
        "wall": Kind(share=0.34, walked=False, height=1.0, beside=("floor", "rubble")),
        "floor": Kind(share=0.50, walked=True, height=0.0, beside=("wall", "rubble", "water")),
        "rubble": Kind(share=0.08, walked=True, height=0.1, beside=("wall", "floor")),
        "water": Kind(share=0.08, walked=False, height=-0.3, beside=("floor",)),
    },
}


def neighbours(kinds: Mapping[str, Kind]) -> np.ndarray:
    """bool [K, K], the same both ways. DataError where a kind names one that is not there."""
    names = [*kinds]
    out = np.eye(len(names), dtype=bool)
    for n, kind in enumerate(kinds.values()):
        for other in kind.beside:
            if other not in kinds:
                raise DataError(f"{names[n]} may lie beside {other!r}, which is no kind of tile")
            out[n, names.index(other)] = out[names.index(other), n] = True
    return out


def shares(kinds: Mapping[str, Kind]) -> np.ndarray:
    """float64 [K], summing to 1."""
    found = np.array([kind.share for kind in kinds.values()], np.float64)
    return found / found.sum()


def walked(kinds: Mapping[str, Kind]) -> np.ndarray:
    """bool [K]"""
    return np.array([kind.walked for kind in kinds.values()])


def theme_of(name: str, themes: Mapping[str, Mapping[str, Kind]] = THEMES) -> Mapping[str, Kind]:
    """DataError for a theme that is not there."""
    if name not in themes:
        raise DataError(f"the theme {name!r} is not known: use {', '.join(themes)}")
    return themes[name]


def broken(cells: np.ndarray, allowed: np.ndarray) -> int:
    """How many neighbours [H, W] may not lie beside each other."""
    pairs: Sequence[tuple[np.ndarray, np.ndarray]] = (
        (cells[:, :-1], cells[:, 1:]),
        (cells[:-1], cells[1:]),
    )
    return sum(int((~allowed[a, b]).sum()) for a, b in pairs)
