"""The optimisers: what Muon does to a matrix, that it learns, the schedule, the state."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import nn
from toys import MADE, job

from genloom.recipe import Train
from genloom.train.optim import Muon, Optimiser, orthogonalise, share_of_rate


@pytest.mark.parametrize("shape", [(16, 16), (8, 40), (40, 8), (3, 12, 20)])
def test_orthogonalise_brings_singular_values_near_one(shape):
    x = torch.randn(shape, generator=torch.Generator().manual_seed(1)) * 37
    values = torch.linalg.svdvals(orthogonalise(x, steps=10))
    assert values.min() > 0.6 and values.max() < 1.3


def test_orthogonalise_keeps_the_directions():
    u, _, v = torch.linalg.svd(torch.randn(12, 12, generator=torch.Generator().manual_seed(2)))
    skewed = u @ torch.diag(torch.linspace(0.5, 5.0, 12)) @ v
    turned = u.mT @ orthogonalise(skewed) @ v.mT
    assert (turned - torch.diag(turned.diag())).abs().max() < 1e-4
    assert turned.diag().min() > 0.5


def test_stacked_matrices_are_orthogonalised_apart():
    x = torch.randn(3, 6, 9, generator=torch.Generator().manual_seed(3))
    assert torch.allclose(orthogonalise(x)[1], orthogonalise(x[1]), atol=1e-5)


def test_muon_lowers_a_loss():
    rng = torch.Generator().manual_seed(4)
    x, wanted = torch.randn(64, 10, generator=rng), torch.randn(10, 6, generator=rng)
    weight = nn.Parameter(torch.zeros(10, 6))
    optimiser = Muon([weight], lr=0.05)
    losses = []
    for _ in range(100):
        optimiser.zero_grad()
        loss = (x @ (weight - wanted)).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.05 * losses[0]


def test_weight_decay_shrinks_by_its_rate_alone():
    weight = nn.Parameter(torch.eye(4))
    weight.grad = torch.zeros(4, 4)
    Muon([weight], lr=0.1, weight_decay=0.5).step()
    assert torch.allclose(weight, 0.95 * torch.eye(4), atol=1e-5)


def test_hidden_matrices_are_muons_and_the_rest_is_adams(tmp_path):
    net = job(MADE["text"](), tmp_path).model.nets["net"]
    muon, adam = Optimiser.build(net, Train()).parts
    mine = {id(p) for g in muon.param_groups for p in g["params"]}
    names = {n for n, p in net.named_parameters() if id(p) in mine}
    assert names and all("blocks" in n for n in names)
    rest = sum(p.numel() for g in adam.param_groups for p in g["params"])
    assert rest + sum(p.numel() for p in net.parameters() if id(p) in mine) == sum(
        p.numel() for p in net.parameters()
    )


def test_no_muon_rate_leaves_one_optimiser():
    parts = Optimiser.build(nn.Linear(4, 4), replace(Train(), muon_rate=0.0)).parts
    assert [type(p) for p in parts] == [torch.optim.AdamW]


def test_rate_warms_up_holds_and_falls_to_zero():
    train = Train(steps=100, warmup=0.1, decay=0.4)
    shares = [share_of_rate(n, train) for n in range(100)]
    assert shares[0] == pytest.approx(0.1)
    assert shares[:10] == sorted(shares[:10]) and shares[9] == 1.0
    assert shares[9:61] == [1.0] * 52
    assert shares[60:] == sorted(shares[60:], reverse=True)
    assert shares[80] == pytest.approx(0.5) and shares[99] == pytest.approx(1 / 40)
    assert share_of_rate(140, train) == 0.0  # a probe takes more steps than a short training has


def _net() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))


def _walk(net: nn.Module, optimiser: Optimiser, steps: range) -> None:
    for n in steps:
        optimiser.zero()
        x = torch.randn(8, 5, generator=torch.Generator().manual_seed(n))
        net(x).square().sum().backward()
        optimiser.step(1 / (1 + n))


def test_state_goes_on_bit_by_bit():
    net = _net()
    optimiser = Optimiser.build(net, Train())
    _walk(net, optimiser, range(4))
    other = _net()
    other.load_state_dict(net.state_dict())
    again = Optimiser.build(other, Train())
    again.restore({k: v.clone() for k, v in optimiser.state().items()})
    _walk(net, optimiser, range(4, 8))
    _walk(other, again, range(4, 8))
    for a, b in zip(net.parameters(), other.parameters(), strict=True):
        assert torch.equal(a, b)


def test_restoring_an_empty_state_forgets_the_moments():
    net = _net()
    optimiser = Optimiser.build(net, Train())
    empty = optimiser.state()
    _walk(net, optimiser, range(3))
    assert optimiser.state()
    optimiser.restore(empty)
    assert not optimiser.state()
