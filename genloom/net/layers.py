"""The layers that act on the last dimension alone: linear, norms, feed-forward.

Weights are kept in fp32 and cast to the activation's type, so precision is explicit. Knows
nothing of positions, attention or what the numbers mean.
Shape legend: ... any leading dimensions, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Activation = Literal["relu2", "gelu", "gelu_erf", "quick_gelu", "swiglu", "geglu"]
Norm = Literal["rms", "layer", "rms1", "layer1"]

# The CPU's matrix library picks kernels by shape and splits long sums over its threads, so that a
# row can differ in its last bits with the number of rows beside it. Measured in fp32 on 1 to 16
# threads: with at least 16 rows and sums over at most 320 numbers it does not (384 fails on 8
# threads, 896 on 2). Padding to the one and cutting to the other makes a sample independent of its
# batch mates.
FEWEST_ROWS = 16
LONGEST_SUM = 320
STEADY_ROWS = 64  # of each product within `steady`


class Linear(nn.Linear):
    """y = x W^T + b with the weight cast to x's type; at inference rows are independent."""

    def forward(self, input: Tensor) -> Tensor:
        weight = self.weight.to(input.dtype)
        bias = None if self.bias is None else self.bias.to(input.dtype)
        return project(input, weight, bias)


def project(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """F.linear whose rows do not depend on how many rows there are; on a GPU only within `steady`,
    because it costs speed there."""
    if torch.is_grad_enabled():
        return F.linear(x, weight, bias)
    rows = x.numel() // x.shape[-1]
    flat = x.reshape(rows, -1)
    if _steady.get():
        return _of_one_shape(flat, weight, bias)[:rows].reshape(*x.shape[:-1], -1)
    if x.device.type != "cpu":
        return F.linear(x, weight, bias)
    if rows >= FEWEST_ROWS and flat.shape[1] <= LONGEST_SUM:
        return F.linear(flat, weight, bias).reshape(*x.shape[:-1], -1)
    if rows < FEWEST_ROWS:
        flat = F.pad(flat, (0, 0, 0, FEWEST_ROWS - rows))
    return _in_parts(flat, weight, bias)[:rows].reshape(*x.shape[:-1], -1)


_steady: ContextVar[bool] = ContextVar("steady", default=False)


@contextmanager
def steady(on: bool = True) -> Iterator[None]:
    """Within this every product has one shape on any device: whatever kernel a library picks for a
    shape, it picks the same one for a row alone and among others."""
    kept = _steady.set(on)
    try:
        yield
    finally:
        _steady.reset(kept)


def is_steady() -> bool:
    return _steady.get()


def _of_one_shape(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x [N, K] in groups of STEADY_ROWS rows, the last one filled up."""
    spare = -len(x) % STEADY_ROWS
    groups = F.pad(x, (0, 0, 0, spare)).split(STEADY_ROWS)
    return torch.cat([F.linear(group, weight, bias) for group in groups])


def _in_parts(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x [N, K] times weight [D, K], the sum over K in equal parts of at most LONGEST_SUM."""
    parts = -(-x.shape[1] // LONGEST_SUM)
    pairs = zip(x.tensor_split(parts, 1), weight.tensor_split(parts, 1), strict=True)
    first, *rest = pairs
    out = F.linear(*first, bias)
    for part, share in rest:
        out = torch.addmm(out, part, share.T)
    return out


class RMSNorm(nn.Module):
    """x / rms(x) * (gain + offset) (Zhang & Sennrich 2019, eq. 4); computed in fp32."""

    def __init__(self, width: int, eps: float = 1e-6, offset: float = 0.0) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.full((width,), 1.0 - offset))
        self.eps, self.offset = eps, offset

    def forward(self, x: Tensor) -> Tensor:
        gain = self.gain.float() + self.offset if self.offset else self.gain
        return F.rms_norm(x, (x.shape[-1],), gain.to(x.dtype), self.eps)


class LayerNorm(nn.Module):
    """Mean and variance removed, then gain + offset and bias (Ba et al. 2016)."""

    def __init__(
        self, width: int, bias: bool = True, eps: float = 1e-5, offset: float = 0.0
    ) -> None:
        super().__init__()
        self.gain = nn.Parameter(torch.full((width,), 1.0 - offset))
        self.bias = nn.Parameter(torch.zeros(width)) if bias else None
        self.eps, self.offset = eps, offset

    def forward(self, x: Tensor) -> Tensor:
        gain = self.gain.float() + self.offset if self.offset else self.gain
        bias = None if self.bias is None else self.bias.to(x.dtype)
        return F.layer_norm(x, (x.shape[-1],), gain.to(x.dtype), bias, self.eps)


def norm(kind: Norm, width: int, bias: bool = False, eps: float = 0.0) -> nn.Module:
    """rms1 and layer1 keep their gain as its difference from one. eps 0 is the kind's own."""
    offset = 1.0 if kind.endswith("1") else 0.0
    if kind.startswith("rms"):
        return RMSNorm(width, eps or 1e-6, offset)
    return LayerNorm(width, bias, eps or 1e-5, offset)


class FeedForward(nn.Module):
    """Two linear maps with a squared ReLU (So et al. 2021), GELU (by tanh, or exact by erf), or
    gated SiLU or GELU between (Shazeer 2020); the gate is the first half of `up`."""

    def __init__(self, width: int, hidden: int, activation: Activation, bias: bool = False) -> None:
        super().__init__()
        self.activation = activation
        wide = 2 if activation in ("swiglu", "geglu") else 1
        self.up = Linear(width, hidden * wide, bias=bias)
        self.down = Linear(hidden, width, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.down(ACTIVATIONS[self.activation](self.up(x)))


def _squared_relu(h: Tensor) -> Tensor:
    if torch.is_grad_enabled():
        return F.relu(h).square()
    return h.relu_().square_()  # h is nobody else's, and memory is what it costs


def _gelu(h: Tensor) -> Tensor:
    return F.gelu(h, approximate="tanh")


def _quick_gelu(h: Tensor) -> Tensor:
    return h * torch.sigmoid(1.702 * h)  # Hendrycks & Gimpel 2016, section 2


def _swiglu(h: Tensor) -> Tensor:
    gate, h = h.chunk(2, -1)
    return F.silu(gate) * h


def _geglu(h: Tensor) -> Tensor:
    gate, h = h.chunk(2, -1)
    return _gelu(gate) * h


ACTIVATIONS: dict[Activation, Callable[[Tensor], Tensor]] = {
    "relu2": _squared_relu,
    "gelu": _gelu,
    "gelu_erf": F.gelu,
    "quick_gelu": _quick_gelu,
    "swiglu": _swiglu,
    "geglu": _geglu,
}


def initialise(module: nn.Module, zero: tuple[nn.Module, ...] = ()) -> None:
    """Linear weights normal with variance 1 / fan-in, embeddings small, the `zero` ones zero.

    Zero output projections make every residual block start as the identity.
    """
    for part in module.modules():
        if isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, std=part.in_features**-0.5)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.Embedding):
            nn.init.normal_(part.weight, std=0.02)
    for part in zero:
        for weight in part.parameters():
            nn.init.zeros_(weight)
