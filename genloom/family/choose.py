"""From logits to one id a sample: temperature, penalties, truncation, and an exact draw.

Every control is a value per row, so requests with different settings share a batch.
Shape legend: B samples, V ids in the range at hand.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from genloom.spec import Options


@dataclass(frozen=True)
class Controls:
    """float [B] each: temperature (0 greedy), top_k (0 off), top_p (1 off), min_p (0 off),
    penalty (1 off)."""

    temperature: Tensor
    top_k: Tensor
    top_p: Tensor
    min_p: Tensor
    penalty: Tensor

    NAMES = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
    OFF = (1.0, 0.0, 1.0, 0.0, 1.0)

    @staticmethod
    def state(options: Options, count: int) -> Tensor:
        """float [B, 5] to keep with samples."""
        given = [getattr(options, name) for name in Controls.NAMES]
        values = [
            off if v is None else float(v) for v, off in zip(given, Controls.OFF, strict=True)
        ]
        return torch.tensor(values).expand(count, -1).clone()

    @classmethod
    def of(cls, state: Tensor) -> Controls:
        return cls(*state.unbind(1))


def penalise(logits: Tensor, present: Tensor, penalty: Tensor) -> Tensor:
    """Divide positive and multiply negative logits of ids already present (Keskar et al. 2019).

    present: bool [B, V]; penalty: float [B].
    """
    factor = torch.where(present, penalty[:, None], 1.0)
    return torch.where(logits > 0, logits / factor, logits * factor)


def truncate(logits: Tensor, controls: Controls) -> Tensor:
    """Temperature, then top-k, top-p and min-p; what falls away becomes -inf."""
    cold = controls.temperature <= 0
    logits = logits / torch.where(cold, 1.0, controls.temperature)[:, None]
    if bool((controls.top_k > 0).any()) or bool((controls.top_p < 1).any()):
        ranked, order = logits.sort(-1, descending=True)
        place = torch.arange(logits.shape[1], device=logits.device)
        k = torch.where(controls.top_k > 0, controls.top_k, float(logits.shape[1]))
        mass = ranked.softmax(-1).cumsum(-1)
        before = mass - ranked.softmax(-1)
        keep = (place < k[:, None]) & ((before < controls.top_p[:, None]) | (place == 0))
        ranked = ranked.masked_fill(~keep, float("-inf"))
        logits = torch.empty_like(logits).scatter_(1, order, ranked)
    if bool((controls.min_p > 0).any()):
        floor = logits.max(-1, keepdim=True).values + controls.min_p[:, None].log()
        logits = logits.masked_fill(logits < floor, float("-inf"))
    return logits


def draw(logits: Tensor, chance: Tensor, cold: Tensor | None = None) -> Tensor:
    """long [B]: the distribution inverted at chance, float [B] in [0, 1); cold rows greedily."""
    most, best = logits.max(-1, keepdim=True)
    weight = torch.exp(logits - most)
    mass = weight.cumsum(-1)
    aim = chance[:, None] * mass[:, -1:]
    pick = torch.searchsorted(mass, aim, right=True).clamp(max=logits.shape[1] - 1)
    # rounding can point one past the last id of any mass: step back to the likeliest
    pick = torch.where(weight.gather(1, pick) > 0, pick, best)
    return (pick if cold is None else torch.where(cold[:, None], best, pick))[:, 0]
