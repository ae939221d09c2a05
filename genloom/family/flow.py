"""Rectified flow: a straight path from data to noise, and solvers that walk it back.

Diffusion's usual parameterisations are one object here: the net may put out the velocity, the clean
data or the noise, and everything is judged and walked as velocity. Knows arrays and times, not what
is drawn. Time runs from 0 (data) to 1 (noise): x_t = (1 - t) x + t e, v = e - x.
Shape legend: B items, C channels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Generator, Tensor

from genloom.errors import RequestError
from genloom.family.base import NONE, Cache, Nets, Samples
from genloom.family.noise import keys, normal
from genloom.spec import ArraySpec, Batch, Encoded, Loss, Spec

SOLVERS = ("euler", "heun", "multistep")
STILL = 0.05  # times nearer than this to where a division by zero waits divide by it instead


@dataclass(frozen=True, kw_only=True)
class Parameterisation:
    """What the net puts out, and how it becomes a velocity (Salimans & Ho 2022, appendix D)."""

    predicts: Literal["velocity", "data", "noise"] = "velocity"

    def velocity(self, out: Tensor, x: Tensor, time: Tensor) -> Tensor:
        """out and x [B, ...], time [B, 1, ...] -> v [B, ...]."""
        if self.predicts == "velocity":
            return out
        if self.predicts == "data":
            return (x - out) / time.clamp(min=STILL)
        return (out - x) / (1 - time).clamp(min=STILL)

    @property
    def begin(self) -> float:
        """The time sampling begins at. A net that puts out the noise knows nothing at 1, where its
        input is the answer (Lin et al. 2023, section 3.2), so it begins just before."""
        return 1 - STILL if self.predicts == "noise" else 1.0


@dataclass(frozen=True, kw_only=True)
class Flow:
    """Rectified flow (Liu et al. 2022; Lipman et al. 2022) with logit-normal times (Esser et al.
    2024, eq. 19). `unprompted` is the share of prompts dropped, so that guidance can subtract."""

    kind: ClassVar[str] = "flow"
    carries: ClassVar[type] = ArraySpec
    roles: ClassVar[frozenset[str]] = frozenset({"net"})
    players: ClassVar[tuple[str, ...]] = ("net",)
    takes: ClassVar[frozenset[str]] = frozenset({"steps", "guidance", "solver"})
    frozen: ClassVar[frozenset[str]] = NONE
    group: ClassVar[int] = 1
    falls: ClassVar[bool] = True

    predicts: Literal["velocity", "data", "noise"] = "velocity"
    times: Literal["logit_normal", "uniform"] = "logit_normal"
    mean: float = 0.0
    spread: float = 1.0
    unprompted: float = 0.1
    steps: int = 32
    guidance: float = 1.0
    guided: tuple[float, float] = (0.0, 1.0)  # times within which guidance acts
    solver: Literal["euler", "heun", "multistep"] = "multistep"

    # --- training -------------------------------------------------------------------------------

    def loss(self, player: str, nets: Nets, batch: Batch, rng: Generator) -> Loss:
        """Squared error of the velocity, a mean over an item's elements, a sum over items."""
        time = self._times(len(batch.x), rng).to(batch.x.device)
        noise = torch.randn(batch.x.shape, generator=rng, device=rng.device).to(batch.x.device)
        prompt = batch.prompt
        if prompt is not None and self.unprompted > 0:
            drop = torch.rand(len(prompt), 1, generator=rng, device=rng.device) < self.unprompted
            null = nets["net"].prompt.null(prompt)
            prompt = torch.where(drop.to(prompt.device), null, prompt)
        error = self._error(nets, batch.x, noise, time, prompt)
        total = (error * batch.weight).sum()
        return Loss(total, {"velocity_error": total.detach()})

    def score(self, nets: Nets, batch: Batch) -> Tensor:
        """Minus the mean velocity error at eight fixed times with fixed noise, float [B]: the
        likelihood bound up to weights and a constant (Kingma & Gao 2023)."""
        total = torch.zeros(len(batch.x), device=batch.x.device)
        index = torch.arange(len(batch.x))
        for number in range(8):
            noise = normal(keys(number, index), 0, tuple(batch.x.shape[1:])).to(batch.x.device)
            time = torch.full((len(batch.x),), (number + 0.5) / 8, device=batch.x.device)
            total -= self._error(nets, batch.x, noise, time, batch.prompt) / 8
        return total

    def _times(self, count: int, rng: Generator) -> Tensor:
        if self.times == "uniform":
            return torch.rand(count, generator=rng, device=rng.device)
        z = torch.randn(count, generator=rng, device=rng.device)
        return torch.sigmoid(self.mean + self.spread * z)

    def _error(
        self, nets: Nets, x: Tensor, noise: Tensor, time: Tensor, prompt: Tensor | None
    ) -> Tensor:
        at = _spread(time, x)
        noisy = (1 - at) * x + at * noise
        out = nets["net"](noisy, time, prompt).float()
        velocity = Parameterisation(predicts=self.predicts).velocity(out, noisy, at)
        return (velocity - (noise - x)).square().flatten(1).mean(1)

    # --- sampling -------------------------------------------------------------------------------

    def start(self, nets: Nets, spec: Spec, request: Encoded) -> Samples:
        assert isinstance(spec, ArraySpec)
        options, rows = request.options, len(request.index)
        steps = self.steps if options.steps is None else options.steps
        solver = self.solver if options.solver is None else options.solver
        guidance = self.guidance if options.guidance is None else options.guidance
        if solver not in SOLVERS:
            raise RequestError(f"solver {solver!r} is not known: use one of {', '.join(SOLVERS)}")
        if request.prompt is None and options.guidance not in (None, 1):
            raise RequestError(
                "this model was trained without prompts, so there is nothing for guidance to "
                "strengthen: leave it out"
            )
        key = keys(request.seed, request.index)
        begin = Parameterisation(predicts=self.predicts).begin
        x = begin * normal(key, 0, spec.shape)  # noise has this share of x_t at that time
        whole = torch.zeros(rows, dtype=torch.long, device=x.device)
        state = {
            "key": key,
            "step": whole,
            "steps": whole + steps,
            "solver": whole + SOLVERS.index(solver),
            "guidance": torch.full((rows,), float(guidance), device=x.device),
            "last": torch.zeros_like(x),
        }
        if request.prompt is not None:
            state["prompt"] = request.prompt.expand(rows, -1).clone()
        return Samples(x, torch.zeros_like(whole, dtype=torch.bool), state)

    def cache(self, nets: Nets, samples: Samples, memory: Any = None) -> Cache | None:
        return None

    def step(self, nets: Nets, samples: Samples, cache: Cache | None) -> None:
        """From t to the next t of each sample's own schedule."""
        state = samples.state
        here, there = self._time(state["step"], state), self._time(state["step"] + 1, state)
        move = _spread(there - here, samples.x)
        velocity = self._velocity(nets, samples, samples.x, here)
        slope = self._multistep(samples, velocity)
        second = (state["solver"] == SOLVERS.index("heun")) & (there > 0)
        if bool(second.any()):
            ahead = self._velocity(nets, samples, samples.x + move * velocity, there)
            slope = torch.where(_spread(second, slope), (velocity + ahead) / 2, slope)
        samples.x = samples.x + move * slope
        state["last"] = velocity
        state["step"] = state["step"] + 1
        samples.done = state["step"] >= state["steps"]

    def _time(self, step: Tensor, state: dict[str, Tensor]) -> Tensor:
        """float [B], equal steps from where sampling begins to 0."""
        begin = Parameterisation(predicts=self.predicts).begin
        return begin * (1 - step.float() / state["steps"])

    def _multistep(self, samples: Samples, velocity: Tensor) -> Tensor:
        """Adams-Bashforth of second order from the second step on; else the velocity itself."""
        state = samples.state
        use = (state["solver"] == SOLVERS.index("multistep")) & (state["step"] > 0)
        return torch.where(_spread(use, velocity), 1.5 * velocity - 0.5 * state["last"], velocity)

    def _velocity(self, nets: Nets, samples: Samples, x: Tensor, time: Tensor) -> Tensor:
        """Guided velocity: v + (g - 1)(v - v of the empty prompt) (Ho & Salimans 2022, eq. 6)."""
        state, net = samples.state, nets["net"]
        prompt, scale = state.get("prompt"), state["guidance"]
        low, high = self.guided
        on = (scale != 1) & (time >= low) & (time <= high)
        given = Parameterisation(predicts=self.predicts)
        velocity = given.velocity(net(x, time, prompt), x, _spread(time, x))
        if prompt is None or not bool(on.any()):
            return velocity
        rows = on.nonzero()[:, 0]
        free = net(x[rows], time[rows], net.prompt.null(prompt[rows]))
        free = given.velocity(free, x[rows], _spread(time[rows], x))
        pull = _spread(scale[rows] - 1, x) * (velocity[rows] - free)
        return velocity.index_add(0, rows, pull)

    def result(self, samples: Samples, spec: Spec) -> list[Tensor] | Tensor:
        """The arrays; of unfinished samples, the clean array that the last velocity points to."""
        state = samples.state
        here = self._time(state["step"], state)
        return samples.x - _spread(here, samples.x) * state["last"]


def _spread(values: Tensor, like: Tensor) -> Tensor:
    """[B] -> [B, 1, ...] to broadcast over like."""
    return values.reshape(-1, *(1,) * (like.dim() - 1))
