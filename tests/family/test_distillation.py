"""Distillation: divergences held equal to sums written out, and a student that comes to agree."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from genloom.configure import configure
from genloom.errors import RecipeError
from genloom.family import surprise as file
from genloom.family.autoregressive import Autoregressive
from genloom.family.distillation import Distillation
from genloom.net.language_model import LanguageModel, LanguageModelConfig
from genloom.net.row_model import RowModel, RowModelConfig
from genloom.spec import Batch, Span, TokenSpec

SPEC = TokenSpec(vocab=23, length=9, bos=0, eos=0, pad=22)
ROW = TokenSpec(
    vocab=8,
    length=3,
    bos=0,
    eos=None,
    pad=0,
    spans=tuple(Span(name=n, start=i, size=1, kind="choice") for i, n in enumerate("abc")),
    ranges=((1, 3), (3, 6), (6, 8)),
)


def shaken(made, seed: int):
    rng = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for p in made.parameters():
            p.copy_(0.5 * torch.randn(p.shape, generator=rng))
    return made


def net(width: int, seed: int) -> LanguageModel:
    return shaken(
        LanguageModel(LanguageModelConfig(width=width, depth=1, heads=2), SPEC, None), seed
    )


def texts(rows: int = 6) -> Batch:
    rng = torch.Generator().manual_seed(1)
    x = torch.randint(0, 22, (rows, 10), generator=rng)
    weight = (torch.rand(x.shape, generator=rng) < 0.6).float()
    weight[:, 0] = 0
    return Batch(spec=SPEC, x=x, weight=weight)


def chances(model: LanguageModel, batch: Batch, temperature: float) -> Tensor:
    ids = batch.x[:, :-1]
    position = torch.arange(ids.shape[1])[None, :, None]
    logits = model.logits(model(ids, position, model.attention(None)))
    return (logits / temperature).softmax(-1)


def obvious(p: Tensor, q: Tensor, how: str) -> Tensor:
    """Of teacher p and student q, [..., V] -> [...]."""
    m = (p + q) / 2
    forward, reverse = (p * (p / q).log()).sum(-1), (q * (q / p).log()).sum(-1)
    between = ((p * (p / m).log()).sum(-1) + (q * (q / m).log()).sum(-1)) / 2
    return {"forward": forward, "reverse": reverse, "between": between}[how]


@pytest.mark.parametrize("piece", [23 * 4, 1 << 20])
@pytest.mark.parametrize("temperature", [1.0, 2.5])
@pytest.mark.parametrize("how", ["forward", "reverse", "between"])
def test_the_loss_is_what_it_says(monkeypatch, how, temperature, piece):
    monkeypatch.setattr(file, "PIECE", piece)
    student, teacher, batch = net(16, 0), net(32, 1), texts()
    family = Distillation(divergence=how, temperature=temperature, share=0.7)
    loss = family.loss("net", {"net": student, "teacher": teacher}, batch, torch.Generator())
    weight = batch.weight[:, 1:]
    p, q = (chances(m, batch, temperature) for m in (teacher, student))
    apart = temperature**2 * (obvious(p.detach(), q, how) * weight).sum()
    nats = Autoregressive().loss("net", {"net": student}, batch, torch.Generator()).total
    truth = 0.7 * apart + 0.3 * nats
    torch.testing.assert_close(loss.total, truth, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(loss.parts["divergence"], apart.detach(), rtol=1e-4, atol=1e-4)
    grads = [torch.autograd.grad(v, tuple(student.parameters())) for v in (loss.total, truth)]
    for a, b in zip(*grads, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-4)
    loss = family.loss("net", {"net": student, "teacher": teacher}, batch, torch.Generator())
    loss.total.backward()
    assert all(p.grad is None for p in teacher.parameters())
    same = (p.argmax(-1) == q.argmax(-1)).float() * weight
    assert float(loss.parts["agreement"]) == float(same.sum())


@pytest.mark.parametrize("how", ["forward", "reverse", "between"])
def test_beside_itself_there_is_nothing_to_learn(how):
    model = net(16, 0)
    family = Distillation(divergence=how, share=1.0)
    loss = family.loss("net", {"net": model, "teacher": model}, texts(), torch.Generator())
    assert float(loss.total.detach()) == pytest.approx(0, abs=1e-4)
    assert float(loss.parts["agreement"]) == float(texts().weight.sum())


def test_without_a_share_it_is_cross_entropy():
    student, teacher, batch = net(16, 0), net(32, 1), texts()
    nets = {"net": student, "teacher": teacher}
    plain = Autoregressive().loss("net", nets, batch, torch.Generator()).total
    ours = Distillation(share=0.0).loss("net", nets, batch, torch.Generator()).total
    torch.testing.assert_close(ours, plain, rtol=1e-5, atol=1e-5)


def test_rows_in_any_order_learn_from_a_teacher_too():
    """Both sides predict in the same order, whatever it is."""
    config = RowModelConfig(summed=8, width=16, depth=1)
    student, teacher = (shaken(RowModel(config, ROW, None), s) for s in (0, 1))
    x = torch.tensor([[0, 1, 3, 6], [0, 2, 4, 7], [0, 1, 5, 7]])
    batch = Batch(spec=ROW, x=x, weight=torch.tensor([[0.0, 1, 1, 1]]).repeat(3, 1))
    family = Distillation(order="any", given=1.0, share=1.0)
    nets = {"net": student, "teacher": teacher}
    optimiser = torch.optim.Adam(student.parameters(), 1e-2)
    told = []
    for n in range(60):
        optimiser.zero_grad()
        loss = family.loss("net", nets, batch, torch.Generator().manual_seed(n))
        loss.total.backward()
        optimiser.step()
        told.append(float(loss.total.detach()))
    assert sum(told[-10:]) < 0.4 * sum(told[:10])
    same = family.loss("net", {"net": teacher, "teacher": teacher}, batch, torch.Generator())
    assert float(same.total.detach()) == pytest.approx(0, abs=1e-5)


def test_a_student_comes_to_agree():
    student, teacher, batch = net(16, 0), net(32, 1), texts(16)
    family, nets = Distillation(share=1.0), {"net": student, "teacher": teacher}
    optimiser = torch.optim.Adam(student.parameters(), 1e-2)
    told = []
    for _ in range(80):
        optimiser.zero_grad()
        loss = family.loss("net", nets, batch, torch.Generator())
        (loss.total / batch.count()).backward()
        optimiser.step()
        told.append({k: float(v / batch.count()) for k, v in loss.parts.items()})
    assert told[-1]["divergence"] < 0.3 * told[0]["divergence"]
    assert told[-1]["agreement"] > told[0]["agreement"] + 0.3


@pytest.mark.parametrize(
    "options, words", [({"temperature": 0}, "0 to 100"), ({"share": 1.5}, "1.5")]
)
def test_knobs_that_make_no_sense_are_refused_in_a_line(options, words):
    with pytest.raises(RecipeError, match=words) as caught:
        configure(Distillation, options, "family")
    assert "\n" not in str(caught.value)
