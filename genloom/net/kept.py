"""A layer's weights in another form, made once for as long as they stay as they are.

Adapters, averages, optimisers and loading change weights in place: torch counts such changes, and
what was made before is left. Knows layers with a weight and a bias, no nets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

import torch
from torch import Tensor, nn

from genloom.net.layers import Linear, project

Pair = tuple[Tensor, Tensor | None]


class Keeping(nn.Module):
    """A layer beside which something is kept of its weights while it is at use; nothing is taken
    from use to learning and back: fused AdamW leaves torch's count of changes as it is."""

    def train(self, mode: bool = True) -> Self:
        self.__dict__.pop("_kept", None)
        return super().train(mode)


class KeptLinear(Keeping, Linear):
    """One whose weights are rounded once."""

    def forward(self, input: Tensor) -> Tensor:
        return project(input, *in_type(self, input.dtype))


def in_type(layer: Any, kind: torch.dtype) -> Pair:
    """(weight, bias or None) of this type; kept beside the layer where nothing is to be learnt."""
    if layer.weight.dtype == kind or not keeps(layer):
        return _rounded(layer, kind)
    return kept(layer, kind, lambda: _rounded(layer, kind))


def keeps(layer: Any) -> bool:
    """Whether what is made of the weights may be kept: not where anything is learnt, and not where
    torch counts no changes."""
    if torch.is_grad_enabled() or torch.compiler.is_compiling() or layer.training:
        return False
    return not layer.weight.requires_grad and not layer.weight.is_inference()


def kept(layer: Any, form: Any, make: Callable[[], Pair]) -> Pair:
    """What `make` makes of the layer's weights, made anew when they or the form have changed."""
    here: _Kept | None = layer.__dict__.get("_kept")
    if here is None or not here.serves(layer, form):
        here = layer.__dict__["_kept"] = _Kept(layer, form, make)
    return here.made


class _Kept:
    """What was made, and of what. Holds the memory that it was made of: nothing else can come to
    lie at its address meanwhile."""

    def __init__(self, layer: Any, form: Any, make: Callable[[], Pair]) -> None:
        self.form, self.marks = form, _marks(layer)  # first: a change meanwhile is then noticed
        self.memory = [x.detach() for x in (layer.weight, layer.bias) if x is not None]
        self.made = make()

    def serves(self, layer: Any, form: Any) -> bool:
        return self.form == form and self.marks == _marks(layer)

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return type(None), ()  # a copy of the layer begins without


def _marks(layer: Any) -> list[tuple[int, int]]:
    """Where weight and bias lie, and how often they were changed there."""
    given = (layer.weight, layer.bias)
    return [(x.data_ptr(), x._version) for x in given if x is not None]


def _rounded(layer: Any, kind: torch.dtype) -> Pair:
    bias = layer.bias
    return layer.weight.to(kind), None if bias is None else bias.to(kind)
