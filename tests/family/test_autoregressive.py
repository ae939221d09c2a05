"""One id after another, on models small enough to write every item down.

A tiny random net over rows of three fields has 2 * 3 * 2 items, so chances, conditions and their
corrections are compared with sums over all of them.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping

import pytest
import torch
from torch import Tensor, nn

from genloom.engine.paged import Memory
from genloom.errors import RequestError
from genloom.family.autoregressive import Autoregressive
from genloom.family.base import Samples
from genloom.net.language_model import LanguageModel, LanguageModelConfig
from genloom.net.row_model import RowModel, RowModelConfig
from genloom.spec import Batch, Encoded, Options, Span, TokenSpec

ROW = TokenSpec(
    vocab=8,
    length=3,
    bos=0,
    eos=None,
    pad=0,
    spans=(
        Span(name="a", start=0, size=1, kind="choice"),
        Span(name="b", start=1, size=1, kind="choice"),
        Span(name="c", start=2, size=1, kind="number"),
    ),
    ranges=((1, 3), (3, 6), (6, 8)),
)
TEXT = TokenSpec(vocab=6, length=8, bos=0, eos=0, pad=5)
FAMILY = Autoregressive(order="any")
ITEMS = torch.tensor(list(itertools.product((1, 2), (3, 4, 5), (6, 7))))
COUNT = 4000


def net(spec: TokenSpec, kind: str = "row", seed: int = 0) -> dict[str, nn.Module]:
    made: nn.Module
    if kind == "row":
        made = RowModel(RowModelConfig(summed=8, width=16, depth=1), spec, None)
    else:
        config = LanguageModelConfig(width=16, depth=1, heads=2)
        made = LanguageModel(config, spec, None)
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in made.parameters():
            p.copy_(0.7 * torch.randn(p.shape, generator=rng))
    return {"net": made.requires_grad_(False).eval()}


def batch(spec: TokenSpec, items: Tensor) -> Batch:
    x = torch.cat((torch.full((len(items), 1), spec.bos), items), 1)
    weight = torch.ones(x.shape)
    weight[:, 0] = 0
    return Batch(spec=spec, x=x, weight=weight)


def memory(nets: Mapping[str, nn.Module], spec: TokenSpec) -> Memory | None:
    if spec.eos is None:
        return None
    return Memory(nets["net"].layout(), spec.length, limit=1 << 20)


@torch.inference_mode()
def sample(
    nets: Mapping[str, nn.Module],
    spec: TokenSpec,
    request: Encoded,
    family: Autoregressive = FAMILY,
) -> Samples:
    samples = family.start(nets, spec, request)
    cache = family.cache(nets, samples, memory(nets, spec))
    while not bool(samples.done.all()):
        family.step(nets, samples, cache)
        assert bool(samples.done.any()) == bool(samples.done.all())  # of one length here
    return samples


def seen(rows: Tensor, weight: Tensor | None = None) -> Tensor:
    """float [12]: the share of each item."""
    same = (rows[:, None] == ITEMS).all(-1).float()
    assert bool((same.sum(1) == 1).all())  # every row is a legal one
    weight = torch.ones(len(rows)) if weight is None else weight
    return (same * weight[:, None]).sum(0) / weight.sum()


def chances(nets: Mapping[str, nn.Module]) -> Tensor:
    return FAMILY.score(nets, batch(ROW, ITEMS)).double().exp()


def far(share: Tensor, truth: Tensor, count: float) -> float:
    """The greatest distance in standard errors."""
    error = (truth * (1 - truth) / count).sqrt().clamp(min=1e-3)
    return float(((share - truth).abs() / error).max())


@pytest.mark.parametrize("kind", ["row", "transformer"])
def test_the_chances_of_all_rows_sum_to_one(kind: str) -> None:
    assert float(chances(net(ROW, kind)).sum()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("kind", ["row", "transformer"])
@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_the_chances_sum_to_one_in_every_order(kind: str, order: tuple[int, ...]) -> None:
    given = torch.tensor(order).expand(len(ITEMS), -1)
    nats = FAMILY._surprise(net(ROW, kind), batch(ROW, ITEMS), given)
    assert float((-nats.sum(1)).exp().sum()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("kind", ["row", "transformer"])
def test_samples_follow_the_chances(kind: str) -> None:
    nets = net(ROW, kind)
    samples = sample(nets, ROW, Encoded(seed=1, index=torch.arange(COUNT)))
    truth = chances(nets)
    assert far(seen(FAMILY.result(samples, ROW)), truth, COUNT) < 4.5
    assert float(truth.max() / truth.min()) > 3  # no flat distribution that anything would meet


def test_the_score_is_the_sum_of_the_conditionals() -> None:
    nets = net(TEXT, "transformer")
    item = torch.tensor([[3, 1, 4, 2, 0]])
    total, x = 0.0, [TEXT.bos]
    for token in item[0].tolist():
        ids = torch.tensor([x])
        position = torch.arange(len(x))[None, :, None]
        hidden = nets["net"](ids, position, nets["net"].attention(None))
        total += float(nets["net"].logits(hidden[0, -1]).log_softmax(-1)[token])
        x.append(token)
    assert float(Autoregressive().score(nets, batch(TEXT, item))) == pytest.approx(total, rel=1e-5)


def test_the_loss_counts_each_id_by_its_weight() -> None:
    nets, family = net(TEXT, "transformer"), Autoregressive()
    items = torch.randint(0, 6, (3, 5), generator=torch.Generator().manual_seed(0))
    whole = batch(TEXT, items)
    each = family._surprise(nets, whole, None)
    rng = torch.Generator()
    assert float(family.loss("net", nets, whole, rng).total) == pytest.approx(float(each.sum()))
    whole.weight = torch.zeros(3, 6)
    whole.weight[1, 2], whole.weight[2, 5] = 1.0, 0.5
    hoped = float(each[1, 1] + 0.5 * each[2, 4])
    assert float(family.loss("net", nets, whole, rng).total) == pytest.approx(hoped, rel=1e-6)
    assert float(whole.count()) == 1.5


def test_some_training_rows_begin_with_a_random_subset_and_the_rest_keep_order() -> None:
    rows = batch(ROW, ITEMS.repeat(200, 1))
    order = FAMILY._orders(rows, torch.Generator().manual_seed(0))
    assert bool((order.sort(1).values == torch.arange(3)).all())
    kept = float((order == torch.arange(3)).all(1).float().mean())
    assert 0.5 < kept < 0.85
    assert len(order.unique(dim=0)) == 6
    calm = Autoregressive(order="any", given=0.0)._orders(rows, torch.Generator().manual_seed(0))
    assert bool((calm == torch.arange(3)).all())


def test_what_is_known_stays_and_the_rest_follows_from_it() -> None:
    nets = net(ROW)
    known = torch.tensor([-1, 5, -1])
    samples = sample(nets, ROW, Encoded(seed=2, index=torch.arange(COUNT), known=known))
    rows = FAMILY.result(samples, ROW)
    assert bool((rows[:, 1] == 5).all())
    order = torch.tensor([1, 0, 2]).expand(len(ITEMS), -1)
    nats = FAMILY._surprise(nets, batch(ROW, ITEMS), order)
    truth = torch.where(ITEMS[:, 1] == 5, (-nats[:, 0] - nats[:, 2]).exp(), 0.0)
    assert float(truth.sum()) == pytest.approx(1, abs=1e-5)
    assert far(seen(rows), truth, COUNT) < 4.5


def test_one_restriction_is_met_exactly_without_rejection() -> None:
    nets = net(ROW)
    allowed = {1: torch.tensor([True, False, True])}
    samples = sample(nets, ROW, Encoded(seed=3, index=torch.arange(COUNT), allowed=allowed))
    assert bool((samples.state["mass"] == 0).all())
    order = torch.tensor([1, 0, 2]).expand(len(ITEMS), -1)
    truth = (-FAMILY._surprise(nets, batch(ROW, ITEMS), order).sum(1)).exp()
    truth = torch.where(ITEMS[:, 1] == 4, 0.0, truth)
    assert far(seen(FAMILY.result(samples, ROW)), truth / truth.sum(), COUNT) < 4.5


def test_keeping_by_chance_gives_the_conditional_distribution() -> None:
    nets = net(ROW, seed=5)
    allowed = {1: torch.tensor([True, False, True]), 2: torch.tensor([False, True])}
    samples = sample(nets, ROW, Encoded(seed=4, index=torch.arange(COUNT), allowed=allowed))
    rows, keep = FAMILY.result(samples, ROW), samples.state["mass"].exp()
    assert bool(((keep > 0) & (keep <= 1 + 1e-6)).all())
    order = torch.tensor([1, 2, 0]).expand(len(ITEMS), -1)
    truth = (-FAMILY._surprise(nets, batch(ROW, ITEMS), order).sum(1)).exp()
    truth = torch.where((ITEMS[:, 1] != 4) & (ITEMS[:, 2] == 7), truth, 0.0)
    truth = truth / truth.sum()
    chosen = torch.rand(COUNT, generator=torch.Generator().manual_seed(0)) < keep
    assert far(seen(rows[chosen]), truth, float(chosen.sum())) < 4.5
    assert far(seen(rows), truth, COUNT) > 8  # all of them would be another distribution


def test_conditions_need_a_model_of_any_order() -> None:
    left, known = Autoregressive(), torch.tensor([-1, 5, -1])
    with pytest.raises(RequestError, match="any"):
        left.start(net(ROW), ROW, Encoded(seed=0, index=torch.arange(1), known=known))


def test_a_prefix_stays_and_the_text_ends_in_time() -> None:
    nets, known = net(TEXT, "transformer"), torch.tensor([3, 1])
    request = Encoded(
        seed=0, index=torch.arange(20), known=known, options=Options(max_tokens=3, temperature=5.0)
    )
    family = Autoregressive()
    samples = family.start(nets, TEXT, request)
    cache = family.cache(nets, samples, memory(nets, TEXT))
    with torch.inference_mode():
        for _ in range(3):
            family.step(nets, samples, cache)
    rows = family.result(samples, TEXT)
    assert bool(samples.done.all())
    assert {len(row) for row in rows} <= {2, 3, 4, 5}
    assert all(torch.equal(row[:2], known) for row in rows)
    assert len({tuple(row.tolist()) for row in rows}) > 5


@torch.inference_mode()
def slow_greedy(nets: Mapping[str, nn.Module], spec: TokenSpec, count: int) -> list[int]:
    """Greedy ids, every step the whole of the window afresh."""
    x, start = [spec.bos], 0
    while len(x) <= count:
        if len(x) - start > spec.length:
            start = len(x) - spec.length // 2
        ids = torch.tensor([x[start:]])
        position = torch.arange(ids.shape[1])[None, :, None]
        hidden = nets["net"](ids, position, nets["net"].attention(None))
        x.append(int(nets["net"].logits(hidden[0, -1])[1:].argmax()) + 1)  # never the end
    return x[1:]


class Endless(LanguageModel):
    """Never ends a text."""

    def logits(self, hidden: Tensor, low: int = 0, high: int | None = None) -> Tensor:
        out = super().logits(hidden, low, high)
        out[..., 0] = -math.inf
        return out


@pytest.mark.parametrize("seed", range(3))
def test_a_text_past_its_context_equals_the_slow_window(seed: int) -> None:
    nets = net(TEXT, "transformer", seed)
    nets["net"].embed.weight.mul_(0.2)  # else the last id alone decides, and windows do not matter
    nets["net"].__class__ = Endless
    request = Encoded(
        seed=0, index=torch.arange(1), options=Options(max_tokens=30, temperature=0.0)
    )
    family = Autoregressive()
    (row,) = family.result(sample(nets, TEXT, request, family), TEXT)
    nets["net"].__class__ = LanguageModel
    assert len(row) == 30
    assert row.tolist() == slow_greedy(nets, TEXT, 30)
    assert len(set(row.tolist())) > 1
