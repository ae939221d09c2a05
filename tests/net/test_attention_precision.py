"""Learning in bf16 on a CPU: attention and its gradients are computed in fp32 and rounded once."""

from __future__ import annotations

import pytest
import torch

from genloom.net.attention import CausalAttention, FullAttention, PackedAttention


def leaves(dtype: torch.dtype) -> list[torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    shapes = ((2, 16, 4, 8), (2, 16, 2, 8), (2, 16, 2, 8))
    return [torch.randn(s, generator=rng).bfloat16().to(dtype).requires_grad_() for s in shapes]


@pytest.mark.parametrize(
    "attention",
    [
        CausalAttention(),
        FullAttention(),
        PackedAttention(torch.tensor([[0] * 5 + [1] * 11, [0] * 16])),
    ],
    ids=["causal", "full", "packed"],
)
def test_gradients_are_those_of_fp32_rounded(attention) -> None:
    rough, fine = leaves(torch.bfloat16), leaves(torch.float32)
    with torch.autocast("cpu", torch.bfloat16):
        out = attention(0, *rough)
    want = attention(0, *fine)
    assert out.dtype == torch.bfloat16
    assert torch.equal(out, want.bfloat16())
    push = torch.randn(out.shape, generator=torch.Generator().manual_seed(1)).bfloat16()
    out.backward(push)
    want.backward(push.float())
    for mine, theirs in zip(rough, fine, strict=True):
        assert torch.equal(mine.grad, theirs.grad.bfloat16())


def test_normed_queries_beside_rounded_values_are_rounded_too() -> None:
    q, k, v = leaves(torch.bfloat16)
    with torch.autocast("cpu", torch.bfloat16):
        out = CausalAttention()(0, q.float(), k.float(), v)
    assert out.dtype == torch.bfloat16
