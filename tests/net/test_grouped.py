"""Groups of a fixed size: an item is the same in any company; threads do as they were told."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import Tensor, nn

from genloom.net.grouped import TOGETHER, grouped


@pytest.fixture(params=[1, 3])
def threads(request: pytest.FixtureRequest):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def net() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Conv2d(3, 24, 3, padding=1), nn.SiLU(), nn.Conv2d(24, 3, 3, padding=1))


def test_an_item_is_the_same_in_any_company(threads: int) -> None:
    whole, x = net(), torch.randn(4 * TOGETHER + 1, 3, 16, 16)
    with torch.no_grad():
        made = grouped(whole, x)
        assert torch.allclose(made, whole(x), atol=1e-5)
        for rows in ([0], [7, 3], list(range(6, 12)), [16]):
            assert torch.equal(grouped(whole, x[rows]), made[rows])


def test_threads_change_nothing() -> None:
    whole, x, before = net(), torch.randn(11, 3, 16, 16), torch.get_num_threads()
    made = []
    try:
        for threads in (1, 2, 4):
            torch.set_num_threads(threads)
            with torch.no_grad():
                made.append(grouped(whole, x))
            assert torch.get_num_threads() == threads
    finally:
        torch.set_num_threads(before)
    assert torch.equal(made[0], made[1]) and torch.equal(made[0], made[2])


def test_other_threads_do_as_this_one_was_told(threads: int) -> None:
    seen: list[tuple[bool, bool, torch.dtype, int]] = []

    def whole(x: Tensor, none: None) -> Tensor:
        assert none is None
        state = torch.is_inference_mode_enabled(), torch.is_grad_enabled()
        seen.append((*state, (x @ x.mT).dtype, threading.get_ident()))
        return x

    x = torch.randn(3 * TOGETHER, 2, 2)
    grouped(whole, x, None)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        grouped(whole, x, None)
    kinds = {one[:3] for one in seen[:3]}, {one[:3] for one in seen[3:]}
    assert kinds == ({(False, True, torch.float32)}, {(True, False, torch.bfloat16)})


def test_gradients_pass_through(threads: int) -> None:
    whole, x = net(), torch.randn(9, 3, 8, 8, requires_grad=True)
    found = torch.autograd.grad(grouped(whole, x).square().sum(), x)[0]
    asked = torch.autograd.grad(whole(x).square().sum(), x)[0]
    assert torch.allclose(found, asked, atol=1e-4)
