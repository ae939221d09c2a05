"""A transformer from a noisy array and a time to a prediction of the array's own shape.

Patches of any grid (1 to 3 axes) become tokens; the prompt stands before them in the same
sequence, and its pooled vector joins the time in the adaptive norms (Peebles & Xie 2023). What is
told of the array besides (K channels on its grid) is added patch by patch, from a map that begins
at zero.
Shape legend: B items, C channels, K control channels, L patches, P prompt positions, D width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from math import prod
from typing import ClassVar

import torch
from torch import Tensor, nn

from genloom.net.attention import Attention, FullAttention
from genloom.net.axial_attention import AxialAttention
from genloom.net.layers import Linear, initialise
from genloom.net.prompt_encoder import PromptEncoder
from genloom.net.time import TimeEmbedding
from genloom.net.transformer import Transformer, TransformerConfig
from genloom.spec import ArraySpec, PromptSpec, Spec


@dataclass(frozen=True, kw_only=True)
class DiffusionTransformerConfig(TransformerConfig):
    modulated: bool = True
    width: int = 192
    depth: int = 6
    heads: int = 6
    patch: int = 4
    patches: tuple[int, ...] = ()  # along each axis of the grid, where these differ
    axial: bool = False  # layers see a slice of the first axis, or the line along it, in turns
    prompt_depth: int = 1
    own_modulation: bool = False  # each layer has a projection of its own (Peebles & Xie 2023)


class DiffusionTransformer(nn.Module):
    """x [B, C, *grid], time [B], prompt ids [B, P] or None, control [B, K, *grid] or None ->
    [B, C, *grid], of any grid whose sides the patch divides."""

    kind: ClassVar[str] = "diffusion_transformer"
    carries: ClassVar[type] = ArraySpec
    fills: ClassVar[frozenset[str]] = frozenset({"net"})
    adapts: ClassVar[tuple[str, ...]] = (
        *("qkv", "out", "up", "down"),
        *("into", "modulation", "final"),
    )
    hears: ClassVar[bool] = True  # what a codec tells of an item besides its prompt
    attends: ClassVar[tuple[str, ...]] = ("modulation", "final")  # learn beside a new control
    Config = DiffusionTransformerConfig

    def __init__(
        self, config: DiffusionTransformerConfig, spec: Spec, prompt: PromptSpec | None
    ) -> None:
        super().__init__()
        assert isinstance(spec, ArraySpec)
        cut = config.patches or (config.patch,) * len(spec.grid)
        if len(cut) != len(spec.grid) or min(cut, default=0) < 1:
            raise ValueError(f"patches are {cut}: one for each axis of the grid {spec.grid}")
        for grid in (spec.grid, *spec.grids):
            if any(side % n for side, n in zip(grid, cut, strict=True)) or not grid:
                told = config.patch if not config.patches else "x".join(map(str, cut))
                raise ValueError(f"patch {told} must divide each side of the grid {grid}")
        if config.axial and len(spec.grid) < 2:
            raise ValueError(f"axial layers need a grid of 2 axes or more, not {spec.grid}")
        width = config.width
        self.cut, self.spec, self.axial = cut, spec, config.axial
        self.patch = max(cut[-2:])  # of the sides of pictures
        self.placed = config.rotary is None  # then places are told at the entrance
        self.axes = len(spec.grid)
        values = spec.channels * prod(cut)
        self.into = Linear(values, width)
        told = spec.control * prod(cut)
        self.control = Linear(told, width, bias=False) if told else None
        self.time = TimeEmbedding(width)
        self.prompt = PromptEncoder(prompt, width, config.prompt_depth) if prompt else None
        shares = config.depth if config.own_modulation else 1
        self.modulation = Linear(width, 6 * width * shares)
        self.final = Linear(width, 2 * width)
        self.transformer = Transformer(config, axes=self.axes)
        self.out = Linear(width, values)
        for part in (self.into, self.time):
            initialise(part)
        initialise(self.out, zero=(self.out, self.modulation, self.final))
        if self.control is not None:
            initialise(self.control, zero=(self.control,))

    def forward(
        self,
        x: Tensor,
        time: Tensor,
        prompt: Tensor | None = None,
        control: Tensor | None = None,
    ) -> Tensor:
        grid = x.shape[2:]
        h, c = self.into(self._patches(x)), self.time(time)
        if self.control is not None and control is not None:
            h = h + self.control(self._patches(control)).to(h.dtype)
        position, present, extra = self._places(grid, x.device), None, 0
        if self.placed:
            h = h + sines(position, h.shape[-1]).to(h.dtype)
        if self.prompt is not None and prompt is not None:
            words, there, pooled = self.prompt(prompt)
            c, extra = c + pooled, words.shape[1]
            if extra > 1:
                h = torch.cat((words.to(h.dtype), h), 1)
                corner = position.new_zeros(1, extra, position.shape[-1])
                seen = there.new_ones(len(x), position.shape[1])
                position = torch.cat((corner, position), 1)
                present = torch.cat((there, seen), 1)
            else:
                extra = 0
        c = nn.functional.silu(c).to(h.dtype)
        attention: Attention = FullAttention(present, rough=True)
        if self.axial:
            attention = AxialAttention(grid[0] // self.cut[0], extra, present)
        h = self.transformer(h, position, attention, self.modulation(c)[:, None])
        shift, scale = self.final(c)[:, None].chunk(2, -1)
        h = torch.addcmul(shift, h[:, extra:], 1 + scale)
        return self._grid(self.out(h), grid)

    def _places(self, grid: tuple[int, ...], device: torch.device) -> Tensor:
        """long [1, L, A]: where each patch is; prompts sit on the corner (0, 0)."""
        sides = (
            torch.arange(side // n, device=device) for side, n in zip(grid, self.cut, strict=True)
        )
        cells = torch.meshgrid(*sides, indexing="ij")
        return torch.stack(cells, -1).flatten(0, -2)[None] + 1

    def _patches(self, x: Tensor) -> Tensor:
        """[B, C, *grid] -> [B, L, C * the numbers of a patch]."""
        cells = [side // n for side, n in zip(x.shape[2:], self.cut, strict=True)]
        both = zip(cells, self.cut, strict=True)
        cut = x.reshape(*x.shape[:2], *(n for pair in both for n in pair))
        order = (0, *range(2, 2 + 2 * self.axes, 2), 1, *range(3, 3 + 2 * self.axes, 2))
        return cut.permute(order).reshape(len(x), prod(cells), -1)

    def _grid(self, h: Tensor, grid: tuple[int, ...]) -> Tensor:
        """The inverse of `_patches`."""
        cells = [side // n for side, n in zip(grid, self.cut, strict=True)]
        cut = h.reshape(len(h), *cells, self.spec.channels, *self.cut)
        order = [0, 1 + self.axes]
        for axis in range(self.axes):
            order += [1 + axis, 2 + self.axes + axis]
        return cut.permute(order).reshape(len(h), self.spec.channels, *grid)


def sines(position: Tensor, width: int) -> Tensor:
    """float [..., D]: sines and cosines of the coordinates, long [..., A], an equal share of the
    width for each axis (Vaswani et al. 2017, section 3.5)."""
    waves = width // (2 * position.shape[-1])
    steps = torch.arange(waves, device=position.device) / max(waves, 1)
    turn = position[..., None].float() * torch.exp(-math.log(10000.0) * steps)
    out = torch.cat((turn.sin(), turn.cos()), -1).flatten(-2)
    return nn.functional.pad(out, (0, width - out.shape[-1]))
