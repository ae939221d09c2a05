"""One, two or four steps: a net that jumps from any noise to the clean item, learnt from a flow.

Where two points of one path lie, the jump has to land alike (consistency distillation, Song et al.
2023, section 4), along paths that the flow walks with its guidance worked in (Luo et al. 2023, LCM,
eq. 14). A critic may ask besides that what is landed on seems real (Kim et al. 2023, CTM; Sauer et
al. 2023, ADD). Knows arrays and times, not what is drawn.
Shape legend: B items, C channels, K control channels, P prompt positions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Generator, Tensor

from genloom.errors import RecipeError
from genloom.family import flow_editing as editing
from genloom.family.adversarial import Adversarial
from genloom.family.base import Cache, Nets, Samples
from genloom.family.flow import TAKES, Flow
from genloom.family.flow_solvers import Parameterisation, denoised, span, spread
from genloom.family.noise import normal
from genloom.spec import Batch, Encoded, Loss

Told = tuple[Tensor | None, Tensor | None]  # prompt [B, P] and control [B, K, *grid]


@dataclass(frozen=True, kw_only=True)
class Consistency(Flow):
    """knots: the equal times of a path at which jumps are learnt; the fewer, the shorter the chain
    from the data to pure noise. huber: the error up to which it is squared, else absolute (Song &
    Dhariwal 2023, section 3.3). guidance is the flow's, worked in. adversarial: weight of the
    critic; penalty and penalised as in family/adversarial.py."""

    kind: ClassVar[str] = "consistency"
    takes: ClassVar[frozenset[str]] = frozenset(
        TAKES - {"guidance", "guidance_interval", "solver", "negative"}
    )
    inherits: ClassVar[frozenset[str]] = frozenset({"predicts", "guidance"})
    falls: ClassVar[bool] = False  # the aim moves with the net

    steps: int = 2
    knots: int = 4
    huber: float = 0.03
    adversarial: float = 0.0
    penalty: float = 1.0
    penalised: float = 0.25

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.knots <= 1000:
            raise RecipeError(f"family.knots is {self.knots}, but 1 to 1000 is expected")

    @property
    def roles(self) -> frozenset[str]:  # type: ignore[override]
        return frozenset(self.players)

    @property
    def players(self) -> tuple[str, ...]:  # type: ignore[override]
        return ("critic", "net") if self.adversarial else ("net",)

    @property
    def frozen(self) -> frozenset[str]:  # type: ignore[override]
        """The flow that is learnt from is the net as it was at the start."""
        return frozenset({"reference"})

    # --- training -------------------------------------------------------------------------------

    def loss(self, player: str, nets: Nets, batch: Batch, rng: Generator) -> Loss:
        """The net's: how far apart jumps from two neighbouring knots land, a root of a mean over an
        item's elements; a sum over items."""
        x, told = batch.x, (self._some(nets, batch.prompt, rng), batch.control)
        noise = torch.randn(x.shape, generator=rng, device=rng.device).to(x.device)
        knot = torch.randint(1, self.knots + 1, (len(x),), generator=rng, device=rng.device)
        begin = Parameterisation(predicts=self.predicts).begin
        here, nearer = (begin * k.to(x.device) / self.knots for k in (knot, knot - 1))
        noisy = torch.lerp(x, noise, spread(here, x))
        if player == "critic":
            with torch.no_grad():
                made = self.jump(nets["net"], noisy, here, told)
            with _exactly(x):
                return self._rival.judge(nets["critic"], batch, made)
        made = self.jump(nets["net"], noisy, here, told)
        with torch.no_grad():
            on_path = self._walked(nets["reference"], noisy, here, nearer, told)
            aim = self.jump(nets["net"], on_path, nearer, told)
        apart = (made - aim).square().flatten(1).mean(1)
        apart = ((apart + self.huber**2).sqrt() - self.huber) * batch.weight
        parts = {"apart": apart.sum()}
        if self.adversarial:
            with _exactly(x):
                parts["doubt"] = self._rival.convince(nets["critic"], batch, made).total
        total = parts["apart"] + self.adversarial * parts.get("doubt", 0.0)
        return Loss(total, {name: value.detach() for name, value in parts.items()})

    @property
    def _rival(self) -> Adversarial:
        return Adversarial(penalty=self.penalty, penalised=self.penalised)

    def _some(self, nets: Nets, prompt: Tensor | None, rng: Generator) -> Tensor | None:
        """The prompts, a share of them dropped."""
        if prompt is None or not self.unprompted:
            return prompt
        drop = torch.rand(len(prompt), 1, generator=rng, device=rng.device) < self.unprompted
        drop = spread(drop, prompt).to(prompt.device)
        return torch.where(drop, nets["net"].prompt.null(prompt), prompt)

    def jump(self, net: Any, x: Tensor, time: Tensor, told: Told) -> Tensor:
        """From x at any time to the clean item; from time 0 it stays where it is."""
        at = spread(time, x)
        out = denoised(net, x, time, *told).float()
        return x - at * Parameterisation(predicts=self.predicts).velocity(out, x, at)

    def _walked(self, net: Any, x: Tensor, here: Tensor, there: Tensor, told: Told) -> Tensor:
        """Along the flow by one step of the midpoint rule, of second order."""
        move = spread(there - here, x)
        half = x + 0.5 * move * self._guided(net, x, here, told)
        return x + move * self._guided(net, half, (here + there) / 2, told)

    def _guided(self, net: Any, x: Tensor, time: Tensor, told: Told) -> Tensor:
        """The flow's velocity with its guidance, both sides in one call."""
        (prompt, control), at = told, spread(time, x)
        given = Parameterisation(predicts=self.predicts)
        if prompt is None or self.guidance == 1:
            return given.velocity(denoised(net, x, time, prompt, control).float(), x, at)
        both = torch.cat((prompt, net.prompt.null(prompt)))
        control = None if control is None else torch.cat((control, control))
        out = denoised(net, torch.cat((x, x)), torch.cat((time, time)), both, control).float()
        own, free = (given.velocity(part, x, at) for part in out.chunk(2))
        return own + (self.guidance - 1) * (own - free)

    # --- sampling -------------------------------------------------------------------------------

    def _scale(self, nets: Nets, request: Encoded) -> float:
        """Guidance is worked in already."""
        return 1.0

    def step(self, nets: Nets, samples: Samples, cache: Cache | None) -> None:
        """Jump, then back to the next time with fresh noise (Song et al. 2023, algorithm 1)."""
        state = samples.state
        here, there = span(state, state["step"])
        velocity = self._velocity(nets, samples, samples.x, here)
        clean = samples.x - spread(here, samples.x) * velocity
        fresh = normal(state["key"], state["step"] + 1, tuple(clean.shape[1:]))
        at = spread(there, clean)
        samples.x = editing.kept(state, torch.lerp(clean, fresh, at), there)
        state["last"] = (samples.x - clean) / at.clamp(min=1e-6)
        state["reached"], state["step"] = there, state["step"] + 1
        samples.done = state["step"] >= state["steps"]


def _exactly(x: Tensor) -> torch.autocast:
    """The gradient of a gradient does not bear bf16."""
    return torch.autocast(x.device.type, enabled=False)
