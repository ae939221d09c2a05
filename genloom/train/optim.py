"""Optimisers: Muon for hidden matrices, AdamW for the rest, one pair a player; the rate schedule.

Knows parameters by name and shape, no family, medium or file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from genloom.recipe import Train

# Newton-Schulz coefficients of Muon (Jordan et al. 2024): push singular values towards 1
QUINTIC = (3.4445, -4.7750, 2.0315)


def orthogonalise(update: Tensor, steps: int = 5, half: bool = False) -> Tensor:
    """The nearest half-orthogonal matrix, roughly: singular values end between 0.7 and 1.2.

    update: [..., rows, columns]; matrices of one shape are done together. half: in bf16, as its
    authors do; in fp32 it is 27 to 41 % of a step on 2 cores whose other products are in bf16.
    """
    a, b, c = QUINTIC
    tall = update.shape[-2] > update.shape[-1]
    x = update.mT if tall else update
    x = x.bfloat16() if half else x
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    for _ in range(steps):
        gram = x @ x.mT
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.mT if tall else x).to(update.dtype)


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised (Jordan et al. 2024); the step's size is scaled by
    sqrt(max(1, rows / columns)) so that one rate fits every shape. Weight decay is decoupled."""

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float,
        momentum: float = 0.95,
        weight_decay: float = 0.0,
        half: bool = False,
    ) -> None:
        self.half = half
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        for group in self.param_groups:
            shapes: dict[torch.Size, list[Tensor]] = {}
            for p in group["params"]:
                if p.grad is not None:
                    shapes.setdefault(p.shape, []).append(p)
            for shape, params in shapes.items():
                self._step(group, shape, params)

    def _step(self, group: dict, shape: torch.Size, params: list[Tensor]) -> None:
        grads = [p.grad for p in params if p.grad is not None]
        moments = [self._momentum(p) for p in params]
        torch._foreach_lerp_(moments, grads, 1 - group["momentum"])
        looks = torch._foreach_lerp(grads, moments, group["momentum"])  # Nesterov
        updates = orthogonalise(torch.stack(looks), half=self.half).unbind(0)
        size = group["lr"] * max(1.0, shape[0] / shape[1]) ** 0.5
        if group["weight_decay"]:
            torch._foreach_mul_(params, 1 - group["lr"] * group["weight_decay"])
        torch._foreach_add_(params, list(updates), alpha=-size)

    def _momentum(self, p: Tensor) -> Tensor:
        state = self.state[p]
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(p)
        return state["momentum"]


def _hidden(name: str, p: Tensor) -> bool:
    """Matrices inside the stack; embeddings, heads, gains and convolutions are AdamW's."""
    outer = ("embed", "head", "slot", "pair", "place", "out.", "into.")
    return p.dim() == 2 and not any(
        part.startswith(outer) or f".{part}".endswith(".out")
        for part in (name, name.removesuffix(".weight"))
        if "blocks" not in name
    )


@dataclass
class Optimiser:
    """Muon and AdamW over one player's net, moved together."""

    parts: list[torch.optim.Optimizer]
    rates: list[float]
    params: list[Tensor]

    @classmethod
    def build(cls, net: nn.Module, train: Train) -> Optimiser:
        named = [(n, p) for n, p in net.named_parameters() if p.requires_grad]
        hidden = [p for n, p in named if train.muon_rate > 0 and _hidden(n, p)]
        ids = {id(p) for p in hidden}
        rest = [p for _, p in named if id(p) not in ids]
        parts: list[torch.optim.Optimizer] = []
        rates = []
        if hidden:
            half = train.precision == "bf16" or (train.precision == "auto" and hidden[0].is_cuda)
            decay = train.weight_decay
            parts.append(Muon(hidden, train.muon_rate, weight_decay=decay, half=half))
            rates.append(train.muon_rate)
        if rest:
            wide = [p for p in rest if p.dim() >= 2]
            narrow = [p for p in rest if p.dim() < 2]
            groups = [
                {"params": wide, "weight_decay": train.weight_decay},
                {"params": narrow, "weight_decay": 0.0},
            ]
            betas = (train.betas[0], train.betas[1])
            parts.append(
                torch.optim.AdamW(
                    [g for g in groups if g["params"]], lr=train.rate, betas=betas, fused=True
                )
            )
            rates.append(train.rate)
        return cls(parts, rates, [p for _, p in named])

    def step(self, share: float) -> None:
        """One step at `share` of the peak rates."""
        for part, rate in zip(self.parts, self.rates, strict=True):
            for group in part.param_groups:
                group["lr"] = rate * share
            part.step()

    def zero(self) -> None:
        for p in self.params:
            p.grad = None

    def state(self) -> dict[str, Tensor]:
        """Every moment as a tensor, named by optimiser, parameter and moment."""
        out = {}
        for n, part in enumerate(self.parts):
            for m, p in enumerate(q for g in part.param_groups for q in g["params"]):
                for key, value in part.state.get(p, {}).items():
                    out[f"{n}.{m}.{key}"] = value
        return out

    def restore(self, state: dict[str, Tensor]) -> None:
        for n, part in enumerate(self.parts):
            for m, p in enumerate(q for g in part.param_groups for q in g["params"]):
                name = f"{n}.{m}."
                found = {k[len(name) :]: v for k, v in state.items() if k.startswith(name)}
                part.state.pop(p, None)  # a state from before the first step has no moments
                if found:
                    part.state[p] = {k: like(p, v) for k, v in found.items()}


def like(p: Tensor, value: Tensor) -> Tensor:
    """A copy that lies in memory as the parameter does: fused AdamW walks both in memory's order,
    and files know one order only."""
    if value.shape != p.shape:
        return value.clone()  # the count of steps
    return torch.empty_like(p, dtype=value.dtype, requires_grad=False).copy_(value)


def share_of_rate(step: int, train: Train) -> float:
    """Warm up linearly, hold, fall linearly to zero over the last part (Hu et al. 2024, WSD)."""
    warm = max(1, round(train.warmup * train.steps))
    fall = max(1, round(train.decay * train.steps))
    return max(0.0, min(1.0, (step + 1) / warm, (train.steps - step) / fall))  # a probe goes on
