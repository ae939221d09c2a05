"""What is said at each place: two convolutions over what is told, a transformer that sees it all,
and logits of the symbols. Arrays of one axis and any length.

Shape legend: B items, K told channels, V symbols, T places, D width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genloom.net.attention import FullAttention
from genloom.net.layers import Linear, initialise
from genloom.net.transformer import Transformer, TransformerConfig
from genloom.spec import ArraySpec, PromptSpec, Spec


@dataclass(frozen=True, kw_only=True)
class RecogniserConfig:
    """kernel: places that each convolution sees."""

    width: int = 160
    depth: int = 4
    heads: int = 4
    kernel: int = 5
    dropout: float = 0.0


class Recogniser(nn.Module):
    """control [B, K, T] -> logits [B, V, T]."""

    kind: ClassVar[str] = "recogniser"
    carries: ClassVar[type] = ArraySpec
    fills: ClassVar[frozenset[str]] = frozenset({"recogniser"})
    hears: ClassVar[bool] = True
    needs_control: ClassVar[bool] = True
    local: ClassVar[bool] = True  # of any length
    Config = RecogniserConfig

    def __init__(self, config: RecogniserConfig, spec: Spec, prompt: PromptSpec | None) -> None:
        super().__init__()
        assert isinstance(spec, ArraySpec)
        if not spec.control or len(spec.grid) != 1 or not config.kernel % 2:
            raise ValueError("something told along one axis and an odd kernel are expected")
        c = config
        self.into = nn.Conv1d(spec.control, c.width, c.kernel, padding=c.kernel // 2)
        self.near = nn.Conv1d(c.width, c.width, c.kernel, padding=c.kernel // 2)
        stack = TransformerConfig(width=c.width, depth=c.depth, heads=c.heads, dropout=c.dropout)
        self.stack = Transformer(stack)
        self.out = Linear(c.width, spec.channels)
        initialise(self.out)

    def forward(self, control: Tensor) -> Tensor:
        if self.training or control.device.type != "cpu":
            return self.whole(control)
        # One by one: a CPU's convolutions sum in another order for another number of items.
        return torch.cat([self.whole(one[None]) for one in control])

    def whole(self, control: Tensor) -> Tensor:
        """All items at once."""
        h = F.silu(self.into(control))
        h = (h + F.silu(self.near(h))).transpose(1, 2)
        position = torch.arange(h.shape[1], device=h.device)[None, :, None]
        h = self.stack(h, position, FullAttention())
        out: Tensor = self.out(h).transpose(1, 2)
        return out
