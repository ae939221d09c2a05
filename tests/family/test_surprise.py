"""The surprise of ids, held equal to the obvious: every logit at once, and a softmax over them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from genloom.family import surprise as file
from genloom.family.surprise import each_target, states, surprise
from genloom.net.language_model import LanguageModel, LanguageModelConfig
from genloom.spec import Batch, TokenSpec

SPEC = TokenSpec(vocab=37, length=12, bos=0, eos=0, pad=36)


def net(seed: int = 0, width: int = 16) -> LanguageModel:
    made = LanguageModel(LanguageModelConfig(width=width, depth=2, heads=2), SPEC, None)
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in made.parameters():
            p.copy_(0.5 * torch.randn(p.shape, generator=rng))
    return made


def some(rows: int = 5, share: float = 0.5) -> Batch:
    rng = torch.Generator().manual_seed(1)
    x = torch.randint(0, 36, (rows, 13), generator=rng)
    weight = (torch.rand(x.shape, generator=rng) < share).float()
    weight[:, 0] = 0
    return Batch(spec=SPEC, x=x, weight=weight)


def plain(model: LanguageModel, batch: Batch) -> Tensor:
    ids = batch.x[:, :-1]
    position = torch.arange(ids.shape[1])[None, :, None]
    logits = model.logits(model(ids, position, model.attention(None)))
    return -logits.log_softmax(-1).gather(-1, batch.x[:, 1:, None])[..., 0]


@pytest.mark.parametrize("share", [0.0, 0.5, 1.1])
@pytest.mark.parametrize("piece", [37 * 4, 1 << 20])
def test_values_and_gradients_are_those_of_all_logits_at_once(monkeypatch, share, piece):
    monkeypatch.setattr(file, "PIECE", piece)
    model, batch = net(), some(share=share)
    found = []
    for way in (surprise, plain):
        model.zero_grad()
        total = (way(model, batch) * batch.weight[:, 1:]).sum()
        total.backward()
        found.append([total.detach(), *(p.grad for p in model.parameters())])
    for ours, obvious in zip(*found, strict=True):
        torch.testing.assert_close(ours, obvious, rtol=1e-4, atol=1e-6)


def test_only_targets_pass_the_head(monkeypatch):
    monkeypatch.setattr(file, "PIECE", 37 * 4)
    batch, seen = some(), []

    def of(low, high, target, hidden):
        seen.append(len(target))
        return hidden.sum(-1)

    with torch.no_grad():
        each = each_target(batch, of, states(net(), batch))
    assert max(seen) <= 4 and sum(seen) == int(batch.weight.sum())
    assert not bool(each[batch.weight[:, 1:] == 0].any())


def test_several_numbers_an_id():
    batch, model = some(), net()
    each = each_target(batch, lambda low, high, target, h: h[:, :3], states(model, batch))
    assert each.shape == (5, 12, 3)
    counts = batch.weight[:, 1:] > 0
    torch.testing.assert_close(each[counts], states(model, batch)[counts][:, :3])
