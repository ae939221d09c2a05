"""The two-party objective on a linear critic with a known penalty, and who moves whose weights."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.errors import RecipeError
from genloom.family.adversarial import Adversarial
from genloom.net.conv import ConvConfig, ConvCritic
from genloom.spec import ArraySpec, Batch, Encoded, Options

SPEC = ArraySpec(grid=(), channels=3)


class Line(nn.Module):
    """critic(x) = w x + b (w x)^2 / 2; with b = 0 its slope is w everywhere."""

    def __init__(self, bend: float = 0.0) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([0.3, -1.2, 0.5]))
        self.bend = bend

    def forward(self, x: Tensor, prompt: Tensor | None = None) -> Tensor:
        along = x @ self.weight
        return along + self.bend * along.square() / 2


class Scale(nn.Module):
    """generator(z) = 2 z."""

    latent = 3

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(2.0))

    def forward(self, z: Tensor, prompt: Tensor | None = None) -> Tensor:
        return self.scale * z.to(self.scale.dtype)


def batch() -> Batch:
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    return Batch(spec=SPEC, x=x, weight=torch.tensor([1.0, 1, 1, 1, 0]))


def latent() -> Tensor:
    return torch.randn(5, 3, generator=torch.Generator().manual_seed(1))


def test_the_penalty_of_a_linear_critic_is_its_squared_weight() -> None:
    nets, data = {"critic": Line(), "generator": Scale()}, batch()
    loss = Adversarial(penalty=0.7).loss("critic", nets, data, torch.Generator().manual_seed(1))
    w = nets["critic"].weight.detach()
    gap = data.x @ w - (2 * latent()) @ w
    each = F.softplus(-gap) + 0.5 * 0.7 * 2 * w.square().sum()
    assert float(loss.total.detach()) == pytest.approx(float(each[:4].sum()), rel=1e-5)


def test_the_penalty_of_a_bent_critic_equals_finite_differences() -> None:
    critic, data = Line(bend=0.4).double(), batch()
    data.x = data.x.double()
    nets = {"critic": critic, "generator": Scale().double()}
    loss = Adversarial().loss("critic", nets, data, torch.Generator().manual_seed(1))

    def steep(x: Tensor) -> Tensor:
        step, total = 1e-5, torch.zeros(len(x), dtype=x.dtype)
        for axis in range(3):
            nudge = torch.zeros(3, dtype=x.dtype)
            nudge[axis] = step
            total += ((critic(x + nudge) - critic(x - nudge)) / (2 * step)).square()
        return total

    made = 2 * latent().double()
    hoped = ((steep(data.x) + steep(made)) * data.weight).sum()
    assert float(loss.parts["slope"]) == pytest.approx(float(hoped.detach()), rel=1e-6)


def test_the_generator_is_judged_relative_to_real_items() -> None:
    nets, data = {"critic": Line(), "generator": Scale()}, batch()
    loss = Adversarial().loss("generator", nets, data, torch.Generator().manual_seed(1))
    w = nets["critic"].weight.detach()
    gap = (2 * latent()) @ w - data.x @ w
    assert float(loss.total.detach()) == pytest.approx(float(F.softplus(-gap)[:4].sum()), rel=1e-5)


def test_the_critic_s_loss_does_not_reach_the_generator() -> None:
    nets = {"critic": Line(), "generator": Scale()}
    Adversarial().loss("critic", nets, batch(), torch.Generator().manual_seed(1)).total.backward()
    assert nets["generator"].scale.grad is None
    assert float(nets["critic"].weight.grad.abs().sum()) > 0


@pytest.mark.parametrize("mover", ["critic", "generator"])
def test_each_player_moves_its_own_weights_alone(mover: str) -> None:
    """As the training loop has it: only the mover's weights gather gradients."""
    nets = {"critic": Line(), "generator": Scale()}
    for role, net in nets.items():
        net.requires_grad_(role == mover)
    Adversarial().loss(mover, nets, batch(), torch.Generator().manual_seed(1)).total.backward()
    for role, net in nets.items():
        (grad,) = [p.grad for p in net.parameters()]
        assert (grad is not None and float(grad.abs().sum()) > 0) == (role == mover)


def test_a_sample_is_the_generator_s_answer_to_its_own_noise() -> None:
    family, nets = Adversarial(), {"critic": Line(), "generator": Scale()}
    alone = family.start(nets, SPEC, Encoded(seed=2, index=torch.tensor([1])))
    both = family.start(nets, SPEC, Encoded(seed=2, index=torch.arange(3)))
    for samples in (alone, both):
        family.step(nets, samples, None)
        assert bool(samples.done.all())
    assert torch.equal(alone.x[0], both.x[1])
    assert torch.equal(both.x, 2 * both.state["z"])


