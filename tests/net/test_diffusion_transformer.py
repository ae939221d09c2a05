"""Patches of any grid and back, prompts before them, and padding that nothing looks at."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from genloom.net.diffusion_transformer import (
    DiffusionTransformer,
    DiffusionTransformerConfig,
    sines,
)
from genloom.spec import ArraySpec, TokenSpec

WORDS = TokenSpec(vocab=9, length=5, bos=0, eos=None, pad=0)
CONFIG = DiffusionTransformerConfig(width=24, depth=2, heads=2, patch=2)


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def shaken(spec: ArraySpec, prompt: TokenSpec | None = None) -> DiffusionTransformer:
    net = DiffusionTransformer(CONFIG, spec, prompt)
    with torch.no_grad():
        for p in net.parameters():
            p += 0.2 * torch.randn(p.shape, generator=rng())
    return net.requires_grad_(False).eval()


GRIDS = [(8,), (4, 6), (2, 4, 6)]


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_patches_and_grid_are_inverse(grid: tuple[int, ...]) -> None:
    spec = ArraySpec(grid=grid, channels=3)
    net = DiffusionTransformer(CONFIG, spec, None)
    x = torch.randn(2, *spec.shape, generator=rng())
    patches = net._patches(x)
    assert patches.shape == (2, net._places(grid, torch.device("cpu")).shape[1], 3 * 2 ** len(grid))
    assert torch.equal(net._grid(patches, grid), x)


def test_a_patch_holds_the_numbers_of_its_own_corner() -> None:
    net = DiffusionTransformer(CONFIG, ArraySpec(grid=(4, 6), channels=1), None)
    x = torch.arange(24.0).reshape(1, 1, 4, 6)
    patches = net._patches(x)[0]
    for place, patch in zip(
        net._places(net.spec.grid, torch.device("cpu"))[0] - 1, patches, strict=True
    ):
        row, column = (2 * place).tolist()
        assert patch.tolist() == x[0, 0, row : row + 2, column : column + 2].flatten().tolist()


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_any_grid_goes_in_and_comes_out(grid: tuple[int, ...]) -> None:
    spec = ArraySpec(grid=grid, channels=2)
    x, time = torch.randn(3, *spec.shape, generator=rng()), torch.rand(3, generator=rng())
    assert bool((DiffusionTransformer(CONFIG, spec, None)(x, time) == 0).all())  # at the start
    net = shaken(spec)
    out = net(x, time)
    assert out.shape == x.shape and bool(out.isfinite().all())
    assert not torch.allclose(net(x, 1 - time), out, atol=1e-3)  # the time is heard


def test_each_place_sees_all_others() -> None:
    spec = ArraySpec(grid=(4, 6), channels=1)
    net, time = shaken(spec), torch.tensor([0.5])
    x = torch.randn(1, 1, 4, 6, generator=rng())
    moved = x.clone()
    moved[..., 0, 0] += 3
    assert bool(((net(x, time) - net(moved, time)).abs() > 1e-6).all())


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_the_prompt_is_heard_in_its_order_and_padding_is_not(grid: tuple[int, ...]) -> None:
    spec = ArraySpec(grid=grid, channels=1)
    net, time = shaken(spec, WORDS), torch.tensor([0.3])
    x = torch.randn(1, *spec.shape, generator=rng())
    prompt = torch.tensor([[3, 7, 2, 0, 0]])
    out = net(x, time, prompt)
    for other in ([[3, 7, 4, 0, 0]], [[7, 3, 2, 0, 0]], [[3, 7, 0, 0, 0]], [[0] * 5]):
        assert not torch.allclose(net(x, time, torch.tensor(other)), out, atol=1e-4)
    longer = torch.nn.functional.pad(prompt, (0, 2))
    assert torch.allclose(net(x, time, longer), out, atol=1e-5)
    with torch.no_grad():
        net.prompt.embed.weight[0] += 10  # what padding looks like
    assert torch.allclose(net(x, time, prompt), out, atol=1e-5)


def test_the_empty_prompt_stands_and_is_the_net_s_own() -> None:
    net = shaken(ArraySpec(grid=(4, 4), channels=1), WORDS)
    prompt = torch.tensor([[3, 7, 2, 0, 0]])
    null = net.prompt.null(prompt)
    assert null.tolist() == [[0] * 5]
    _, present, pooled = net.prompt(null)
    assert not bool(present.any())
    assert torch.allclose(pooled[0], net.prompt.empty)
    out = net(torch.randn(1, 1, 4, 4, generator=rng()), torch.tensor([0.5]), null)
    assert bool(out.isfinite().all())


def test_a_class_is_a_prompt_of_one_id() -> None:
    label = TokenSpec(vocab=4, length=1, bos=0, eos=None, pad=0)
    net = shaken(ArraySpec(grid=(4, 4), channels=1), label)
    x, time = torch.randn(1, 1, 4, 4, generator=rng()), torch.tensor([0.5])
    outs = [net(x, time, torch.tensor([[n]])) for n in range(4)]
    for n in range(3):
        assert not torch.allclose(outs[n], outs[n + 1], atol=1e-4)


def test_a_patch_that_does_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="patch 2"):
        DiffusionTransformer(CONFIG, ArraySpec(grid=(4, 5), channels=1), None)
    with pytest.raises(ValueError, match="grid"):
        DiffusionTransformer(CONFIG, ArraySpec(grid=(), channels=4), None)


def test_a_layer_may_have_a_modulation_of_its_own() -> None:
    """With equal shares it is the net whose layers share one."""
    spec = ArraySpec(grid=(4, 4), channels=1)
    small = {"width": 16, "depth": 2, "heads": 2, "patch": 2}
    shared, own = (
        DiffusionTransformer(DiffusionTransformerConfig(**small, own_modulation=flag), spec, None)
        for flag in (False, True)
    )
    for p in shared.parameters():
        torch.nn.init.normal_(p, std=0.3)
    weights = shared.state_dict()
    for name in ("modulation.weight", "modulation.bias"):
        weights[name] = torch.cat([weights[name]] * 2)
    own.load_state_dict(weights)
    x, time = torch.randn(3, 1, 4, 4), torch.rand(3)
    assert torch.allclose(shared(x, time), own(x, time), atol=1e-5)
    with torch.no_grad():
        own.modulation.weight[: 6 * 16] *= 2
    assert not torch.allclose(shared(x, time), own(x, time), atol=1e-2)


@pytest.mark.parametrize("grid", GRIDS, ids=str)
def test_without_rotary_positions_places_are_told_at_the_entrance(grid: tuple[int, ...]) -> None:
    spec = ArraySpec(grid=grid, channels=2)
    config = replace(CONFIG, rotary=None)
    net = DiffusionTransformer(config, spec, None)
    with torch.no_grad():
        for p in net.parameters():
            p += 0.2 * torch.randn(p.shape, generator=rng())
    same = torch.ones(1, *spec.shape)
    with torch.no_grad():
        patches = net._patches(net(same, torch.tensor([0.5])))[0]
    assert not torch.allclose(patches[0], patches[1], atol=1e-3)  # alike patches, unlike places
    places = sines(net._places(grid, torch.device("cpu"))[0], 48)
    assert torch.unique(places, dim=0).shape == places.shape  # no two places are alike
