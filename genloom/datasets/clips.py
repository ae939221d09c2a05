"""Clips as items of a data set: which are equal, what they are like, how to write them.

Equal are those whose frames on the usual clock are. Knows frames, no model.
"""

from __future__ import annotations

import hashlib
import statistics
from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genloom.codec.video.clips import USUAL, Clip
from genloom.datasets.captioned_folder import write_folder

SHOWN = 12  # sizes and rates that are named
LOOKED = 64  # frames of a clip that are compared


class Clips:
    """Clips, opened one at a time."""

    def __init__(self, items: Sequence[Clip], codec: Any) -> None:
        self.items, self.codec = items, codec

    def keys(self) -> list[Hashable]:
        return [_key(one) for one in self.items]

    def empty(self) -> list[bool]:
        """None: what holds no frame is left out when it is read."""
        return [False] * len(self.items)

    def summary(self) -> dict[str, Any]:
        """seconds: of all whose length is told by their files."""
        sizes: Counter[str] = Counter()
        rates: Counter[str] = Counter()
        for one in self.items:
            height, width = one.first().shape[:2]
            sizes[f"{width} x {height}"] += 1
            rates[f"{one.rate() or 0:.4g} a second"] += 1
        told = [found for one in self.items if (found := one.seconds()) is not None]
        captions = [one.caption for one in self.items if one.caption]
        lengths = {"seconds": round(sum(told), 2), "median": round(statistics.median(told), 3)}
        return {
            **(lengths if told else {}),
            "sizes": dict(sizes.most_common(SHOWN)),
            "rates": dict(rates.most_common(SHOWN)),
            "captioned": len(captions),
            "distinct captions": len(set(captions)),
        }

    def write(self, items: Sequence[Clip], target: Path) -> Path:
        """A folder: files as they were where they were files, GIFs of what were arrays; captions in
        metadata.jsonl."""
        return write_folder(items, target, "clips", _told, self._put)

    def part(self, name: str, source: Path) -> str:
        """Clips lie in folders."""
        return name

    def _put(self, one: Any, place: Path) -> Path:
        """GIFs, so that nothing but pillow is needed to read them again."""
        file = place.with_suffix(".gif")
        self.codec.write(one, file)
        return file


def _told(one: Any) -> dict[str, Any]:
    return {"text": one.caption, "author": one.credit}


def _key(one: Clip) -> bytes:
    frames = one.frames(one.rate() or USUAL, LOOKED)
    head = f"{frames.shape}".encode()
    return hashlib.sha256(head + np.ascontiguousarray(frames).tobytes()).digest()