@pytest.mark.parametrize("share", [0.01, 0.4, 1.0])
def test_a_penalty_on_some_is_theirs_scaled_to_all(share: float) -> None:
    nets, data = {"critic": Line(bend=0.4), "generator": Scale()}, batch()
    some = max(1, round(share * 5))
    found = Adversarial(penalised=share).loss(
        "critic", nets, data, torch.Generator().manual_seed(1)
    )
    whole = Adversarial(penalty=0.0).loss("critic", nets, data, torch.Generator().manual_seed(1))
    weight, made = nets["critic"].weight.detach(), 2 * latent()

    def steep(x: Tensor) -> Tensor:
        return (1 + 0.4 * (x @ weight)).square() * weight.square().sum()

    each = (steep(data.x) + steep(made))[:some] * data.weight[:some]
    hoped = each.sum() * 4 / data.weight[:some].sum()
    assert float(found.parts["slope"]) == pytest.approx(float(hoped), rel=1e-5)
    total = float(whole.total.detach()) + 0.5 * float(hoped)
    assert float(found.total.detach()) == pytest.approx(total, rel=1e-5)


def test_a_penalty_on_absent_items_alone_is_none() -> None:
    data = batch()
    data.weight = torch.tensor([0.0, 1, 1, 1, 1])
    nets = {"critic": Line(bend=0.4), "generator": Scale()}
    loss = Adversarial(penalised=0.2).loss("critic", nets, data, torch.Generator().manual_seed(1))
    assert float(loss.parts["slope"]) == 0.0 and bool(loss.total.isfinite())


PICTURES = ArraySpec(grid=(8, 8), channels=3)


class Looking(nn.Module):
    """A critic that keeps what it was shown."""

    def __init__(self, patches: bool = False) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))
        self.patches, self.seen_of = patches, []

    def forward(self, x: Tensor, prompt: Tensor | None = None, control=None) -> Tensor:
        self.seen_of.append((x.detach(), control))
        verdict = self.weight * x.flatten(1).square()
        return verdict[:, :4] if self.patches else verdict.mean(1)


class Painter(nn.Module):
    """Makes pictures of its latents, of what it is told with them."""

    latent = 4

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(()))

    def forward(self, z: Tensor, prompt: Tensor | None = None, control=None) -> Tensor:
        made = self.weight * z[:, :1, None, None].expand(-1, 3, 8, 8)
        return made if control is None else made + control


def pictures(control: bool = False) -> Batch:
    x = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(5))
    told = x.mean(1, keepdim=True) if control else None
    return Batch(spec=PICTURES, x=x, weight=torch.ones(6), control=told)


@pytest.mark.parametrize("player", ["critic", "generator"])
def test_real_and_made_ones_are_changed_alike(player: str) -> None:
    nets = {"critic": Looking(), "generator": Painter()}
    family = Adversarial(augment=1.0, changes=("hide",))
    family.loss(player, nets, pictures(), torch.Generator().manual_seed(1))
    shown = torch.cat([x for x, _ in nets["critic"].seen_of])
    real, made = shown[:6], shown[6:]
    hidden = (real == 0).all(1)
    assert 0 < float(hidden.float().mean()) < 0.5
    assert torch.equal(hidden, (made == 0).all(1))


def test_changes_are_a_function_of_the_generator_alone() -> None:
    nets, family = {"critic": Looking(), "generator": Painter()}, Adversarial(augment=0.5)
    losses = [
        float(family.loss("critic", nets, pictures(), rng).parts["critic"])
        for rng in map(torch.Generator().manual_seed, (1, 1, 2))
    ]
    assert losses[0] == losses[1] != losses[2]


def test_what_is_told_moves_with_the_picture_and_reaches_both_parties() -> None:
    nets = {"critic": Looking(), "generator": Painter()}
    data = pictures(control=True)
    family = Adversarial(augment=1.0, changes=("flip",))
    family.loss("critic", nets, data, torch.Generator().manual_seed(1))
    shown, told = nets["critic"].seen_of[0]
    assert torch.equal(told[:6], told[6:])
    assert torch.allclose(shown[:6], data.x.flip(-1), atol=1e-6)
    assert torch.equal(told[:6], data.control.flip(-1))
    plain = Encoded(seed=0, index=torch.arange(2), control=data.control[0])
    samples = family.start(nets, PICTURES, plain)
    family.step(nets, samples, None)
    hoped = samples.state["z"][:, :1, None, None] + data.control[0]
    assert torch.allclose(samples.x, hoped.expand(-1, 3, -1, -1))


