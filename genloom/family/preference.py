"""Learning from pairs: which of two answers is the better one.

DPO (Rafailov et al. 2023, eq. 7) and its kin over one forward pass of both answers; texts are made
as by any model of ids. Knows ids and pairs; not who judged them, nor what they say.
Shape legend: B rows (neighbours are a pair), L positions of an item.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from genloom.family.autoregressive import Autoregressive
from genloom.family.base import NONE, Nets
from genloom.family.surprise import surprise
from genloom.spec import Batch, Loss

Form = Literal["dpo", "ipo", "simpo", "orpo"]
SURE = -1e-4  # the log-likelihood an id, beyond which odds grow no further


@dataclass(frozen=True, kw_only=True)
class Preference(Autoregressive):
    """form: what makes a pair's loss of the two answers' log-likelihoods.

    dpo    -log sigmoid(beta m), m the log-ratio to the reference of the chosen less the rejected
    ipo    (m - 1 / (2 beta))^2 (Azar et al. 2023, eq. 17): goes on pulling where dpo saturates
    simpo  -log sigmoid(beta d - gamma), d the difference of log-likelihoods an id; no reference
           (Meng et al. 2024, eq. 6)
    orpo   -log p an id of the chosen, plus beta times -log sigmoid of the log odds ratio; no
           reference (Hong et al. 2024, eq. 6)

    beta: None is the form's usual one: 0.1, but 2 for simpo. gamma: the margin that simpo asks for.
    smoothing: the share of pairs that are taken to be judged the wrong way round (Mitchell 2023).
    sft: weight of -log p an id of the chosen answer, added to the loss (Pang et al. 2024, eq. 1).
    """

    kind: ClassVar[str] = "preference"
    group: ClassVar[int] = 2

    form: Form = "dpo"
    beta: float | None = None
    gamma: float = 1.0
    smoothing: float = 0.0
    sft: float = 0.0

    def __post_init__(self) -> None:
        if self.order != "left":
            raise ValueError(
                "order is 'any', but answers are read from left to right: leave it out"
            )
        if self.beta is not None and not 0 < self.beta < float("inf"):
            raise ValueError(f"beta is {self.beta}, but more than 0 is expected, such as 0.1")
        if not 0 <= self.smoothing < 0.5:
            raise ValueError(f"smoothing is {self.smoothing}, but 0 to less than 0.5 is expected")
        if self.smoothing and self.form not in ("dpo", "simpo"):
            raise ValueError(f"smoothing is for dpo and simpo; leave it out with form={self.form}")
        if not self.sft >= 0:
            raise ValueError(f"sft is {self.sft}, but 0 or more is expected")

    @property
    def strength(self) -> float:
        """Beta, or the form's usual one."""
        return self.beta if self.beta is not None else 2.0 if self.form == "simpo" else 0.1

    @property
    def frozen(self) -> frozenset[str]:
        return frozenset({"reference"}) if self.form in ("dpo", "ipo") else NONE

    def loss(self, player: str, nets: Nets, batch: Batch, rng: Generator) -> Loss:
        """Each pair's loss counts for both of its rows. Pairs of which an answer has no id within
        the context say nothing and count for nothing."""
        assert batch.worth is not None
        size = batch.weight[:, 1:].sum(1)
        likely = self.score(nets, batch)
        reward = self._reward(nets, batch, likely, size)
        margin = _paired(reward * batch.worth).sum(1)
        each = likely / size.clamp(min=1)
        nats = -_paired(each * (batch.worth > 0)).sum(1)
        there = (_paired(size) > 0).all(1)
        total = LOSSES[self.form](self, margin) + self._taught() * nats
        told = {
            "loss": total,
            "margin": margin,
            "accuracy": (margin > 0).float() + 0.5 * (margin == 0),
            "chosen": _paired(likely * (batch.worth > 0)).sum(1),
            "rejected": _paired(likely * (batch.worth < 0)).sum(1),
        }
        sums = {k: 2 * v.masked_fill(~there, 0.0).sum() for k, v in told.items()}
        return Loss(sums["loss"], {k: v.detach() for k, v in sums.items()})

    def _taught(self) -> float:
        """The weight of the chosen answer's own -log p an id."""
        return self.sft + (self.form == "orpo")

    def _reward(self, nets: Nets, batch: Batch, likely: Tensor, size: Tensor) -> Tensor:
        """What the net implicitly thinks of each answer, float [B]; see the class for the forms."""
        if "reference" in self.frozen:
            with torch.no_grad():
                before = -(surprise(nets["reference"], batch) * batch.weight[:, 1:]).sum(1)
            return self.strength * (likely - before)
        each = likely / size.clamp(min=1)
        if self.form == "simpo":
            return self.strength * each
        each = each.clamp(max=SURE)
        return each - torch.log(-torch.expm1(each))  # log odds


def _sigmoid(family: Preference, margin: Tensor, asked: float = 0.0) -> Tensor:
    s = family.smoothing
    found = -(1 - s) * F.logsigmoid(margin - asked)
    return found - s * F.logsigmoid(asked - margin) if s else found


LOSSES: dict[Form, Callable[[Preference, Tensor], Tensor]] = {
    "dpo": _sigmoid,
    "ipo": lambda f, margin: (margin / f.strength - 0.5 / f.strength).square(),
    "simpo": lambda f, margin: _sigmoid(f, margin, f.gamma),
    "orpo": lambda f, margin: f.strength * _sigmoid(f, margin),
}


def _paired(x: Tensor) -> Tensor:
    """[B] -> [B / 2, 2]"""
    return x.view(-1, 2)
