"""Reconstruction: what it measures, what its samples begin from, and the critic beside it."""

from __future__ import annotations

import pytest
import torch
import toys
from PIL import Image

from genloom.engine.engine import Engine
from genloom.errors import RecipeError
from genloom.family.reconstruction import Reconstruction, details, unmatched
from genloom.recipe import Part
from genloom.spec import ArraySpec, Batch, Encoded, Request
from genloom.train.loop import Loop

SPEC = ArraySpec(grid=(8, 8), channels=1)


def test_a_pyramid_loses_nothing():
    x = torch.randn(2, 3, 8, 12)
    rest = torch.nn.functional.avg_pool2d(x, (8, 8), ceil_mode=True)
    bands = details(x)
    assert [band.shape[2:] for band in bands] == [(8, 12), (4, 6), (2, 3)]
    for band in bands[::-1]:
        rest = band + torch.nn.functional.interpolate(rest, band.shape[2:], mode="nearest")
    assert torch.allclose(rest, x, atol=1e-6)


def test_lost_edges_cost_twice_what_the_same_error_everywhere_does():
    """A blurred picture and one that is a little too bright, equally far pixel by pixel."""
    x = (torch.arange(64).view(1, 1, 8, 8) % 2).float()
    blurred, bright = torch.full_like(x, 0.5), x + 0.5
    family = Reconstruction()
    a, b = family.errors(blurred, x), family.errors(bright, x)
    assert float(a["pixel_error"]) == pytest.approx(float(b["pixel_error"]))
    assert float(a["detail_error"]) == 0.5 and float(b["detail_error"]) == 0


class Keeps(torch.nn.Module):
    """Puts out what it is given and asks for two nats an item."""

    def forward(self, x):
        return x, {"price": torch.full((len(x),), 2.0)}


def test_the_loss_is_a_sum_that_heeds_weights_and_what_the_net_asks_for():
    x = torch.randn(3, 1, 8, 8)
    batch = Batch(spec=SPEC, x=x, weight=torch.tensor([1.0, 1.0, 0.0]))
    loss = Reconstruction().loss("net", {"net": Keeps()}, batch, torch.Generator())
    assert float(loss.total) == pytest.approx(4.0)


def test_where_something_is_told_the_net_sees_that():
    x, told = torch.zeros(2, 1, 8, 8), torch.ones(2, 1, 8, 8)
    batch = Batch(spec=SPEC, x=x, weight=torch.ones(2), control=told)
    assert Reconstruction().score({"net": Keeps()}, batch).tolist() == pytest.approx([-1.0, -1.0])


def test_a_sample_begins_from_what_is_told_else_from_the_item():
    family, index = Reconstruction(), torch.arange(2)
    item, told = torch.zeros(1, 12, 8), torch.ones(1, 8, 12)
    for asked, wanted in (
        (Encoded(seed=0, index=index, item=item), item),
        (Encoded(seed=0, index=index, item=item, control=told), told),
    ):
        samples = family.start({"net": Keeps()}, SPEC, asked)
        family.step({"net": Keeps()}, samples, None)
        assert bool(samples.done.all()) and torch.equal(samples.x[1], wanted)


def test_given_pictures_come_back_and_numbers_of_a_seed_differ(tmp_path):
    model = toys.shaken(toys.MADE["picture through a latent"](), tmp_path)
    picture = Image.new("RGB", (8, 8), "red")
    with Engine(model) as engine:
        some = engine.submit(Request(item=picture, count=2))
        assert torch.equal(*(some.result() and some.tensors()))
        new = engine.submit(Request(count=2, seed=1))
        assert not torch.equal(*(new.result() and new.tensors()))


def test_a_critic_is_needed_only_where_it_counts():
    toys.recipe(
        Part("image", {"size": 8}),
        Part("reconstruction", {"adversarial": 0.5}),
        {"net": "autoencoder", "critic": "conv_critic"},
    ).check()
    with pytest.raises(RecipeError, match="needs nets for"):
        toys.recipe(
            Part("image", {"size": 8}),
            Part("reconstruction"),
            {"net": "autoencoder", "critic": "conv_critic"},
        ).check()


def test_the_critic_learns_to_tell_pictures_from_their_reconstructions(tmp_path):
    made = toys.MADE["picture through a latent, before a critic"](
        steps=15, rate=1e-2, muon_rate=0.0
    )
    loop = Loop(toys.job(made, tmp_path))
    still = loop.optimisers["net"]
    still.parts, still.rates = [], []  # it stays as it is
    gaps = [loop.advance(lambda *_, **__: None)["gap"] for _ in range(15)]
    assert sum(gaps[-5:]) / 5 > sum(gaps[:5]) / 5 + 0.1


class Sees(torch.nn.Module):
    """A critic that shows the signs and the sizes of what it judges."""

    def forward(self, x, prompt=None, control=None):
        return x.flatten(1).mean(1)

    def seen(self, x, control=None):
        return [x.sign(), 4 * x]


def test_what_the_critic_sees_is_matched_as_a_share_of_it():
    x = torch.tensor([[[1.0, -1.0]], [[2.0, 2.0]]])
    batch = Batch(spec=ArraySpec(grid=(2,), channels=1), x=x, weight=torch.ones(2))
    assert unmatched(Sees(), x, batch).tolist() == [0, 0]
    assert unmatched(Sees(), 2 * x, batch).tolist() == pytest.approx([(0 + 4 / 6) / 2, 8 / 12])
    family = Reconstruction(adversarial=0.1, matching=1.0)
    loss = family.loss("net", {"net": Keeps(), "critic": Sees()}, batch, torch.Generator())
    assert float(loss.parts["matching_error"]) == 0


def test_matching_needs_a_critic_that_shows_what_it_sees():
    batch = Batch(spec=SPEC, x=torch.zeros(1, 1, 8, 8), weight=torch.ones(1))
    with pytest.raises(RecipeError, match=r"family\.matching"):
        unmatched(Keeps(), batch.x, batch)
