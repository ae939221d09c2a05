"""A transformer from a noisy array and a time to a prediction of the array's own shape.

Patches of any grid (1 to 3 axes) become tokens; the prompt stands before them in the same
sequence, and its pooled vector joins the time in the adaptive norms (Peebles & Xie 2023).
Shape legend: B items, C channels, L patches, P prompt positions, D width.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import ClassVar

import torch
from torch import Tensor, nn

from genloom.net.attention import FullAttention
from genloom.net.layers import Linear, initialise
from genloom.net.prompt_encoder import PromptEncoder
from genloom.net.time import TimeEmbedding
from genloom.net.transformer import Transformer, TransformerConfig
from genloom.spec import ArraySpec, Spec, TokenSpec


@dataclass(frozen=True, kw_only=True)
class DiffusionTransformerConfig(TransformerConfig):
    modulated: bool = True
    width: int = 192
    depth: int = 6
    heads: int = 6
    patch: int = 4
    prompt_depth: int = 1


class DiffusionTransformer(nn.Module):
    """x [B, C, *grid], time [B], prompt ids [B, P] or None -> [B, C, *grid]."""

    kind: ClassVar[str] = "diffusion_transformer"
    carries: ClassVar[type] = ArraySpec
    fills: ClassVar[frozenset[str]] = frozenset({"net"})
    Config = DiffusionTransformerConfig

    def __init__(
        self, config: DiffusionTransformerConfig, spec: Spec, prompt: TokenSpec | None
    ) -> None:
        super().__init__()
        assert isinstance(spec, ArraySpec)
        if any(side % config.patch for side in spec.grid) or not spec.grid:
            raise ValueError(f"patch {config.patch} must divide each side of the grid {spec.grid}")
        width = config.width
        self.patch, self.spec = config.patch, spec
        self.cells = tuple(side // config.patch for side in spec.grid)
        values = spec.channels * config.patch ** len(spec.grid)
        self.into = Linear(values, width)
        self.time = TimeEmbedding(width)
        self.prompt = PromptEncoder(prompt, width, config.prompt_depth) if prompt else None
        self.modulation = Linear(width, 6 * width)
        self.final = Linear(width, 2 * width)
        self.transformer = Transformer(config, axes=len(self.cells))
        self.out = Linear(width, values)
        for part in (self.into, self.time):
            initialise(part)
        initialise(self.out, zero=(self.out, self.modulation, self.final))
        grid = torch.meshgrid(*(torch.arange(n) for n in self.cells), indexing="ij")
        place = torch.stack(grid, -1).flatten(0, -2) + 1  # prompts sit on the corner (0, 0)
        self.register_buffer("place", place[None], persistent=False)

    def forward(self, x: Tensor, time: Tensor, prompt: Tensor | None = None) -> Tensor:
        h, c = self.into(self._patches(x)), self.time(time)
        position, present, extra = self.place, None, 0
        if self.prompt is not None and prompt is not None:
            words, there, pooled = self.prompt(prompt)
            c, extra = c + pooled, words.shape[1]
            if extra > 1:
                h = torch.cat((words, h), 1)
                corner = position.new_zeros(1, extra, position.shape[-1])
                position = torch.cat((corner, position), 1)
                seen = there.new_ones(len(x), self.place.shape[1])
                present = torch.cat((there, seen), 1)
            else:
                extra = 0
        c = nn.functional.silu(c)
        h = self.transformer(h, position, FullAttention(present), self.modulation(c)[:, None])
        shift, scale = self.final(c)[:, None].chunk(2, -1)
        return self._grid(self.out(h[:, extra:] * (1 + scale) + shift))

    def _patches(self, x: Tensor) -> Tensor:
        """[B, C, *grid] -> [B, L, C * patch^axes]."""
        axes = len(self.cells)
        cut = x.reshape(len(x), -1, *(n for side in self.cells for n in (side, self.patch)))
        order = (0, *range(2, 2 + 2 * axes, 2), 1, *range(3, 3 + 2 * axes, 2))
        return cut.permute(order).reshape(len(x), prod(self.cells), -1)

    def _grid(self, h: Tensor) -> Tensor:
        """The inverse of `_patches`."""
        axes = len(self.cells)
        cut = h.reshape(len(h), *self.cells, self.spec.channels, *(self.patch,) * axes)
        order = [0, 1 + axes]
        for axis in range(axes):
            order += [1 + axis, 2 + axes + axis]
        return cut.permute(order).reshape(len(h), *self.spec.shape)
