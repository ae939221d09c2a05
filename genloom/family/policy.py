"""Learning from rewards: what turned out better than its siblings becomes likelier.

Group-relative policy gradients over tries that were just drawn from the very weights that learn,
one step each: the ratio of new to old probabilities is 1, so there is nothing to clip. Knows ids
and advantages; not who judged them, nor what they say.
Shape legend: B tries, L positions of one, N targets, D width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from genloom.family.autoregressive import Autoregressive
from genloom.family.base import NONE, Nets
from genloom.family.surprise import each_target, states
from genloom.spec import Batch, Loss


@dataclass(frozen=True, kw_only=True)
class Policy(Autoregressive):
    """form: what makes a loss of advantages A and log-probabilities.

    dr    A = r - mean of the group; sum over ids of -A log p, divided by max_tokens for every try
          alike (Liu et al. 2025, "Dr. GRPO": neither short answers nor easy prompts weigh more)
    grpo  A = (r - mean) / deviation; mean over the ids of a try of -A log p (Shao et al. 2024,
          eq. 3)

    kl: weight of the divergence from the net at the start, an id at a time, by the estimator
    q/p - log q/p - 1 (Schulman 2020, "k3"); 0 needs no reference.
    tries: completions drawn for each prompt, the group. temperature, max_tokens: of the drawing;
    the loss is that of the distribution drawn from. reward: what judges, in the words of `rewards`.
    """

    kind: ClassVar[str] = "policy"
    falls: ClassVar[bool] = False
    explores: ClassVar[bool] = True

    form: Literal["dr", "grpo"] = "dr"
    kl: float = 0.0
    tries: int = 8
    temperature: float = 1.0
    max_tokens: int = 128
    reward: str = ""

    def __post_init__(self) -> None:
        if self.order != "left":
            raise ValueError("order is 'any', but tries are made from left to right: leave it out")
        for name, low in (("kl", 0.0), ("tries", 2), ("temperature", 0.01), ("max_tokens", 1)):
            value = getattr(self, name)
            if not low <= value < float("inf"):
                raise ValueError(f"{name} is {value}, but {low} or more is expected")

    @property
    def frozen(self) -> frozenset[str]:
        return frozenset({"reference"}) if self.kl else NONE

    def advantages(self, rewards: Tensor) -> Tensor:
        """[prompts, tries] -> [prompts, tries], of mean zero in each group."""
        gap = rewards - rewards.mean(1, keepdim=True)
        if self.form == "dr":
            return gap
        spread = rewards.std(1, keepdim=True)
        return torch.where(spread > 0, gap / (spread + 1e-4), 0.0)

    def loss(self, player: str, nets: Nets, batch: Batch, rng: Generator) -> Loss:
        """Tries without an advantage teach nothing and, but for their divergence, cost nothing."""
        assert batch.worth is not None
        useful = (batch.worth != 0) | (self.kl > 0)
        size = batch.weight[:, 1:].sum(1)
        parts = {"tokens": size.sum()}
        some = _rows(batch, useful)
        if some is None:
            nothing = sum(
                (p.sum() * 0.0 for p in nets[player].parameters() if p.requires_grad),
                size.new_zeros(()),
            )
            return Loss(nothing, {"loss": nothing.detach(), **parts})
        assert some.worth is not None
        nats = self._nats(nets[player], some)  # [b, L]
        divisor = size[useful].clamp(min=1) if self.form == "grpo" else float(self.max_tokens)
        each = (nats * some.weight[:, 1:]).sum(1) * some.worth / divisor
        if self.kl:
            with torch.no_grad():
                before = self._nats(nets["reference"], some)
            gap = (nats - before) * some.weight[:, 1:]  # log q/p of the reference q
            apart = (gap.exp() - gap - 1).sum(1)
            each = each + self.kl * apart / divisor
            parts["kl"] = (apart / size.clamp(min=1)).sum().detach()
        return Loss(each.sum(), {"loss": each.sum().detach(), **parts})

    def _nats(self, net: Any, batch: Batch) -> Tensor:
        """-log p of each id as it was drawn, float [B, L]: at the temperature of the drawing."""

        def of(low: int, high: int, target: Tensor, hidden: Tensor) -> Tensor:
            logits = net.logits(hidden, low, high).float() / self.temperature
            return F.cross_entropy(logits, target - low, reduction="none")

        return each_target(batch, of, states(net, batch))


def _rows(batch: Batch, which: Tensor) -> Batch | None:
    """These rows alone, cut to the longest of them; None where there is none."""
    if not bool(which.any()):
        return None
    weight = batch.weight[which]
    longest = int((weight > 0).any(0).nonzero().max()) + 1 if bool((weight > 0).any()) else 2
    worth = None if batch.worth is None else batch.worth[which]
    x = batch.x[which][:, :longest]
    return Batch(spec=batch.spec, x=x, weight=weight[:, :longest], worth=worth)
