"""Clips <-> arrays over time, rows and columns: any clock, size and mode in, one even form out.

Knows the arrays, the clock and what is told of known frames; where clips lie is the business
of collections.py, opening them of clips.py, writing them of files.py.
Shape legend: N clips, C channels (1 grey, 3 RGB), T frames, H rows, W columns; values [-1, 1].
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from genloom.codec.base import Condition, Reading
from genloom.codec.image.canvas import fresh as fresh_of
from genloom.codec.image.canvas import grid_of
from genloom.codec.image.files import png_bytes
from genloom.codec.image.pictures import pillow
from genloom.codec.image.resize import flattened, resized
from genloom.codec.saving import load_json, save_json, write_atomic
from genloom.codec.video import known
from genloom.codec.video.clips import Clip, as_clip, images
from genloom.codec.video.collections import called, read_clips
from genloom.codec.video.files import write_clip
from genloom.codec.video.frames import RATES, Frames
from genloom.codec.video.strips import strips
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.spec import ArraySpec

CHANNELS = {"L": 1, "RGB": 3}
SAMPLED = 64  # clips that `fit` looks at
SHOWN = 16  # clips of a preview
MOST_FRAMES, MOST_RATE = 16, 8.0  # where nothing is asked for
PIECES = 64  # of a clip that is longer, at most
OPTIONS = ("frames", "rate", "size", "mode", "fit", "background", "control")


class VideoCodec:
    """Clips as float arrays.

    frames      how many a clip has; 0: those of most clips on the clock, 16 at most
    rate        frames a second; 0: that of most clips, 8 at most
    size        side of the square frames, or (height, width)
    mode        "L" grey, "RGB"; "auto": L where every sampled frame is grey
    fit         "crop": the short side is fitted, the middle kept; "pad"; "stretch"
    background  what shows through transparency
    control     "frames": the net is told frames that are known, so that one model makes clips from
                words, goes on from a picture or a clip, and fills in between; null: nothing
    """

    kind: ClassVar[str] = "video"
    media: ClassVar[str] = "video/mp4"
    suffix: ClassVar[str] = ".mp4"
    preview_suffix: ClassVar[str] = ".png"
    compares: ClassVar[bool] = False
    conditional: ClassVar[bool] = False
    carries: ClassVar[type] = ArraySpec
    silent: ClassVar[bool] = True  # what is told may be nothing
    keeps: ClassVar[bool] = True  # what is told shows all of an item that is to stay
    brings: ClassVar[tuple[str, ...]] = (
        *("video/mp4", "video/webm", "image/gif", "image/png", "image/jpeg", "image/webp"),
    )

    def __init__(
        self,
        *,
        frames: int = 0,
        rate: float = 0.0,
        size: int | Sequence[int] = 48,
        mode: Literal["auto", "L", "RGB"] = "auto",
        fit: Literal["crop", "pad", "stretch"] = "crop",
        background: str = "white",
        control: Literal["frames"] | None = None,
    ) -> None:
        sides = (size, size) if isinstance(size, int) else tuple(size)
        if len(sides) != 2 or not all(isinstance(s, int) and 4 <= s <= 1024 for s in sides):
            raise RecipeError(f"codec.size is {size!r}: a side or (height, width), 4 to 1024 each")
        if frames and not 2 <= frames <= 1024:
            raise RecipeError(f"codec.frames is {frames}: use 2 to 1024, or 0 for those there are")
        if rate and not RATES[0] <= rate <= RATES[1]:
            raise RecipeError(f"codec.rate is {rate}: use {RATES[0]:g} to {RATES[1]:g}, or 0")
        for name, value, legal in (
            ("mode", mode, ("auto", *CHANNELS)),
            ("fit", fit, ("crop", "pad", "stretch")),
            ("control", control, ("frames", None)),
        ):
            if value not in legal:
                raise RecipeError(f"codec.{name} is {value!r}: use {' or '.join(map(str, legal))}")
        self.sides: tuple[int, int] = (sides[0], sides[1])
        self.frames, self.rate, self.size, self.mode = int(frames), float(rate), size, mode
        self.fitting, self.background, self.control_kind = fit, background, control
        self.count, self.clock = int(frames), float(rate)
        self.learnt = None if mode == "auto" else mode
        self.notes: tuple[str, ...] = ()

    @property
    def spec(self) -> ArraySpec:
        told = self._channels() + 1 if self.tells else 0
        return ArraySpec(grid=self.grid, channels=self._channels(), control=told)

    @property
    def grid(self) -> tuple[int, int, int]:
        if not self.count:
            raise DataError("codec.frames is 0 and no clips were seen: call fit or set a number")
        return (self.count, *self.sides)

    @property
    def tells(self) -> bool:
        return self.control_kind is not None

    def _channels(self) -> int:
        if self.learnt is None:
            raise DataError("codec.mode is auto and no clips were seen: call fit or set a mode")
        return CHANNELS[self.learnt]

    # --- files -----------------------------------------------------------------------------------

    def read(self, path: Path) -> Reading:
        return read_clips(path)

    def write(self, item: Any, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        """MP4, WebM, MKV, MOV, GIF and PNG sheets carry the record and return True."""
        return write_clip(as_clip(item).open(), Path(path), record)

    def preview(self, items: Iterable[Any], path: Path) -> Path:
        """A PNG sheet: a row a clip, frames evenly over its length, the caption under them."""
        some = [as_clip(item) for item, _ in zip(items, range(SHOWN), strict=False)]
        shown = [(one.frames(self.clock, self.count), one.caption or "") for one in some]
        return write_atomic(Path(path), png_bytes(strips(shown), None))

    def save(self, folder: Path) -> None:
        options = {"frames": self.frames, "rate": self.rate, "size": list(self.sides)}
        options |= {"mode": self.mode, "fit": self.fitting, "background": self.background}
        options |= {"control": self.control_kind}
        learnt = {"learnt": self.learnt, "count": self.count, "clock": self.clock}
        save_json(folder, self.kind, {**options, **learnt})

    @classmethod
    def load(cls, folder: Path) -> Self:
        values = load_json(folder, cls.kind, frozenset({*OPTIONS, "learnt", "count", "clock"}))
        learnt, count, clock = (values.pop(name) for name in ("learnt", "count", "clock"))
        try:
            codec = cls(**values)
            codec.count, codec.clock = int(count), float(clock)
            legal = learnt in CHANNELS and 2 <= codec.count <= 1024 and codec.clock > 0
        except (RecipeError, TypeError, ValueError) as error:
            raise ModelError(f"{folder} holds illegal options ({error}): restore it") from None
        if not legal:
            raise ModelError(f"{folder}: mode, count or clock are damaged: restore the folder")
        codec.learnt = learnt
        return codec

    # --- tensors ---------------------------------------------------------------------------------

    def fit(self, items: Sequence[Any]) -> None:
        """The clock, how many frames, and whether they are grey."""
        if not len(items):
            raise DataError("no clips to learn from: give at least one")
        step = max(1, len(items) // SAMPLED)
        some = [as_clip(items[n]) for n in range(0, len(items), step)]
        if not self.rate:
            rates = sorted(rate for one in some if (rate := one.rate()) is not None)
            if not rates:
                raise DataError(
                    "none of the clips moves, each is one picture: give films, or train an image "
                    "model"
                )
            self.clock = min(MOST_RATE, rates[len(rates) // 2])
        looks = [one.frames(self.clock, self.frames or MOST_FRAMES) for one in some]
        if not self.frames:
            counts = sorted(map(len, looks))
            self.count = max(2, counts[len(counts) // 2] // 4 * 4 or counts[-1])
        short = sum(len(one) < self.count for one in looks)
        if short:
            self.notes = (
                f"{short} of {len(looks)} clips looked at are shorter than {self.count} frames at "
                f"{self.clock:g} a second: their last frame stands to the end",
            )
        if self.mode == "auto":
            grey = all(bool((one == one[..., :1]).all()) for one in looks)
            self.learnt = "L" if grey else "RGB"

    def vary(self, items: Sequence[Any], seed: int) -> Sequence[Any]:
        """Clips that are longer than is learnt, in pieces one behind the other."""
        made: list[Any] = []
        for item in items:
            clip = as_clip(item)
            made += self._pieces(clip)
        return made

    def _pieces(self, clip: Clip) -> list[Clip]:
        rate = self.rate or min(MOST_RATE, clip.rate() or MOST_RATE)
        long, whole = (self.frames or MOST_FRAMES) / rate, clip.seconds()
        count = 1 if whole is None else max(1, min(PIECES, int(whole / long + 1e-6)))
        step = 0.0 if whole is None else max(long, whole / count)  # evenly over all of it
        return [clip if not n else clip.later(clip.begin + n * step) for n in range(count)]

    def encode(self, items: Iterable[Any]) -> Tensor:
        """float [N, C, T, H, W] within [-1, 1]."""
        clips = [as_clip(item) for item in items]
        out = torch.empty(len(clips), self._channels(), *self.grid)
        for n, clip in enumerate(clips):
            out[n] = self._array(clip.frames(self.clock, self.count))
        return out

    def _array(self, frames: np.ndarray, sides: Sequence[int] | None = None) -> Tensor:
        """float [C, T, H, W] of frames [t, h, w, c]; the last of fewer than T stands to the end."""
        pixels = self._sized(frames, sides or self.sides)
        if len(pixels) < self.count:
            last = pixels[-1:].repeat(self.count - len(pixels), 0)
            pixels = np.concatenate((pixels, last))
        return torch.from_numpy(pixels.copy()).permute(3, 0, 1, 2).float() / 127.5 - 1

    def _sized(self, frames: np.ndarray, sides: Sequence[int]) -> np.ndarray:
        """uint8 [T, H, W, C] in the codec's mode and this size."""
        channels = self._channels()
        if frames.shape[1:3] == tuple(sides) and channels >= frames.shape[3]:
            return frames if frames.shape[3] == channels else frames.repeat(3, 3)
        if frames.shape[1:3] == tuple(sides) and bool((frames == frames[..., :1]).all()):
            return frames[..., :1]
        size = (sides[1], sides[0])
        mode = str(self.learnt)
        made = [
            resized(flattened(i, mode, self.background), size, self.fitting) for i in images(frames)
        ]
        return np.stack([np.asarray(one).reshape(*sides, channels) for one in made])

    def decode(self, x: Sequence[Tensor] | Tensor) -> list[Clip]:
        """Clips of arrays [N, C, T, H, W]; what lies outside [-1, 1] is clamped."""
        return [Clip(self._frames(one)) for one in x]

    def _frames(self, one: Tensor) -> Frames:
        values = torch.nan_to_num(one.detach().float().cpu(), nan=-1.0).clamp(-1, 1)
        pixels = ((values + 1) * 127.5).round().to(torch.uint8).permute(1, 2, 3, 0)
        return Frames(pixels.contiguous().numpy(), self.clock)

    # --- known frames ----------------------------------------------------------------------------

    def told(self, x: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        return x, known.told(x, rng)

    def grid_of(self, size: tuple[int, int]) -> tuple[int, ...]:
        return (self.count, *grid_of(size))

    def begin(self, item: Any, grid: tuple[int, ...]) -> Tensor:
        """float [C, T, H, W] of a picture or a clip: its frames at their own times, each standing
        until the next. Of a clip that is as long as what is made or longer, the last half is the
        beginning of what goes on from it."""
        found = self._placed(item)
        ticks = sorted(found)
        held = [
            found[max(t for t in (ticks[0], *ticks) if t <= max(n, ticks[0]))]
            for n in range(grid[0])
        ]
        shape = held[0].shape
        if any(one.shape != shape for one in held):
            raise RequestError("the given clip has frames of several sizes: give one of one size")
        return self._array(np.stack(held), grid[1:])

    def holes(self, item: Any, grid: tuple[int, ...]) -> Tensor | None:
        """float [T, H, W]: 1 in the frames that the given clip does not have; None for none."""
        missing = torch.ones(grid)
        for tick in self._placed(item):
            missing[tick] = 0.0
        return missing if bool(missing.any()) else None

    def fresh(self, mask: Any, grid: tuple[int, ...], item: Any) -> Tensor:
        """float [T, H, W]: 1 where the mask, a picture, is white, in every frame; and in frames
        that the given clip does not have."""
        first = pillow().fromarray(as_clip(item).first().squeeze())
        plane = fresh_of(mask, grid[1:], self.fitting, first)[None].expand(grid)
        missing = self.holes(item, grid)
        return plane.clone() if missing is None else torch.maximum(plane, missing)

    def control_of(self, item: Tensor, fresh: Tensor | None = None) -> Tensor:
        """float [K, T, H, W]; where nothing of the item is to stay, nothing is told."""
        there = torch.zeros(item.shape[1:]) if fresh is None else 1 - fresh
        return known.shown(item[None], there[None])[0]

    def control(self, given: Any, grid: Sequence[int]) -> Tensor:
        """The same of a given clip, or of what is told already."""
        if not isinstance(given, Tensor):
            at = tuple(grid)
            missing = self.holes(given, at)
            return self.control_of(
                self.begin(given, at), torch.zeros(at) if missing is None else missing
            )
        shape = (self._channels() + 1, *grid)
        if tuple(given.shape) != shape or not bool(given.isfinite().all()):
            raise RequestError(
                f"the control is a tensor of the shape {tuple(given.shape)}, but {shape} of finite "
                "numbers is expected"
            )
        return given.float()

    def shown(self, control: Tensor) -> Clip:
        """What is told as a clip to look at; grey where nothing is."""
        return Clip(self._frames(control[:-1]), "told")

    def _placed(self, item: Any) -> dict[int, np.ndarray]:
        try:
            return as_clip(item).placed(self.clock, self.count)
        except DataError as error:
            raise RequestError(f"the given clip: {error}", param="item") from None

    # --- meaning ---------------------------------------------------------------------------------

    def captions(self, items: Iterable[Any]) -> list[str] | None:
        texts = [as_clip(item).caption for item in items]
        return [text or "" for text in texts] if any(texts) else None

    def called(self, items: Iterable[Any], caption: str) -> list[Clip]:
        """The clips; those without a caption get this one."""
        return called([as_clip(item) for item in items], caption)

    def condition(self, prompt: str | None, where: Any) -> Condition:
        if where is not None:
            raise RequestError(f"clips have no columns to set: where={where!r}; use a prompt")
        return Condition()

    def natural_side(self, items: Sequence[Any]) -> int:
        """The usual shorter side, a multiple of eight, from 16 to 64."""
        step = max(1, len(items) // SAMPLED)
        sides = sorted(min(as_clip(items[n]).first().shape[:2]) for n in range(0, len(items), step))
        return max(16, min(64, sides[len(sides) // 2] // 8 * 8))

    def features(self, items: Iterable[Any]) -> Tensor:
        """float [N, F]: frames averaged to at most 4 x 12 x 12."""
        count, height, width = self.grid
        sides = (min(4, count), min(12, height), min(12, width))
        return F.adaptive_avg_pool3d(self.encode(items), sides).flatten(1)

    def compare(self, real: Any, made: Any) -> dict[str, float]:
        return {}
