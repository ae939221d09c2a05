"""Cross-entropy behind the head without ever holding all logits.

The vocabulary is walked in tiles: once for the sums, once more in the backward pass, where the
logits are made anew (the recurrence of Milakov & Gimelshein 2018 over tiles). What is held at once
is [N, tile]. Knows heads and ids; not what a batch is or how losses are added up.
Shape legend: N targets, D width, V vocabulary, T ids of a tile.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

SMALL = 1 << 22  # logits that are held as they are: one product less, and nothing to save
TILE = 1 << 21  # numbers of a tile: what is made of it stays in the caches
TILE_OF_GPU = 1 << 27
LEAST = 256  # ids of a tile at least


class Rows(Protocol):
    """A head whose rows are made when they are asked for (see net/frozen.py)."""

    outputs: int
    inputs: int

    def part(self, low: int, high: int, dtype: torch.dtype) -> Tensor: ...


Head = Tensor | Rows


def token_losses(hidden: Tensor, head: Head, target: Tensor, cap: float = 0.0) -> Tensor:
    """-log p of each target: hidden [N, D], head [V, D], target long [N] -> float32 [N].

    cap: logits are bounded to +- this by a tanh, 0 for none. Gradients reach hidden and a head
    that learns.
    """
    device = hidden.device.type
    if torch.is_autocast_enabled(device):
        hidden = hidden.to(torch.get_autocast_dtype(device))
    vocab = head.shape[0] if isinstance(head, Tensor) else head.outputs
    with torch.autocast(device, enabled=False):
        if len(hidden) * vocab <= SMALL:
            return plain_losses(hidden, head, target, cap)
        if isinstance(head, Tensor):
            out: Tensor = _Losses.apply(hidden, head.to(hidden.dtype), None, target, cap)
            return out
        out = _Losses.apply(hidden, None, head, target, cap)
        return out


def plain_losses(hidden: Tensor, head: Head, target: Tensor, cap: float = 0.0) -> Tensor:
    """The slow, obvious version."""
    logits = F.linear(hidden, _tile(head, 0, None, hidden.dtype)).float()
    if cap:
        logits = cap * torch.tanh(logits / cap)
    return F.cross_entropy(logits, target, reduction="none")


def losses(product: Tensor, target: Tensor, cap: float = 0.0) -> Tensor:
    """-log p of each target from all logits before their cap: [N, V], long [N] -> float32 [N].

    What is kept for the gradient is the product in its own type, nothing in float32.
    """
    out: Tensor = _Whole.apply(product, target, cap)
    return out


class _Whole(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, product: Tensor, target: Tensor, cap: float) -> Tensor:
        logits = _capped(product, cap)
        mass = logits.logsumexp(1)
        ctx.save_for_backward(product, target, mass)
        ctx.cap = cap
        return mass - logits.gather(1, target[:, None])[:, 0]

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        product, target, mass = ctx.saved_tensors
        logits = _capped(product, ctx.cap)
        here = torch.arange(product.shape[1], device=product.device) == target[:, None]
        grad = ((logits - mass[:, None]).exp() - here.float()) * grads[0].float()[:, None]
        if ctx.cap:
            grad = grad * (1 - (logits / ctx.cap).square())
        return grad.to(product.dtype), None, None


class _Losses(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, head: Tensor | None, rows: Rows | None, target: Tensor, cap: float
    ) -> Tensor:
        weight: Any = rows if head is None else head
        mass, hit = _sums(hidden, weight, target, cap)
        ctx.save_for_backward(hidden, head, target, mass)
        ctx.rows, ctx.cap = rows, cap
        return mass - hit

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        hidden, head, target, mass = ctx.saved_tensors
        weight: Any = ctx.rows if head is None else head
        wants_hidden, wants_head = ctx.needs_input_grad[:2]
        to_hidden = torch.zeros_like(hidden, dtype=torch.float32) if wants_hidden else None
        to_head = torch.empty_like(head) if wants_head else None
        share = grads[0].float()[:, None]
        for low, high in _tiles(weight, hidden):
            part = _tile(weight, low, high, hidden.dtype)
            logits = _capped(hidden @ part.T, ctx.cap)
            slope = 1 - (logits / ctx.cap).square() if ctx.cap else None
            grad = logits.sub_(mass[:, None]).exp_()
            here = (target >= low) & (target < high)
            at = (target - low).clamp(0, high - low - 1)[:, None]
            grad.scatter_add_(1, at, -here.float()[:, None])
            grad = grad.mul_(share)
            grad = (grad if slope is None else grad.mul_(slope)).to(hidden.dtype)
            if to_hidden is not None:
                to_hidden += grad @ part
            if to_head is not None:
                to_head[low:high] = grad.T @ hidden
        made = None if to_hidden is None else to_hidden.to(hidden.dtype)
        return made, to_head, None, None, None


def _sums(hidden: Tensor, weight: Any, target: Tensor, cap: float) -> tuple[Tensor, Tensor]:
    """float32 [N] each: log of the sum of exp of all logits; the target's logit."""
    mass = hidden.new_full((len(hidden),), float("-inf"), dtype=torch.float32)
    hit = torch.zeros_like(mass)
    for low, high in _tiles(weight, hidden):
        part = _tile(weight, low, high, hidden.dtype)
        logits = _capped(hidden @ part.T, cap)
        here = (target >= low) & (target < high)
        at = (target - low).clamp(0, high - low - 1)[:, None]
        hit = torch.where(here, logits.gather(1, at)[:, 0], hit)
        top = logits.amax(1, keepdim=True)  # by hand: `logsumexp` takes ten times as long
        mass = torch.logaddexp(mass, logits.sub_(top).exp_().sum(1).log_() + top[:, 0])
    return mass, hit


def _capped(logits: Tensor, cap: float) -> Tensor:
    logits = logits.float()
    return cap * torch.tanh(logits / cap) if cap else logits


def _tiles(weight: Any, hidden: Tensor) -> list[tuple[int, int]]:
    vocab = weight.shape[0] if isinstance(weight, Tensor) else weight.outputs
    numbers = TILE if hidden.device.type == "cpu" else TILE_OF_GPU
    size = max(LEAST, numbers // max(len(hidden), 1) // LEAST * LEAST)
    return [(low, min(low + size, vocab)) for low in range(0, vocab, size)]


def _tile(weight: Head, low: int, high: int | None, dtype: torch.dtype) -> Tensor:
    if isinstance(weight, Tensor):
        return weight[low:high].to(dtype)
    return weight.part(low, weight.outputs if high is None else high, dtype)
