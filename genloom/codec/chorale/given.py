"""What is asked of a chorale: which voices and bars of a given piece are made, the rest stays.

Reads conditions such as "make=alto,tenor and bars=3-4". Knows names of voices and numbers of bars;
no ids and no file.
Shape legend: T frames, V = 4 voices.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from genloom.codec.chorale.item import BAR, SILENT, VOICES, Chorale
from genloom.errors import RequestError

NAMES = ("make", "keep", "bars")
_AND = re.compile(r"\s+and\s+|\s*;\s*", re.IGNORECASE)
_BARS = re.compile(r"(\d+)(?:\s*-\s*(\d+))?$")


def conditions(where: Any) -> dict[str, str]:
    """Name -> words. RequestError where they are no conditions on chorales."""
    if where in (None, ""):
        return {}
    if isinstance(where, Mapping):
        pairs = [
            (str(k), ",".join(v) if isinstance(v, list | tuple) else str(v))
            for k, v in where.items()
        ]
    else:
        parts = [part.partition("=") for part in _AND.split(str(where).strip())]
        pairs = [(name, value) for name, _, value in parts]
    found: dict[str, str] = {}
    for name, value in pairs:
        known = name.strip().lower()
        if known not in NAMES or not value.strip():
            near = difflib.get_close_matches(known, NAMES, 1)
            raise RequestError(
                f"where: {name.strip()[:40]!r} is no condition on chorales: give make or keep with "
                f"voices, bars with numbers (make=alto,tenor and bars=3-4)"
                + (f"; did you mean {near[0]!r}?" if near else ""),
                param="where",
            )
        found[known] = value.strip()
    return found


def made_anew(given: Chorale, where: Any) -> np.ndarray:
    """bool [T, V]: what is to be made. Where nothing is said, the voices that rest throughout."""
    asked = conditions(where)
    silent = (given.voices == SILENT).all(0)
    if not asked and not silent.any():
        raise RequestError(
            "the given piece has all four voices: say what is made anew (where make=alto,tenor or "
            "bars=3-4)",
            param="where",
        )
    voices = np.ones(len(VOICES), bool) if "bars" in asked else silent
    if "make" in asked:
        voices = _voices(asked["make"])
    if "keep" in asked:
        voices = (
            ~_voices(asked["keep"]) if "make" not in asked else voices & ~_voices(asked["keep"])
        )
    frames = _frames(given, asked["bars"]) if "bars" in asked else np.ones(len(given), bool)
    return frames[:, None] & voices


def _voices(text: str) -> np.ndarray:
    """bool [V]."""
    out = np.zeros(len(VOICES), bool)
    for word in filter(None, re.split(r"[,\s]+", text.lower())):
        fitting = [n for n, name in enumerate(VOICES) if name.startswith(word)]
        if len(fitting) != 1:
            raise RequestError(
                f"where: {word[:40]!r} is no voice: give {', '.join(VOICES)}", param="where"
            )
        out[fitting[0]] = True
    return out


def _frames(given: Chorale, text: str) -> np.ndarray:
    """bool [T]: the bars of these numbers; 0 is the upbeat."""
    out = np.zeros(len(given), bool)
    bar = (np.arange(len(given)) - given.upbeat) // BAR + 1
    for part in text.split(","):
        found = _BARS.match(part.strip())
        first, last = (int(found[1]), int(found[2] or found[1])) if found else (1, 0)
        chosen = (bar >= first) & (bar <= last)
        if not chosen.any():
            raise RequestError(
                f"where: no bars {part.strip()[:40]!r} in a piece of bars {bar[0]} to {bar[-1]}: "
                "give numbers such as 3-4",
                param="where",
            )
        out |= chosen
    return out
