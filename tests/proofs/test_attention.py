"""Attention is an argument: one transformer serves training, prefill, decoding and ragged batches,
and all of them give the same numbers to 1e-5 in fp32."""

from __future__ import annotations

import pytest
import torch

from genloom.net.attention import (
    CausalAttention,
    FullAttention,
    PackedAttention,
    RaggedAttention,
    plain_attention,
)
from genloom.net.diffusion_transformer import DiffusionTransformer, DiffusionTransformerConfig
from genloom.net.language_model import LanguageModel, LanguageModelConfig
from genloom.spec import ArraySpec, TokenSpec

SPEC = TokenSpec(vocab=50, length=40, bos=0, eos=0, pad=0)
CLOSE = {"atol": 1e-5, "rtol": 1e-5}


def shaken(net: torch.nn.Module) -> torch.nn.Module:
    """Zero projections would hide every mistake."""
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for p in net.parameters():
            p += torch.randn(p.shape, generator=rng) * 0.5 * p.shape[-1] ** -0.5
    return net.eval().requires_grad_(False)


@pytest.fixture(params=[0, 1, 2], ids=["as many key heads", "one key head", "two key heads"])
def net(request):
    config = LanguageModelConfig(width=32, depth=2, heads=4, kv_heads=request.param, bigram=16)
    return shaken(LanguageModel(config, SPEC, None))


@pytest.fixture
def ids():
    return torch.randint(0, 50, (3, 30), generator=torch.Generator().manual_seed(1))


def at(count: int, first: int = 0) -> torch.Tensor:
    return torch.arange(first, first + count)[None, :, None]


def before(ids: torch.Tensor) -> torch.Tensor:
    return torch.cat((ids[:, :1], ids[:, :-1]), 1)


def trained(net, ids):
    return net(ids, at(ids.shape[1]), CausalAttention(), before(ids))


def test_one_pass_equals_prefill_and_decoding(net, ids):
    whole, told = trained(net, ids), before(ids)
    cache = net.cache(3, 40)
    parts = [net(ids[:, :11], at(11), cache.attention(None, 11), told[:, :11])]
    cache.advance(None, 11)
    for n in range(11, 30):
        one = slice(n, n + 1)
        parts.append(net(ids[:, one], at(1, n), cache.attention(None, 1), told[:, one]))
        cache.advance(None, 1)
    torch.testing.assert_close(torch.cat(parts, 1), whole, **CLOSE)


def test_rows_of_unlike_lengths_decode_side_by_side(net, ids):
    whole, told = trained(net, ids), before(ids)
    cache = net.cache(3, 40)
    for row, count in enumerate((4, 20, 13)):
        some = torch.tensor([row])
        net(ids[some, :count], at(count), cache.attention(some, count), told[some, :count])
        cache.advance(some, count)
    for _ in range(8):
        place = cache.length[:, None].clone()
        got = net(
            ids.gather(1, place), place[..., None], cache.attention(None, 1), told.gather(1, place)
        )
        cache.advance(None, 1)
        wanted = whole.gather(1, place[..., None].expand(-1, -1, whole.shape[-1]))
        torch.testing.assert_close(got, wanted, **CLOSE)


def test_a_ragged_batch_needs_no_padding(net, ids):
    lengths = [30, 7, 18]
    runs = [ids[n, :count] for n, count in enumerate(lengths)]
    told = torch.cat([before(ids)[n, :count] for n, count in enumerate(lengths)])
    position = torch.cat([torch.arange(count) for count in lengths])[:, None]
    flat = net(torch.cat(runs), position, RaggedAttention(lengths), told)
    assert flat.shape == (55, 32)
    whole = trained(net, ids)
    wanted = torch.cat([whole[n, :count] for n, count in enumerate(lengths)])
    torch.testing.assert_close(flat, wanted, **CLOSE)


def test_packed_documents_do_not_see_each_other(net, ids):
    lengths = [12, 5, 13]
    row = torch.cat([ids[n, :count] for n, count in enumerate(lengths)])[None]
    told = torch.cat([before(ids)[n, :count] for n, count in enumerate(lengths)])[None]
    document = torch.arange(3).repeat_interleave(torch.tensor(lengths))[None]
    position = torch.cat([torch.arange(count) for count in lengths])[None, :, None]
    packed = net(row, position, PackedAttention(document), told)
    whole = trained(net, ids)
    wanted = torch.cat([whole[n, :count] for n, count in enumerate(lengths)])[None]
    torch.testing.assert_close(packed, wanted, **CLOSE)


def test_rotary_positions_are_relative(net, ids):
    moved = net(ids, at(30, 5), CausalAttention(), before(ids))
    torch.testing.assert_close(moved, trained(net, ids), atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("groups", [4, 2, 1])
def test_the_fused_kernels_equal_the_obvious_version(groups):
    rng = torch.Generator().manual_seed(2)
    q = torch.randn(2, 9, 4, 8, generator=rng)
    k, v = (torch.randn(2, 9, groups, 8, generator=rng) for _ in range(2))
    lower = torch.ones(9, 9, dtype=torch.bool).tril()[None, None]
    document = torch.tensor([[0] * 4 + [1] * 5, [0] * 9])
    same = (document[:, :, None] == document[:, None, :])[:, None]
    present = torch.arange(9)[None] < torch.tensor([[6], [9]])
    for attention, mask in (
        (CausalAttention(), lower),
        (PackedAttention(document), lower & same),
        (FullAttention(), torch.ones_like(lower)),
        (FullAttention(present), present[:, None, None].expand(-1, 1, 9, -1)),
    ):
        torch.testing.assert_close(attention(0, q, k, v), plain_attention(q, k, v, mask), **CLOSE)
    for n in range(2):
        runs = RaggedAttention([4, 5])(0, q[n], k[n], v[n])
        cut = (torch.arange(9) < 4)[:, None] == (torch.arange(9) < 4)[None]
        wanted = plain_attention(q[n : n + 1], k[n : n + 1], v[n : n + 1], lower & cut)
        torch.testing.assert_close(runs[None], wanted, **CLOSE)


def test_the_compiler_takes_the_language_model_in_one_graph(net, ids):
    def trained_loss(ids):
        hidden = net(ids, at(ids.shape[1]), net.attention(None), before(ids))
        return net.logits(hidden).logsumexp(-1).sum()

    compiled = torch.compile(trained_loss, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(ids), trained_loss(ids), **CLOSE)


@pytest.mark.parametrize(
    "length",
    [None, pytest.param(1, marks=pytest.mark.slow), pytest.param(4, marks=pytest.mark.slow)],
)
def test_the_compiler_takes_the_diffusion_transformer_in_one_graph(length):
    prompt = None
    if length:
        prompt = TokenSpec(vocab=9, length=length, bos=0, eos=None, pad=0)
    config = DiffusionTransformerConfig(width=32, depth=2, heads=2, patch=2)
    net = shaken(DiffusionTransformer(config, ArraySpec(grid=(8, 8), channels=3), prompt))
    rng = torch.Generator().manual_seed(3)
    x, time = torch.randn(4, 3, 8, 8, generator=rng), torch.rand(4, generator=rng)
    told = None if prompt is None else torch.tensor([[1, 2, 0, 0]] * 3 + [[0] * 4])[:, :length]
    compiled = torch.compile(net, fullgraph=True, backend="aot_eager")
    torch.testing.assert_close(compiled(x, time, told), net(x, time, told), **CLOSE)
