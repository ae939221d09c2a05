"""Several adapters beside one net's weights, each for its own rows of a ragged batch.

The product with the weights is taken once for all rows; each adapter's low-rank part is added to
the rows that asked for it. A row is the same whatever adapters its neighbours have. The net served
is a second tree of modules over the same weights: the one it is made of stays as it is.
Shape legend: N rows, K inputs, O outputs.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from genloom.net.lora import LowRank, device_of, swap


class Choice:
    """Which rows of the batch that is about to be fed have which adapter."""

    def __init__(self) -> None:
        self.rows: dict[str, Tensor] = {}
        self.every: str | None = None  # the one adapter of all rows

    def set(self, names: Sequence[str], counts: Sequence[int], device: torch.device) -> None:
        """names: of the sequences, "" for none; counts: rows of each, laid end to end."""
        self.every = names[0] if len(set(names)) == 1 else None
        self.rows = {}
        if self.every is not None:
            return
        first, at = 0, {}
        for name, count in zip(names, counts, strict=True):
            at.setdefault(name, []).extend(range(first, first + count))
            first += count
        self.rows = {n: torch.tensor(rows, device=device) for n, rows in at.items() if n}


class ManyLinear(nn.Module):
    """A matrix, and what several adapters have learnt beside it. Serves; is not trained."""

    def __init__(self, base: nn.Module, choice: Choice) -> None:
        super().__init__()
        self.base, self.choice = base, choice
        self.lows: dict[str, LowRank] = {}

    def forward(self, x: Tensor) -> Tensor:
        """x [N, K] -> [N, O]."""
        y: Tensor = self.base(x)
        if self.choice.every is not None:
            low = self.lows.get(self.choice.every)
            return y if low is None else low(x, y, self.base)
        for name, rows in self.choice.rows.items():
            low = self.lows.get(name)
            if low is not None:
                y[rows] = low(x[rows], y[rows], self.base)
        return y


def serving(net: Any, adapters: Mapping[str, Mapping[str, LowRank]]) -> Any:
    """The net with these adapters (by name, then by the path of a matrix) beside its weights, which
    it shares. `choose(names, counts)` says whose the rows of the next call are."""
    made, choice = _shell(net), Choice()
    if made.quantized is not None:  # kernels for the whole stack know no adapters
        made.quantized = replace(made.quantized, fused=None)
    for name, lows in adapters.items():
        for path, low in lows.items():
            part = made.get_submodule(path)
            if not isinstance(part, ManyLinear):
                part = ManyLinear(part, choice)
                swap(made, path, part)
            part.lows[name] = low.to(device_of(part.base)).eval().requires_grad_(False)
    device = net.layout().device
    made.choose = lambda names, counts: choice.set(names, counts, device)
    return made


def _shell(module: nn.Module) -> Any:
    """The same modules anew, over the same weights."""
    made = copy.copy(module)
    made._modules = {n: None if m is None else _shell(m) for n, m in module._modules.items()}
    return made
