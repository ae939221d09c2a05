"""The kernel's group norm is the modules' one, for every instruction set that is here."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom import native
from genloom.net import group_norm
from genloom.net.group_norm import GroupNorm, plain

SHAPES = [(1, 16, 1, 1, 2), (4, 64, 8, 6, 8), (3, 48, 5, 5, 1), (2, 32, 4, 4, 32)]
SETS = sorted({lib.gl_set_isa(n) for n in range(5)}) if (lib := native.kernels()) else [None]


@pytest.fixture(params=SETS, ids=lambda n: "none" if n is None else native.SETS[n])
def kernels(request: pytest.FixtureRequest):
    library = native.kernels()
    if library is None:
        pytest.skip("no native kernels were built here: torch serves")
    library.gl_set_isa(request.param)
    yield
    library.gl_set_isa(-1)


def given(shape: tuple[int, ...], kind: torch.dtype) -> tuple[GroupNorm, Tensor, Tensor]:
    torch.manual_seed(1)
    rows, channels, high, wide, groups = shape
    norm = GroupNorm(groups, channels)
    nn.init.normal_(norm.weight)
    nn.init.normal_(norm.bias)
    x = 5 + 2 * torch.randn(rows, channels, high, wide)
    told = torch.randn(rows, 3 * channels)[:, : 2 * channels]  # a part of what is told
    return norm, x.to(kind).contiguous(memory_format=torch.channels_last), told


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_the_modules_one(kernels, shape, kind) -> None:
    norm, x, told = given(shape, kind)
    slack = {"atol": 2e-5, "rtol": 1e-5} if kind == torch.float32 else {"atol": 2e-2, "rtol": 1e-2}
    with torch.no_grad():
        assert group_norm._pays(x)
        for heard in (None, told):
            for active in (False, True):
                made = norm(x, heard, active)
                wanted = plain(norm, x.float(), heard, active)  # what it would be without rounding
                torch.testing.assert_close(made.float(), wanted, **slack)
                assert made.dtype == kind and made.stride() == x.stride()
        assert torch.equal(norm(x, told, True)[-1:], norm(x[-1:], told[-1:], True))


def test_what_it_does_not_take_goes_the_slow_way() -> None:
    norm, x, _ = given(SHAPES[1], torch.float32)
    odd = GroupNorm(2, 6)
    with torch.no_grad():
        for one in (x.contiguous(), x.double()):
            assert not group_norm._pays(one)
        torch.testing.assert_close(norm(x.contiguous()), norm(x))
        assert odd(torch.randn(2, 6, 3, 3)).shape == (2, 6, 3, 3)
    learnt = norm(x, None, True)
    assert learnt.requires_grad and not group_norm._pays(x)
    groups, gain, bias = norm.num_groups, norm.weight, norm.bias
    assert torch.equal(learnt, F.silu(F.group_norm(x, groups, gain, bias, norm.eps)))
