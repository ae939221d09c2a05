"""Changes of arrays that gradients pass through, for critics that would learn few items by heart.

Real and made items are changed alike (Zhao et al. 2020, DiffAugment); each change happens to an
item with a chance below one, so that the generator does not learn to make changed items (Karras et
al. 2020, ADA, section 2.2). Knows grids and channels, not what is drawn.
Shape legend: B items, C channels, K channels of the control.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

KINDS = ("move", "flip", "colour", "hide")
MOVED = 0.125  # of a side, at most
HIDDEN = 0.5  # of a side
COLOURS = 3  # of the channels, the first: what follows is no colour, such as transparency


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What is to happen to each of B items, drawn once and done to real and made ones alike.

    Every field is float [B, ...]: how far, 0 for an item that stays as it is.
    """

    moved: Tensor  # [B, axes], shares of MOVED
    flipped: Tensor  # [B], 1 where the last axis is turned round
    light: Tensor  # [B], is added
    contrast: Tensor  # [B], 1 + this times the distance from the item's mean
    saturation: Tensor  # [B], 1 + this times the distance from grey
    hidden: Tensor  # [B], 1 where a part is hidden
    place: Tensor  # [B, axes], in [0, 1): the middle of the hidden part

    @classmethod
    def draw(cls, x: Tensor, rng: Generator, share: float, kinds: Sequence[str] = KINDS) -> Changes:
        """share: the chance of each kind for each item."""
        count, axes = len(x), x.dim() - 2
        draws = torch.rand(count, 2 * axes + 3, generator=rng, device=rng.device)
        happens = torch.rand(count, len(KINDS), generator=rng, device=rng.device) < share
        asked = torch.tensor([kind in kinds for kind in KINDS], device=rng.device)
        on = (happens & asked).float()
        draws, on = draws.to(x.device), on.to(x.device)
        signed = 2 * draws - 1
        light, contrast, saturation = signed[:, 2 * axes :].unbind(1)
        return cls(
            moved=signed[:, :axes] * on[:, :1],
            flipped=on[:, 1],
            light=0.5 * light * on[:, 2],
            contrast=0.5 * contrast * on[:, 2],
            saturation=saturation * on[:, 2],
            hidden=on[:, 3],
            place=draws[:, axes : 2 * axes],
        )

    def all_of(self, x: Tensor) -> Tensor:
        """x [B, C, *grid] changed in every way."""
        return self.hide(self.place_of(self.colour(x)))

    def place_of(self, x: Tensor) -> Tensor:
        """Moved and turned round; what comes in from outside is the edge again."""
        for axis, side in enumerate(x.shape[2:]):
            at = torch.arange(side, device=x.device).expand(len(x), side)
            if axis == x.dim() - 3:
                at = torch.where(self.flipped[:, None] > 0, side - 1 - at, at)
            at = at + (self.moved[:, axis, None] * MOVED * side).round().long()
            shape = [len(x), *(1,) * (x.dim() - 1)]
            shape[axis + 2] = side
            x = x.gather(axis + 2, at.clamp(0, side - 1).reshape(shape).expand(x.shape))
        return x

    def colour(self, x: Tensor) -> Tensor:
        """Light, contrast and saturation of the first channels."""
        seen, rest = x[:, :COLOURS], x[:, COLOURS:]

        def each(values: Tensor) -> Tensor:
            return values.reshape(-1, *(1,) * (x.dim() - 1))

        grey = seen.mean(1, keepdim=True)
        seen = grey + (seen - grey) * each(1 + self.saturation)
        middle = seen.flatten(1).mean(1).reshape(-1, *(1,) * (x.dim() - 1))
        seen = middle + (seen - middle) * each(1 + self.contrast) + each(self.light)
        return torch.cat((seen, rest), 1)

    def hide(self, x: Tensor) -> Tensor:
        """A part, half as long as the item on every axis, becomes zero."""
        inside = torch.ones(len(x), 1, *(1,) * (x.dim() - 2), device=x.device)
        for axis, side in enumerate(x.shape[2:]):
            at = (torch.arange(side, device=x.device) + 0.5) / side
            near = (at - self.place[:, axis, None]).abs() < HIDDEN / 2
            shape = [len(x), *(1,) * (x.dim() - 1)]
            shape[axis + 2] = side
            inside = inside * near.reshape(shape)
        hidden = self.hidden.reshape(-1, *(1,) * (x.dim() - 1))
        return x * (1 - inside * hidden)
