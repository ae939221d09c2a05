"""The head's loss by tiles is the plain one: values, gradients, caps, and what it holds."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from genloom.net import head_loss
from genloom.net.head_loss import plain_losses, token_losses

N, V, D = 37, 1000, 24


def run(how: object, dtype: torch.dtype, cap: float) -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    hidden = torch.randn(N, D, generator=rng).to(dtype).requires_grad_()
    head = (torch.randn(V, D, generator=rng) * 0.5).requires_grad_()
    target = torch.randint(V, (N,), generator=rng)
    losses = how(hidden, head, target, cap)  # type: ignore[operator]
    (losses * torch.linspace(-1, 2, N)).sum().backward()
    assert hidden.grad is not None and head.grad is not None
    return losses.detach(), hidden.grad, head.grad


@pytest.fixture
def tiled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(head_loss, "SMALL", 0)
    monkeypatch.setattr(head_loss, "TILE", 1)  # tiles of the fewest ids: the last one is not full


@pytest.mark.parametrize("cap", [0.0, 5.0])
def test_equal_to_the_plain_version(tiled: None, cap: float) -> None:
    for fast, slow in zip(
        run(token_losses, torch.float32, cap), run(plain_losses, torch.float32, cap), strict=True
    ):
        torch.testing.assert_close(fast, slow, rtol=1e-4, atol=1e-5)


def test_bf16_is_as_near_to_fp32_as_the_plain_version(tiled: None) -> None:
    exact = run(plain_losses, torch.float32, 0.0)
    for fast, slow, true in zip(
        run(token_losses, torch.bfloat16, 0.0),
        run(plain_losses, torch.bfloat16, 0.0),
        exact,
        strict=True,
    ):
        error = (fast.float() - true).norm()
        assert error < 1.5 * (slow.float() - true).norm() + 1e-4


def test_autocast_takes_the_products_in_bf16(tiled: None) -> None:
    with torch.autocast("cpu", torch.bfloat16):
        under = run(token_losses, torch.float32, 0.0)[0]
    assert torch.equal(under, run(token_losses, torch.bfloat16, 0.0)[0])


def test_no_tensor_of_all_logits_is_made(tiled: None, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    class Sizes(torch.overrides.TorchFunctionMode):
        def __torch_function__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            out = func(*args, **(kwargs or {}))
            if isinstance(out, Tensor):
                made.append(out.numel())
            return out

    hidden, head = torch.randn(N, D, requires_grad=True), torch.randn(V, D)
    with Sizes():
        token_losses(hidden, head, torch.zeros(N, dtype=torch.long)).sum().backward()
    assert max(made) < N * V


@pytest.mark.parametrize("cap", [0.0, 5.0])
def test_of_whole_logits_with_nothing_kept_in_float32(cap: float) -> None:
    def whole(hidden: Tensor, head: Tensor, target: Tensor, cap: float) -> Tensor:
        return head_loss.losses(hidden @ head.T, target, cap)

    for fast, slow in zip(
        run(whole, torch.float32, cap), run(plain_losses, torch.float32, cap), strict=True
    ):
        torch.testing.assert_close(fast, slow, rtol=1e-4, atol=1e-5)
