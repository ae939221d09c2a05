"""Attention in bf16 with its backward pass written out is attention."""

from __future__ import annotations

import pytest
import torch

from genloom.net.attention import FullAttention, plain_attention
from genloom.net.half_attention import LONGEST, half_attention, pays


def leaves(length: int = 24) -> list[torch.Tensor]:
    rng = torch.Generator().manual_seed(0)
    shape = (3, length, 2, 16)
    return [torch.randn(shape, generator=rng).bfloat16().requires_grad_() for _ in range(3)]


@pytest.mark.parametrize("masked", [False, True])
def test_it_is_the_plain_one_but_for_rounding(masked):
    rough = leaves()
    fine = [x.detach().float().requires_grad_() for x in rough]
    present = torch.ones(3, 24, dtype=torch.bool)
    if masked:
        present[0, 5:], present[2, :20] = False, False
    out = half_attention(*rough, present if masked else None)
    want = plain_attention(*fine, present[:, None, None, :])
    assert out.dtype == torch.bfloat16
    assert torch.allclose(out.float(), want, atol=0.03)
    push = torch.randn(want.shape, generator=torch.Generator().manual_seed(1))
    out.backward(push.bfloat16())
    want.backward(push)
    for mine, theirs in zip(rough, fine, strict=True):
        error = (mine.grad.float() - theirs.grad).norm() / theirs.grad.norm()
        assert error < 0.02
    if masked:
        assert not rough[2].grad[0, 5:].any()


def test_only_learning_in_bf16_goes_this_way():
    q, k, v = leaves()
    assert pays(q, k, v) and not pays(q.float(), k.float(), v.float())
    assert not pays(*leaves(LONGEST + 1)) and not pays(q.detach(), k.detach(), v.detach())
    with torch.no_grad():
        assert not pays(q, k, v)
    assert torch.equal(FullAttention(rough=True)(0, q, k, v), half_attention(q, k, v))
    assert not torch.equal(FullAttention()(0, q, k, v), half_attention(q, k, v))
