"""Sounds <-> samples as they are, and what is told of them: their mel frames.

A training sees windows of every recording, drawn anew for each batch; made and read are sounds of
any length. Knows samples, no net that makes them.
Shape legend: B items, M mel bands, N samples, T frames.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import torch
from torch import Generator, Tensor

from genloom.codec.base import Condition
from genloom.codec.saving import load_json, save_json
from genloom.codec.sound.heard import Heard, sized
from genloom.codec.sound.recordings import Recording, as_recording, each
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.sound.phases import waves_of_mel
from genloom.sound.wave import Sound
from genloom.spec import ArraySpec

OPTIONS = ("samples", "rate", "window", "hop", "bands", "seconds")
MIDDLE, SPREAD = -5.0, 3.0  # of the logarithms of mel bands in speech, so that nets see about 1


class WavesCodec(Heard):
    """Recordings as samples.

    samples  of a training window; as many as whole frames have are taken
    control  "mel": the net is told the mel frames of what it makes; "": nothing
    rate, window, hop, bands, seconds: as the codec `sound` has them
    """

    kind: ClassVar[str] = "waves"
    compares: ClassVar[bool] = False  # what is heard of windows is the family's own error
    carries: ClassVar[type] = ArraySpec
    draws: ClassVar[bool] = True  # windows of its items, in training

    def __init__(
        self,
        *,
        samples: int = 8192,
        control: Literal["mel", ""] = "",
        rate: int = 0,
        window: int = 0,
        hop: int = 0,
        bands: int = 80,
        seconds: float = 0.0,
    ) -> None:
        if control not in ("mel", ""):
            raise RecipeError(f"codec.control is {control!r}: use mel, or leave it out")
        if not 64 <= samples <= 1 << 20:
            raise RecipeError(f"codec.samples is {samples}: 64 to {1 << 20} is expected")
        self.samples, self.control_option = samples, control
        super().__init__(rate, window, hop, bands, seconds)
        self.lengths: tuple[int, ...] = ()  # in samples, of which recordings are laid

    @property
    def tells(self) -> bool:
        return self.control_option == "mel"

    @property
    def spec(self) -> ArraySpec:
        hop = self.cut.hop
        grid = (max(1, self.samples // hop) * hop,)
        if not self.tells:
            return ArraySpec(grid=grid, channels=1)
        return ArraySpec(grid=grid, channels=1, control=self.cut.bands, stride=hop)

    # --- tensors ----------------------------------------------------------------------------------

    def fit(self, items: Sequence[Any]) -> None:
        """The rate and the lengths."""
        every = [self._given(item) for item in items]
        self.settled(every)
        (window,) = self.spec.grid
        hop = self.cut.hop
        self.lengths = tuple(sorted({max(window, n * hop) for n in self.suited(every)}))

    def encode(self, items: Iterable[Any]) -> list[Tensor]:
        """float [1, N] each, silence behind where the next length is longer; what is longer than
        the longest is cut."""
        return each(self._array, [self._given(item) for item in items])

    def _array(self, recording: Recording) -> Tensor:
        frames = -(-self.lengths[-1] // self.cut.hop)
        x = self.mono(self.first(recording.open(), frames))
        length = next((n for n in self.lengths if n >= len(x)), self.lengths[-1])
        return sized(x, length)[None]

    def told(self, x: Tensor, rng: Generator) -> tuple[Tensor, Tensor | None]:
        """A window of each of [B, 1, N], and its mel frames [B, M, T] where these are told."""
        (window,) = self.spec.grid
        last = (_ends(x) - window).clamp(min=0)
        begin = (torch.rand(len(x), generator=rng) * (last + 1)).long()
        rows = torch.stack([x[n, :, b : b + window] for n, b in enumerate(begin.tolist())])
        return rows, self._of(rows[:, 0]) if self.tells else None

    def _of(self, x: Tensor) -> Tensor:
        """float [..., M, T]: what is told of samples [..., N]."""
        return self.scaled(self.cut.mel(x))

    def decode(self, x: Sequence[Tensor] | Tensor) -> list[Sound]:
        return [self._sound(torch.nan_to_num(one.detach().float().cpu())) for one in x]

    def _sound(self, x: Tensor) -> Sound:
        return Sound(x.clamp(-1, 1), self.cut.rate)

    # --- at use -----------------------------------------------------------------------------------

    def grid_told(self, given: Any) -> tuple[int, ...]:
        """The samples of what is told: whole frames."""
        if isinstance(given, Tensor):
            return (given.shape[-1] * self.cut.hop,)
        return self.grid_near(given)

    def control(self, given: Any, grid: Sequence[int], fresh: Tensor | None = None) -> Tensor:
        """float [M, T] of a sound; a tensor is what is told already."""
        if fresh is not None:
            raise RequestError("sounds have no holes that a mask shows: leave it out")
        if not isinstance(given, Tensor):
            return self._of(self.begin(given, grid)[0])
        places = (self.cut.bands, grid[0] // self.cut.hop)
        if tuple(given.shape) != places or not bool(given.isfinite().all()):
            raise RequestError(
                f"the control is a tensor of the shape {tuple(given.shape)}, but {places} of "
                "finite numbers is expected"
            )
        return given.float()

    def control_of(self, item: Tensor, fresh: Tensor | None = None) -> Tensor:
        """The same of samples [1, N]."""
        return self._of(item[0])

    def grid_near(self, item: Any) -> tuple[int, ...]:
        """The samples of an item, up to whole frames."""
        hop = self.cut.hop
        count = len(self.mono(_opened(self._given(item))))
        return (max(1, math.ceil(count / hop)) * hop,)

    def begin(self, item: Any, grid: Sequence[int]) -> Tensor:
        """float [1, N]: any sound, cut or with silence behind."""
        return sized(self.mono(_opened(self._given(item))), grid[0])[None]

    def shown(self, control: Tensor) -> Sound:
        """What is told [M, T] as a sound, by the slow way."""
        waves = waves_of_mel(self.cut, self.unscaled(control))
        return Sound(waves.clamp(-1, 1)[None], self.cut.rate)

    # --- meaning ----------------------------------------------------------------------------------

    def captions(self, items: Iterable[Any]) -> list[str] | None:
        texts = [self._given(item).caption or "" for item in items]
        return texts if any(texts) else None

    def condition(self, prompt: str | None, where: Any) -> Condition:
        if where:
            raise RequestError(f"where={where!r}: this model has no fields to choose by")
        return Condition()

    def scaled(self, mel: Tensor) -> Tensor:
        """What is told of mel frames in logarithms, float [..., M, T]."""
        return (mel - MIDDLE) / SPREAD

    def unscaled(self, told: Tensor) -> Tensor:
        """The inverse of `scaled`."""
        return told * SPREAD + MIDDLE

    # --- disk -------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        options = {name: getattr(self, name) for name in OPTIONS}
        learnt = {"control": self.control_option, "learnt_rate": self.cut.rate}
        save_json(folder, self.kind, {**options, **learnt, "lengths": list(self.lengths)})

    @classmethod
    def load(cls, folder: Path) -> Self:
        learnt = ("learnt_rate", "lengths")
        values = load_json(folder, cls.kind, frozenset({*OPTIONS, "control", *learnt}))
        rate, lengths = (values.pop(name) for name in learnt)
        try:
            codec = cls(**values)
            codec._settle(int(rate))
            codec.lengths = tuple(int(n) for n in lengths)
        except (RecipeError, TypeError, ValueError) as error:
            raise ModelError(f"{folder} holds illegal options ({error}): restore it") from None
        if not codec.lengths or min(codec.lengths) < 1:
            raise ModelError(f"{folder}: lengths are damaged; restore the model folder")
        return codec


def _opened(recording: Recording) -> Sound:
    try:
        return as_recording(recording).open()
    except DataError as error:
        raise RequestError(f"the sound that is given: {error}") from None


def _ends(x: Tensor) -> Tensor:
    """long [B]: where each of [B, 1, N] falls silent for good."""
    there = (x[:, 0] != 0).flip(1)
    last = x.shape[2] - there.int().argmax(1)
    return torch.where(there.any(1), last, torch.zeros_like(last))
