"""Linear maps, embeddings and experts over quantised weights; drop-ins for those of the net.

A weight is either plain (torch tensors, any device, made to floats at each call) or packed for the
native kernels. Knows nothing of stacks or pages.
Shape legend: ... leading dimensions, N rows, O outputs, K inputs.
"""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from genloom.net.layers import project
from genloom.net.quantize_formats import Format, dequantise, from_nibbles, nibbles, quantise


class Weight(Protocol):
    """[O, K] in some format."""

    outputs: int
    inputs: int

    def floats(self) -> Tensor: ...  # float32 [O, K]
    def rows(self, which: Tensor) -> Tensor: ...  # float32 [N, K]
    def product(self, x: Tensor, low: int = 0, high: int | None = None) -> Tensor: ...
    def nbytes(self) -> int: ...


class PlainWeight(nn.Module):
    """The torch version: the same numbers, slower, wherever torch runs."""

    values: Tensor
    scales: Tensor | None

    def __init__(self, weight: Tensor, form: Format) -> None:
        super().__init__()
        self.outputs, self.inputs = weight.shape
        self.form: Format = form
        values, scales = quantise(weight.detach(), form)
        self.register_buffer("values", nibbles(values) if form == "int4" else values)
        self.register_buffer("scales", scales)

    def floats(self) -> Tensor:
        return self._part(slice(None))

    def rows(self, which: Tensor) -> Tensor:
        return self._part(which)

    def product(self, x: Tensor, low: int = 0, high: int | None = None) -> Tensor:
        return project(x, self._part(slice(low, high)).to(x.dtype))

    def nbytes(self) -> int:
        return self.values.nbytes + (0 if self.scales is None else self.scales.nbytes)

    def _part(self, which: slice | Tensor) -> Tensor:
        values = self.values[which]
        if self.form == "int4":
            values = from_nibbles(values, self.inputs)
        scales = None if self.scales is None else self.scales[which]
        return dequantise(values, scales, self.form)


class QuantizedLinear(nn.Module):
    """y = x W^T + b."""

    def __init__(self, weight: Weight, bias: Tensor | None) -> None:
        super().__init__()
        self.weight = weight
        self.register_buffer("bias", None if bias is None else bias.detach().float())

    def forward(self, x: Tensor) -> Tensor:
        y = self.weight.product(x)
        return y if self.bias is None else y + self.bias.to(y.dtype)


class QuantizedEmbedding(nn.Module):
    """Ids to rows."""

    def __init__(self, table: Weight) -> None:
        super().__init__()
        self.table = table

    @property
    def weight(self) -> Tensor:
        """Nothing but a type and a device, which caches are made like."""
        return self.table.rows(torch.zeros(0, dtype=torch.long))

    def forward(self, ids: Tensor) -> Tensor:
        return self.table.rows(ids.flatten()).unflatten(0, ids.shape)


class ExpertWeights:
    """[expert] -> floats [O, K], in the place of a parameter [X, O, K]."""

    def __init__(self, weights: list[Weight]) -> None:
        self.weights = weights

    def __getitem__(self, expert: int) -> Tensor:
        return self.weights[expert].floats()
