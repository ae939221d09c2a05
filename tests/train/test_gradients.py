"""Private gradients: each row's is cut, the noise is what the account says, the batches are drawn
as it counts on."""

from __future__ import annotations

import pytest
import torch
from toys import MADE, job

from genloom.budget import Privacy
from genloom.data.loader import Loader
from genloom.data.poisson import Poisson
from genloom.spec import ArraySpec
from genloom.train.gradients import Private, Spending, clip
from genloom.train.loop import Loop


def spending(rows: int = 64, clip: float = 0.5) -> Spending:
    privacy = Privacy(epsilon=3.0, delta=1e-3, clip=clip)
    return Spending(privacy=privacy, key=b"k" * 32, rows=rows, expected=16.0, steps=50, delta=1e-3)


def loop(tmp_path, **changes) -> Loop:
    name = next(n for n in MADE if n.startswith("row by"))
    return Loop(job(MADE[name](steps=4, ema=0.0, judge=0, **changes), tmp_path))


def taken(one: Loop, way: Private, batches) -> list[torch.Tensor]:
    def loss_of(batch, micro):
        return one.family.loss("net", one.nets, batch, torch.Generator().manual_seed(micro))

    for p in one.params:
        p.grad = None
    way.gradients(0, one.params, batches, loss_of)
    return [p.grad.clone() for p in one.params]


def test_one_row_moves_the_sum_by_no_more_than_the_clip(tmp_path):
    one = loop(tmp_path)
    way = Private(spending(), list(one.nets.values()))
    way.noise = 0.0
    batch = one.job.loader.batches(0)[0]
    less = type(batch)(spec=batch.spec, x=batch.x[:-1], weight=batch.weight[:-1])
    # the orders of the other rows are drawn alike only where the last one is drawn last
    only = type(batch)(spec=batch.spec, x=batch.x[-1:], weight=batch.weight[-1:])
    apart = taken(one, way, [less, only])
    without = taken(one, way, [less])
    moved = torch.stack([(a - b).norm() for a, b in zip(apart, without, strict=True)]).norm()
    assert float(moved) * 16.0 == pytest.approx(0.5, rel=1e-3)  # its own gradient is longer


def test_noise_has_the_size_that_was_paid_and_is_the_same_again(tmp_path):
    one = loop(tmp_path)
    way = Private(spending(), list(one.nets.values()))
    empty = one.job.loader.batches(0)[0]
    none = type(empty)(spec=empty.spec, x=empty.x[:0], weight=empty.weight[:0])
    grads = torch.cat([g.flatten() for g in taken(one, way, [none])])
    assert float(grads.std()) == pytest.approx(way.noise * 0.5 / 16.0, rel=0.1)
    again = torch.cat([g.flatten() for g in taken(one, way, [none])])
    assert torch.equal(grads, again)
    assert way.spent(50) <= 3.0 and way.spent(10) < way.spent(50)


def test_a_row_whose_gradient_is_not_finite_takes_no_part(tmp_path):
    one = loop(tmp_path)
    way = Private(spending(), list(one.nets.values()))
    way.checked = True
    batch = one.job.loader.batches(0)[0]
    batch.weight[0] = float("inf")
    assert all(bool(torch.isfinite(g).all()) for g in taken(one, way, [batch]))


def test_batches_are_drawn_by_chance_alone():
    spec = ArraySpec(grid=(), channels=1)
    loader = Loader(torch.arange(200.0)[:, None], spec, batch=20, seed=0)
    drawn = Poisson(loader, lambda step: step)
    sizes, hits = [], torch.zeros(200)
    for step in range(400):
        (batch,) = drawn.batches(step)
        values = batch.x[:, 0].long()
        assert len(values.unique()) == len(values)
        hits[values] += 1
        sizes.append(len(values))
    assert torch.tensor(sizes, dtype=torch.float).mean() == pytest.approx(20.0, abs=0.7)
    assert torch.tensor(sizes, dtype=torch.float).var() == pytest.approx(18.0, rel=0.3)
    assert hits.min() > 15 and hits.max() < 70
    assert len(drawn.batches(0, accumulate=3)) == 3


def test_plain_gradients_are_cut_as_a_whole():
    grads = [torch.full((3,), 3.0), torch.full((1,), 4.0)]
    norm = clip(grads, 1.0)
    assert norm == pytest.approx(43.0**0.5)
    assert float(torch.cat(grads).norm()) == pytest.approx(1.0, rel=1e-5)
