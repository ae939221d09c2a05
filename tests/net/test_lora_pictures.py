"""Adapters beside the matrices and convolutions of nets of pictures."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from genloom.net import lora
from genloom.net.diffusion_transformer import DiffusionTransformer
from genloom.net.lora import Adapter, LowRank
from genloom.net.mlp import MLPDenoiser
from genloom.net.unet import UNet
from genloom.spec import ArraySpec, TokenSpec

SPEC = ArraySpec(grid=(8, 8), channels=3)
PROMPT = TokenSpec(vocab=7, length=3, bos=0, eos=None, pad=0)
SMALL = {
    DiffusionTransformer: {"width": 32, "depth": 1, "heads": 2, "patch": 2},
    MLPDenoiser: {"width": 32, "depth": 1},
    UNet: {"base": 16, "factors": (1, 2), "head": 16},
}


def made(cls) -> nn.Module:
    torch.manual_seed(0)
    net = cls(cls.Config(**SMALL[cls]), SPEC, PROMPT)
    with torch.no_grad():  # nothing in it is silent
        for p in net.parameters():
            p += 0.1 * torch.randn(p.shape)
    return net.eval()


def stir(net: nn.Module) -> None:
    with torch.no_grad():
        for _, part in lora.adapted(net):
            for p in part.low.parameters():
                p += 0.1 * torch.randn(p.shape)


def out(net: nn.Module) -> torch.Tensor:
    rng = torch.Generator().manual_seed(1)
    x, time = torch.randn(2, 3, 8, 8, generator=rng), torch.tensor([0.3, 0.8])
    return net(x, time, torch.tensor([[1, 2, 0], [3, 0, 0]]))


@pytest.mark.parametrize("cls", SMALL)
@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_it_begins_as_nothing_learns_alone_and_merges(cls, kind):
    net = made(cls)
    before = out(net).detach()
    lora.attach(net, Adapter(kind=kind, rank=2))
    torch.testing.assert_close(out(net), before, rtol=1e-4, atol=1e-5)
    stir(net)
    out(net).square().sum().backward()
    for name, p in net.named_parameters():
        assert (p.grad is not None and bool(p.grad.any())) == (".low." in name), name
    apart = out(net).detach()
    assert not torch.allclose(apart, before, atol=1e-2)
    with lora.without(net):
        torch.testing.assert_close(out(net), before)
    lora.merge(net)
    assert next(lora.adapted(net), None) is None
    torch.testing.assert_close(out(net), apart, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("kind", ["lora", "dora"])
@pytest.mark.parametrize("stride", [1, 2])
def test_a_convolution_is_that_of_the_changed_kernel(kind, stride):
    torch.manual_seed(2)
    net = nn.ModuleDict({"one": nn.Conv2d(4, 6, 3, stride, 1)})
    low = LowRank(36, [lora.Piece("", 0, 6, 2, 1.5)], dora=kind == "dora")
    low.initialise(net["one"], torch.Generator().manual_seed(0))
    lora.beside(net, {"one": low})
    stir(net)
    part, x = net["one"], torch.randn(2, 4, 8, 8)
    kernel = low.change(lora.floats(part.base)).view(6, 4, 3, 3)
    wanted = torch.nn.functional.conv2d(x, kernel, part.base.bias, stride, 1)
    torch.testing.assert_close(part(x), wanted, rtol=1e-4, atol=1e-5)


def test_a_convolution_in_groups_is_left_alone():
    net = nn.ModuleDict({"one": nn.Conv2d(4, 4, 3, groups=2), "two": nn.Conv2d(4, 4, 1)})
    net.adapts = ("one", "two")
    assert list(lora.matrices(net)) == ["two"]
