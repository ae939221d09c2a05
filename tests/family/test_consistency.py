"""Jumps from any noise to the clean item: on paths whose ends are known, and in batches."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
import toys

from genloom import api
from genloom.engine.engine import Engine
from genloom.errors import RecipeError, RequestError
from genloom.family.consistency import Consistency
from genloom.net.lora import Adapter
from genloom.recipe import Part, Recipe, Start
from genloom.spec import ArraySpec, Batch, Options, Request
from genloom.tuning import Begun, beside, nets_of, recipe_from

SPEC = ArraySpec(grid=(), channels=3)
SPREAD = 0.5  # of the data, a Gaussian around nothing


class Exact(torch.nn.Module):
    """The flow of a Gaussian, known in closed form: E[x | x_t] = s^2 (1 - t) x_t / var_t."""

    def forward(self, x, time, prompt=None, control=None):
        t = time[:, None]
        return SPREAD**2 * (1 - t) * x / (SPREAD**2 * (1 - t) ** 2 + t**2)


class Jumping(torch.nn.Module):
    """Where that flow's paths end, in closed form: x_t s / sd_t."""

    def forward(self, x, time, prompt=None, control=None):
        t = time[:, None]
        return SPREAD * x / (SPREAD**2 * (1 - t) ** 2 + t**2).sqrt()


def points(count: int = 512) -> Batch:
    x = SPREAD * torch.randn(count, 3, generator=torch.Generator().manual_seed(0))
    return Batch(spec=SPEC, x=x, weight=torch.ones(count))


def lost(net: torch.nn.Module, knots: int) -> float:
    family = Consistency(predicts="data", knots=knots, huber=1e-3)
    rng = torch.Generator().manual_seed(1)
    loss = family.loss("net", {"net": net, "reference": Exact()}, points(), rng)
    return float(loss.total) / 512


def test_the_true_jump_loses_nothing_but_what_the_walk_errs_by():
    """The midpoint rule is of second order: half the gap, a quarter of the error."""
    errors = [lost(Jumping(), knots) for knots in (2, 4, 8)]
    print(errors, lost(Exact(), 4))
    assert lost(Exact(), 8) > 5 * errors[0]  # the mean is no end of a path
    assert errors[0] > 2.5 * errors[1] > 6 * errors[2] and errors[2] < 2e-3


def test_guidance_is_worked_into_what_is_learnt_from():
    class Told(Exact):
        """Moves what is told by one, what is not by nothing."""

        class prompt:
            @staticmethod
            def null(ids):
                return torch.zeros_like(ids)

        def forward(self, x, time, prompt=None, control=None):
            return super().forward(x, time) + prompt.float()

    ids, x = torch.ones(4, 1, dtype=torch.long), torch.randn(4, 3)
    time = torch.full((4,), 0.5)
    plain = Consistency(predicts="data", guidance=1.0)._guided(Told(), x, time, (ids, None))
    twice = Consistency(predicts="data", guidance=3.0)._guided(Told(), x, time, (ids, None))
    torch.testing.assert_close(plain - twice, torch.full((4, 3), 2 / 0.5))  # 3 x, less 1 x


def started(**family) -> tuple[api.Model, Recipe]:
    """A toy flow, and a recipe that goes on from it."""
    made = toys.MADE["picture by class"]()
    material = toys.material_of(made)
    model = api.Model(
        recipe=made, codec=material.codec, prompt=material.prompt, nets=material.nets()
    )
    toys._shake(model.nets, 3)
    nets = {"net": toys.tiny("diffusion_transformer"), "critic": toys.tiny("conv_critic")}
    draft = toys.recipe(made.codec, Part("consistency", family), nets={})
    draft = Recipe(
        name="fast",
        codec=made.codec,
        family=draft.family,
        net=nets if family.get("adversarial") else {"net": nets["net"]},
        data=draft.data,
        train=draft.train,
    )
    return model, recipe_from(draft, Start(model="x", weights="x"), Begun(model=model))


