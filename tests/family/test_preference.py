"""Preference losses, each held equal to its paper's formula, and what they do to a net."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import Tensor

from genloom.configure import configure
from genloom.errors import RecipeError
from genloom.family.autoregressive import Autoregressive
from genloom.family.preference import Preference
from genloom.net.language_model import LanguageModel, LanguageModelConfig
from genloom.spec import Batch, TokenSpec

SPEC = TokenSpec(vocab=19, length=10, bos=0, eos=0, pad=18)
FORMS = ("dpo", "ipo", "simpo", "orpo")


def net(seed: int = 0) -> LanguageModel:
    made = LanguageModel(LanguageModelConfig(width=16, depth=1, heads=2), SPEC, None)
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in made.parameters():
            p.copy_(0.5 * torch.randn(p.shape, generator=rng))
    return made


def pairs(count: int = 4, seed: int = 1) -> Batch:
    """Prompts of three ids, answers of 2 to 7; the chosen are first in every other pair."""
    rng = torch.Generator().manual_seed(seed)
    x = torch.randint(1, 18, (2 * count, 11), generator=rng)
    x[:, 0] = 0
    x[1::2, :4] = x[::2, :4]
    size = torch.randint(2, 8, (2 * count, 1), generator=rng)
    place = torch.arange(11)
    weight = ((place >= 4) & (place < 4 + size)).float()
    x = x.masked_fill(place >= 4 + size, 18)
    worth = torch.tensor([1.0, -1.0, -1.0, 1.0]).repeat(count)[: 2 * count]
    return Batch(spec=SPEC, x=x, weight=weight, worth=worth)


def likelihoods(model: LanguageModel, batch: Batch) -> tuple[Tensor, Tensor]:
    """(log p of the chosen, of the rejected), of each pair."""
    each = Autoregressive().score({"net": model}, batch)
    return each[batch.worth > 0], each[batch.worth < 0]


def sizes(batch: Batch) -> tuple[Tensor, Tensor]:
    each = batch.weight.sum(1)
    return each[batch.worth > 0], each[batch.worth < 0]


def obvious(family: Preference, model: LanguageModel, other: LanguageModel, batch: Batch) -> Tensor:
    """Mean over pairs, by the papers."""
    better, worse = likelihoods(model, batch)
    b0, w0 = likelihoods(other, batch)
    nb, nw = sizes(batch)
    beta, s = family.strength, family.smoothing
    if family.form in ("dpo", "ipo"):
        h = (better / 1 - b0) - (worse - w0)
        if family.form == "ipo":
            each = (h - 1 / (2 * beta)) ** 2
        else:
            each = -(1 - s) * (beta * h).sigmoid().log() - s * (-beta * h).sigmoid().log()
    elif family.form == "simpo":
        h = beta * (better / nb - worse / nw) - family.gamma
        each = -(1 - s) * h.sigmoid().log() - s * (-h).sigmoid().log()
    else:
        p, q = (better / nb).exp(), (worse / nw).exp()
        odds = torch.log((p / (1 - p)) / (q / (1 - q)))
        each = -better / nb - beta * odds.sigmoid().log()
    return (each - family.sft * better / nb).mean()


@pytest.mark.parametrize("sft", [0.0, 0.7])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("form", FORMS)
def test_the_loss_is_the_papers(form, smoothing, sft):
    if smoothing and form in ("ipo", "orpo"):
        return
    family = Preference(form=form, smoothing=smoothing, sft=sft, gamma=0.4)
    model, other, batch = net(0), net(1), pairs()
    nets = {"net": model, "reference": other}
    loss = family.loss("net", nets, batch, torch.Generator())
    ours = loss.total / batch.count()
    truth = obvious(family, model, other, batch)
    torch.testing.assert_close(ours, truth, rtol=1e-4, atol=1e-5)
    told = loss.parts["loss"] / batch.count()
    torch.testing.assert_close(told, truth.detach(), rtol=1e-4, atol=1e-5)
    grads = [torch.autograd.grad(v, tuple(model.parameters())) for v in (ours, truth)]
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)
    assert all(p.grad is None for p in other.parameters())


def test_what_is_told():
    model, batch = net(0), pairs()
    family = Preference()
    parts = family.loss("net", {"net": model, "reference": net(1)}, batch, torch.Generator()).parts
    told = {k: float(v / batch.count()) for k, v in parts.items()}
    with torch.no_grad():
        (better, worse), (b0, w0) = likelihoods(model, batch), likelihoods(net(1), batch)
    margin = 0.1 * (better - b0 - worse + w0)
    assert told["margin"] == pytest.approx(float(margin.mean()), rel=1e-4)
    assert told["accuracy"] == pytest.approx(float((margin > 0).float().mean()))
    assert told["chosen"] == pytest.approx(float(better.mean()), rel=1e-4)
    assert told["rejected"] == pytest.approx(float(worse.mean()), rel=1e-4)


@pytest.mark.parametrize("form", ("dpo", "ipo"))
def test_beside_itself_a_net_has_no_margin_and_a_way_to_go(form):
    model = net()
    nets = {"net": model, "reference": copy.deepcopy(model)}
    loss = Preference(form=form).loss("net", nets, pairs(), torch.Generator())
    count = pairs().count()
    assert float(loss.parts["margin"] / count) == pytest.approx(0, abs=1e-5)
    mean = float(loss.total.detach() / count)
    assert mean == pytest.approx(math.log(2) if form == "dpo" else 25.0, rel=1e-4)
    loss.total.backward()
    assert any(bool(p.grad.any()) for p in model.parameters())


@pytest.mark.parametrize("form", FORMS)
def test_equal_answers_and_answers_without_a_target_break_nothing(form):
    batch, model = pairs(), net()
    batch.x[1], batch.weight[1] = batch.x[0], batch.weight[0]  # the first pair is one answer twice
    nets = {"net": model, "reference": net(1)}
    loss = Preference(form=form).loss("net", nets, batch, torch.Generator())
    assert bool(loss.total.isfinite())
    batch.weight[3] = 0.0  # and the second has an answer that lies beyond the context
    cut = Preference(form=form).loss("net", nets, batch, torch.Generator())
    rest = Batch(spec=SPEC, x=batch.x[4:], weight=batch.weight[4:], worth=batch.worth[4:])
    first = Batch(spec=SPEC, x=batch.x[:2], weight=batch.weight[:2], worth=batch.worth[:2])
    alone = [Preference(form=form).loss("net", nets, b, torch.Generator()) for b in (rest, first)]
    torch.testing.assert_close(cut.total, alone[0].total + alone[1].total)
    cut.total.backward()
    assert all(bool(p.grad.isfinite().all()) for p in model.parameters())


@pytest.mark.parametrize("form", FORMS)
def test_a_certain_answer_breaks_nothing(form):
    """A net that gives an answer all the chance there is."""

    class Certain(LanguageModel):
        def logits(self, hidden: Tensor, low: int = 0, high: int | None = None) -> Tensor:
            return 1e4 * super().logits(hidden, low, high)

    model = Certain(LanguageModelConfig(width=16, depth=1, heads=2), SPEC, None)
    with torch.no_grad():
        for p in model.parameters():
            p += 0.1 * torch.ones_like(p).cumsum(0) / len(p)
    nets = {"net": model, "reference": net(1)}
    loss = Preference(form=form).loss("net", nets, pairs(), torch.Generator())
    loss.total.backward()
    assert bool(loss.total.isfinite())
    assert all(bool(p.grad.isfinite().all()) for p in model.parameters())


@pytest.mark.parametrize("form", FORMS)
def test_pairs_do_not_depend_on_each_other(form):
    family, batch = Preference(form=form), pairs(6)
    nets = {"net": net(), "reference": net(1)}
    whole = family.loss("net", nets, batch, torch.Generator())
    parts = [
        family.loss(
            "net",
            nets,
            Batch(spec=SPEC, x=batch.x[n:m], weight=batch.weight[n:m], worth=batch.worth[n:m]),
            torch.Generator(),
        )
        for n, m in ((0, 2), (2, 8), (8, 12))
    ]
    for key, value in whole.parts.items():
        torch.testing.assert_close(value, sum(p.parts[key] for p in parts), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_learning_tells_better_from_worse(form):
    """The better answers hold an id that the worse ones have not, and others that stand in both."""
    torch.manual_seed(0)
    model, batch = net(), pairs(8)
    batch.x[batch.worth > 0, 5], batch.x[batch.worth < 0, 5] = 7, 8
    nets = {"net": model, "reference": copy.deepcopy(model).requires_grad_(False)}
    family = Preference(form=form)
    optimiser = torch.optim.Adam(model.parameters(), 3e-3)
    told = []
    for _ in range(40):
        optimiser.zero_grad()
        loss = family.loss("net", nets, batch, torch.Generator())
        (loss.total / batch.count()).backward()
        optimiser.step()
        told.append({k: float(v / batch.count()) for k, v in loss.parts.items()})
    assert told[-1]["accuracy"] == 1.0 and told[-1]["margin"] > told[0]["margin"]
    assert told[-1]["loss"] < 0.8 * told[0]["loss"]


def test_which_roles_stand_beside():
    assert [Preference(form=f).frozen for f in FORMS] == [{"reference"}] * 2 + [set()] * 2


@pytest.mark.parametrize(
    "options, words",
    [
        ({"beta": 0}, "beta is 0.0, but more than 0"),
        ({"beta": -0.1}, "beta is -0.1"),
        ({"beta": float("nan")}, "beta is nan"),
        ({"smoothing": 0.5}, "smoothing is 0.5"),
        ({"smoothing": 0.1, "form": "ipo"}, "leave it out"),
        ({"sft": -1}, "sft is -1.0"),
        ({"order": "any"}, "left to right"),
        ({"form": "kto"}, "'dpo' or 'ipo'"),
    ],
)
def test_knobs_that_make_no_sense_are_refused_in_a_line(options, words):
    with pytest.raises(RecipeError, match=words) as caught:
        configure(Preference, options, "family")
    assert "\n" not in str(caught.value)
