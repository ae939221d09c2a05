"""Two parties: a generator and the critic it has to convince.

Relativistic pairing with zero-centred gradient penalties on real and made items (Jolicoeur-
Martineau 2018; Huang et al. 2024, R3GAN, eq. 5). Knows arrays and prompts, not what is drawn.
Shape legend: B items, C channels, Z latent width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from genloom.family.base import Cache, Nets, Samples
from genloom.family.noise import keys, normal
from genloom.spec import ArraySpec, Batch, Encoded, Loss, Spec


@dataclass(frozen=True, kw_only=True)
class Adversarial:
    """penalty is gamma of R1 (real) and R2 (made), each times half the squared gradient norm."""

    kind: ClassVar[str] = "adversarial"
    carries: ClassVar[type] = ArraySpec
    roles: ClassVar[frozenset[str]] = frozenset({"generator", "critic"})
    players: ClassVar[tuple[str, ...]] = ("critic", "generator")
    takes: ClassVar[frozenset[str]] = frozenset()

    penalty: float = 1.0

    def loss(self, player: str, nets: Nets, batch: Batch, rng: Generator) -> Loss:
        z = torch.randn(len(batch.x), nets["generator"].latent, generator=rng, device=rng.device)
        z = z.to(batch.x.device)
        if player == "generator":
            return self._convince(nets, batch, z)
        return self._judge(nets, batch, z)

    def _convince(self, nets: Nets, batch: Batch, z: Tensor) -> Loss:
        made = nets["generator"](z, batch.prompt)
        with torch.no_grad():
            real = nets["critic"](batch.x, batch.prompt)
        gap = nets["critic"](made, batch.prompt) - real
        total = (F.softplus(-gap) * batch.weight).sum()
        return Loss(total, {"generator": total.detach()})

    def _judge(self, nets: Nets, batch: Batch, z: Tensor) -> Loss:
        with torch.no_grad():
            made = nets["generator"](z, batch.prompt)
        real = batch.x.detach().requires_grad_(True)
        made = made.requires_grad_(True)
        on_real = nets["critic"](real, batch.prompt)
        on_made = nets["critic"](made, batch.prompt)
        slope_real, slope_made = torch.autograd.grad(
            (on_real.sum(), on_made.sum()), (real, made), create_graph=True
        )
        steep = slope_real.square().flatten(1).sum(1) + slope_made.square().flatten(1).sum(1)
        gap = on_real - on_made
        total = ((F.softplus(-gap) + 0.5 * self.penalty * steep) * batch.weight).sum()
        parts = {"critic": total, "gap": gap.sum(), "slope": steep.sum()}
        return Loss(total, {k: v.detach() for k, v in parts.items()})

    def score(self, nets: Nets, batch: Batch) -> Tensor:
        """The critic's verdict, float [B]: orders items within one model, is no likelihood."""
        return nets["critic"](batch.x, batch.prompt)

    def start(self, nets: Nets, spec: Spec, request: Encoded) -> Samples:
        assert isinstance(spec, ArraySpec)
        rows = len(request.index)
        key = keys(request.seed, request.index)
        state = {"key": key, "z": normal(key, 0, (nets["generator"].latent,))}
        if request.prompt is not None:
            state["prompt"] = request.prompt.expand(rows, -1).clone()
        done = torch.zeros(rows, dtype=torch.bool, device=key.device)
        return Samples(torch.zeros(rows, *spec.shape, device=key.device), done, state)

    def cache(self, nets: Nets, samples: Samples) -> Cache | None:
        return None

    def step(self, nets: Nets, samples: Samples, cache: Cache | None) -> None:
        samples.x = nets["generator"](samples.state["z"], samples.state.get("prompt"))
        samples.done = torch.ones_like(samples.done)

    def result(self, samples: Samples, spec: Spec) -> list[Tensor] | Tensor:
        return samples.x
