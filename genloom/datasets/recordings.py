"""Recordings as items of a data set: which are equal, what they are like, how to write them.

Equal are those of the same samples, whatever file holds them. Knows sounds, no model.
"""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

from genloom.codec.sound.files import sample_hash
from genloom.codec.sound.recordings import each
from genloom.datasets.captioned_folder import write_folder

SHOWN = 12  # rates that are named


class Recordings:
    """Sounds, opened a few at a time."""

    def __init__(self, items: Sequence[Any], codec: Any) -> None:
        self.items, self.codec = items, codec

    def keys(self) -> list[Hashable]:
        return list(each(lambda one: sample_hash(one.open()), self.items))

    def empty(self) -> list[bool]:
        """None: silence is left out when they are read."""
        return [False] * len(self.items)

    def summary(self) -> dict[str, Any]:
        """seconds: of all, of the shortest, the median and the longest; peaks in dB below full
        scale."""
        looks = each(_look, self.items)
        seconds = [one[0] for one in looks]
        captions = [one.caption for one in self.items if one.caption]
        voices = Counter(one.voice for one in self.items if one.voice)
        return {
            "seconds": round(sum(seconds), 2),
            "shortest": round(min(seconds), 3),
            "median": round(statistics.median(seconds), 3),
            "longest": round(max(seconds), 3),
            "rates": dict(Counter(f"{one[1]:,} Hz" for one in looks).most_common(SHOWN)),
            "channels": dict(Counter(str(one[2]) for one in looks).most_common(SHOWN)),
            "peak": round(statistics.median(one[3] for one in looks), 2),
            "captioned": len(captions),
            "distinct captions": len(set(captions)),
            "voices": dict(voices.most_common(SHOWN)),
        }

    def write(self, items: Sequence[Any], target: Path) -> Path:
        """A folder: files as they were where they were files; captions and voices in
        metadata.jsonl."""
        return write_folder(items, target, "recordings", _told, self._put)

    def part(self, name: str, source: Path) -> str:
        """Recordings lie in folders."""
        return name

    def _put(self, one: Any, place: Path) -> Path:
        file = place.with_suffix(".wav")
        self.codec.write(one, file)
        return file


def _told(one: Any) -> dict[str, Any]:
    return {"text": one.caption, "voice": one.voice, "credit": one.credit}


def _look(one: Any) -> tuple[float, int, int, float]:
    """(seconds, rate, channels, peak in dB)."""
    sound = one.open()
    top = sound.samples.abs().max().clamp(min=1e-5)
    return sound.seconds, sound.rate, len(sound.samples), float(20 * top.log10())
