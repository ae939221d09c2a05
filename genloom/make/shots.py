"""What is seen of each chapter: files that are given, or what a model of pictures or clips makes.

Knows files and models by what they hand out; not how it is shown.
Shape legend: T frames, H rows, W columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from genloom import api
from genloom.codec.image.pictures import SUFFIXES as PICTURES
from genloom.codec.video.clips import SUFFIXES as CLIPS
from genloom.codec.video.clips import Clip, as_clip
from genloom.data.source import file_sha256
from genloom.errors import UsageError
from genloom.trust import provenance

MOST = 256  # frames of a clip that is shown again and again
USUAL = 8.0  # frames a second, of what has no clock


@dataclass(frozen=True, kw_only=True)
class Shot:
    """frames: uint8 [T, H, W, 3], shown again and again where there are several; record: of the
    file, or sealed, of what made it."""

    frames: np.ndarray
    rate: float
    record: Mapping[str, Any]

    def at(self, second: float) -> np.ndarray:
        """uint8 [H, W, 3]."""
        return self.frames[int(second * self.rate) % len(self.frames)]


def shots(
    source: str, prompt: str, titles: Sequence[str], seed: int, folder: Path, device: str = "auto"
) -> list[Shot | None]:
    """One a chapter; None for each where no source is named. folder: where what is made stays."""
    if not source:
        return [None] * len(titles)
    path = Path(source).expanduser()
    if path.is_dir() and not (path / "recipe.json").is_file():
        return _of_files(path, len(titles))
    if path.suffix.lower() in PICTURES | CLIPS:
        return [_shot(as_clip(path), _told(path))] * len(titles)
    model = api.load(source, device)
    return [_made(model, source, prompt or title, seed, folder) for title in titles]


def _of_files(folder: Path, count: int) -> list[Shot | None]:
    """In the order of their names, from the first again where there are fewer."""
    known = PICTURES | CLIPS
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in known)
    if not files:
        raise UsageError(
            f"{folder} holds no picture and no clip: give a folder of them, or a model"
        )
    some = [_shot(as_clip(path), _told(path)) for path in files[:count]]
    return [some[n % len(some)] for n in range(count)]


def _told(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise UsageError(f"{path}: there is no such file: give pictures, or a model of them")
    return {"file": path.name, "sha256": file_sha256(path)}


def _made(model: api.Model, name: str, prompt: str, seed: int, folder: Path) -> Shot:
    prompted = prompt if model.prompt is not None else None
    request = api.request_of(prompted, 1, seed, None, 0, None, {})
    item = api.exact(model, request)[0]
    try:
        clip = as_clip(item)
    except Exception:
        raise UsageError(f"{name} makes nothing that is seen: name a model of pictures") from None
    codec: Any = model.codec
    place = folder / f"{model.digest()[:12]}-{abs(hash_of(prompt)):x}-{seed}{codec.suffix}"
    folder.mkdir(parents=True, exist_ok=True)
    provenance.save_one(codec, item, place, 0, api.record(model, request))
    record, _ = provenance.places.find_record(place)
    return _shot(clip, record or {})


def hash_of(text: str) -> int:
    """The same in every process."""
    value = 0
    for letter in text.encode():
        value = (value * 257 + letter) % (1 << 61)
    return value


def _shot(clip: Clip, record: Mapping[str, Any]) -> Shot:
    rate = clip.rate() or USUAL
    frames = clip.frames(rate, MOST)
    wide = frames if frames.shape[3] == 3 else frames.repeat(3, 3)
    return Shot(frames=wide, rate=rate, record=record)
