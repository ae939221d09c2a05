"""Frozen weights in few bits, through which gradients pass: what adapters are learnt beside.

A product makes the weights of a tile at a time, in the activation's type, and again in the backward
pass; nothing is kept of them. The numbers are those of net/quantize_formats.py. Knows nothing of
what is learnt.
Shape legend: ... leading dimensions, N rows, O outputs, K inputs, G groups along the inputs.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.errors import UsageError
from genloom.net.language_model import LanguageModel
from genloom.net.layers import project
from genloom.net.lora import matrices, swap
from genloom.net.quantize import Quantized
from genloom.net.quantize_formats import FORMATS, GROUP, Format, dequantise, from_nibbles
from genloom.net.quantize_modules import PlainWeight, QuantizedLinear

TILE = 1 << 20  # numbers of a tile: it stays in the caches between being made and being used


class FrozenWeight(PlainWeight):
    """[O, K] in some format. In bf16 and of bf16 numbers a product is the library's own."""

    def part(self, low: int, high: int, dtype: torch.dtype) -> Tensor:
        """Rows low .. high - 1 in this type."""
        scales = None if self.scales is None else self.scales[low:high]
        return _made(self.values[low:high], scales, self.form, self.inputs, dtype)

    def product(self, x: Tensor, low: int = 0, high: int | None = None) -> Tensor:
        values = self.values[low:high]
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        if values.dtype == x.dtype:
            return project(x, values)
        scales = None if self.scales is None else self.scales[low:high]
        if not torch.is_grad_enabled():
            return project(x, _made(values, scales, self.form, self.inputs, x.dtype))
        out: Tensor = _Product.apply(x, values, scales, self.form, self.inputs)
        return out


class _Product(torch.autograd.Function):
    """x W^T; keeps the packed weights alone for the backward pass."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, values: Tensor, scales: Tensor | None, form: Format, inputs: int
    ) -> Tensor:
        ctx.save_for_backward(values, scales)
        ctx.form, ctx.inputs = form, inputs
        tiles = _tiles(values, scales, form, inputs, x.dtype)
        return torch.cat([F.linear(x, tile) for _, tile in tiles], -1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        values, scales = ctx.saved_tensors
        (grad,) = grads
        flat = grad.flatten(0, -2)
        out = None
        for first, tile in _tiles(values, scales, ctx.form, ctx.inputs, grad.dtype):
            part = flat[:, first : first + len(tile)]
            out = part @ tile if out is None else out.addmm_(part, tile)
        assert out is not None
        return out.view(*grad.shape[:-1], ctx.inputs), None, None, None, None


def _tiles(
    values: Tensor, scales: Tensor | None, form: Format, inputs: int, dtype: torch.dtype
) -> Any:
    """(number of the first row, rows in this type), one tile after another."""
    size = max(1, TILE // inputs)
    for first in range(0, len(values), size):
        some = None if scales is None else scales[first : first + size]
        yield first, _made(values[first : first + size], some, form, inputs, dtype)


def _made(
    values: Tensor, scales: Tensor | None, form: Format, inputs: int, dtype: torch.dtype
) -> Tensor:
    """[O, K]: `dequantise`, rounded to this type."""
    if scales is None:
        return values.to(dtype)
    if form == "int4":
        values = from_nibbles(values, inputs)
    if inputs % GROUP[form]:
        return dequantise(values, scales, form).to(dtype)
    groups = values.unflatten(1, (-1, GROUP[form]))
    # a product of four bits and a bf16 scale is rounded once, whichever type it is taken in
    exact = dtype if scales.dtype == dtype else torch.float32
    return (groups.to(exact) * scales[..., None].to(exact)).flatten(1).to(dtype)


class FrozenEmbedding(nn.Module):
    """Ids to rows in the type that activations are to have."""

    def __init__(self, table: FrozenWeight, dtype: torch.dtype) -> None:
        super().__init__()
        self.table, self.dtype = table, dtype

    @property
    def weight(self) -> Tensor:
        """Nothing but a type and a device, which caches are made like."""
        return torch.zeros(0, dtype=self.dtype, device=self.table.values.device)

    def forward(self, ids: Tensor) -> Tensor:
        return self.table.rows(ids.flatten()).to(self.dtype).unflatten(0, ids.shape)


def freeze(
    net: LanguageModel,
    form: Format,
    head: Format | None = None,
    dtype: torch.dtype | None = None,
) -> None:
    """Put weights of this format in the place of the net's own, one by one, each freed at once.

    head: the format of embedding and head, the same by default. dtype: of the activations; bf16
    where the machine multiplies it fast, else fp32. Norms, biases and experts stay as they are.
    """
    if form not in FORMATS:
        raise UsageError(f"the format {form!r} is not known: choose {', '.join(FORMATS)}")
    if net.quantized is not None:
        raise UsageError("these weights are quantised already: load the model anew")
    net.requires_grad_(False)
    dtype = dtype or fast_type(net.embed.weight.device)
    for path in matrices(net):
        part: Any = net.get_submodule(path)
        swap(net, path, QuantizedLinear(FrozenWeight(part.weight, form), part.bias))
    table = FrozenWeight(net.embed.weight, head or form)
    net.embed = FrozenEmbedding(table, dtype)
    last = table
    if net.head is not None:
        last = FrozenWeight(net.head, head or form)
        net.head, net.head_weight = None, last  # so that it moves with the net
    net.quantized = Quantized(last, None, dtype)


def fast_type(device: torch.device) -> torch.dtype:
    """bf16 where products in it are faster than in fp32."""
    if device.type == "cpu" and not torch.cpu._is_amx_tile_supported():
        return torch.float32
    return torch.bfloat16
