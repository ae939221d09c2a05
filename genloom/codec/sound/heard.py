"""What codecs of recordings share, whatever they make of a sound: files, the rate, how sounds are
cut into frames, the lengths that suit a collection, and what of two collections is compared.

Knows recordings and mel frames; no tensor that is learnt.
Shape legend: N items, M mel bands, T frames.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from genloom.codec.base import Reading
from genloom.codec.saving import write_atomic
from genloom.codec.sound.files import write_sound
from genloom.codec.sound.recordings import Recording, as_recording, called, each, read_recordings
from genloom.codec.sound.spectrogram import sheet_bytes
from genloom.errors import DataError, RecipeError
from genloom.metric.image import frechet_distance, kernel_distance
from genloom.sound.resampling import resampled
from genloom.sound.spectra import Frames
from genloom.sound.wave import Sound

USUAL_RATES = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
GRIDS = 12  # lengths at most
STEP = 8  # frames, of which each length is a multiple
SHOWN = 16
SAMPLED = 400  # recordings that the rate and the scale are learnt from
CALLS = {"picture": "sound", "pictures": "sounds", "pixels": "values of frames"}


class Heard(ABC):
    """frames: how sounds are cut, None until `settle`."""

    media: ClassVar[str] = "audio/wav"
    suffix: ClassVar[str] = ".wav"
    preview_suffix: ClassVar[str] = ".png"
    conditional: ClassVar[bool] = False
    brings: ClassVar[tuple[str, ...]] = ("audio/wav", "audio/flac", "audio/ogg", "audio/mpeg")
    calls: ClassVar[Mapping[str, str]] = CALLS

    def __init__(self, rate: int, window: int, hop: int, bands: int, seconds: float) -> None:
        for name, value, low, high in (
            ("rate", rate, 4_000, 384_000),
            ("window", window, 64, 1 << 15),
            ("hop", hop, 8, 1 << 14),
            ("bands", bands, 8, 512),
            ("seconds", seconds, 0.05, 600),
        ):
            if value and not low <= value <= high:
                raise RecipeError(f"codec.{name} is {value}: {low} to {high} is expected")
        self.rate, self.window, self.hop, self.bands = rate, window, hop, int(bands)
        self.seconds = seconds
        self.frames: Frames | None = None
        if rate and window:
            self._settle(rate)

    def _settle(self, rate: int) -> None:
        """The frames, now that the rate is known."""
        window = self.window or 1 << int(math.log2(0.064 * rate))
        hop = self.hop or window // 4
        frames = Frames(rate=rate, window=window, hop=hop, bands=self.bands)
        try:
            frames.check()
        except ValueError as error:
            raise RecipeError(f"codec: {error}") from None
        self.frames = frames

    @property
    def cut(self) -> Frames:
        """How sounds are cut into frames."""
        if self.frames is None:
            raise DataError("no recordings were seen yet: call fit first")
        return self.frames

    def settled(self, recordings: Sequence[Recording], frames: Frames | None = None) -> list[Sound]:
        """Some of the recordings, opened. Taken are these frames, or those of the usual rate of the
        recordings where none was asked for."""
        if not len(recordings):
            raise DataError("no recordings to learn from: give at least one")
        step = max(1, len(recordings) // SAMPLED)
        sounds = each(lambda one: one.open(), recordings[::step])
        if frames is not None:
            self.frames = frames
        else:
            common = Counter(sound.rate for sound in sounds).most_common(1)[0][0]
            self._settle(self.rate or _usual(common))
        return sounds

    def suited(self, recordings: Sequence[Recording]) -> tuple[int, ...]:
        """A few lengths in frames that suit these, the longest last."""
        rate = self.cut.rate / self.cut.hop
        seconds = [_seconds(one) for one in recordings]
        most = math.ceil((self.seconds or min(max(seconds), 20.0)) * rate)
        found = sorted(min(math.ceil(one * rate), most) for one in seconds)
        places = [found[(n + 1) * len(found) // GRIDS - 1] for n in range(min(GRIDS, len(found)))]
        return tuple(sorted({-(-max(n, 1) // STEP) * STEP for n in (*places, found[-1])}))

    def _given(self, item: Any) -> Recording:
        """A recording of whatever is given; bare samples are at the codec's own rate."""
        return as_recording(item, None if self.frames is None else self.frames.rate)

    def first(self, sound: Sound, frames: int) -> Sound:
        """As much of a sound as is heard in its first frames: what lies beyond is not resampled."""
        cut = self.cut
        most = math.ceil((frames * cut.hop + 2 * cut.window) / cut.rate * sound.rate) + sound.rate
        return Sound(sound.samples[:, :most], sound.rate)

    def mono(self, sound: Sound) -> Tensor:
        """float [samples]: any sound at the codec's rate, its channels mixed."""
        return resampled(sound, self.cut.rate).mono()

    def mel(self, sound: Sound) -> Tensor:
        """float [M, T]: the frames of any sound."""
        return self.cut.mel(self.mono(sound))

    # --- files ------------------------------------------------------------------------------------

    def read(self, path: Path) -> Reading:
        return read_recordings(path)

    def write(self, item: Any, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """By suffix: .wav, .flac, .ogg, .opus or .mp3, which carry the record, or .pcm."""
        return write_sound(self._given(item).open(), path, record)

    def preview(self, items: Iterable[Any], path: Path) -> Path:
        """A PNG sheet of the first sounds' spectrograms, captions under them."""
        some = [self._given(item) for item, _ in zip(items, range(SHOWN), strict=False)]
        mels = [self.mel(one.open()) for one in some]
        return write_atomic(Path(path), sheet_bytes(mels, [one.caption or "" for one in some]))

    # --- meaning ----------------------------------------------------------------------------------

    def called(self, items: Iterable[Any], caption: str) -> list[Any]:
        """The recordings; those without a caption get this one."""
        return called(items, caption)

    def natural_side(self, items: Sequence[Any]) -> None:
        """Sounds have no sides in pixels."""
        return None

    def features(self, items: Iterable[Any]) -> Tensor:
        """float [N, 4 M]: means and deviations of each band, and of how it changes."""
        found = [self._given(item) for item in items]
        return torch.stack(each(lambda one: _features(self.scaled(self.mel(one.open()))), found))

    @abstractmethod
    def scaled(self, mel: Tensor) -> Tensor:
        """Mel frames in logarithms, brought to what is usual."""

    def compare(self, real: Sequence[Any], made: Sequence[Any]) -> dict[str, float]:
        """Distances of the features, the same number of each side."""
        count = min(len(real), len(made))
        if count < 4:
            raise DataError(f"{len(real)} real and {len(made)} made sounds: 4 each are needed")
        a, b = self.features(real[:count]), self.features(made[:count])
        return {
            "frechet_distance": frechet_distance(a, b),
            "kernel_distance": kernel_distance(a, b),
        }


def sized(x: Tensor, count: int, silence: float = 0.0) -> Tensor:
    """[..., N] cut to so many, or with silence behind."""
    return torch.nn.functional.pad(x[..., :count], (0, max(0, count - x.shape[-1])), value=silence)


def _seconds(recording: Recording) -> float:
    known = recording.seconds
    return float(recording.open().seconds if known is None else known)


def _features(x: Tensor) -> Tensor:
    change = x.diff(dim=1) if x.shape[1] > 1 else torch.zeros_like(x)
    parts = (x.mean(1), x.std(1, correction=0), change.abs().mean(1), change.std(1, correction=0))
    return torch.cat(parts)


def _usual(rate: int) -> int:
    """The nearest usual rate below, or the lowest."""
    return max((r for r in USUAL_RATES if r <= rate), default=USUAL_RATES[0])
