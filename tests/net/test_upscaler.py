"""The net that makes pictures out of pictures: where it begins, how far it sees, on which sides."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from genloom.net.precision import Rounded
from genloom.net.upscaler import Upscaler, UpscalerConfig
from genloom.spec import ArraySpec


def made(factor=4, channels=3, control=3, begins="coarse", depth=2, shaken=True) -> Upscaler:
    torch.manual_seed(0)
    spec = ArraySpec(grid=(16, 16), channels=channels, control=control)
    config = UpscalerConfig(factor=factor, width=16, depth=depth, begins=begins)
    net = Upscaler(config, spec, None)
    if shaken:
        torch.nn.init.normal_(net.out.weight, std=0.1)
    return net


def told(side: int = 16, control: int = 3, wide: int | None = None) -> torch.Tensor:
    rng = torch.Generator().manual_seed(2)
    return torch.rand(2, control, side, wide or side, generator=rng) * 2 - 1


def test_it_begins_as_the_bicubic_filter():
    small = told(4)
    x = small.repeat_interleave(4, -1).repeat_interleave(4, -2)
    out, parts = made(shaken=False)(x)
    wanted = F.interpolate(small, (16, 16), mode="bicubic", align_corners=False)
    assert torch.allclose(out, wanted, atol=1e-6) and parts == {}


def test_it_begins_as_what_is_told():
    x = told()
    assert torch.equal(made(2, begins="control", shaken=False)(x)[0], x)
    grey = told(control=1)
    out = made(2, control=1, begins="control", shaken=False)(grey)[0]
    assert torch.equal(out, grey.expand(-1, 3, -1, -1))
    both = told(control=2)  # brightness and transparency
    out = made(2, channels=4, control=2, begins="control", shaken=False)(both)[0]
    assert torch.equal(out[:, 2], both[:, 0]) and torch.equal(out[:, 3], both[:, 1])


@pytest.mark.parametrize(("high", "wide"), [(16, 16), (5, 9), (32, 12), (1, 1)])
def test_any_sides_will_do(high, wide):
    x = told(high, wide=wide)
    assert made(2, begins="control")(x)[0].shape == (2, 3, high, wide)


def test_nothing_looks_further_than_it_says():
    net = made(2, begins="coarse", depth=2).eval()
    x = told(96, wide=96)
    other = x.clone()
    other[..., : 48 - net.reach - 1] += 1.0  # further to the left than it sees from column 48
    a, b = net(x)[0], net(other)[0]
    assert torch.equal(a[..., 48:], b[..., 48:])
    other[..., : 48 - 2 * 2] += 1.0
    assert not torch.equal(a[..., 48:], net(other)[0][..., 48:])


def test_one_picture_is_the_same_alone_and_among_others():
    net = made().eval()
    x = torch.cat([told(), told(16).flip(-1), told().flip(-2)])
    assert torch.equal(net(x)[0][2:3], net(x[2:3])[0])


def test_without_anything_told_there_is_nothing_to_make():
    with pytest.raises(ValueError, match=r"codec\.control"):
        Upscaler(UpscalerConfig(), ArraySpec(grid=(16, 16), channels=3), None)


def test_in_bf16_it_makes_nearly_the_same():
    net, x = made(depth=1).eval(), told()
    out, parts = Rounded(net)(x)
    assert out.dtype == torch.float32 and parts == {}
    assert 0 < (out - net(x)[0]).abs().max() < 0.05