def test_a_critic_of_patches_is_doubted_place_by_place() -> None:
    nets, data = {"critic": Looking(patches=True), "generator": Painter()}, pictures()
    loss = Adversarial().loss("generator", nets, data, torch.Generator().manual_seed(1))
    real, made = (x.flatten(1).square()[:, :4] for x, _ in nets["critic"].seen_of)
    assert float(loss.total.detach()) == pytest.approx(
        float(F.softplus(real - made).mean(1).sum()), rel=1e-5
    )
    assert Adversarial().score(nets, data).shape == (6,)


def test_spread_is_one_for_items_like_the_real_and_none_for_equal_ones() -> None:
    class Copying(Painter):
        share = 1.0

        def forward(self, z: Tensor, prompt: Tensor | None = None, control=None) -> Tensor:
            return self.weight * pictures().x * self.share

    prompts = torch.tensor([[1], [1], [1], [2], [2], [2]])
    for share, prompt, hoped in ((1.0, None, 1.0), (0.25, prompts, 0.25), (0.0, prompts, 0.0)):
        data = pictures()
        data.prompt = prompt
        nets = {"critic": Looking(), "generator": Copying()}
        nets["generator"].share = share
        loss = Adversarial().loss("generator", nets, data, torch.Generator().manual_seed(1))
        assert float(loss.parts["spread"]) / 6 == pytest.approx(hoped, abs=1e-5)


def test_what_a_prompt_says_is_no_spread() -> None:
    class Told(Painter):
        def forward(self, z: Tensor, prompt: Tensor | None = None, control=None) -> Tensor:
            assert prompt is not None
            return self.weight * prompt[:, :1, None, None].expand(-1, 3, 8, 8).float()

    data = pictures()
    data.prompt = torch.tensor([[1], [1], [1], [2], [2], [2]])
    nets = {"critic": Looking(), "generator": Told()}
    loss = Adversarial().loss("generator", nets, data, torch.Generator().manual_seed(1))
    assert float(loss.parts["spread"]) == pytest.approx(0.0, abs=1e-5)


def test_truncation_brings_latents_to_their_mean() -> None:
    nets = {"critic": Line(), "generator": Scale()}
    rows = Encoded(seed=2, index=torch.arange(5))
    whole = Adversarial().start(nets, SPEC, rows).state["z"]
    half = replace(rows, options=Options(truncation=0.5))
    assert torch.equal(Adversarial().start(nets, SPEC, half).state["z"], 0.5 * whole)


def test_frames_lead_from_one_seed_to_another() -> None:
    nets = {"critic": Line(), "generator": Scale()}
    ends = [
        Adversarial().start(nets, SPEC, Encoded(seed=s, index=torch.zeros(1).long())).state["z"][0]
        for s in (2, 9)
    ]
    options = Options(towards_seed=9, frames=5)
    rows = Encoded(seed=2, index=torch.arange(5), options=options)
    z = Adversarial().start(nets, SPEC, rows).state["z"]
    assert torch.allclose(z[0], ends[0], atol=1e-5) and torch.allclose(z[4], ends[1], atol=1e-5)
    far = (z[1:] - z[:-1]).norm(dim=1)
    assert float(far.max()) < 0.5 * float((ends[0] - ends[1]).norm())


@pytest.mark.parametrize(
    ("knobs", "told"),
    [({"augment": 2.0}, "0 to 1 is expected"), ({"changes": ("blur",)}, r"\['blur'\]: use some")],
)
def test_knobs_that_cannot_be_are_refused(knobs: dict, told: str) -> None:
    with pytest.raises(RecipeError, match=told):
        Adversarial(**knobs)


def test_rows_have_no_places_to_change() -> None:
    nets = {"critic": Line(), "generator": Scale()}
    with pytest.raises(RecipeError, match=r"use family\.augment=0"):
        Adversarial(augment=0.5).loss("critic", nets, batch(), torch.Generator().manual_seed(1))


def test_the_penalty_is_never_rounded() -> None:
    """A gradient of a gradient of a convolution in bf16 is wrong on a CPU."""
    spec = ArraySpec(grid=(32, 32), channels=3)
    config = ConvConfig(base=16, most=32, group=16, expansion=1.0, patch=2)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        critic = ConvCritic(config, spec, None)
    x = torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    data = Batch(spec=spec, x=x, weight=torch.ones(8))
    found = []
    for rounded in (False, True):
        critic.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=rounded):
            loss = Adversarial(penalty=1e4, penalised=0.5).judge(critic, data, x.flip(0) * 0.5)
        loss.total.backward()
        grads = [critic.into.weight.grad, critic.stages[0][0].mid.weight.grad]
        found.append([g.flatten().clone() for g in grads])
    for exact, rounded in zip(*found, strict=True):
        assert float(torch.cosine_similarity(exact, rounded, dim=0)) > 0.999
