"""The policy gradient, held equal to its formula, and what it does to a net."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from genloom.configure import configure
from genloom.errors import RecipeError
from genloom.family.policy import Policy
from genloom.net.language_model import LanguageModel, LanguageModelConfig
from genloom.spec import Batch, TokenSpec

SPEC = TokenSpec(vocab=19, length=10, bos=0, eos=0, pad=18)
WORTH = (1.0, -0.5, -0.5, 0.0)


def net(seed: int = 0) -> LanguageModel:
    made = LanguageModel(LanguageModelConfig(width=16, depth=1, heads=2), SPEC, None)
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in made.parameters():
            p.copy_(0.5 * torch.randn(p.shape, generator=rng))
    return made


def tries(worth: tuple[float, ...] = WORTH) -> Batch:
    """Prompts of three ids, tries of 2 to 7."""
    rng = torch.Generator().manual_seed(1)
    x = torch.randint(1, 18, (len(worth), 11), generator=rng)
    x[:, 0] = 0
    size = torch.randint(2, 8, (len(worth), 1), generator=rng)
    place = torch.arange(11)
    weight = ((place >= 4) & (place < 4 + size)).float()
    return Batch(spec=SPEC, x=x, weight=weight, worth=torch.tensor(worth))


def likely(model: LanguageModel, batch: Batch, temperature: float) -> Tensor:
    """log p of every id, the obvious way, float [B, L]."""
    ids = batch.x[:, :-1]
    position = torch.arange(ids.shape[1])[None, :, None]
    before = torch.cat((ids[:, :1], ids[:, :-1]), 1)
    hidden = model(ids, position, model.attention(None), before, None)
    logits = model.logits(hidden, 0, SPEC.vocab) / temperature
    return F.log_softmax(logits, -1).gather(2, batch.x[:, 1:, None])[..., 0]


def found(family: Policy, model: LanguageModel, batch: Batch, other: LanguageModel) -> Tensor:
    nets = {"net": model, "reference": other}
    return family.loss("net", nets, batch, torch.Generator()).total


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_dr_grpo_is_its_formula(temperature: float) -> None:
    model, batch = net(), tries()
    family = Policy(max_tokens=7, temperature=temperature)
    p = (likely(model, batch, temperature) * batch.weight[:, 1:]).sum(1)
    expected = -(p * batch.worth).sum() / 7
    assert torch.allclose(found(family, model, batch, net(1)), expected, atol=1e-5)


def test_grpo_is_its_formula_with_a_reference() -> None:
    model, other, batch = net(), net(1), tries()
    family = Policy(form="grpo", kl=0.3)
    mark = batch.weight[:, 1:]
    p, q = likely(model, batch, 1.0), likely(other, batch, 1.0).detach()
    apart = (q - p).exp() - (q - p) - 1
    each = ((-p * batch.worth[:, None] + 0.3 * apart) * mark).sum(1) / mark.sum(1)
    assert torch.allclose(found(family, model, batch, other), each.sum(), atol=1e-4)


def test_tries_of_no_advantage_teach_nothing() -> None:
    model = net()
    some, none = tries(), tries((0.0, 0.0, 0.0, 0.0))
    total = found(Policy(), model, none, net(1))
    total.backward()
    assert total == 0 and all(not p.grad.any() for p in model.parameters() if p.grad is not None)
    assert some.count() == none.count() == 4
    dropped = Batch(spec=SPEC, x=some.x[:3], weight=some.weight[:3], worth=some.worth[:3])
    same = found(Policy(), model, some, net(1)), found(Policy(), model, dropped, net(1))
    assert torch.allclose(*same)


def test_the_reference_moves_what_has_no_advantage() -> None:
    model = net()
    found(Policy(kl=0.1), model, tries((0.0,) * 4), net(1)).backward()
    assert any(bool(p.grad.any()) for p in model.parameters() if p.grad is not None)
    assert Policy(kl=0.1).frozen == {"reference"} and not Policy().frozen


def test_the_better_becomes_likelier_and_the_worse_less_likely() -> None:
    model, batch = net(), tries()
    before = Policy().score({"net": model}, batch).detach()
    rate = torch.optim.SGD(model.parameters(), 0.05)
    for _ in range(5):
        rate.zero_grad()
        found(Policy(max_tokens=7), model, batch, model).backward()
        rate.step()
    change = Policy().score({"net": model}, batch).detach() - before
    assert change[0] > 0 and bool((change[1:3] < change[0]).all())


def test_advantages_are_of_mean_zero_in_each_group() -> None:
    rewards = torch.tensor([[1.0, 0.0, 0.0, 0.0], [5.0, 5.0, 5.0, 5.0]])
    plain, scaled = Policy().advantages(rewards), Policy(form="grpo").advantages(rewards)
    assert torch.allclose(plain, torch.tensor([[0.75, -0.25, -0.25, -0.25], [0.0] * 4]))
    assert torch.allclose(scaled[0].std(), torch.tensor(1.0), atol=1e-3)
    assert not scaled[1].any()


@pytest.mark.parametrize(
    "options",
    [{"tries": 1}, {"kl": -1.0}, {"temperature": 0.0}, {"max_tokens": 0}, {"order": "any"}],
)
def test_knobs_out_of_range_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(RecipeError):
        configure(Policy, options, "family")
