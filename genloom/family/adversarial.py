"""Two parties: a generator and the critic it has to convince.

Relativistic pairing with zero-centred gradient penalties on real and made items (Jolicoeur-
Martineau 2018; Huang et al. 2024, R3GAN, eq. 5). Knows arrays and prompts, not what is drawn.
Shape legend: B items, C channels, K channels of the control, Z latent width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from genloom.errors import RecipeError
from genloom.family.augment import KINDS, Changes
from genloom.family.base import NONE, Cache, Nets, Samples
from genloom.family.flow_editing import noise
from genloom.family.steering import steered
from genloom.spec import ArraySpec, Batch, Encoded, Loss, Spec


@dataclass(frozen=True, kw_only=True)
class Adversarial:
    """penalty is gamma of R1 (real) and R2 (made), each times half the squared gradient norm.
    penalised: on what share of each batch it is taken; a quarter is as true on average, and the
    gradient of a gradient is what costs. augment: the chance of each of the `changes` that the
    critic sees real and made items under, for few training items; 0 for none."""

    kind: ClassVar[str] = "adversarial"
    carries: ClassVar[type] = ArraySpec
    roles: ClassVar[frozenset[str]] = frozenset({"generator", "critic"})
    players: ClassVar[tuple[str, ...]] = ("critic", "generator")
    takes: ClassVar[frozenset[str]] = frozenset(
        {"truncation", "directions", "control", "towards_seed", "frames"}
    )
    frozen: ClassVar[frozenset[str]] = NONE
    group: ClassVar[int] = 1
    falls: ClassVar[bool] = False  # what one party gains, the other loses
    least: ClassVar[Mapping[str, float]] = MappingProxyType({"spread": 0.1})

    penalty: float = 1.0
    penalised: float = 1.0
    augment: float = 0.0
    changes: tuple[str, ...] = ("move", "colour", "hide")

    @property
    def usual(self) -> Mapping[str, Any]:
        return {"truncation": 1.0}

    def __post_init__(self) -> None:
        strange = sorted(set(self.changes) - set(KINDS))
        if strange:
            raise RecipeError(f"family.changes has {strange}: use some of {', '.join(KINDS)}")
        if not 0 <= self.augment <= 1:
            raise RecipeError(f"family.augment is {self.augment}, but 0 to 1 is expected")

    def loss(self, player: str, nets: Nets, batch: Batch, rng: Generator) -> Loss:
        z = torch.randn(len(batch.x), nets["generator"].latent, generator=rng, device=rng.device)
        z = z.to(batch.x.device)
        with torch.set_grad_enabled(player == "generator"):
            made = heard(nets["generator"], z, batch.prompt, batch.control)
        spread = _spread(made, batch) if player == "generator" else None
        batch, made = self._changed(batch, made, rng)
        if spread is not None:
            loss = self.convince(nets["critic"], batch, made)
            return replace(loss, parts={**loss.parts, "spread": spread})
        return self.judge(nets["critic"], batch, made)

    def _changed(self, batch: Batch, made: Tensor, rng: Generator) -> tuple[Batch, Tensor]:
        """Both sides under the same changes, what is told of them moved along."""
        if not self.augment:
            return batch, made
        if made.dim() < 3:
            raise RecipeError("rows have no places that could be changed: use family.augment=0")
        drawn = Changes.draw(batch.x, rng, self.augment, self.changes)
        control = None if batch.control is None else drawn.place_of(batch.control)
        return replace(batch, x=drawn.all_of(batch.x), control=control), drawn.all_of(made)

    def convince(self, critic: Any, batch: Batch, made: Tensor) -> Loss:
        """The loss of whoever made these: they are to seem as real as the batch's own."""
        with torch.no_grad():
            real = heard(critic, batch.x, batch.prompt, batch.control)
        gap = heard(critic, made, batch.prompt, batch.control) - real
        total = (_doubt(gap) * batch.weight).sum()
        return Loss(total, {"generator": total.detach()})

    def judge(self, critic: Any, batch: Batch, made: Tensor) -> Loss:
        """The critic's loss, given what was made."""
        some = max(1, round(self.penalised * len(made)))
        gap, steep = self._gap(critic, batch, made, some)
        weight = batch.weight[:some]
        slope = (steep * weight).sum() * (batch.weight.sum() / weight.sum().clamp(min=1e-6))
        total = (_doubt(gap) * batch.weight).sum() + 0.5 * self.penalty * slope
        parts = {"critic": total, "gap": _each(gap).sum(), "slope": slope}
        return Loss(total, {k: v.detach() for k, v in parts.items()})

    def _gap(self, critic: Any, batch: Batch, made: Tensor, some: int) -> tuple[Tensor, Tensor]:
        """How much more real the real ones seem, [B] or [B, patches]; squared slopes of the first
        `some`."""
        first, rest = slice(some), slice(some, len(made))
        x, y = (_exact(side[first]).requires_grad_(True) for side in (batch.x, made))
        # A CPU's gradient of a gradient of a convolution in bf16 is wrong (at 16 x 16 places a
        # third of its size and a cosine of .66 to that in fp32): this part is never rounded.
        with torch.autocast(x.device.type, enabled=False):
            on_x, on_y = _both(critic, x, y, batch, first)
            whole = (_each(on_x).sum(), _each(on_y).sum())
            slopes = torch.autograd.grad(whole, (x, y), create_graph=True)
        steep: Any = sum(s.square().flatten(1).sum(1) for s in slopes)
        gap = on_x - on_y
        if some < len(made):
            others = _both(critic, batch.x[rest], made[rest], batch, rest)
            gap = torch.cat((gap, others[0] - others[1]))
        return gap, steep

    def score(self, nets: Nets, batch: Batch) -> Tensor:
        """The critic's verdict, float [B]: orders items within one model, is no likelihood."""
        return _each(heard(nets["critic"], batch.x, batch.prompt, batch.control))

    def start(self, nets: Nets, spec: Spec, request: Encoded) -> Samples:
        assert isinstance(spec, ArraySpec)
        rows = len(request.index)
        key, z = noise(request, (nets["generator"].latent,))
        truncation = 1.0 if request.options.truncation is None else request.options.truncation
        z = steered(truncation * z, nets["generator"], request.options.directions)
        state = {"key": key, "z": z}
        for name in ("prompt", "control"):
            told = getattr(request, name)
            if told is not None:
                state[name] = told.expand(rows, *told.shape).clone()
        done = torch.zeros(rows, dtype=torch.bool, device=key.device)
        return Samples(torch.zeros(rows, *spec.shape, device=key.device), done, state)

    def cache(self, nets: Nets, samples: Samples, memory: Any = None) -> Cache | None:
        return None

    def step(self, nets: Nets, samples: Samples, cache: Cache | None) -> None:
        state = samples.state
        made = heard(nets["generator"], state["z"], state.get("prompt"), state.get("control"))
        samples.x = made
        samples.done = torch.ones_like(samples.done)

    def result(self, samples: Samples, spec: Spec) -> list[Tensor] | Tensor:
        return samples.x


