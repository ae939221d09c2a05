"""Sounds <-> mel frames: any rate, length and number of channels in, one form out.

Frames are natural logarithms of mel magnitudes, brought to mean 0 and deviation 1/2 over the data.
The way back is a trained vocoder that lies within the codec, or Griffin-Lim where there is none.
What is said and by whom becomes the prompt. Knows sounds, no net that makes frames.
Shape legend: N items, M mel bands, T frames.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from genloom.codec.base import Condition
from genloom.codec.prompt.voiced import said_by, voiced
from genloom.codec.saving import load_json, save_json
from genloom.codec.sound.heard import Heard, sized
from genloom.codec.sound.recordings import Recording, as_recording, each
from genloom.codec.sound.vocoding import Vocoder
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.sound.joining import heard, trimmed
from genloom.sound.phases import waves_of_mel
from genloom.sound.spectra import FLOOR, Frames
from genloom.sound.wave import Sound
from genloom.spec import ArraySpec

OPTIONS = ("rate", "window", "hop", "bands", "seconds", "vocoder")
SPREAD = 0.5  # deviation of what is learnt


class SoundCodec(Heard):
    """Recordings as mel frames.

    rate     samples a second; 0: that of most recordings, 48,000 at most
    window   samples of a frame; 0: 64 ms at most, the power of two below
    hop      samples from frame to frame; 0: a quarter of the window
    bands    mel bands
    seconds  longest sound; 0: that of the longest recording, 20 at most
    vocoder  folder of a model made by `genloom train vocoder`, whose frames are taken; "" for
             Griffin-Lim
    """

    kind: ClassVar[str] = "sound"
    compares: ClassVar[bool] = True
    carries: ClassVar[type] = ArraySpec
    lossy: ClassVar[bool] = True
    models: ClassVar[tuple[str, ...]] = ("vocoder",)

    def __init__(
        self,
        *,
        rate: int = 0,
        window: int = 0,
        hop: int = 0,
        bands: int = 80,
        seconds: float = 0.0,
        vocoder: str = "",
    ) -> None:
        super().__init__(rate, window, hop, bands, seconds)
        self.vocoder = vocoder
        self._vocoder: Vocoder | None = None
        self.lengths: tuple[int, ...] = ()
        self.mean, self.deviation = 0.0, 1.0
        self.voices: tuple[str, ...] = ()

    @property
    def spec(self) -> ArraySpec:
        if self.frames is None or not self.lengths:
            raise DataError("no recordings were seen yet: call fit first")
        grids = tuple((length,) for length in self.lengths) if len(self.lengths) > 1 else ()
        return ArraySpec(grid=(self.lengths[-1],), channels=self.cut.bands, grids=grids)

    # --- files ------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        options = {name: getattr(self, name) for name in OPTIONS}
        learnt = {"learnt_rate": self.cut.rate, "lengths": list(self.lengths)}
        learnt |= {"mean": self.mean, "deviation": self.deviation, "voices": list(self.voices)}
        save_json(folder, self.kind, {**options, **learnt})
        if self._vocoder is not None:
            self._vocoder.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        learnt = ("learnt_rate", "lengths", "mean", "deviation", "voices")
        values = load_json(folder, cls.kind, frozenset({*OPTIONS, *learnt}))
        rate, lengths, mean, deviation, voices = (values.pop(name) for name in learnt)
        try:
            codec = cls(**values)
            codec._vocoder = Vocoder.load(folder) if codec.vocoder else None
            codec.frames = codec._adopted()
            if codec.frames is None:
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

    # --- tensors ----------------------------------------------------------------------------------

    def fit(self, items: Sequence[Any]) -> None:
        """The rate, the lengths, the scale and the voices."""
        every = [as_recording(item) for item in items]
        self._vocoder = Vocoder.of(Path(self.vocoder)) if self.vocoder else None
        sounds = self.settled(every, self._adopted())
        self.lengths = self.suited(every)
        told = torch.cat([self._even(sound).flatten() for sound in sounds])
        self.mean, self.deviation = float(told.mean()), max(float(told.std()), 1e-3)
        self.voices = tuple(sorted({one.voice for one in every if one.voice}))

    def _adopted(self) -> Frames | None:
        """The vocoder's frames, where there is one. RecipeError where others were asked for."""
        if self._vocoder is None:
            return None
        frames = self._vocoder.frames
        for name in ("rate", "window", "hop"):
            asked, has = getattr(self, name), getattr(frames, name)
            if asked and asked != has:
                raise RecipeError(
                    f"codec.{name} is {asked}, but the vocoder has {has}: leave it out"
                )
        return frames

    def encode(self, items: Iterable[Any]) -> list[Tensor]:
        """float [M, T] each, silence behind where the next length is longer; what is longer than
        the longest is cut."""
        return each(self._array, [self._given(item) for item in items])

    def _array(self, recording: Recording) -> Tensor:
        return self.scaled(self._even(recording.open()))

    def _even(self, sound: Sound) -> Tensor:
        """Frames of one of the lengths."""
        mel = self.mel(self.first(sound, self.lengths[-1]))
        length = next((n for n in self.lengths if n >= mel.shape[1]), self.lengths[-1])
        return sized(mel, length, math.log(FLOOR))

    def scaled(self, mel: Tensor) -> Tensor:
        return (mel - self.mean) / self.deviation * SPREAD

    def unscaled(self, x: Tensor) -> Tensor:
        return x / SPREAD * self.deviation + self.mean

    def decode(self, x: Sequence[Tensor] | Tensor) -> list[Sound]:
        """Sounds, without the silence around them."""
        return [self.placed(one)[0] for one in x]

    def placed(self, one: Tensor) -> tuple[Sound, float]:
        """A sound without the silence around it, and the seconds that were cut before it."""
        mel = self.unscaled(torch.nan_to_num(one.detach().float().cpu()))
        mel = mel.clamp(math.log(FLOOR), TOP)
        waves = waves_of_mel(self.cut, mel) if self._vocoder is None else self._vocoder.waves(mel)
        sound = Sound(waves.clamp(-1, 1)[None], self.cut.rate)
        begin, end = heard(sound)
        if begin == end:
            return Sound(torch.zeros(1, self.cut.hop), self.cut.rate), 0.0
        return Sound(sound.samples[:, begin:end], self.cut.rate), begin / self.cut.rate

    def second(self, frame: float) -> float:
        """When a frame begins."""
        return frame * self.cut.hop / self.cut.rate

    def even(self, items: Iterable[Any]) -> Tensor:
        """float [N, 1, M, T]: frames as pictures of one size, for judges: the usual length, or as
        much of it as LOOKED takes; silence behind what is shorter."""
        length = min(LOOKED, self.lengths[len(self.lengths) // 2])
        silence = math.log(FLOOR)

        def seen(recording: Recording) -> Tensor:
            return self.scaled(sized(self.mel(recording.open()), length, silence))

        return torch.stack(each(seen, [self._given(item) for item in items]))[:, None]

    def begin(self, item: Any, grid: tuple[int, ...]) -> Tensor:
        """float [M, T]: a given recording as frames, cut or with silence behind."""
        try:
            sound = trimmed(self._given(item).open())
        except DataError as error:
            raise RequestError(f"the given recording: {error}", param="item") from None
        if not sound.samples.shape[1]:
            raise RequestError(
                "the given recording is silent: give one that is heard", param="item"
            )
        return self.scaled(sized(self.mel(sound), grid[0], math.log(FLOOR)))

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


LOOKED = 160  # frames that a judge looks at, at most
TOP = 6.0  # logarithm of a mel magnitude that no sound within full scale exceeds
