"""What a net is told of a picture besides a prompt: its edges, a coarse, grey, damaged or masked
version, or a picture that lies beside it (a depth map, segments).

Drawn anew at every step from the batch's own generator; at use made from the picture that is given.
Knows arrays only: opening pictures is the business of image.py, the damage itself of damage.py.
Shape legend: B items, C channels of pictures, K channels told, H rows, W columns; values [-1, 1].
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol

import torch
from torch import Generator, Tensor
from torch.nn import functional as F

from genloom.codec.image.damage import damaged, holes
from genloom.configure import check_keys, configure
from genloom.errors import RecipeError

LUMINANCE = (0.299, 0.587, 0.114)  # ITU-R BT.601
DRAWN = 0.98  # share of pixels that are black or white in what is taken as a drawing of edges


class Control(Protocol):
    """beside: it lies beside the picture. factor: sides of the picture for one of what is given.
    follows: what is made has the size of what is given, times the factor."""

    kind: ClassVar[str]
    beside: ClassVar[bool]
    follows: ClassVar[bool]

    @property
    def factor(self) -> int: ...

    def channels(self, count: int) -> int:
        """K, of pictures of `count` channels."""

    def told(self, x: Tensor, rng: Generator) -> Tensor:
        """[B, K, H, W] in training, of pictures [B, C, H, W]."""

    def of(self, given: Tensor, fresh: Tensor | None) -> Tensor:
        """[K, H, W] of the picture given [C, h, w]; fresh [H, W]: 1 where it is to be anew."""


@dataclass(frozen=True, kw_only=True)
class Edges:
    """Where brightness or colour changes, white on black (Sobel & Feldman 1968), softly saturated.
    A drawing in black and white is taken as the edges themselves."""

    kind: ClassVar[str] = "edges"
    beside: ClassVar[bool] = False
    follows: ClassVar[bool] = False
    factor: ClassVar[int] = 1

    gain: float = 1.5

    def channels(self, count: int) -> int:
        return 1

    def told(self, x: Tensor, rng: Generator) -> Tensor:
        return edges(x, self.gain)

    def of(self, given: Tensor, fresh: Tensor | None) -> Tensor:
        drawing = drawn(given)
        return edges(given[None], self.gain)[0] if drawing is None else drawing


@dataclass(frozen=True, kw_only=True)
class Coarse:
    """The picture in fewer pixels, for enlarging it. factor: of a side. by: the mean of each
    square, or a bicubic filter. damage: blur, noise and blocks besides, 0 none, 1 strong."""

    kind: ClassVar[str] = "coarse"
    beside: ClassVar[bool] = False
    follows: ClassVar[bool] = True

    factor: int = 4
    by: Literal["area", "bicubic"] = "area"
    damage: float = 0.0

    def __post_init__(self) -> None:
        if self.factor not in range(2, 17):
            raise RecipeError(f"codec.control.factor is {self.factor}: use 2 to 16")
        _within("damage", self.damage)

    def channels(self, count: int) -> int:
        return count

    def told(self, x: Tensor, rng: Generator) -> Tensor:
        return spread(self.small(x, rng), self.factor)

    def small(self, x: Tensor, rng: Generator) -> Tensor:
        """[B, C, H / factor, W / factor], in the 256 steps that files have."""
        if self.by == "area":
            small = F.avg_pool2d(x, self.factor)
        else:
            sides = [side // self.factor for side in x.shape[-2:]]
            small = F.interpolate(x, sides, mode="bicubic", antialias=True)
        if self.damage:
            small = damaged(small, self.damage, rng, scratched=False)
        return stepped(small)

    def of(self, given: Tensor, fresh: Tensor | None) -> Tensor:
        return spread(given[None], self.factor)[0]


@dataclass(frozen=True, kw_only=True)
class Grey:
    """Brightness alone, and transparency where there is any: to be coloured."""

    kind: ClassVar[str] = "grey"
    beside: ClassVar[bool] = False
    follows: ClassVar[bool] = True
    factor: ClassVar[int] = 1

    def channels(self, count: int) -> int:
        return 2 if count == 4 else 1

    def told(self, x: Tensor, rng: Generator) -> Tensor:
        return grey(x)

    def of(self, given: Tensor, fresh: Tensor | None) -> Tensor:
        return grey(given[None])[0]


@dataclass(frozen=True, kw_only=True)
class Damaged:
    """With noise, blur, blocks and scratches: to be restored. damage: 0 none, 1 strong."""

    kind: ClassVar[str] = "damaged"
    beside: ClassVar[bool] = False
    follows: ClassVar[bool] = True
    factor: ClassVar[int] = 1

    damage: float = 1.0
    scratches: bool = True

    def __post_init__(self) -> None:
        _within("damage", self.damage)

    def channels(self, count: int) -> int:
        return count

    def told(self, x: Tensor, rng: Generator) -> Tensor:
        return stepped(damaged(x, self.damage, rng, self.scratches))

    def of(self, given: Tensor, fresh: Tensor | None) -> Tensor:
        return given


@dataclass(frozen=True, kw_only=True)
class Masked:
    """With holes to be filled: the picture without what is in them, then a channel that is 1 in the
    holes and -1 outside."""

    kind: ClassVar[str] = "masked"
    beside: ClassVar[bool] = False
    follows: ClassVar[bool] = True
    factor: ClassVar[int] = 1

    def channels(self, count: int) -> int:
        return count + 1

    def told(self, x: Tensor, rng: Generator) -> Tensor:
        return _without(x, holes(x, rng).to(x.device))

    def of(self, given: Tensor, fresh: Tensor | None) -> Tensor:
        missing = torch.zeros_like(given[:1]) if fresh is None else fresh[None]
        return _without(given[None], missing[None] > 0.5)[0]


@dataclass(frozen=True, kw_only=True)
class Beside:
    """A picture that lies beside each: name_control.png, or the same name in a folder `control`.
    mode: "L" grey (depth), "RGB" colours (segments)."""

    kind: ClassVar[str] = "beside"
    beside: ClassVar[bool] = True
    follows: ClassVar[bool] = False
    factor: ClassVar[int] = 1

    mode: Literal["L", "RGB"] = "RGB"

    def channels(self, count: int) -> int:
        return 1 if self.mode == "L" else 3

    def told(self, x: Tensor, rng: Generator) -> Tensor:
        return x[:, -self.channels(0) :]

    def of(self, given: Tensor, fresh: Tensor | None) -> Tensor:
        return given


KINDS: dict[str, type] = {c.kind: c for c in (Edges, Coarse, Grey, Damaged, Masked, Beside)}


def control_of(option: str | Mapping[str, Any] | None) -> Control | None:
    """From a recipe: a name, or {"kind": name, ...} with its knobs."""
    if option is None:
        return None
    values = {"kind": option} if isinstance(option, str) else dict(option)
    kind = values.pop("kind", None)
    if kind not in KINDS:
        raise RecipeError(f"codec.control is {option!r}: use one of {', '.join(KINDS)}")
    check_keys(values, KINDS[kind].__dataclass_fields__, f"codec.control {kind}")
    made: Control = configure(KINDS[kind], values, f"codec.control {kind}")
    return made


# --- arrays ---------------------------------------------------------------------------------------


def edges(x: Tensor, gain: float) -> Tensor:
    """[B, C, H, W] -> [B, 1, H, W] from -1 (none) to 1: of all channels the steepest."""
    row = torch.tensor([1.0, 2.0, 1.0], device=x.device, dtype=x.dtype) / 8
    slope = torch.tensor([-1.0, 0.0, 1.0], device=x.device, dtype=x.dtype)
    kernels = torch.stack((row[:, None] * slope, slope[:, None] * row))[:, None]
    flat = F.pad(x, (1, 1, 1, 1), mode="replicate").flatten(0, 1)[:, None]
    steep = F.conv2d(flat, kernels).square().sum(1).sqrt()  # [B * C, H, W]
    steepest = steep.reshape(x.shape).amax(1, keepdim=True)
    return 2 * torch.tanh(2 * gain * steepest) - 1


def drawn(picture: Tensor) -> Tensor | None:
    """[1, H, W], white on black, of a picture [C, H, W] drawn in two shades; else None."""
    shade = grey(picture[None])[0, :1]
    if picture[:3].std(0).max() > 0.05 and len(picture) > 2:
        return None
    if (shade.abs() > 0.8).float().mean() < DRAWN:
        return None
    return -shade if shade.mean() > 0 else shade


def grey(x: Tensor) -> Tensor:
    """[B, 1, H, W], or [B, 2, H, W] with the transparency of [B, 4, H, W]."""
    if x.shape[1] < 3:
        return x
    shares = torch.tensor(LUMINANCE, device=x.device, dtype=x.dtype)[:, None, None]
    shade = (x[:, :3] * shares).sum(1, keepdim=True)
    return torch.cat((shade, x[:, 3:]), 1)


def spread(small: Tensor, factor: int) -> Tensor:
    """Every pixel of [B, C, h, w] as a square of factor x factor."""
    return small.repeat_interleave(factor, -2).repeat_interleave(factor, -1)


def stepped(x: Tensor) -> Tensor:
    """Rounded to the 256 steps that files have."""
    return ((x.clamp(-1, 1) + 1) * 127.5).round() / 127.5 - 1


def _without(x: Tensor, missing: Tensor) -> Tensor:
    """[B, C + 1, H, W]; missing: bool [B, 1, H, W]."""
    return torch.cat((x.masked_fill(missing, 0.0), missing.to(x) * 2 - 1), 1)


def _within(name: str, value: float) -> None:
    if not 0 <= value <= 2:
        raise RecipeError(f"codec.control.{name} is {value}: use 0 (none) to 2 (very strong)")
