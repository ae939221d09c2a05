"""Attention in bf16 on a CPU, its backward pass written out as products of matrices.

The library's fused kernel gains nothing there: at 16 rows, 256 positions and 3 heads of 64, forward
and back take 31 ms in fp32, 33 in bf16 and 16 as here; at 1024 positions both take 180. Rounds the
probabilities, as autocast does. Knows no positions.
Shape legend: B items, L positions, T keys, H heads, E head dimension.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

LONGEST = 512  # positions up to which this is faster


def pays(q: Tensor, k: Tensor, v: Tensor) -> bool:
    """Whether these are to be attended here: learning, in bf16, on a CPU, not too long."""
    learning = torch.is_grad_enabled() and v.requires_grad
    plain = v.device.type == "cpu" and v.dtype == torch.bfloat16 and q.shape[2] == k.shape[2]
    return learning and plain and k.shape[1] <= LONGEST


def half_attention(q: Tensor, k: Tensor, v: Tensor, present: Tensor | None = None) -> Tensor:
    """q [B, L, H, E], k and v [B, T, H, E], present bool [B, T] or None -> [B, L, H, E]."""
    rows, length, heads, size = q.shape
    flat = [x.to(v.dtype).transpose(1, 2).reshape(rows * heads, -1, size) for x in (q, k, v)]
    out = _Half.apply(*flat, present)
    return out.view(rows, heads, length, size).transpose(1, 2)


class _Half(torch.autograd.Function):
    """softmax(q k^T / sqrt(E)) v (Vaswani et al. 2017, eq. 1), all [B H, L or T, E]."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, present: Tensor | None) -> Tensor:
        q = q * q.shape[-1] ** -0.5
        logits = torch.bmm(q, k.mT)
        if present is not None:
            apart = logits.view(len(present), -1, *logits.shape[1:])
            apart.masked_fill_(~present[:, None, None], float("-inf"))
        weight = logits.softmax(-1)
        ctx.save_for_backward(q, k, v, weight)
        return torch.bmm(weight, v)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, push: Tensor) -> tuple[Tensor, Tensor, Tensor, None]:  # type: ignore[override]
        q, k, v, weight = ctx.saved_tensors
        push = push.contiguous()
        back = torch.bmm(push, v.mT)
        back = torch._softmax_backward_data(back, weight, -1, weight.dtype)
        to_q = torch.bmm(back, k) * q.shape[-1] ** -0.5
        return to_q, torch.bmm(back.mT, q), torch.bmm(weight.mT, push), None
