"""A language model's whole stack as one native call a step.

Describes the net's configuration, norms and packed weights to the kernels once; a call then fills
one small structure. Results are those of the torch modules over the same weights, to rounding.
Shape legend: N tokens of a ragged batch, D width.
"""

from __future__ import annotations

from collections.abc import Callable
from ctypes import addressof
from typing import Any

import torch
from torch import Tensor, nn

from genloom.errors import RequestError, ResourceError
from genloom.net.language_model import LanguageModel
from genloom.net.pages import PagedAttention
from genloom.net.quantize_formats import FORMATS, Format
from genloom.net.quantize_modules import (
    ExpertWeights,
    QuantizedEmbedding,
    QuantizedLinear,
    Weight,
)
from genloom.net.quantize_native import (
    BatchStruct,
    LayerStruct,
    Matrix,
    NormStruct,
    PackedWeight,
    StackStruct,
    keep,
    library,
    norm_of,
    norm_struct,
    threads,
)
from genloom.net.transformer import Block, Mix

ACTIVATIONS = ("relu2", "gelu", "swiglu", "geglu", "gelu_erf")  # as the kernels number them
TURNS = ("full", "window")

_FAULTS: dict[int, Callable[[], Exception]] = {
    1: lambda: RequestError("a token id is beyond the model's vocabulary: encode with its codec"),
    2: lambda: RequestError("a sequence has positions beyond its pages: give it more pages"),
    3: lambda: RequestError("the counts of a batch do not add up to its ids: check the batch"),
    4: lambda: RequestError("a sequence is longer than the model's learnt positions: shorten it"),
    5: lambda: ResourceError("no memory is left for a step: ask for fewer tokens at once"),
}


def fits(net: LanguageModel) -> bool:
    """Whether the kernels know all of this net: one axis, no slots, pairs or modulation, and sizes
    for which they have room."""
    c = net.config
    if c.activation not in ACTIVATIONS or c.width > 1 << 16 or c.size > 4096:
        return False
    if c.experts is not None and c.experts.count > 4096:
        return False
    plain = net.pair is None and net.slot_from is None and not c.modulated and net.values is None
    frequencies = {f.shape for f, _ in net.transformer.turns.values()}
    return plain and net.axes == 1 and len(frequencies) <= 1


