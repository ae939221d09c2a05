"""Weights of a language model in fewer bits, and its stack through native kernels on a CPU.

`quantize` replaces the weights of a net in place, one by one; the same numbers then run through
kernels where a library was built, and through torch everywhere else. Knows nets and formats; the
arithmetic lies in quantize_formats.py and native/.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from genloom import native
from genloom.errors import UsageError
from genloom.net import lora
from genloom.net.experts import ExpertFeedForward
from genloom.net.language_model import LanguageModel
from genloom.net.pages import PagedAttention
from genloom.net.quantize_formats import FORMATS, Format
from genloom.net.quantize_modules import (
    ExpertWeights,
    PlainWeight,
    QuantizedEmbedding,
    QuantizedLinear,
    Weight,
)
from genloom.net.quantize_native import PackedWeight, Room, cores_to_kernels, packed_bytes
from genloom.net.quantize_stack import Fused, fits

TWIN = 1 << 26  # weights of the largest net of which a second copy is made
GATED = ("swiglu", "geglu")
Maker = Callable[[Tensor, Format, Tensor | None, bool], Weight]


@dataclass(frozen=True)
class Quantized:
    """What a net asks in its weights' place. fused: None where torch serves."""

    weight: Weight  # of the head
    fused: Fused | None
    page_type: torch.dtype  # of keys and values

    def takes(self, attention: object) -> bool:
        return self.fused is not None and self.fused.takes(attention)

    def forward(self, ids: Tensor, attention: PagedAttention) -> Tensor:
        assert self.fused is not None
        return self.fused(ids, attention)

    def logits(self, hidden: Tensor, low: int, high: int | None) -> Tensor:
        return self.weight.product(hidden, low, high)


def quantize(net: LanguageModel, form: Format, head: Format | None = None) -> None:
    """Replace the weights of `net` in place. head: the format of embedding and head, the same by
    default. Adapters are worked in before. The net serves from then on; it is not trained."""
    if form not in FORMATS:
        raise UsageError(f"the format {form!r} is not known: choose {', '.join(FORMATS)}")
    if net.quantized is not None:
        raise UsageError("these weights are quantised already: load the model anew")
    lora.merge(net)
    head = head or form
    on_cpu = net.embed.weight.device.type == "cpu"
    kernels = on_cpu and native.kernels() is not None
    make = _packer(net, form, head) if kernels else _plain
    with torch.no_grad():
        for block in net.transformer.blocks:
            _replace(block, form, make)
        table = make(net.embed.weight, head, None, False)
        net.embed = QuantizedEmbedding(table)
        last = table if net.head is None else make(net.head, head, None, False)
        net.head = None
    if isinstance(last, nn.Module) and last is not table:
        net.head_weight = last  # so that it moves with the net
    fused = Fused(net, form) if kernels and fits(net) else None
    net.quantized = Quantized(last, fused, fused.pages if fused else net.embed.weight.dtype)
    net.requires_grad_(False)


def served(net: nn.Module) -> nn.Module:
    """What makes texts with these weights: a packed copy where kernels serve small nets in full
    precision, else the net itself. The net stays as it is, to be trained, measured or saved."""
    if not isinstance(net, LanguageModel) or net.quantized is not None:
        return net
    weights = list(net.parameters())
    plain = all(w.device.type == "cpu" and w.dtype == torch.float32 for w in weights)
    small = sum(w.numel() for w in weights) <= TWIN
    if not plain or not small or native.kernels() is None or not fits(net):
        return net
    twin = copy.deepcopy(net)
    quantize(twin, "f32")
    return twin.eval()


def bytes_read(net: LanguageModel, row: int = 1) -> int:
    """Bytes of weights that a step with few tokens reads: what bounds its speed."""
    if net.quantized is None:
        raise UsageError("these weights are not quantised: call quantize first")
    weights = [w.nbytes() for block in net.transformer.blocks for w in _weights(block)]
    return sum(weights) + net.quantized.weight.nbytes()


def _plain(weight: Tensor, form: Format, bias: Tensor | None, gated: bool) -> Weight:
    return PlainWeight(weight, form)


def _packer(net: LanguageModel, form: Format, head: Format) -> Maker:
    """One room for all: sizes follow from shapes."""
    gated = net.config.activation in GATED
    total = 0
    for block in net.transformer.blocks:
        for name, shape in _shapes(block):
            total += packed_bytes(shape, form, gated and name == "up")
    table = tuple(net.embed.weight.shape)
    total += packed_bytes(table, head, False) * (1 if net.head is None else 2)
    room = Room(total)

    def make(weight: Tensor, form: Format, bias: Tensor | None, gated: bool) -> Weight:
        return PackedWeight(weight, form, room, bias, gated)

    return make


def _shapes(block: Any) -> Iterator[tuple[str, tuple[int, ...]]]:
    for name, part in (("qkv", block.mix.qkv), ("out", block.mix.out)):
        yield name, tuple(part.weight.shape)
    for name in ("up", "down"):
        part = getattr(block.feed, name)
        if isinstance(part, nn.Parameter):
            yield from ((name, tuple(one.shape)) for one in part)
        else:
            yield name, tuple(part.weight.shape)


def _replace(block: Any, form: Format, make: Maker) -> None:
    feed: Any = block.feed
    mix = block.mix
    gated = feed.activation in GATED
    mix.qkv, mix.out = _linear(mix.qkv, form, make), _linear(mix.out, form, make)
    if not isinstance(feed, ExpertFeedForward):
        feed.up = _linear(feed.up, form, make, gated)
        feed.down = _linear(feed.down, form, make)
        return
    for name in ("up", "down"):
        weights = [make(w, form, None, gated and name == "up") for w in getattr(feed, name)]
        delattr(feed, name)
        setattr(feed, name, ExpertWeights(weights))


def _linear(part: Any, form: Format, make: Maker, gated: bool = False) -> QuantizedLinear:
    return QuantizedLinear(make(part.weight, form, part.bias, gated), part.bias)


def _weights(block: Any) -> Iterator[Weight]:
    yield from (block.mix.qkv.weight, block.mix.out.weight)
    for part in (block.feed.up, block.feed.down):
        yield from part.weights if isinstance(part, ExpertWeights) else (part.weight,)


def read_rate(size: int = 1 << 29) -> float:
    """Bytes a second of a plain read by the kernels' own threads, of memory like that of packed
    weights and far beyond any cache: the limit of decoding. Without kernels torch reads."""
    block = Room(size).memory.fill_(1).view(torch.float64)
    library = native.kernels()
    times = []
    for _ in range(5):
        begun = time.perf_counter()
        if library is None:
            block.sum()
        else:
            library.gl_read(block.data_ptr(), size, torch.get_num_threads())
        times.append(time.perf_counter() - begun)
    return size / min(times)


def at_work(net: object) -> AbstractContextManager[None]:
    """While a net makes texts: the cores are its kernels', where it has some."""
    fused = getattr(getattr(net, "quantized", None), "fused", None)
    return nullcontext() if fused is None else cores_to_kernels()


def kernels() -> str:
    """One line for people: which kernels serve on the CPU, or why none do."""
    return native.status()
