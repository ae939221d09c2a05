"""What is kept of a layer's weights is left as soon as they change, however they do."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from genloom.net.convolution import Convolution
from genloom.net.kept import KeptLinear, in_type
from genloom.net.lora import Adapter, attach, merge
from genloom.net.precision import Rounded, fast_bf16
from genloom.net.unet import UNet, UNetConfig
from genloom.spec import ArraySpec

HALF = torch.bfloat16


def layers() -> list[tuple[nn.Module, torch.Tensor]]:
    torch.manual_seed(0)
    grid = torch.randn(4, 16, 6, 6).to(HALF).contiguous(memory_format=torch.channels_last)
    made = [
        (KeptLinear(16, 24), torch.randn(20, 16).to(HALF)),
        (Convolution(16, 32, 3, padding=1), grid),
        (Convolution(16, 8, 3, 2, 1, bias=False), grid),
    ]
    return [(layer.requires_grad_(False).eval(), x) for layer, x in made]


def afresh(layer: nn.Module, x: torch.Tensor) -> torch.Tensor:
    """What a layer of these weights makes that has kept nothing."""
    return copy.deepcopy(layer)(x)


def learns(layer: nn.Module) -> None:
    """By a step that torch does not count, as those of fused AdamW."""
    layer.train()
    counts = [p._version for p in layer.parameters()]
    for p in layer.parameters():
        p.data.add_(1)
    assert counts == [p._version for p in layer.parameters()]
    layer.eval()


def averages(layer: nn.Module) -> None:
    weights = list(layer.parameters())
    torch._foreach_lerp_(weights, [torch.ones_like(p) for p in weights], 0.5)


def loads(layer: nn.Module) -> None:
    layer.load_state_dict({k: v + 1 for k, v in layer.state_dict().items()})


def is_given_others(layer: nn.Module) -> None:
    layer.load_state_dict({k: v + 1 for k, v in layer.state_dict().items()}, assign=True)


def moves(layer: nn.Module) -> None:
    for p in layer.parameters():
        p.data = p.data + 1


def goes_elsewhere_and_back(layer: nn.Module) -> None:
    layer.double()
    for p in layer.parameters():
        p += 1
    layer.float()


CHANGES = (learns, averages, loads, is_given_others, moves, goes_elsewhere_and_back)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("change", CHANGES)
def test_changed_weights_are_heard(change: Callable[[nn.Module], None], mode) -> None:
    for layer, x in layers():
        with mode():
            before = layer(x)
            assert torch.equal(layer(x), before)
        with torch.no_grad():
            change(layer)
        with mode():
            after = layer(x)
            assert torch.equal(after, afresh(layer, x)) and not torch.equal(after, before)


def test_what_is_kept_is_what_would_be_made() -> None:
    for layer, x in layers():
        with torch.no_grad():
            kept = layer(x)
        with torch.enable_grad():  # nothing is kept here
            torch.testing.assert_close(layer(x), kept, atol=0.06, rtol=0.02)


def test_it_is_made_once_and_not_while_learning() -> None:
    layer = KeptLinear(16, 16).requires_grad_(False).eval()
    assert in_type(layer, HALF)[0] is not in_type(layer, HALF)[0]
    with torch.no_grad():
        assert in_type(layer, HALF)[0] is in_type(layer, HALF)[0]
        assert in_type(layer, torch.float32)[0] is layer.weight
        first, other = in_type(layer, HALF)[0], copy.deepcopy(layer)
        assert in_type(other, HALF)[0] is not first
        layer.requires_grad_(True)  # as in a preview of a net that learns
        assert in_type(layer, HALF)[0] is not in_type(layer, HALF)[0]


@pytest.mark.skipif(not fast_bf16(torch.device("cpu")), reason="no fast bf16 here")
def test_adapters_come_and_go() -> None:
    torch.manual_seed(0)
    config = UNetConfig(base=16, factors=(1, 2), attends=16, head=8, group=8)
    net = UNet(config, ArraySpec(grid=(8, 8), channels=3), None).eval().requires_grad_(False)
    x, time, half = torch.randn(3, 3, 8, 8), torch.rand(3), Rounded(net)
    with torch.no_grad():
        for p in net.parameters():
            p += 0.1 * torch.randn_like(p)
        plain = half(x, time)
        attach(net, Adapter(rank=2))
        assert torch.equal(half(x, time), plain)
        for name, p in net.named_parameters():
            if ".ups." in name:
                p.normal_(std=0.3)
        changed = half(x, time)
        merge(net)
        for other in (half(x, time), net(x, time)):
            assert float((other - changed).norm() / changed.norm()) < 0.1
        assert float((changed - plain).norm() / changed.norm()) > 0.3
