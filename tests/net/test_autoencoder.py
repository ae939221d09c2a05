"""The autoencoder: grids of any number of axes, finite codes, items independent of their mates."""

from __future__ import annotations

import pytest
import torch

from genloom.net.autoencoder import Autoencoder, AutoencoderConfig
from genloom.net.finite import FiniteScalar
from genloom.spec import ArraySpec


def made(axes: int = 2, **options) -> Autoencoder:
    config = AutoencoderConfig(**{"width": 8, "most": 16, "group": 8, "blocks": 1, **options})
    torch.manual_seed(0)
    return Autoencoder(config, ArraySpec(grid=(8,) * axes, channels=2), None)


@pytest.mark.parametrize("levels", [(8, 5, 5, 5), (5, 4), (2, 3, 7)])
def test_ids_and_levels_are_inverse_to_each_other(levels):
    finite = FiniteScalar(levels)
    ids = torch.arange(finite.size)
    values = finite.values(ids)
    assert torch.equal(finite.ids(values), ids) and float(values.abs().max()) == 1.0
    assert len(values.unique(dim=0)) == finite.size


def test_any_number_goes_to_a_level_and_levels_stay():
    finite = FiniteScalar((8, 5, 4))
    line = torch.linspace(-4, 4, 33)
    z = torch.cartesian_prod(line, line, line)
    put = finite.quantise(z)
    assert torch.allclose(finite.values(finite.ids(put)), put, atol=1e-5)
    assert finite.ids(put).unique().numel() == finite.size  # no code is out of reach


def test_gradients_pass_through_rounding():
    z = torch.tensor([[0.1, -0.3]], requires_grad=True)
    FiniteScalar((8, 5)).quantise(z).sum().backward()
    assert z.grad is not None and bool((z.grad > 0.3).all())


@pytest.mark.parametrize("axes", [1, 2, 3])
@pytest.mark.parametrize("levels", [(), (4, 3)])
def test_grids_of_one_to_three_axes(axes, levels):
    net = made(axes, levels=levels).eval()
    x = torch.randn(3, 2, *(12,) * axes)  # other sides than the usual ones
    with torch.inference_mode():
        z = net.encode(x)
        assert tuple(z.shape[1:]) == net.latents(x.shape[2:])
        assert net.decode(z).shape == x.shape and torch.equal(net(x)[0], net.decode(z))


def test_a_divergence_is_asked_for_where_latents_are_normal():
    net = made().train()
    x = torch.randn(5, 2, 8, 8)
    _, parts = net(x)
    assert parts["divergence"].shape == (5,) and bool((parts["divergence"] >= 0).all())
    assert not made(levels=(4, 3)).train()(x)[1]


def test_an_item_does_not_depend_on_its_batch_mates():
    net = made(width=32, most=64).eval()
    x = torch.randn(37, 2, 8, 8)
    with torch.inference_mode():
        whole = net(x)[0]
        assert torch.equal(whole[20:23], net(x[20:23])[0])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"factor": 3}, "power of two"),
        ({"factor": 2, "patch": 4}, "above the factor"),
        ({"factor": 16}, "must divide"),
        ({"levels": (1, 5)}, "2 to 256"),
        ({"levels": (256, 256, 256)}, "65,536 at most"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(options, told):
    with pytest.raises(ValueError, match=told):
        made(**options)
