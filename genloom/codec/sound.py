"""Sounds <-> mel frames: any rate, length and number of channels in, one form out.

Frames are natural logarithms of mel magnitudes, brought to mean 0 and deviation 1/2 over the data.
The way back is Griffin-Lim.
What is said and by whom becomes the prompt. Knows sounds, no net that makes frames.
Shape legend: N items, M mel bands, T frames.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from genloom.codec.base import Condition, Reading
from genloom.codec.recordings import Recording, as_recording, called, each, read_recordings
from genloom.codec.saving import load_json, save_json, write_atomic
from genloom.codec.sound_files import write_sound
from genloom.codec.spectrogram import sheet_bytes
from genloom.codec.voiced import said_by, voiced
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.metric.image import frechet_distance, kernel_distance
from genloom.sound.joining import trimmed
from genloom.sound.phases import waves_of_mel
from genloom.sound.resampling import resampled
from genloom.sound.spectra import FLOOR, Frames
from genloom.sound.wave import Sound
from genloom.spec import ArraySpec

OPTIONS = ("rate", "window", "hop", "bands", "seconds")
USUAL_RATES = (8_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
GRIDS = 12  # lengths at most
STEP = 8  # frames, of which each length is a multiple
SPREAD = 0.5  # deviation of what is learnt
SHOWN = 16
SAMPLED = 400  # recordings that means and lengths are learnt from


class SoundCodec:
    """Recordings as mel frames.

    rate     samples a second; 0: that of most recordings, 48,000 at most
    window   samples of a frame; 0: 64 ms at most, the power of two below
    hop      samples from frame to frame; 0: a quarter of the window
    bands    mel bands
    seconds  longest sound; 0: that of the longest recording, 20 at most
    """

    kind: ClassVar[str] = "sound"
    media: ClassVar[str] = "audio/wav"
    suffix: ClassVar[str] = ".wav"
    preview_suffix: ClassVar[str] = ".png"
    compares: ClassVar[bool] = True
    conditional: ClassVar[bool] = False
    carries: ClassVar[type] = ArraySpec
    lossy: ClassVar[bool] = True

    def __init__(
        self,
        *,
        rate: int = 0,
        window: int = 0,
        hop: int = 0,
        bands: int = 80,
        seconds: float = 0.0,
    ) -> None:
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
        self.lengths: tuple[int, ...] = ()
        self.mean, self.deviation = 0.0, 1.0
        self.voices: tuple[str, ...] = ()
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
    def spec(self) -> ArraySpec:
        if self.frames is None or not self.lengths:
            raise DataError("no recordings were seen yet: call fit first")
        grids = tuple((length,) for length in self.lengths) if len(self.lengths) > 1 else ()
        return ArraySpec(grid=(self.lengths[-1],), channels=self.bands, grids=grids)

    @property
    def cut(self) -> Frames:
        """How sounds are cut into frames."""
        if self.frames is None:
            raise DataError("no recordings were seen yet: call fit first")
        return self.frames

    # --- files ------------------------------------------------------------------------------------

    def read(self, path: Path) -> Reading:
        return read_recordings(path)

    def write(self, item: Any, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """By suffix: .wav, .flac, .ogg, .opus or .mp3, which carry the record, or .pcm."""
        return write_sound(self._given(item).open(), path, record)

    def preview(self, items: Iterable[Any], path: Path) -> Path:
        """A PNG sheet of the first sounds' spectrograms, captions under them."""
        some = [as_recording(item) for item, _ in zip(items, range(SHOWN), strict=False)]
        mels = [self.mel(one.open()) for one in some]
        return write_atomic(Path(path), sheet_bytes(mels, [one.caption or "" for one in some]))

    def save(self, folder: Path) -> None:
        options = {name: getattr(self, name) for name in OPTIONS}
        learnt = {"learnt_rate": self.cut.rate, "lengths": list(self.lengths)}
        learnt |= {"mean": self.mean, "deviation": self.deviation, "voices": list(self.voices)}
        save_json(folder, self.kind, {**options, **learnt})

    @classmethod
    def load(cls, folder: Path) -> Self:
        learnt = ("learnt_rate", "lengths", "mean", "deviation", "voices")
        values = load_json(folder, cls.kind, frozenset({*OPTIONS, *learnt}))
        rate, lengths, mean, deviation, voices = (values.pop(name) for name in learnt)
        try:
            codec = cls(**values)
            codec._settle(int(rate))
            codec.lengths = tuple(int(n) for n in lengths)
            codec.mean, codec.deviation = float(mean), float(deviation)
            codec.voices = tuple(map(str, voices))
            legal = bool(codec.lengths) and min(codec.lengths) > 0 and codec.deviation > 0
        except (RecipeError, TypeError, ValueError) as error:
            raise ModelError(f"{folder} holds illegal options ({error}): restore it") from None
        if not legal:
            raise ModelError(f"{folder}: lengths or scales are damaged; restore the model folder")
        return codec

    def _given(self, item: Any) -> Recording:
        """A recording of whatever is given; bare samples are at the codec's own rate."""
        return as_recording(item, None if self.frames is None else self.frames.rate)

    # --- tensors ----------------------------------------------------------------------------------

    def fit(self, items: Sequence[Any]) -> None:
        """The rate, the lengths, the scale and the voices."""
        if not len(items):
            raise DataError("no recordings to learn from: give at least one")
        every = [as_recording(item) for item in items]
        step = max(1, len(every) // SAMPLED)
        sounds = each(lambda one: one.open(), every[::step])
        common = Counter(sound.rate for sound in sounds).most_common(1)[0][0]
        self._settle(self.rate or _usual(common))
        self.lengths = self._lengths([self._seconds(one) for one in every])
        told = torch.cat([self._even(sound).flatten() for sound in sounds])
        self.mean, self.deviation = float(told.mean()), max(float(told.std()), 1e-3)
        self.voices = tuple(sorted({one.voice for one in every if one.voice}))

    def _seconds(self, recording: Any) -> float:
        known = recording.seconds
        return float(recording.open().seconds if known is None else known)

    def _lengths(self, seconds: Sequence[float]) -> tuple[int, ...]:
        """A few lengths in frames that suit these, the longest last."""
        rate = self.cut.rate / self.cut.hop
        most = math.ceil((self.seconds or min(max(seconds), 20.0)) * rate)
        found = sorted(min(math.ceil(one * rate), most) for one in seconds)
        places = [found[(n + 1) * len(found) // GRIDS - 1] for n in range(min(GRIDS, len(found)))]
        return tuple(sorted({-(-max(n, 1) // STEP) * STEP for n in (*places, found[-1])}))

    def mel(self, sound: Sound) -> Tensor:
        """float [M, T]: the frames of any sound, its channels mixed."""
        return self.cut.mel(resampled(sound, self.cut.rate).mono())

    def encode(self, items: Iterable[Any]) -> list[Tensor]:
        """float [M, T] each, silence behind where the next length is longer; what is longer than
        the longest is cut."""
        return each(self._array, [self._given(item) for item in items])

    def _array(self, recording: Recording) -> Tensor:
        return self.scaled(self._even(recording.open()))

    def _even(self, sound: Sound) -> Tensor:
        """Frames of one of the lengths."""
        mel = self.mel(sound)
        return _sized(mel, next((n for n in self.lengths if n >= mel.shape[1]), self.lengths[-1]))

    def scaled(self, mel: Tensor) -> Tensor:
        return (mel - self.mean) / self.deviation * SPREAD

    def unscaled(self, x: Tensor) -> Tensor:
        return x / SPREAD * self.deviation + self.mean

    def decode(self, x: Sequence[Tensor] | Tensor) -> list[Sound]:
        """Sounds, without the silence around them."""
        return [self._sound(one) for one in x]

    def _sound(self, one: Tensor) -> Sound:
        mel = self.unscaled(torch.nan_to_num(one.detach().float().cpu()))
        mel = mel.clamp(math.log(FLOOR), TOP)
        waves = waves_of_mel(self.cut, mel)
        sound = trimmed(Sound(waves.clamp(-1, 1)[None], self.cut.rate))
        return (
            sound if sound.samples.shape[1] else Sound(torch.zeros(1, self.cut.hop), self.cut.rate)
        )

    def begin(self, item: Any, grid: tuple[int, ...]) -> Tensor:
        """float [M, T]: a given recording as frames, cut or with silence behind."""
        try:
            sound = trimmed(self._given(item).open())
        except DataError as error:
            raise RequestError(f"the given recording: {error}") from None
        if not sound.samples.shape[1]:
            raise RequestError("the given recording is silent: give one that is heard")
        return self.scaled(_sized(self.mel(sound), grid[0]))

    # --- meaning ----------------------------------------------------------------------------------

    def captions(self, items: Iterable[Any]) -> list[str] | None:
        """What is said, within a mark of who says it."""
        found = [self._given(item) for item in items]
        texts = [voiced(one.caption or "", one.voice) for one in found]
        return texts if any(texts) else None

    def worded(self, prompt: str | None, where: Any) -> str | None:
        """A prompt that says the voice, too."""
        return said_by(prompt, where, self.voices)

    def condition(self, prompt: str | None, where: Any) -> Condition:
        if where:
            raise RequestError(f"where={where!r}: this model has no voices to choose from")
        return Condition()

    def called(self, items: Iterable[Any], caption: str) -> list[Any]:
        """The recordings; those without a caption get this one."""
        return called(items, caption)

    def natural_side(self, items: Sequence[Any]) -> None:
        """Sounds have no sides in pixels."""

    def features(self, items: Iterable[Any]) -> Tensor:
        """float [N, 4 M]: means and deviations of each band, and of how it changes."""
        found = [self._given(item) for item in items]
        return torch.stack(each(lambda one: _features(self.scaled(self.mel(one.open()))), found))

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


TOP = 6.0  # logarithm of a mel magnitude that no sound within full scale exceeds


def _sized(mel: Tensor, length: int) -> Tensor:
    return torch.nn.functional.pad(
        mel[:, :length], (0, max(0, length - mel.shape[1])), value=math.log(FLOOR)
    )


def _features(x: Tensor) -> Tensor:
    change = x.diff(dim=1) if x.shape[1] > 1 else torch.zeros_like(x)
    parts = (x.mean(1), x.std(1, correction=0), change.abs().mean(1), change.std(1, correction=0))
    return torch.cat(parts)


def _usual(rate: int) -> int:
    """The nearest usual rate below, or the lowest."""
    return max((r for r in USUAL_RATES if r <= rate), default=USUAL_RATES[0])
