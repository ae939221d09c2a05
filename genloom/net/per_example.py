"""Gradients of each example apart: their norms, and sums in which each example has a weight.

While a loss is computed under `Recorded`, every use of a weight is recorded and the weight itself
held still; the gradients of what the uses gave then say the norm of each example's gradient, and
the weighted sum, without a gradient of any single example in memory (Bu et al. 2023, book-keeping;
norms of products by Gram matrices: Goodfellow 2015, Li et al. 2022). Knows products, look-ups and
norms; a weight that is used otherwise is refused. Knows no loss, noise or optimiser.
Shape legend: B examples, L positions, I inputs, O outputs, D width.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from genloom.errors import TrainingError


class Use(Protocol):
    """One use of weights. grad [B, ...] is of what the use gave."""

    def squares(self, grad: Tensor) -> Tensor:
        """float [B]: the squared norm of each example's gradient of these weights."""

    def add(self, grad: Tensor) -> None:
        """Add the gradient to the weights' own."""


class Recorded(TorchFunctionMode):
    """Within it, the weights of `net` do not ask for gradients by themselves; `gradients` and
    `squares` follow from the loss."""

    def __init__(self, nets: Sequence[nn.Module]) -> None:
        super().__init__()
        self.weights = {id(p): p for net in nets for p in net.parameters() if p.requires_grad}
        self.uses: list[tuple[Use, Tensor]] = []

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        rule = _RULES.get(func)
        if rule is not None and any(map(self._own, (*args, *kwargs.values()))):
            use, out = rule(self._still, *args, **kwargs)
            self.uses.append((use, out))
            return out
        out = func(*args, **kwargs)
        given = any(map(self._own, (*args, *kwargs.values())))
        if given and isinstance(out, Tensor) and out.requires_grad and not self._own(out):
            raise TrainingError(
                f"this net uses a weight in a way ({getattr(func, '__name__', func)}) whose "
                "gradients cannot be told apart by example: train a net of rows, or without "
                "--epsilon"
            )
        return out

    def _own(self, value: Any) -> bool:
        """Whether it is a weight or a part of one."""
        if not isinstance(value, Tensor):
            return False
        return id(value) in self.weights or id(value._base) in self.weights

    def _still(self, value: Tensor | None) -> tuple[Tensor | None, Tensor | None]:
        """(a weight that does not move, the place of its gradient); a place only for own ones."""
        if value is None:
            return None, None
        if not self._own(value) or not value.requires_grad:
            return value.detach(), None
        whole = self.weights[id(value) if id(value) in self.weights else id(value._base)]
        if whole.grad is None:
            whole.grad = torch.zeros_like(whole)
        offset = value.storage_offset() - whole.storage_offset()
        place = whole.grad.as_strided(value.shape, value.stride(), offset)
        return value.detach(), place

    def squares(self, loss: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(float [B], the squared norm of each example's gradient; the gradients of all uses)."""
        grads = torch.autograd.grad(loss, [out for _, out in self.uses])
        with torch.no_grad():
            total = sum(u.squares(g) for (u, _), g in zip(self.uses, grads, strict=True))
        assert isinstance(total, Tensor)
        return total, list(grads)

    @torch.no_grad()
    def gather(self, grads: Sequence[Tensor], share: Tensor) -> None:
        """Add to every weight's `grad` the sum over examples, each times its share [B]."""
        for (use, _), grad in zip(self.uses, grads, strict=True):
            use.add(grad * share.reshape(-1, *[1] * (grad.dim() - 1)))


Still = Callable[[Tensor | None], tuple[Tensor | None, Tensor | None]]


def _moves(out: Tensor) -> Tensor:
    """What no weight stands behind any more asks for its gradient itself."""
    return out if out.requires_grad else out.requires_grad_()


def _flat(x: Tensor) -> Tensor:
    """[B, L, D]"""
    return x.reshape(len(x), -1, x.shape[-1])


class _Product:
    """y = x W^T + b. x [B, ..., I], grad [B, ..., O]."""

    def __init__(self, x: Tensor, weight: Tensor | None, bias: Tensor | None) -> None:
        self.x, self.weight, self.bias = _flat(x.detach()), weight, bias

    @classmethod
    def of(
        cls, still: Still, input: Tensor, weight: Tensor, bias: Tensor | None = None
    ) -> tuple[Use, Tensor]:
        (w, place), (b, other) = still(weight), still(bias)
        assert w is not None
        return cls(input, place, other), _moves(F.linear(input, w, b))

    def squares(self, grad: Tensor) -> Tensor:
        g, x = _flat(grad), self.x
        total = g.new_zeros(len(g))
        if self.weight is not None:
            length, inputs, outputs = x.shape[1], x.shape[2], g.shape[2]
            if length * (inputs + outputs) <= inputs * outputs:  # two Gram matrices are less work
                total += ((x @ x.mT) * (g @ g.mT)).sum((1, 2))
            else:
                total += (g.mT @ x).square().sum((1, 2))
        return total if self.bias is None else total + g.sum(1).square().sum(1)

    def add(self, grad: Tensor) -> None:
        g = grad.reshape(-1, grad.shape[-1])
        if self.weight is not None:
            self.weight += g.T @ self.x.reshape(len(g), -1)
        if self.bias is not None:
            self.bias += g.sum(0)


class _LookUp:
    """y = W[ids]. ids [B, ...], grad [B, ..., D]."""

    def __init__(self, ids: Tensor, weight: Tensor | None) -> None:
        self.ids, self.weight = ids.reshape(len(ids), -1), weight

    @classmethod
    def of(
        cls, still: Still, input: Tensor, weight: Tensor, *args: Any, **kwargs: Any
    ) -> tuple[Use, Tensor]:
        w, place = still(weight)
        assert w is not None
        return cls(input, place), _moves(F.embedding(input, w, *args, **kwargs))

    def squares(self, grad: Tensor) -> Tensor:
        g = _flat(grad)
        if self.weight is None:
            return g.new_zeros(len(g))
        same = self.ids[:, :, None] == self.ids[:, None]  # ids that come twice add up
        twice = same.sum() > self.ids.numel()
        return ((g @ g.mT) * same).sum((1, 2)) if twice else g.square().sum((1, 2))

    def add(self, grad: Tensor) -> None:
        if self.weight is not None:
            self.weight.index_add_(0, self.ids.flatten(), grad.reshape(-1, grad.shape[-1]))


class _Norm:
    """y = normalised(x) * gain + bias over the last dimension."""

    def __init__(self, plain: Tensor, gain: Tensor | None, bias: Tensor | None) -> None:
        self.plain, self.gain, self.bias = _flat(plain), gain, bias

    @classmethod
    def layer(
        cls,
        still: Still,
        input: Tensor,
        normalized_shape: Sequence[int],
        weight: Tensor | None = None,
        bias: Tensor | None = None,
        eps: float = 1e-5,
    ) -> tuple[Use, Tensor]:
        (w, place), (b, other) = still(weight), still(bias)
        shape = list(normalized_shape)
        plain = F.layer_norm(input.detach(), shape, None, None, eps)
        return cls(plain, place, other), _moves(F.layer_norm(input, shape, w, b, eps))

    @classmethod
    def rms(
        cls,
        still: Still,
        input: Tensor,
        normalized_shape: Sequence[int],
        weight: Tensor | None = None,
        eps: float | None = None,
    ) -> tuple[Use, Tensor]:
        w, place = still(weight)
        shape = list(normalized_shape)
        plain = F.rms_norm(input.detach(), shape, None, eps)
        return cls(plain, place, None), _moves(F.rms_norm(input, shape, w, eps))

    def squares(self, grad: Tensor) -> Tensor:
        g = _flat(grad)
        total = g.new_zeros(len(g))
        if self.gain is not None:
            total += (g * self.plain).sum(1).square().sum(1)
        return total if self.bias is None else total + g.sum(1).square().sum(1)

    def add(self, grad: Tensor) -> None:
        g = _flat(grad)
        if self.gain is not None:
            self.gain += (g * self.plain).sum((0, 1))
        if self.bias is not None:
            self.bias += g.sum((0, 1))


_RULES: Mapping[Any, Callable[..., tuple[Use, Tensor]]] = {
    F.linear: _Product.of,
    F.embedding: _LookUp.of,
    F.layer_norm: _Norm.layer,
    F.rms_norm: _Norm.rms,
}