def test_it_takes_over_what_the_flow_was_and_gets_a_critic_of_its_own():
    model, recipe = started(adversarial=0.3)
    assert recipe.family.options["predicts"] == "data" and set(recipe.net) == {"net", "critic"}
    recipe.check()
    nets = nets_of(recipe, model)
    assert set(nets) == {"net", "critic"}
    mine, theirs = nets["net"].state_dict(), model.nets["net"].state_dict()
    assert all(torch.equal(mine[name], theirs[name]) for name in theirs)
    again = nets_of(recipe, model)["critic"].state_dict()
    assert all(torch.equal(again[n], v) for n, v in nets["critic"].state_dict().items())
    frozen = beside(recipe, Begun(model=model), nets, torch.device("cpu"))
    assert set(frozen) == {"reference"}
    assert not any(p.requires_grad for p in frozen["reference"].parameters())


def test_both_parties_get_gradients_of_their_own():
    model, recipe = started(adversarial=0.3)
    nets, family = nets_of(recipe, model), recipe.make_family()
    ready = {**dict(nets.items()), **beside(recipe, Begun(model=model), nets, model.device)}
    batch = toys.material_of(toys.MADE["picture by class"]()).loader().batch(0)
    for player, still in (("net", "critic"), ("critic", "net")):
        for name, net in nets.items():
            net.requires_grad_(name == player)
        family.loss(player, ready, batch, torch.Generator().manual_seed(0)).total.backward()
        assert any(p.grad is not None and bool(p.grad.any()) for p in nets[player].parameters())
        assert all(p.grad is None for p in nets[still].parameters())
        nets.zero_grad()


def test_an_adapter_learns_to_jump_beside_the_very_flow():
    """LCM-LoRA (Luo et al. 2023b): the reference is the same net without what is learnt."""
    model, recipe = started(adversarial=0.3)
    recipe = replace(recipe, start=Start(model="x", weights="x", adapter=Adapter(rank=2)))
    with pytest.raises(RecipeError, match="beside one net"):
        nets_of(recipe, model)
    recipe = recipe.with_("family.adversarial=0", "net.critic=null")
    nets, family = nets_of(recipe, model), recipe.make_family()
    ready = {**dict(nets.items()), **beside(recipe, Begun(model=model), nets, model.device)}
    batch = toys.material_of(toys.MADE["picture by class"]()).loader().batch(0)
    family.loss("net", ready, batch, torch.Generator().manual_seed(0)).total.backward()
    moved = {name for name, p in nets.named_parameters() if p.grad is not None}
    assert moved and all(".low." in name for name in moved)


def sample(model: api.Model, **options) -> torch.Tensor:
    with Engine(model) as engine:
        request = Request(prompt="above", seed=4, count=3, options=Options(**options))
        generation = engine.submit(request)
        generation.result()
        return generation.tensors()


def fast(**family) -> api.Model:
    model, recipe = started(**family)
    return api.Model(
        recipe=recipe, codec=model.codec, prompt=model.prompt, nets=nets_of(recipe, model).eval()
    )


def test_a_step_more_begins_from_the_same_noise_and_two_are_the_default():
    model = fast()
    one, two = sample(model, steps=1), sample(model, steps=2)
    assert torch.equal(sample(model), two) and not torch.equal(one, two)
    with Engine(model) as engine:  # alone or in company
        parts = [
            engine.submit(Request(prompt="above", seed=4, first=n, options=Options(steps=2)))
            for n in (2, 0, 1)
        ]
        for part in parts:
            part.result()
        alone = torch.cat([part.tensors() for part in parts])
    assert torch.allclose(alone[[1, 2, 0]], two, atol=1e-5)


def test_of_a_gaussian_two_steps_keep_its_spread():
    """The true jump, then noise, then the true jump: the distribution stays what it is."""
    family, size = Consistency(predicts="data"), 20_000
    rng = torch.Generator().manual_seed(2)
    x, time = torch.randn(size, 3, generator=rng), torch.ones(size)
    for there in (0.5, 0.0):
        clean = family.jump(Jumping(), x, time, (None, None))
        x = (1 - there) * clean + there * torch.randn(size, 3, generator=rng)
        time = torch.full((size,), there)
    assert float(x.std()) == pytest.approx(SPREAD, abs=0.02)
    assert math.isclose(float(x.mean()), 0.0, abs_tol=0.02)


@pytest.mark.parametrize("option", [{"guidance": 2.0}, {"solver": "heun"}])
def test_what_is_worked_in_cannot_be_asked_for(option):
    with pytest.raises(RequestError, match=next(iter(option))):
        sample(fast(), **option)


def test_a_knob_that_makes_no_sense_is_refused():
    with pytest.raises(RecipeError, match="knots is 0"):
        Consistency(knots=0)
