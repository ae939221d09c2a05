"""Two parties: a generator and the critic it has to convince.

Relativistic pairing with zero-centred gradient penalties on real and made items (Jolicoeur-
Martineau 2018; Huang et al. 2024, R3GAN, eq. 5). Knows arrays and prompts, not what is drawn.
Shape legend: B items, C channels, Z latent width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from genloom.family.base import NONE, Cache, Nets, Samples
from genloom.family.noise import keys, normal
from genloom.spec import ArraySpec, Batch, Encoded, Loss, Spec


@dataclass(frozen=True, kw_only=True)
class Adversarial:
    """penalty is gamma of R1 (real) and R2 (made), each times half the squared gradient norm.
    penalised: on what share of each batch it is taken; a quarter is as true on average, and the
    gradient of a gradient is what costs."""

    kind: ClassVar[str] = "adversarial"
    carries: ClassVar[type] = ArraySpec
    roles: ClassVar[frozenset[str]] = frozenset({"generator", "critic"})
    players: ClassVar[tuple[str, ...]] = ("critic", "generator")
    takes: ClassVar[frozenset[str]] = frozenset()
    frozen: ClassVar[frozenset[str]] = NONE
    group: ClassVar[int] = 1
    falls: ClassVar[bool] = False  # what one party gains, the other loses

    penalty: float = 1.0
    penalised: float = 1.0

    def loss(self, player: str, nets: Nets, batch: Batch, rng: Generator) -> Loss:
        z = torch.randn(len(batch.x), nets["generator"].latent, generator=rng, device=rng.device)
        z = z.to(batch.x.device)
        if player == "generator":
            return self.convince(nets["critic"], batch, nets["generator"](z, batch.prompt))
        with torch.no_grad():
            made = nets["generator"](z, batch.prompt)
        return self.judge(nets["critic"], batch, made)

    def convince(self, critic: Any, batch: Batch, made: Tensor) -> Loss:
        """The loss of whoever made these: they are to seem as real as the batch's own."""
        with torch.no_grad():
            real = critic(batch.x, batch.prompt)
        total = (_doubt(critic(made, batch.prompt) - real) * batch.weight).sum()
        return Loss(total, {"generator": total.detach()})

    def judge(self, critic: Any, batch: Batch, made: Tensor) -> Loss:
        """The critic's loss, given what was made."""
        some = max(1, round(self.penalised * len(made)))
        gap, steep = self._gap(critic, batch.x, made, batch.prompt, some)
        weight = batch.weight[:some]
        slope = (steep * weight).sum() * (batch.weight.sum() / weight.sum().clamp(min=1e-6))
        total = (_doubt(gap) * batch.weight).sum() + 0.5 * self.penalty * slope
        parts = {"critic": total, "gap": _each(gap).sum(), "slope": slope}
        return Loss(total, {k: v.detach() for k, v in parts.items()})

    def _gap(
        self, critic: Any, real: Tensor, made: Tensor, prompt: Tensor | None, some: int
    ) -> tuple[Tensor, Tensor]:
        """How much more real the real ones seem, [B] or [B, patches]; squared slopes of the first
        `some`."""
        told, rest = (None, None) if prompt is None else (prompt[:some], prompt[some:])
        x, y = (side[:some].detach().requires_grad_(True) for side in (real, made))
        on_x, on_y = critic(x, told), critic(y, told)
        whole = (_each(on_x).sum(), _each(on_y).sum())
        slopes = torch.autograd.grad(whole, (x, y), create_graph=True)
        steep: Any = sum(s.square().flatten(1).sum(1) for s in slopes)
        gap = on_x - on_y
        if some < len(real):
            others = critic(real[some:], rest) - critic(made[some:], rest)
            gap = torch.cat((gap, others))
        return gap, steep

    def score(self, nets: Nets, batch: Batch) -> Tensor:
        """The critic's verdict, float [B]: orders items within one model, is no likelihood."""
        return _each(nets["critic"](batch.x, batch.prompt))

    def start(self, nets: Nets, spec: Spec, request: Encoded) -> Samples:
        assert isinstance(spec, ArraySpec)
        rows = len(request.index)
        key = keys(request.seed, request.index)
        state = {"key": key, "z": normal(key, 0, (nets["generator"].latent,))}
        if request.prompt is not None:
            state["prompt"] = request.prompt.expand(rows, -1).clone()
        done = torch.zeros(rows, dtype=torch.bool, device=key.device)
        return Samples(torch.zeros(rows, *spec.shape, device=key.device), done, state)

    def cache(self, nets: Nets, samples: Samples, memory: Any = None) -> Cache | None:
        return None

    def step(self, nets: Nets, samples: Samples, cache: Cache | None) -> None:
        samples.x = nets["generator"](samples.state["z"], samples.state.get("prompt"))
        samples.done = torch.ones_like(samples.done)

    def result(self, samples: Samples, spec: Spec) -> list[Tensor] | Tensor:
        return samples.x


def _each(verdict: Tensor) -> Tensor:
    """[B]: a critic that judges patches [B, patches] is heard on average."""
    return verdict.reshape(len(verdict), -1).mean(1)


def _doubt(gap: Tensor) -> Tensor:
    """[B]: softplus(-gap), patch by patch where the critic judges these."""
    return _each(F.softplus(-gap))