def heard(net: Any, x: Tensor, prompt: Tensor | None, control: Tensor | None) -> Tensor:
    """The net on x, told what there is to tell."""
    return net(x, prompt) if control is None else net(x, prompt, control)


def _exact(x: Tensor) -> Tensor:
    """Detached, in fp32 where it was less."""
    x = x.detach()
    return x.float() if x.dtype in (torch.bfloat16, torch.float16) else x


def _both(
    critic: Any, real: Tensor, made: Tensor, batch: Batch, rows: slice
) -> tuple[Tensor, Tensor]:
    """Verdicts on real and made ones in one call: a CPU's products like large batches."""
    told = [
        None if part is None else torch.cat((part[rows], part[rows]))
        for part in (batch.prompt, batch.control)
    ]
    verdicts = heard(critic, torch.cat((real, made)), *told)
    return verdicts[: len(real)], verdicts[len(real) :]


def _spread(made: Tensor, batch: Batch) -> Tensor:
    """How far made items are from the mean of those with the same prompt, as a share of how far
    real ones are; times the count. Near 0 the generator makes one item only."""
    group = torch.zeros(len(made), dtype=torch.long, device=made.device)
    if batch.prompt is not None:
        same = batch.prompt.unique(dim=0, return_inverse=True)[1]
        if 2 * (int(same.max()) + 1) <= len(same):  # else too few can be compared
            group = same
    far = [_scatter(x.detach().float().flatten(1), group, batch.weight) for x in (made, batch.x)]
    return far[0] / far[1].clamp(min=1e-6) * batch.weight.sum()


def _scatter(x: Tensor, group: Tensor, weight: Tensor) -> Tensor:
    """The root mean square distance of x [B, E] from the means of their groups [B]."""
    kinds = int(group.max()) + 1
    count = torch.zeros(kinds, device=x.device).index_add(0, group, torch.ones_like(weight))
    mean = torch.zeros(kinds, x.shape[1], device=x.device).index_add(0, group, x)
    apart = x - (mean / count[:, None].clamp(min=1))[group]
    return (apart.square().mean(1) * weight).sum().sqrt()


def _each(verdict: Tensor) -> Tensor:
    """[B]: a critic that judges patches [B, patches] is heard on average."""
    return verdict.reshape(len(verdict), -1).mean(1)


def _doubt(gap: Tensor) -> Tensor:
    """[B]: softplus(-gap), patch by patch where the critic judges these."""
    return _each(F.softplus(-gap))
