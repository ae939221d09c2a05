"""Group norm of a grid, moved and scaled by what an item was told, and SiLU: the modules' way, and
the kernels' in one call, where nothing is to be learnt.

Knows no net.
Shape legend: B items, C channels, H rows, W columns.
"""

from __future__ import annotations

import ctypes
from ctypes import c_float, c_int32, c_int64, c_void_p
from functools import cache
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom import native

SMALL = 256  # places of a grid
MOST = 2048  # channels that the kernel takes


class GroupNorm(nn.GroupNorm):
    """x [B, C, H, W], told [B, 2 C] (shift beside scale) or None -> [B, C, H, W]:
    norm(x) (1 + scale) + shift, through SiLU where it is `active`."""

    def forward(self, input: Tensor, told: Tensor | None = None, active: bool = False) -> Tensor:
        if _pays(input):
            return _at_once(self, input, told, active)
        return plain(self, input, told, active)


def plain(norm: GroupNorm, x: Tensor, told: Tensor | None, active: bool) -> Tensor:
    """Step by step: the slow, obvious way, in training and where there are no kernels."""
    h = _normed(norm, x)
    if told is not None:
        shift, scale = told[:, :, None, None].to(h.dtype).chunk(2, 1)
        h = torch.addcmul(shift, h, 1 + scale)
    return F.silu(h) if active else h


def _normed(norm: GroupNorm, x: Tensor) -> Tensor:
    """With weights in the activation's type; on small grids on a CPU in fp32, where the library's
    kernel in bf16 is slow: 4 rows of 128 channels, 16 x 16, take it 0.74 ms, and so 0.16."""
    small = x.shape[2] * x.shape[3] <= SMALL
    if small and x.device.type == "cpu" and x.dtype == torch.bfloat16:
        with torch.autocast("cpu", enabled=False):
            return nn.GroupNorm.forward(norm, x.float()).to(x.dtype)
    gain, bias = norm.weight.to(x.dtype), norm.bias.to(x.dtype)
    return F.group_norm(x, norm.num_groups, gain, bias, norm.eps)


class _GroupNorm(ctypes.Structure):
    """As kernels.h has it."""

    _fields_ = (
        *((name, c_void_p) for name in ("x", "out", "gain", "bias", "told")),
        ("told_width", c_int64),
        *((name, c_int32) for name in ("items", "places", "channels", "groups", "half", "active")),
        ("eps", c_float),
    )


@cache
def _kernel() -> Any:
    """gl_group_norm, or None where no kernels were built."""
    library = native.kernels()
    if library is None:
        return None
    library.gl_isa()  # chooses the instruction set, before several threads ask for it
    return library.gl_group_norm


def _pays(x: Tensor) -> bool:
    """Whether the kernel takes these: at use, on a CPU, channels last, in sixteens."""
    if torch.is_grad_enabled() or x.device.type != "cpu" or torch.compiler.is_compiling():
        return False
    fits = x.dim() == 4 and x.shape[1] % 16 == 0 and x.shape[1] <= MOST
    kinds = x.dtype in (torch.float32, torch.bfloat16)
    last = fits and kinds and x.is_contiguous(memory_format=torch.channels_last)
    return last and _kernel() is not None


def _at_once(norm: GroupNorm, x: Tensor, told: Tensor | None, active: bool) -> Tensor:
    out = torch.empty_like(x)
    gain, bias = norm.weight.float(), norm.bias.float()
    if told is not None and (told.dtype != torch.float32 or told.stride(1) != 1):
        told = told.float().contiguous()
    rows, channels, height, width = x.shape
    asked = _GroupNorm(
        x=x.data_ptr(),
        out=out.data_ptr(),
        gain=gain.data_ptr(),
        bias=bias.data_ptr(),
        told=None if told is None else told.data_ptr(),
        told_width=0 if told is None else told.stride(0),
        items=rows,
        places=height * width,
        channels=channels,
        groups=norm.num_groups,
        half=x.dtype == torch.bfloat16,
        active=active,
        eps=norm.eps,
    )
    fault = _kernel()(ctypes.byref(asked))
    assert fault == 0, f"the kernel refused {tuple(x.shape)} in {norm.num_groups} groups"
    return out
