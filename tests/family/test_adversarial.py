"""The two-party objective on a linear critic with a known penalty, and who moves whose weights."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.family.adversarial import Adversarial
from genloom.spec import ArraySpec, Batch, Encoded

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
