"""How one player's gradients come about in a step: plainly, or bounded by row and with noise.

Both leave them in the weights' `grad`, ready for the optimiser, and say what may be told of the
step. The private way is DP-SGD (Abadi et al. 2016, algorithm 1): batches by Poisson sampling, each
row's gradient cut to a length, noise in proportion, a divisor that no row has part in. Knows
losses and gradients; no medium, family or file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Generator, Tensor

from genloom import budget
from genloom.budget import Mechanism, Privacy
from genloom.errors import TrainingError
from genloom.net.per_example import Recorded
from genloom.spec import Batch, Loss
from genloom.train import parallel

LossOf = Callable[[Batch, int], Loss]  # of a micro-batch and its number, the same each time
CHECKED = 2  # rows by which the norms are held against gradients of one row at a time
CLOSE = 1e-2


@dataclass(frozen=True, kw_only=True)
class Found:
    """loss, None where nothing may follow from it; the gradients' joint norm before it was
    clipped; what is to be logged."""

    loss: float | None
    norm: float
    values: dict[str, float] = field(default_factory=dict)


class Way(Protocol):
    def gradients(
        self, step: int, params: list[Tensor], batches: list[Batch], loss_of: LossOf
    ) -> Found: ...

    def told(self, steps: int) -> Mapping[str, Any]:
        """For the card, after so many steps."""


@dataclass(frozen=True, kw_only=True)
class Plain:
    """The gradient of the mean over all targets, over all ranks."""

    clip: float

    def gradients(
        self, step: int, params: list[Tensor], batches: list[Batch], loss_of: LossOf
    ) -> Found:
        device = params[0].device
        count = sum((b.count() for b in batches), torch.zeros((), device=device))
        parallel.add_up([count])
        parts: dict[str, Tensor] = {}
        total = torch.zeros((), device=device)
        for micro, batch in enumerate(batches):
            loss = loss_of(batch, micro)
            (loss.total / count).backward()
            total += loss.total.detach()
            for key, value in loss.parts.items():
                parts[key] = parts.get(key, 0) + value
        grads = [p.grad for p in params if p.grad is not None]
        parallel.add_up([*grads, total, *parts.values()])
        norm = clip(grads, self.clip)
        return Found(
            loss=float(total / count),
            norm=norm,
            values={k: float(v / count) for k, v in parts.items()},
        )

    def told(self, steps: int) -> Mapping[str, Any]:
        return {}


@dataclass(frozen=True, kw_only=True)
class Spending:
    """What a private training is to keep to, and what was spent before it.

    key: what nobody may know; all noise follows from it. rows: of the data. expected: rows of a
    step's batch in the mean. steps: of the whole training. beside: what was counted of the data.
    """

    privacy: Privacy
    key: bytes
    rows: int
    expected: float
    steps: int
    delta: float
    beside: tuple[Mechanism, ...] = ()
    counts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def rate(self) -> float:
        return min(1.0, self.expected / self.rows)


class Private:
    """The sum of each row's gradient, no longer than `clip`, with noise, over the rows expected."""

    def __init__(self, spending: Spending, nets: list[torch.nn.Module]) -> None:
        self.spending, self.nets, self.checked = spending, nets, False
        mixes = torch.nn.modules.batchnorm._BatchNorm
        if any(isinstance(part, mixes) for net in nets for part in net.modules()):
            raise TrainingError("this net mixes the rows of a batch: no epsilon would hold")
        if parallel.ranks() > 1:
            raise TrainingError("epsilon is counted for one process: start one without torchrun")
        s, p = spending, spending.privacy
        self.noise = budget.noise_for(
            p.epsilon, s.delta, rate=s.rate, times=s.steps, beside=s.beside
        )

    def gradients(
        self, step: int, params: list[Tensor], batches: list[Batch], loss_of: LossOf
    ) -> Found:
        for micro, batch in enumerate(batches):
            if len(batch.x):
                self._check(batch, lambda b, n=micro: loss_of(b, n))
                self._add(loss_of, batch, micro)
        rng = Generator().manual_seed(budget.seed_of(self.spending.key, "step", step))
        size, targets = self.spending.privacy.clip, self.spending.expected
        for p in params:
            noise = torch.randn(p.shape, generator=rng) * (self.noise * size)
            grad = torch.zeros_like(p) if p.grad is None else p.grad
            p.grad = (grad + noise.to(p.device)) / targets
        norm = float(torch.stack([p.grad.norm() for p in params if p.grad is not None]).norm())
        return Found(loss=None, norm=norm, values={"epsilon": self.spent(step + 1)})

    def _add(self, loss_of: LossOf, batch: Batch, micro: int) -> None:
        recorded = Recorded(self.nets)
        with recorded:
            loss = loss_of(batch, micro)
        squares, grads = recorded.squares(loss.total)
        share = (self.spending.privacy.clip / squares.sqrt().clamp(min=1e-12)).clamp(max=1.0)
        share = torch.where(torch.isfinite(squares), share, 0.0)
        if not bool(torch.isfinite(squares).all()):
            grads = [torch.nan_to_num(g, posinf=0.0, neginf=0.0) for g in grads]
        recorded.gather(grads, share)

    def _check(self, batch: Batch, loss_of: Callable[[Batch], Loss]) -> None:
        """Once: that the norms are those of gradients of one row alone."""
        if self.checked:
            return
        self.checked = True
        for row in range(min(CHECKED, len(batch.x))):
            one = _row(batch, row)
            recorded = Recorded(self.nets)
            with recorded:
                loss = loss_of(one)
            squares, _ = recorded.squares(loss.total)
            mine = [p for net in self.nets for p in net.parameters() if p.requires_grad]
            real = torch.autograd.grad(loss_of(one).total, mine, allow_unused=True)
            exact = sum(float(g.square().sum()) for g in real if g is not None)
            if abs(float(squares[0]) - exact) > CLOSE * max(exact, 1e-12):
                raise TrainingError(
                    "this net's gradients cannot be told apart by row, so that no epsilon would "
                    "hold: train a table with its own net, or without --epsilon"
                )
        for net in self.nets:
            for p in net.parameters():
                p.grad = None

    def spent(self, steps: int) -> float:
        """epsilon after so many steps."""
        s = self.spending
        done = Mechanism(noise=self.noise, rate=s.rate, times=min(steps, s.steps))
        return round(budget.spent([*s.beside, done], s.delta), 4)

    def told(self, steps: int) -> Mapping[str, Any]:
        s, p = self.spending, self.spending.privacy
        return {
            "epsilon": self.spent(steps),
            "epsilon_asked": p.epsilon,
            "delta": p.delta_of(s.rows),
            "unit": "one row, added or removed",
            "accountant": f"{budget.software()}, Renyi",
            "rows": s.rows,
            "sampling": "Poisson",
            "sampling_rate": s.rate,
            "steps": steps,
            "clip": p.clip,
            "noise_multiplier": self.noise,
            "counts": dict(s.counts),
        }


def _row(batch: Batch, row: int) -> Batch:
    some = slice(row, row + 1)
    prompt = None if batch.prompt is None else batch.prompt[some]
    document = None if batch.document is None else batch.document[some]
    x, weight = batch.x[some], batch.weight[some]
    return Batch(spec=batch.spec, x=x, weight=weight, prompt=prompt, document=document)


def way_of(
    spending: Spending | None, most: float, nets: Mapping[str, torch.nn.Module]
) -> Plain | Private:
    return Plain(clip=most) if spending is None else Private(spending, list(nets.values()))


def clip(grads: list[Tensor], most: float) -> float:
    """Scale the gradients so that their joint norm is at most `most`; returns the norm before."""
    norms = torch._foreach_norm(grads)
    norm = float(torch.stack(norms).norm())
    if most and norm > most:
        torch._foreach_mul_(grads, most / (norm + 1e-6))
    return norm
