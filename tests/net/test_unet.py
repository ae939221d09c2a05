"""The U-Net keeps shapes, hears what it is told, and stays the same whatever shares its batch."""

from __future__ import annotations

import pytest
import torch

from genloom.net.precision import Rounded, fast_bf16, rounded
from genloom.net.unet import UNet, UNetConfig
from genloom.spec import ArraySpec, FeatureSpec, TokenSpec

SMALL = {"base": 8, "factors": (1, 2), "blocks": 1, "attends": 16, "head": 4, "group": 4}
WORDS = TokenSpec(vocab=9, length=3, bos=0, eos=None, pad=0)
CPU = torch.device("cpu")


def made(prompt=None, control=0, **sizes) -> UNet:
    torch.manual_seed(0)
    spec = ArraySpec(grid=(8, 8), channels=3, control=control)
    net = UNet(UNetConfig(**{**SMALL, **sizes}), spec, prompt)
    with torch.no_grad():
        for p in net.parameters():
            p += 0.1 * torch.randn_like(p)
    return net.eval().requires_grad_(False)


@pytest.mark.parametrize("sizes", [{}, {"blocks": 2}, {"factors": (1,)}, {"factors": (1, 1, 2)}])
@pytest.mark.parametrize("grid", [(8, 8), (4, 16)])
def test_shapes_are_kept(sizes, grid):
    x, time = torch.randn(3, 3, *grid), torch.rand(3)
    out = made(**sizes)(x, time)
    assert out.shape == x.shape and bool(out.isfinite().all())


def test_it_hears_time_prompt_and_control():
    net = made(WORDS, control=1)
    x, time = torch.randn(4, 3, 8, 8), torch.full((4,), 0.5)
    words, control = torch.tensor([[2, 3, 0]] * 4), torch.randn(4, 1, 8, 8)
    usual = net(x, time, words, control)
    for other in (
        net(x, time + 0.2, words, control),
        net(x, time, words + 1, control),
        net(x, time, words, -control),
        net(x, time, words),
    ):
        assert not torch.allclose(usual, other, atol=1e-3)


def test_features_are_prompts_too_and_zeros_are_none():
    net = made(FeatureSpec(width=5, length=3))
    x, time = torch.randn(2, 3, 8, 8), torch.rand(2)
    told = torch.randn(2, 3, 5)
    assert not torch.allclose(net(x, time, told), net(x, time, net.prompt.null(told)), atol=1e-3)
    padded = torch.cat((told, torch.zeros(2, 2, 5)), 1)  # what is not there changes nothing
    assert torch.allclose(net(x, time, told), net(x, time, padded), atol=1e-5)


@pytest.mark.parametrize("base", [8, 16])  # sixteen channels go through the kernel, if it is here
@pytest.mark.parametrize("half", [False, True])
def test_an_item_does_not_depend_on_its_batch(half, base):
    net = made(WORDS, base=base)
    if half and not fast_bf16(CPU):
        pytest.skip("no fast bf16 here")
    ask = Rounded(net) if half else net
    x, time, words = torch.randn(21, 3, 8, 8), torch.rand(21), torch.randint(0, 9, (21, 3))
    whole = ask(x, time, words)
    for rows in ([0], [20], [3, 17, 5]):
        assert torch.equal(ask(x[rows], time[rows], words[rows]), whole[rows])
    assert whole.dtype == torch.float32


@pytest.mark.parametrize("half", [False, True])
def test_at_use_it_is_what_it_was_while_learning(half):
    net = made(WORDS, base=16)
    if half and not fast_bf16(CPU):
        pytest.skip("no fast bf16 here")
    ask = Rounded(net) if half else net
    x, time, words = torch.randn(5, 3, 8, 8), torch.rand(5), torch.randint(0, 9, (5, 3))
    with torch.no_grad():
        made_at_use = ask(x, time, words)
    learning = ask(x, time, words)  # with gradients: step by step, nothing kept
    apart = (made_at_use - learning).norm() / learning.norm()
    assert float(apart) < (0.05 if half else 1e-5)


def test_nets_are_rounded_where_they_learnt_so():
    nets = {"net": made()}
    assert rounded(nets, "fp32", CPU) == nets and rounded(nets, "auto", CPU) == nets
    if fast_bf16(CPU):
        half = rounded(nets, "bf16", CPU)["net"]
        x, time = torch.randn(2, 3, 8, 8), torch.rand(2)
        assert torch.allclose(half(x, time), nets["net"](x, time), atol=0.1)
        assert not torch.equal(half(x, time), nets["net"](x, time)) and half.prompt is None


def test_grids_that_cannot_be_halved_are_refused():
    spec = ArraySpec(grid=(6, 6), channels=1)
    with pytest.raises(ValueError, match="use fewer factors"):
        UNet(UNetConfig(**{**SMALL, "factors": (1, 1, 1)}), spec, None)
    with pytest.raises(ValueError, match="two axes"):
        UNet(UNetConfig(**SMALL), ArraySpec(grid=(8,), channels=1), None)
    with pytest.raises(ValueError, match="head"):
        UNet(UNetConfig(**{**SMALL, "head": 3}), ArraySpec(grid=(8, 8), channels=1), None)
