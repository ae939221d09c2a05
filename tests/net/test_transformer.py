"""The shared stack: rotary positions, grouped heads, blocks that begin as the identity."""

from __future__ import annotations

import itertools

import pytest
import torch
from torch import Tensor

from genloom.net.attention import CausalAttention, FullAttention
from genloom.net.rotary import Rotary, angles, frequencies, rotate
from genloom.net.transformer import Mix, Transformer, TransformerConfig


def turned(place: torch.Tensor, size: int) -> tuple[torch.Tensor, torch.Tensor]:
    return angles(place, frequencies(Rotary(), size, place.shape[-1])[0], size)


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def dots(axes: int, first: list[int], second: list[int], shift: list[int]) -> Tensor:
    """Products of two vectors turned to two places, both moved by shift."""
    q, k = torch.randn(2, 1, 1, 4, 24, generator=rng())
    place = torch.tensor([first, second]) + torch.tensor(shift)
    (a, b) = (rotate(x, *turned(p[None, None], 24)) for x, p in zip((q, k), place, strict=True))
    assert place.shape[1] == axes
    return (a * b).sum(-1)


@pytest.mark.parametrize("axes", [1, 2, 3])
def test_rotary_products_depend_on_the_distance_along_each_axis_alone(axes: int) -> None:
    near, far = [3, 1, 4][:axes], [5, 9, 2][:axes]
    still = dots(axes, near, far, [0] * axes)
    for shift in ([7] * axes, [0, 11, 2][:axes] if axes > 1 else [11]):
        assert torch.allclose(dots(axes, near, far, shift), still, atol=1e-4)
    for axis in range(axes):
        moved = list(far)
        moved[axis] += 1
        assert not torch.allclose(dots(axes, near, moved, [0] * axes), still, atol=1e-2)


def test_rotary_keeps_lengths_and_leaves_the_origin() -> None:
    x = torch.randn(2, 5, 3, 16, generator=rng())
    place = torch.arange(5)[None, :, None]
    out = rotate(x, *turned(place, 16))
    assert torch.allclose(out.norm(dim=-1), x.norm(dim=-1), atol=1e-5)
    assert torch.equal(out[:, 0], x[:, 0])
    assert not torch.allclose(out[:, 1:], x[:, 1:])


def test_pairs_left_over_by_the_axes_stay_unturned() -> None:
    cos, sin = turned(torch.tensor([[4, 7, 9]]), 16)  # 8 pairs, 2 an axis
    assert cos.shape == (1, 8)
    assert bool((cos[:, 6:] == 1).all()) and bool((sin[:, 6:] == 0).all())
    assert bool((sin[:, :6] != 0).all())


@pytest.mark.parametrize("kv_heads", [1, 2])
def test_grouped_heads_equal_full_heads_with_repeated_keys(kv_heads: int) -> None:
    few = Mix(TransformerConfig(width=16, heads=4, kv_heads=kv_heads))
    full = Mix(TransformerConfig(width=16, heads=4))
    q, k, v = few.qkv.weight.split((16, 4 * kv_heads, 4 * kv_heads))

    def repeated(weight: Tensor) -> Tensor:
        return weight.view(kv_heads, 4, 16).repeat_interleave(4 // kv_heads, 0).reshape(16, 16)

    with torch.no_grad():
        full.qkv.weight.copy_(torch.cat((q, repeated(k), repeated(v))))
        full.out.weight.copy_(few.out.weight)
    h = torch.randn(2, 6, 16, generator=rng())
    turn = turned(torch.arange(6)[None, :, None], 4)
    a, b = (mix(h, turn, CausalAttention(), 0) for mix in (few, full))
    assert few.qkv.weight.shape[0] < full.qkv.weight.shape[0]
    assert torch.allclose(a, b, atol=1e-5)


@pytest.mark.parametrize("modulated", [False, True])
@pytest.mark.parametrize("activation", ["relu2", "gelu", "swiglu"])
def test_an_untrained_stack_is_its_final_norm(modulated: bool, activation: str) -> None:
    config = TransformerConfig(
        width=16,
        depth=2,
        heads=2,
        modulated=modulated,
        activation=activation,  # type: ignore[arg-type]
    )
    net = Transformer(config)
    h = torch.randn(2, 5, 16, generator=rng())
    modulation = torch.randn(2, 1, 96, generator=rng()) if modulated else None
    out = net(h, torch.arange(5)[None, :, None], FullAttention(), modulation)
    assert torch.allclose(out, net.norm(h), atol=1e-6)


def shaken(net: torch.nn.Module) -> torch.nn.Module:
    with torch.no_grad():
        for p in net.parameters():
            p += 0.2 * torch.randn(p.shape, generator=rng())
    return net


def test_modulation_of_nothing_is_none_at_all_and_any_other_matters() -> None:
    plain = TransformerConfig(width=16, depth=2, heads=2)
    told = Transformer(TransformerConfig(width=16, depth=2, heads=2, modulated=True))
    net = shaken(Transformer(plain))
    told.load_state_dict(net.state_dict(), strict=False)  # its offsets are still zero
    h, place = torch.randn(2, 5, 16, generator=rng()), torch.arange(5)[None, :, None]
    whole = FullAttention()
    assert torch.allclose(told(h, place, whole, torch.zeros(2, 1, 96)), net(h, place, whole))
    other = told(h, place, whole, torch.ones(2, 1, 96))
    assert not torch.allclose(other, net(h, place, whole), atol=1e-2)


def test_a_later_position_does_not_change_an_earlier_one() -> None:
    net = shaken(Transformer(TransformerConfig(width=16, depth=2, heads=2)))
    h, place = torch.randn(1, 6, 16, generator=rng()), torch.arange(6)[None, :, None]
    moved = h.clone()
    moved[:, 4] += 1
    a, b = (net(x, place, CausalAttention()) for x in (h, moved))
    assert torch.equal(a[:, :4], b[:, :4])
    assert not torch.allclose(a[:, 4:], b[:, 4:], atol=1e-3)


@pytest.mark.parametrize(("width", "heads", "kv"), [(10, 4, 0), (16, 4, 3)])
def test_sizes_that_do_not_divide_are_refused(width: int, heads: int, kv: int) -> None:
    with pytest.raises(ValueError, match="divide"):
        Transformer(TransformerConfig(width=width, heads=heads, kv_heads=kv))


def test_without_rotary_positions_do_not_matter() -> None:
    h = torch.randn(1, 4, 16, generator=rng())
    places = torch.arange(4)[None, :, None], torch.tensor([9, 2, 5, 1])[None, :, None]
    for rotary, same in ((Rotary(), False), (None, True)):
        net = shaken(Transformer(TransformerConfig(width=16, depth=1, heads=2, rotary=rotary)))
        outs = [net(h, place, FullAttention()) for place in places]
        for a, b in itertools.pairwise(outs):
            assert torch.allclose(a, b, atol=1e-4) == same
