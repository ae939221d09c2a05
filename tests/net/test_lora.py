"""Adapters: begin as nothing, learn alone, merge exactly; frozen weights in few bits pass the
gradients that the whole weights would."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from genloom.errors import RecipeError, UsageError
from genloom.net.attention import CausalAttention
from genloom.net.experts import Experts
from genloom.net.frozen import FrozenWeight, freeze
from genloom.net.language_model import LanguageModel, LanguageModelConfig
from genloom.net.lora import Adapter, adapted, attach, detach, floats, matrices, merge, without
from genloom.net.quantize_formats import Format, dequantise, quantise
from genloom.spec import TokenSpec

SPEC = TokenSpec(vocab=50, length=32, bos=0, eos=0, pad=0)
IDS = torch.randint(50, (2, 9), generator=torch.Generator().manual_seed(1))
PARTS = ("qkv.q", "qkv.v", "out", "up.value", "down")


def make(**more: object) -> LanguageModel:
    told: dict = {"width": 32, "depth": 2, "heads": 4, "kv_heads": 2, "bias": "qkv"} | more
    net = LanguageModel(LanguageModelConfig(**{"activation": "swiglu", **told}), SPEC, None)
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(torch.randn(p.shape, generator=rng) * 0.15)
    return net


def logits(net: LanguageModel) -> Tensor:
    hidden = net(IDS, torch.arange(9)[None, :, None], CausalAttention())
    out: Tensor = net.logits(hidden)
    return out


def stir(net: LanguageModel) -> None:
    """As if something had been learnt."""
    rng = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for p in net.parameters():
            if p.requires_grad:
                p.add_(torch.randn(p.shape, generator=rng) * 0.1)


@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_an_adapter_begins_as_nothing_learns_alone_and_can_be_taken_away(kind: str) -> None:
    net = make()
    before, names = logits(net).detach(), [n for n, _ in net.named_parameters()]
    attach(net, Adapter(kind=kind, rank=3, targets=PARTS))
    torch.testing.assert_close(logits(net), before, rtol=1e-5, atol=1e-6)
    stir(net)
    logits(net).square().sum().backward()
    for name, p in net.named_parameters():
        assert (p.grad is not None) == (".low." in name), name
        assert p.grad is None or bool(p.grad.any()), name
    assert not torch.allclose(logits(net), before, atol=1e-2)
    with without(net):
        assert torch.equal(logits(net).detach(), before)
    detach(net)
    assert torch.equal(logits(net).detach(), before)
    assert [n for n, _ in net.named_parameters()] == names


@pytest.mark.parametrize("kind", ["lora", "dora"])
@pytest.mark.parametrize("rslora", [False, True])
def test_merged_is_the_same_model(kind: str, rslora: bool) -> None:
    net = make()
    attach(net, Adapter(kind=kind, rank=3, alpha=5.0, targets=PARTS, rslora=rslora))
    stir(net)
    apart = logits(net.eval()).detach()
    with torch.no_grad():
        torch.testing.assert_close(logits(net), apart, rtol=1e-4, atol=1e-5)
    merge(net)
    assert next(adapted(net), None) is None
    torch.testing.assert_close(logits(net), apart, rtol=1e-4, atol=1e-5)


def test_the_formulas_are_the_papers() -> None:
    net = make()
    attach(net, Adapter(kind="dora", rank=3, alpha=6.0, targets=("qkv.k",)))
    stir(net)
    part = next(adapted(net))[1]
    x = torch.randn(5, 32)
    first, last = matrices(net)["transformer.blocks.0.mix.qkv"]["k"]
    weight = floats(part.base)[first:last] + 2.0 * part.low.ups[0] @ part.low.down
    assert part.low.magnitude is not None
    weight = weight * (part.low.magnitude / weight.norm(dim=1))[:, None]
    wanted = part.base(x).clone()
    wanted[:, first:last] = x @ weight.T + part.base.bias[first:last]
    torch.testing.assert_close(part(x), wanted, rtol=1e-4, atol=1e-5)


def test_the_length_of_a_row_takes_no_gradient_and_is_exact() -> None:
    net = make()
    attach(net, Adapter(kind="dora", rank=3, targets=PARTS))
    stir(net)
    for _, part in adapted(net):
        rows = torch.cat([torch.arange(p.first, p.last) for p in part.low.pieces])
        plain = copy.deepcopy(part.low)
        plain.magnitude = None
        wanted = plain.change(floats(part.base)).norm(dim=1)[rows]
        got = part.low.lengths(part.base)
        torch.testing.assert_close(got, wanted, rtol=1e-5, atol=1e-6)
        assert not got.requires_grad


def test_the_same_seed_makes_the_same_beginning() -> None:
    first, second, other = make(), make(), make()
    for net, seed in ((first, 1), (second, 1), (other, 2)):
        attach(net, Adapter(rank=2), seed)
    a, b, c = (dict(net.named_parameters()) for net in (first, second, other))
    name = "transformer.blocks.1.feed.up.low.down"
    assert torch.equal(a[name], b[name]) and not torch.equal(a[name], c[name])
    assert a[name].abs().max() <= 32**-0.5


def test_dropout_acts_in_training_alone() -> None:
    net = make()
    attach(net, Adapter(rank=3, dropout=0.5))
    stir(net)
    torch.manual_seed(0)
    first, second = logits(net.train()), logits(net)
    torch.manual_seed(0)
    again = logits(net)
    assert torch.equal(first, again) and not torch.equal(first, second)
    assert torch.equal(logits(net.eval()), logits(net))


def test_refusals() -> None:
    net = make()
    with pytest.raises(RecipeError, match=r"'query' is no matrix.*qkv\.q"):
        attach(net, Adapter(targets=("query",)))
    attach(net, Adapter(rank=1))
    with pytest.raises(RecipeError, match="has an adapter already"):
        attach(net, Adapter(rank=1))
    moe = make(experts=Experts(count=2, asked=1, hidden=8))
    with pytest.raises(RecipeError, match="'up' is no matrix of this net"):
        attach(moe, Adapter())
    with pytest.raises(RecipeError, match="rank is 0"):
        Adapter(rank=0)
    with pytest.raises(RecipeError, match="dropout"):
        Adapter(dropout=1.0)


# --- frozen weights in few bits -------------------------------------------------------------------


@pytest.mark.parametrize("form", ["bf16", "int8", "int4"])
@pytest.mark.parametrize("inputs", [256, 40])
def test_gradients_through_packed_weights_are_those_of_the_whole(form: Format, inputs: int) -> None:
    weight = torch.randn(70, inputs)
    packed = FrozenWeight(weight, form)
    whole = dequantise(*quantise(weight, form), form)
    for dtype, near in ((torch.float32, 1e-5), (torch.bfloat16, 2e-2)):
        x = torch.randn(3, 4, inputs).to(dtype)
        slow, fast = x.clone().requires_grad_(), x.clone().requires_grad_()
        wanted = torch.nn.functional.linear(slow, whole.to(dtype))
        got = packed.product(fast)
        torch.testing.assert_close(got, wanted, rtol=near, atol=near * 8)
        share = torch.randn_like(wanted)
        wanted.backward(share)
        got.backward(share)
        torch.testing.assert_close(fast.grad, slow.grad, rtol=near, atol=near * 8)
        assert torch.equal(packed.part(5, 9, dtype), whole[5:9].to(dtype))


@pytest.mark.parametrize("form", ["bf16", "int8", "int4"])
def test_adapters_learn_beside_packed_weights_as_beside_whole_ones(form: Format) -> None:
    whole, packed = make(), make()
    with torch.no_grad():
        for path in matrices(whole):
            part = whole.get_submodule(path)
            part.weight.copy_(dequantise(*quantise(part.weight, form), form))
        whole.embed.weight.copy_(dequantise(*quantise(whole.embed.weight, form), form))
        assert whole.head is not None
        whole.head.copy_(dequantise(*quantise(whole.head, form), form))
    freeze(packed, form, dtype=torch.float32)
    grads = []
    for net in (whole, packed):
        attach(net, Adapter(kind="dora", rank=3), 7)
        stir(net)
        logits(net).square().sum().backward()
        grads.append({n: p.grad for n, p in net.named_parameters() if p.requires_grad})
    assert grads[0].keys() == grads[1].keys() and len(grads[0]) > 8
    for name, grad in grads[0].items():
        torch.testing.assert_close(grads[1][name], grad, rtol=1e-3, atol=1e-4, msg=name)


def test_packed_weights_take_less_room_and_are_frozen_once() -> None:
    sizes = {}
    for form in ("bf16", "int8", "int4"):
        net = make(width=256, depth=1)
        freeze(net, form)
        sizes[form] = (
            sum(b.nbytes for b in net.buffers()) / net.transformer.blocks[0].mix.out.weight.inputs
        )
        assert not any(p.requires_grad for p in net.parameters())
    assert sizes["int8"] < 0.55 * sizes["bf16"] and sizes["int4"] < 0.6 * sizes["int8"]
    with pytest.raises(UsageError, match="quantised already"):
        freeze(net, "int8")


def test_merging_beside_packed_weights_makes_floats() -> None:
    net = make()
    freeze(net, "int8", dtype=torch.float32)
    attach(net, Adapter(rank=2))
    stir(net)
    apart = logits(net.eval()).detach()
    merge(net)
    torch.testing.assert_close(logits(net), apart, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*should not be instantiated:DeprecationWarning")  # by dynamo
@pytest.mark.parametrize("kind", ["lora", "dora"])
def test_compiled_is_the_same(kind: str) -> None:
    for form in (None, "bf16", "int4"):
        net = make()
        if form:
            freeze(net, form, dtype=torch.float32)
        attach(net, Adapter(kind=kind, rank=2))
        stir(net)
        torch._dynamo.reset()
        compiled = torch.compile(net, fullgraph=True, dynamic=False, backend="aot_eager")
        hidden = compiled(IDS, torch.arange(9)[None, :, None], CausalAttention())
        torch.testing.assert_close(net.logits(hidden), logits(net), rtol=1e-3, atol=1e-4)
