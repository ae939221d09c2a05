"""Learning from a larger model: the student's chances of each next id are drawn to the teacher's.

Hinton et al. 2015 (section 2) over ids; reverse and between by Agarwal et al. 2024 (GKD, eq. 1 and
3) on given texts. Both speak one vocabulary. Knows nets of ids; not what they were taught before.
Shape legend: N targets, V vocabulary, D and E widths of the two.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from genloom.family.autoregressive import Autoregressive
from genloom.family.base import Nets
from genloom.family.surprise import each_target, states
from genloom.spec import Batch, Loss

Divergence = Literal["forward", "reverse", "between"]


@dataclass(frozen=True, kw_only=True)
class Distillation(Autoregressive):
    """share times the divergence from the teacher, the rest cross-entropy with the text itself.

    divergence: "forward" KL(teacher | student) covers all that the teacher would say; "reverse"
    KL(student | teacher) keeps to what it surely would; "between" is Jensen-Shannon's.
    temperature softens both sides; the divergence is then times its square, as its gradients
    shrink by so much.
    """

    kind: ClassVar[str] = "distillation"

    divergence: Divergence = "forward"
    temperature: float = 1.0
    share: float = 0.9

    def __post_init__(self) -> None:
        if not 0 < self.temperature <= 100:
            raise ValueError(f"temperature is {self.temperature}, but 0 to 100 is expected")
        if not 0 <= self.share <= 1:
            raise ValueError(f"share is {self.share}, but 0 to 1 is expected")

    @property
    def frozen(self) -> frozenset[str]:
        return frozenset({"teacher"})

    def loss(self, player: str, nets: Nets, batch: Batch, rng: Generator) -> Loss:
        """A sum over targets, nats."""
        order = self._orders(batch, rng) if self.order == "any" else None
        net, teacher = nets["net"], nets["teacher"]
        with torch.no_grad():
            known = states(teacher, batch, order)

        def of(low: int, high: int, target: Tensor, hidden: Tensor, known: Tensor) -> Tensor:
            wise, own = teacher.logits(known, low, high), net.logits(hidden, low, high)
            nats = F.cross_entropy(own, target - low, reduction="none")
            agree = (own.argmax(-1) == wise.argmax(-1)).float()
            return torch.stack((nats, self._divergence(wise.detach(), own), agree), 1)

        each = each_target(batch, of, states(net, batch, order), known)
        nats, apart, agree = (each * batch.weight[:, 1:, None]).sum((0, 1))
        total = self.share * apart + (1 - self.share) * nats
        parts = {"loss": total, "nats": nats, "divergence": apart, "agreement": agree}
        return Loss(total, {k: v.detach() for k, v in parts.items()})

    def _divergence(self, teacher: Tensor, student: Tensor) -> Tensor:
        """Of logits [N, V] -> [N]."""
        t = self.temperature
        p, q = (F.log_softmax(x / t, -1) for x in (teacher, student))
        return t * t * DIVERGENCES[self.divergence](p, q)


def _kl(p: Tensor, q: Tensor) -> Tensor:
    """KL(p | q) of log-probabilities [N, V] -> [N]."""
    return (p.exp() * (p - q)).sum(-1)


def _between(p: Tensor, q: Tensor) -> Tensor:
    middle = torch.logaddexp(p, q) - math.log(2)
    return 0.5 * (_kl(p, middle) + _kl(q, middle))


DIVERGENCES: dict[Divergence, Callable[[Tensor, Tensor], Tensor]] = {
    "forward": _kl,
    "reverse": lambda p, q: _kl(q, p),
    "between": _between,
}
