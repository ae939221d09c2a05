"""A convolution with weights in the activation's type; at use in bf16 on a CPU they lie as oneDNN
reads them, where torch would round and sort them anew for every group of items.

Knows no net.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn

from genloom.net.kept import Keeping, Pair, in_type, keeps, kept


class Convolution(Keeping, nn.Conv2d):
    """x [B, C, H, W] -> [B, D, H', W']."""

    def forward(self, input: Tensor) -> Tensor:
        if input.dtype == torch.bfloat16 and input.device.type == "cpu" and keeps(self):
            packs = _packing()
            if packs is not None and self.padding_mode == "zeros":
                return self._packed(input, packs)
        return self._conv_forward(input, *in_type(self, input.dtype))

    def _packed(self, x: Tensor, packs: Any) -> Tensor:
        shape = self.padding, self.stride, self.dilation, self.groups

        def make() -> Pair:
            weight, bias = (None if p is None else p.to(x.dtype) for p in (self.weight, self.bias))
            return packs._reorder_convolution_weight(weight, *shape, list(x.shape)), bias

        weight, bias = kept(self, (x.dtype, x.shape), make)
        return packs._convolution_pointwise(x, weight, bias, *shape, "none", [], "")


@cache
def _packing() -> Any:
    """torch's operations on weights as oneDNN reads them, those that its compiler uses; None where
    this torch has none, or none in bf16."""
    mkldnn = getattr(torch.ops, "mkldnn", None)
    names = ("_reorder_convolution_weight", "_convolution_pointwise")
    there = torch.backends.mkldnn.is_available() and all(hasattr(mkldnn, name) for name in names)
    return mkldnn if there and torch.ops.mkldnn._is_mkldnn_bf16_supported() else None
