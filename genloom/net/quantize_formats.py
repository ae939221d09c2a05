"""Weights as few bits: int8 with a scale for 128 inputs of an output, int4 with one for 32.

The plain torch version, and the one definition of the numbers: native kernels only lay them out
differently. Knows tensors, no modules.
Shape legend: O outputs, K inputs, G groups along the inputs.
"""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Format = Literal["f32", "bf16", "int8", "int4"]
FORMATS: tuple[Format, ...] = ("f32", "bf16", "int8", "int4")  # as the kernels number them
GROUP: dict[Format, int] = {"int8": 128, "int4": 32}
SLAB = 1 << 22  # numbers quantised at once: what is between stays in the caches

# Of the largest value of a group, at which it is mapped to -8. Trying some and keeping the one with
# the least squared error takes 4 in 100 off the error (8.6% to 8.3% of normal weights).
_TRIED = (1.0, 0.94, 0.88, 1.07, 0.82)


def quantise(weight: Tensor, form: Format) -> tuple[Tensor, Tensor | None]:
    """[O, K] -> (values [O, K]: float32, bfloat16, or int8; scales [O, G]: float32 for int8,
    bfloat16 for int4, None without groups)."""
    if form == "f32":
        return weight.float(), None
    if form == "bf16":
        return weight.to(torch.bfloat16), None
    rows = max(SLAB // weight.shape[1], 1)
    parts = [_quantised(part.float(), form) for part in weight.split(rows)]
    values, scales = zip(*parts, strict=True)
    return torch.cat(values), torch.cat(scales)


def dequantise(values: Tensor, scales: Tensor | None, form: Format) -> Tensor:
    """float32 [O, K]."""
    if scales is None:
        return values.float()
    by = scales.float().repeat_interleave(GROUP[form], 1)[:, : values.shape[1]]
    return values.float() * by


def rounded(x: Tensor, form: Format) -> Tensor:
    """Activations [N, K] as the native products see them, for comparison."""
    if form == "f32":
        return x.float()
    if form == "bf16":
        return x.to(torch.bfloat16).float()
    groups = _grouped(x.float(), GROUP[form])
    top = groups.abs().amax(-1, keepdim=True)
    whole = (groups * torch.where(top > 0, 127 / top, 0.0)).round()
    return (whole * (top / 127)).flatten(1)[:, : x.shape[1]]


def nibbles(values: Tensor) -> Tensor:
    """int8 -8 .. 7 [O, K] -> uint8 [O, (K + 1) // 2], even inputs in the low half."""
    even = torch.nn.functional.pad(values, (0, values.shape[1] % 2)) + 8
    return (even[:, ::2] | (even[:, 1::2] << 4)).to(torch.uint8)


def from_nibbles(packed: Tensor, inputs: int) -> Tensor:
    both = torch.stack((packed & 15, packed >> 4), -1).flatten(1)[:, :inputs]
    return both.to(torch.int8) - 8


def _quantised(weight: Tensor, form: Format) -> tuple[Tensor, Tensor]:
    groups = _grouped(weight, GROUP[form])
    if form == "int8":
        scale = groups.abs().amax(-1) / 127
        whole = (groups / scale.clamp_min(1e-38)[..., None]).round_()
    else:
        scale, whole = _four_bits(groups)
    return whole.to(torch.int8).flatten(1)[:, : weight.shape[1]].contiguous(), scale


def _four_bits(groups: Tensor) -> tuple[Tensor, Tensor]:
    """groups [O, G, 32] -> scales bfloat16 [O, G], whole numbers -8 .. 7."""
    place = groups.abs().argmax(-1, keepdim=True)
    top = groups.gather(-1, place) / -8  # the largest meets -8, the longer end
    best = torch.full_like(top, float("inf"))
    scale, whole = top.to(torch.bfloat16), torch.zeros_like(groups)
    for share in _TRIED:
        tried = (top * share).to(torch.bfloat16)
        step = tried.float()
        by = torch.where(step != 0, 1 / step, 0.0)
        mapped = (groups * by).round_().clamp_(-8, 7)
        error = (mapped * step).sub_(groups).square_().sum(-1, keepdim=True)
        better = error < best
        best = torch.where(better, error, best)
        scale = torch.where(better, tried, scale)
        whole = torch.where(better, mapped, whole)
    return scale[..., 0], whole


def _grouped(x: Tensor, group: int) -> Tensor:
    """[O, K] -> [O, G, group], zeros behind."""
    rest = -x.shape[1] % group
    return torch.nn.functional.pad(x, (0, rest)).unflatten(1, (-1, group))