class Fused:
    """The stack of one net. `pages` says which type keys and values are kept in."""

    def __init__(self, net: LanguageModel, form: Format) -> None:
        self.width, self.depth = net.config.width, net.config.depth
        self.pages = torch.float32 if form == "f32" else torch.bfloat16
        self._kept: list[Tensor] = []
        self._alive: list[object] = []
        self._stack = self._described(net)
        self._at = addressof(self._stack)
        self._call = library().gl_stack

    def takes(self, attention: object) -> bool:
        if not isinstance(attention, PagedAttention):
            return False
        keys = attention.pages.keys
        return keys.dtype == self.pages and keys.device.type == "cpu" and len(keys) == self.depth

    def __call__(self, ids: Tensor, attention: PagedAttention) -> Tensor:
        """ids long [N] -> float32 [N, D]; positions follow from the attention's own numbers."""
        ids, table = ids.contiguous(), attention.table.contiguous()
        start, count = attention.start, attention.count
        pages = attention.pages
        out = torch.empty(len(ids), self.width)
        batch = BatchStruct(
            ids.data_ptr(),
            table.data_ptr(),
            start.data_ptr(),
            count.data_ptr(),
            len(ids),
            len(table),
            table.shape[1],
            pages.keys.shape[1],
            pages.keys.data_ptr(),
            pages.values.data_ptr(),
        )
        fault = self._call(self._at, addressof(batch), out.data_ptr(), threads())
        if fault:
            raise _FAULTS[fault]()
        return out

    # --- describing the net -----------------------------------------------------------------------

    def _described(self, net: LanguageModel) -> StackStruct:
        c, blocks = net.config, net.transformer.blocks
        layers = (LayerStruct * c.depth)(*(self._layer(net, block) for block in blocks))
        self._alive.append(layers)
        turns = net.transformer.turns
        experts = c.experts
        hidden = max(_hidden(block) for block in blocks)
        embed = net.embed
        assert isinstance(embed, QuantizedEmbedding)
        out = StackStruct(
            depth=c.depth,
            width=c.width,
            heads=c.heads,
            groups=c.groups,
            size=c.size,
            activation=ACTIVATIONS.index(c.activation),
            whole=c.qk_norm == "whole",
            vocab=embed.table.outputs,
            pages_format=FORMATS.index("f32" if self.pages == torch.float32 else "bf16"),
            learned=c.learned,
            asked=experts.asked if experts else 0,
            normalised=experts.normalised if experts else 0,
            hidden=hidden,
            pairs=len(turns["full"][0]) if turns else 0,
            score_scale=c.attention_scale or c.size**-0.5,
            cap=c.attention_cap,
            embed_scale=c.embed_scale,
            embed=self._matrix(embed.table),
            norm=norm_struct(net.transformer.norm, self._kept),
            layers=layers,
        )
        for number, kind in enumerate(TURNS):
            if kind in turns and kind in c.pattern:
                frequency, gain = turns[kind]
                out.frequency[number], out.turn_gain[number] = keep(frequency, self._kept), gain
        if net.place is not None:
            out.place = keep(_wide(net.place.weight), self._kept)
        return out

    def _layer(self, net: LanguageModel, block: nn.Module) -> LayerStruct:
        assert isinstance(block, Block)
        mix, kept = block.mix, self._kept
        q_norm, k_norm = _head_norms(mix, kept)
        turned = mix.kind in net.transformer.turns
        out = LayerStruct(
            qkv=self._linear(mix.qkv),
            out=self._linear(mix.out),
            mix_norm=norm_struct(block.mix_norm, kept),
            mix_behind=norm_struct(block.mix_behind, kept),
            feed_norm=norm_struct(block.feed_norm, kept),
            feed_behind=norm_struct(block.feed_behind, kept),
            q_norm=q_norm,
            k_norm=k_norm,
            turn=TURNS.index(mix.kind) if turned else -1,
            window=mix.sight.window,
        )
        feed: Any = block.feed
        if isinstance(feed.up, ExpertWeights):
            self._experts(out, feed)
        else:
            out.up, out.down = self._linear(feed.up), self._linear(feed.down)
        return out

    def _experts(self, out: LayerStruct, feed: Any) -> None:
        ups, downs = feed.up.weights, feed.down.weights
        out.experts = len(ups)
        out.router = keep(_wide(feed.gate.weight), self._kept)
        up = (Matrix * len(ups))(*(self._matrix(w) for w in ups))
        down = (Matrix * len(downs))(*(self._matrix(w) for w in downs))
        out.expert_up, out.expert_down = up, down
        self._alive += [up, down]

    def _linear(self, module: nn.Module) -> Matrix:
        assert isinstance(module, QuantizedLinear)
        return self._matrix(module.weight)

    def _matrix(self, weight: Weight) -> Matrix:
        assert isinstance(weight, PackedWeight)
        self._alive.append(weight)
        return weight.matrix


def _head_norms(mix: Mix, kept: list[Tensor]) -> tuple[NormStruct, NormStruct]:
    if not mix.unit:
        return norm_struct(mix.q_norm, kept), norm_struct(mix.k_norm, kept)
    one, eps = torch.ones(mix.size), torch.finfo(torch.float32).eps
    q = norm_of(one * 1.2, None, False, eps, kept)
    return q, norm_of(one, None, False, eps, kept)


def _hidden(block: Any) -> int:
    down = block.feed.down
    one = down.weights[0] if isinstance(down, ExpertWeights) else down.weight
    return one.inputs


def _wide(table: Tensor) -> Tensor:
    """Rows padded to whole vectors."""
    return torch.nn.functional.pad(table.detach().float(), (0, -table.shape[1] % 16))
