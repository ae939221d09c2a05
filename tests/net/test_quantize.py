"""Quantised nets: native kernels against torch modules over the same weights, every choice of the
stack, every instruction set of this machine, whatever shares the batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from genloom import native
from genloom.errors import RequestError, UsageError
from genloom.net.attention import CausalAttention
from genloom.net.experts import Experts
from genloom.net.language_model import LanguageModel, LanguageModelConfig
from genloom.net.pages import PagedAttention, Pages
from genloom.net.quantize import bytes_read, quantize
from genloom.net.quantize_modules import ExpertWeights
from genloom.net.rotary import Rotary, Stretch
from genloom.spec import TokenSpec

VOCAB, LENGTHS, CHUNKS = 77, (70, 5, 45), ((40, 1, 32), (29, 3, 12), (1, 1, 1))
SWI: dict[str, Any] = {"activation": "swiglu", "qk_norm": "none"}
STRETCH = Stretch(kind="yarn", original=16, factor=4.0, low=1.0, high=32.0)
SOFT: dict[str, Any] = {"activation": "geglu", "norm": "rms1", "placing": "both"}
LOCAL: dict[str, Any] = {"pattern": ("window", "full"), "window": 9}

VARIANTS: dict[str, dict[str, Any]] = {
    "usual": {},
    "gated": SWI,
    "head norms, tied": {**SWI, "qk_norm": "head", "head_size": 32, "tied": True, "softcap": 0.0},
    "small heads": {**SWI, "head_size": 8},
    "large heads": {**SWI, "head_size": 64, "heads": 2, "kv_heads": 1},
    "learnt positions": {
        "activation": "gelu",
        "norm": "layer",
        "qk_norm": "none",
        "rotary": None,
        "bias": "all",
        "learned": 128,
        "tied": True,
    },
    "caps and windows": {
        **SOFT,
        **LOCAL,
        "qk_norm": "none",
        "attention_cap": 5.0,
        "attention_scale": 0.3,
        "embed_scale": 8.0,
        "softcap": 30.0,
        "head_size": 32,
    },
    "two bases": {**SOFT, **LOCAL, "qk_norm": "head", "rotary": Rotary(base=1e6, local_base=1e4)},
    "norms behind": {**SWI, "placing": "behind", "qk_norm": "whole"},
    "bare layers": {**SWI, "pattern": ("full", "bare")},
    "half turned": {
        "activation": "relu2",
        "norm": "layer1",
        "bias": "norm",
        "qk_norm": "none",
        "rotary": Rotary(share=0.5),
    },
    "biased queries": {**SWI, "bias": "qkv"},
    "exact gelu": {"activation": "gelu_erf", "norm": "layer", "bias": "all"},
    "stretched": {**SWI, "rotary": Rotary(stretch=STRETCH)},
    "odd sizes": {**SWI, "width": 40, "heads": 5, "kv_heads": 5, "expansion": 2.5},
    "experts": {**SWI, "experts": Experts(count=4, asked=2, hidden=24)},
    "some experts": {
        **SWI,
        "experts": Experts(count=6, asked=3, hidden=40, normalised=False, dense=(0,)),
    },
}
# Of hidden states of unit size after three layers: what rounding activations to 8 or 16 bits makes.
ROUNDED = {"bf16": 0.15, "int8": 0.35, "int4": 0.35}


@pytest.fixture(autouse=True)
def no_grad() -> Iterator[None]:
    with torch.no_grad():
        yield


def best() -> int:
    library = native.kernels()
    return -1 if library is None else library.gl_set_isa(-1)


def sets() -> list[int]:
    """Instruction sets that this machine has."""
    library = native.kernels()
    found = {library.gl_set_isa(n) for n in range(5)} if library else set()
    best()
    return sorted(found)


@pytest.fixture(params=sets() or [None], ids=lambda n: "none" if n is None else native.SETS[n])
def kernels(request: pytest.FixtureRequest) -> Iterator[None]:
    library = native.kernels()
    if library is None:
        pytest.skip("no native kernels were built here: torch serves")
    library.gl_set_isa(request.param)
    yield
    best()


def net_of(options: dict[str, Any], seed: int = 0) -> LanguageModel:
    torch.manual_seed(seed)
    sizes = {"width": 96, "depth": 3, "heads": 4, "kv_heads": 2, **options}
    spec = TokenSpec(vocab=VOCAB, length=128, bos=0, eos=1, pad=2)
    net = LanguageModel(LanguageModelConfig(**sizes), spec, None).eval()
    for weight in net.parameters():
        noise = torch.randn_like(weight)
        if weight.ndim == 1:
            weight.add_(noise * 0.1)
        else:
            weight.copy_(noise * weight.shape[-1] ** -0.5)
    return net


def texts() -> list[Tensor]:
    rng = torch.Generator().manual_seed(1)
    return [torch.randint(0, VOCAB, (n,), generator=rng) for n in LENGTHS]


def whole(net: LanguageModel, ids: Tensor) -> Tensor:
    """Hidden states by the torch modules."""
    place = torch.arange(len(ids))[None, :, None]
    return net(ids[None], place, CausalAttention())[0]


def paged(net: LanguageModel, ids: list[Tensor], chunks: tuple[tuple[int, ...], ...]):
    pages = Pages.empty(net.layout(), 12)
    table = torch.tensor([[7, 2, 9], [4, -1, -1], [0, 11, -1]], dtype=torch.int32)[: len(ids)]
    start, parts = torch.zeros(len(ids), dtype=torch.int32), [[] for _ in ids]
    for chunk in chunks:
        count = torch.tensor(chunk, dtype=torch.int32)
        laid = torch.cat([i[s : s + n] for i, s, n in zip(ids, start.tolist(), chunk, strict=True)])
        attention = PagedAttention(pages, table, start, count)
        out = net(laid, attention.positions(), attention)
        for row, part in enumerate(out.split(list(chunk))):
            parts[row].append(part)
        start = start + count
    return [torch.cat(part) for part in parts]


@pytest.mark.parametrize("name", VARIANTS)
def test_every_stack_in_fp32_is_that_of_the_modules(kernels, name):
    net, ids = net_of(VARIANTS[name]), texts()
    wanted = [whole(net, one) for one in ids]
    logits = [net.logits(one) for one in wanted]
    quantize(net, "f32")
    assert net.quantized.fused is not None
    for got, want, logit in zip(paged(net, ids, CHUNKS), wanted, logits, strict=True):
        torch.testing.assert_close(got, want, atol=1e-4, rtol=1e-4)
        torch.testing.assert_close(net.logits(got), logit, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("form", ["bf16", "int8", "int4"])
@pytest.mark.parametrize("name", ["head norms, tied", "caps and windows", "odd sizes"])
def test_fewer_bits_are_those_of_the_modules_to_rounding(kernels, name, form):
    net, ids = net_of(VARIANTS[name]), texts()
    quantize(net, form)
    for got, one in zip(paged(net, ids, CHUNKS), ids, strict=True):
        want = whole(net, one)
        assert (got - want).abs().max() < ROUNDED[form]
        torch.testing.assert_close(net.logits(got), net.logits(want), atol=0.35, rtol=0.05)


@pytest.mark.parametrize("form", ["f32", "bf16", "int8", "int4"])
@pytest.mark.parametrize("name", ["head norms, tied", "caps and windows", "some experts"])
def test_a_row_is_the_same_to_the_last_bit_whatever_shares_the_call(kernels, name, form):
    net, ids = net_of(VARIANTS[name]), texts()
    quantize(net, form)
    together = paged(net, ids, CHUNKS)
    for got, one in zip(together, ids, strict=True):
        assert torch.equal(got, paged(net, [one], ((len(one),),))[0])
        assert torch.equal(got, paged(net, [one], ((1,),) * len(one))[0])


@pytest.mark.parametrize("form", ["bf16", "int4"])
def test_threads_do_not_change_a_bit(form):
    if native.kernels() is None:
        pytest.skip("no native kernels were built here: torch serves")
    net, ids, before = net_of(VARIANTS["gated"]), texts(), torch.get_num_threads()
    quantize(net, form)
    try:
        torch.set_num_threads(1)
        one = paged(net, ids, CHUNKS)
        torch.set_num_threads(3)
        three = paged(net, ids, CHUNKS)
    finally:
        torch.set_num_threads(before)
    assert all(map(torch.equal, one, three))


@pytest.mark.parametrize("form", ["f32", "bf16", "int8", "int4"])
@pytest.mark.parametrize("name", ["gated", "some experts", "learnt positions"])
def test_without_kernels_torch_serves_the_same_numbers(monkeypatch, name, form):
    packed, plain, ids = net_of(VARIANTS[name]), net_of(VARIANTS[name]), texts()
    quantize(packed, form)
    kept = floats_of(packed)
    monkeypatch.setattr(native, "kernels", lambda: None)
    quantize(plain, form)
    assert plain.quantized.fused is None
    assert all(map(torch.equal, floats_of(plain), kept))
    for one in ids:
        want = whole(plain, one)
        torch.testing.assert_close(
            paged(plain, [one], ((len(one),),))[0], want, atol=1e-4, rtol=1e-4
        )
        assert plain.logits(want, 16, 40).shape == (len(one), 24)


def floats_of(net: LanguageModel) -> list[Tensor]:
    block = net.transformer.blocks[0]
    up = block.feed.up
    return [
        block.mix.qkv.weight.floats(),
        up[1] if isinstance(up, ExpertWeights) else up.weight.floats(),
    ]


@pytest.mark.parametrize("form", ["f32", "bf16", "int8", "int4"])
def test_logits_of_some_ids_are_a_part_of_all(form):
    net = net_of(VARIANTS["head norms, tied"])
    hidden = torch.randn(3, 96)
    quantize(net, form)
    everything = net.logits(hidden)
    assert everything.shape == (3, VOCAB)
    for low, high in ((0, 5), (16, 40), (21, 77)):
        torch.testing.assert_close(net.logits(hidden, low, high), everything[:, low:high])


def test_a_head_may_have_more_bits_than_the_stack():
    net = net_of(VARIANTS["gated"])
    wanted = net.head.clone()
    quantize(net, "int4", head="int8")
    error = (net.quantized.weight.floats() - wanted).abs().max()
    assert error < wanted.abs().max() / 120


def test_bytes_that_a_step_reads_follow_from_the_format():
    sizes = {}
    for form in ("f32", "bf16", "int8", "int4"):
        net = net_of({**SWI, "width": 256, "head_size": 64, "tied": True})
        quantize(net, form)
        sizes[form] = bytes_read(net)
    assert sizes["f32"] == 2 * sizes["bf16"]
    assert 0.5 < sizes["int8"] / sizes["bf16"] < 0.53
    assert 0.27 < sizes["int4"] / sizes["bf16"] < 0.29


def test_faults_are_told_in_a_sentence():
    net = net_of(VARIANTS["learnt positions"])
    with pytest.raises(UsageError, match="int3"):
        quantize(net, "int3")  # type: ignore[arg-type]
    quantize(net, "bf16")
    with pytest.raises(UsageError, match="already"):
        quantize(net, "bf16")
    if net.quantized.fused is None:
        pytest.skip("no native kernels were built here: the rest is theirs")
    pages = Pages.empty(net.layout(), 2)
    int32 = {"dtype": torch.int32}

    def call(ids: list[int], table: list[int], start: int = 0) -> None:
        at = PagedAttention(
            pages,
            torch.tensor([table], **int32),
            torch.tensor([start], **int32),
            torch.tensor([len(ids)], **int32),
        )
        net(torch.tensor(ids), at.positions(), at)

    for ids, table, start, said in (
        ([VOCAB], [0], 0, "vocabulary"),
        ([-1], [0], 0, "vocabulary"),
        ([3] * 40, [0], 0, "pages"),
        ([3], [2], 0, "pages"),
        ([3], [0, 1, 0, 1, 0], 128, "learnt positions"),
    ):
        with pytest.raises(RequestError, match=said):
            call(ids, table, start)
