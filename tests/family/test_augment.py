"""Changes that a critic sees: drawn from a generator alone, with gradients."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from genloom.family.augment import KINDS, Changes


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def pictures(count: int = 6, channels: int = 4, side: int = 16) -> torch.Tensor:
    return torch.rand(count, channels, side, side, generator=rng(9)) * 2 - 1


def test_the_same_generator_draws_the_same_and_another_does_not() -> None:
    x = pictures()
    one, same, other = (Changes.draw(x, rng(s), 0.8).all_of(x) for s in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)


def test_nothing_happens_at_a_chance_of_zero() -> None:
    x = pictures()
    assert torch.allclose(Changes.draw(x, rng(), 0.0).all_of(x), x, atol=1e-6)


def test_each_kind_happens_as_often_as_asked_and_alone() -> None:
    x = pictures(2000, 1, 4)
    for kind, name in zip(KINDS, ("moved", "flipped", "light", "hidden"), strict=True):
        drawn = Changes.draw(x, rng(), 0.3, (kind,))
        for other in ("moved", "flipped", "light", "contrast", "saturation", "hidden"):
            values = getattr(drawn, other).reshape(2000, -1)[:, 0]
            share = float((values != 0).float().mean())
            fits = other == name or (kind == "colour" and other in ("contrast", "saturation"))
            assert share == pytest.approx(0.3 if fits else 0.0, abs=0.04)


def still(x: torch.Tensor) -> Changes:
    return Changes.draw(x, rng(), 0.0)


def test_moving_brings_the_edge_in_again() -> None:
    x = torch.arange(16.0).reshape(1, 1, 1, 16).expand(1, 1, 16, 16)
    moved = replace(still(x), moved=torch.tensor([[0.0, 1.0]])).place_of(x)
    assert moved[0, 0, 0].tolist() == [*range(2, 16), 15, 15]
    moved = replace(still(x), moved=torch.tensor([[0.0, -1.0]])).place_of(x)
    assert moved[0, 0, 5].tolist() == [0, 0, *range(14)]


def test_turning_round_is_of_the_last_axis() -> None:
    x = pictures()
    turned = replace(still(x), flipped=torch.tensor([1.0, 0, 0, 0, 0, 0])).place_of(x)
    assert torch.equal(turned[0], x[0].flip(-1)) and torch.equal(turned[1:], x[1:])


def test_colours_change_and_transparency_does_not() -> None:
    x = pictures()
    drawn = Changes.draw(x, rng(), 1.0, ("colour",))
    seen = drawn.all_of(x)
    assert torch.equal(seen[:, 3], x[:, 3]) and not torch.allclose(seen[:, :3], x[:, :3])
    lighter = replace(still(x), light=torch.full((6,), 0.25)).colour(x)
    assert torch.allclose(lighter[:, :3], x[:, :3] + 0.25, atol=1e-6)
    grey = replace(still(x), saturation=torch.full((6,), -1.0)).colour(x)
    assert torch.allclose(grey[:, 0], grey[:, 2], atol=1e-6)
    flat = replace(still(x), contrast=torch.full((6,), -1.0)).colour(x)
    assert float(flat[:, :3].flatten(1).std(1).max()) < 1e-6


def test_a_hidden_part_is_a_quarter_of_the_picture_and_within_it() -> None:
    x = torch.ones(2, 3, 16, 16)
    middle = replace(still(x), hidden=torch.tensor([1.0, 0.0]), place=torch.full((2, 2), 0.5))
    seen = middle.hide(x)
    assert float((seen[0] == 0).float().mean()) == 0.25 and torch.equal(seen[1], x[1])


def test_gradients_pass() -> None:
    x = pictures().requires_grad_(True)
    Changes.draw(x, rng(3), 1.0, ("move", "flip", "colour")).all_of(x).sum().backward()
    assert x.grad is not None and bool((x.grad[:, :3].flatten(1).abs().sum(1) > 0).all())


def test_any_number_of_axes() -> None:
    for shape in ((3, 2, 9), (3, 2, 4, 6, 5)):
        x = torch.randn(shape, generator=rng())
        assert Changes.draw(x, rng(1), 1.0).all_of(x).shape == x.shape
