"""Rectified flow: a straight path from data to noise, and solvers that walk it back.

Diffusion's usual parameterisations are one object here: the net may put out the velocity, the clean
data or the noise, and everything is judged and walked as velocity. Knows arrays and times, not what
is drawn; what is done with given items is the business of flow_editing.py.
Time runs from 0 (data) to 1 (noise): x_t = (1 - t) x + t e, v = e - x.
Shape legend: B items, C channels, K control channels, P prompt positions.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, ClassVar, Literal

import torch
from torch import Generator, Tensor

from genloom.errors import RecipeError, RequestError
from genloom.family import flow_editing as editing
from genloom.family.base import NONE, Cache, Nets, Samples
from genloom.family.flow_solvers import (
    EULER,
    HEUN,
    SOLVERS,
    Parameterisation,
    denoised,
    multistep,
    shifted,
    span,
    spread,
)
from genloom.family.noise import keys, normal
from genloom.spec import ArraySpec, Batch, Encoded, Loss, Spec

GUIDED = 2.0  # the scale where a weaker model is given to guide by, and nothing else is said
TAKES = {"steps", "guidance", "guidance_interval", "solver", "size", "negative", "seamless"} | {
    *("item", "mask", "control", "strength", "outpaint", "towards", "towards_seed", "frames")
}


@dataclass(frozen=True, kw_only=True)
class Flow:
    """Rectified flow (Liu et al. 2022; Lipman et al. 2022) with logit-normal times (Esser et al.
    2024, eq. 19). `unprompted` is the share of prompts dropped, so that guidance can subtract.

    shift moves times to where much is noise, while learning and while walking (eq. 23 there). What
    fills many places at once (a colour, a shape's size, which digit a whole clip shows) is read off
    an item of a few per cent already, so that the prompt counts only before; the more numbers an
    item has, the larger."""

    kind: ClassVar[str] = "flow"
    carries: ClassVar[type] = ArraySpec
    roles: ClassVar[frozenset[str]] = frozenset({"net"})
    players: ClassVar[tuple[str, ...]] = ("net",)
    takes: ClassVar[frozenset[str]] = frozenset(TAKES)
    frozen: ClassVar[frozenset[str]] = NONE
    group: ClassVar[int] = 1
    falls: ClassVar[bool] = True
    inherits: ClassVar[frozenset[str]] = frozenset({"predicts", "guidance", "steps"})
    choices: ClassVar[Mapping[str, Any]] = MappingProxyType({"solver": SOLVERS})

    predicts: Literal["velocity", "data", "noise"] = "velocity"
    times: Literal["logit_normal", "uniform"] = "logit_normal"
    mean: float = 0.0
    spread: float = 1.0
    shift: float = 1.0
    unprompted: float = 0.1
    steps: int = 32
    guidance: float = 1.0
    guided: tuple[float, float] = (0.0, 1.0)  # times within which guidance acts
    solver: Literal["euler", "heun", "multistep"] = "multistep"

    def __post_init__(self) -> None:
        if not 0.01 <= self.shift <= 100:
            raise RecipeError(f"family.shift is {self.shift}, but 0.01 to 100 is expected")

    @property
    def usual(self) -> Mapping[str, Any]:
        return {
            "steps": self.steps,
            "guidance": self.guidance,
            "guidance_interval": self.guided,
            "solver": self.solver,
            "strength": editing.STRENGTH,
        }

    # --- training -------------------------------------------------------------------------------

    def loss(self, player: str, nets: Nets, batch: Batch, rng: Generator) -> Loss:
        """Squared error of the velocity, a mean over an item's elements, a sum over items."""
        time = self._times(len(batch.x), rng).to(batch.x.device)
        noise = torch.randn(batch.x.shape, generator=rng, device=rng.device).to(batch.x.device)
        prompt = batch.prompt
        if prompt is not None and self.unprompted > 0:
            drop = torch.rand(len(prompt), 1, generator=rng, device=rng.device) < self.unprompted
            null = nets["net"].prompt.null(prompt)
            prompt = torch.where(spread(drop, prompt).to(prompt.device), null, prompt)
        error = self._error(nets, batch.x, noise, time, prompt, batch.control)
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
            total -= self._error(nets, batch.x, noise, time, batch.prompt, batch.control) / 8
        return total

    def _times(self, count: int, rng: Generator) -> Tensor:
        if self.times == "uniform":
            return shifted(torch.rand(count, generator=rng, device=rng.device), self.shift)
        z = torch.randn(count, generator=rng, device=rng.device)
        return torch.sigmoid(self.mean + math.log(self.shift) + self.spread * z)

    def _error(
        self,
        nets: Nets,
        x: Tensor,
        noise: Tensor,
        time: Tensor,
        prompt: Tensor | None,
        control: Tensor | None,
    ) -> Tensor:
        at = spread(time, x)
        noisy = (1 - at) * x + at * noise
        out = denoised(nets["net"], noisy, time, prompt, control).float()
        velocity = Parameterisation(predicts=self.predicts).velocity(out, noisy, at)
        return (velocity - (noise - x)).square().flatten(1).mean(1)

    # --- sampling -------------------------------------------------------------------------------

    def start(self, nets: Nets, spec: Spec, request: Encoded) -> Samples:
        assert isinstance(spec, ArraySpec)
        options, rows = request.options, len(request.index)
        solver, guidance = self._solver(request), self._scale(nets, request)
        if options.seamless and not spec.grid:
            raise RequestError("items of this model have no edges that could meet: leave seamless")
        key, noise = editing.noise(request, (spec.channels, *(request.grid or spec.grid)))
        whole = torch.zeros(rows, dtype=torch.long, device=noise.device)
        low, high = options.guidance_interval or self.guided
        state = {
            "key": key,
            "step": whole,
            "solver": whole + SOLVERS.index(solver),
            "guidance": noise.new_full((rows,), float(guidance)),
            "low": noise.new_full((rows,), low),
            "high": noise.new_full((rows,), high),
            "reached": noise.new_full((rows,), -1.0),
            "last": torch.zeros_like(noise),
        }
        begin = Parameterisation(predicts=self.predicts).begin
        steps = self.steps if options.steps is None else options.steps
        x = editing.begun(state, request, noise, begin, steps, self.shift)
        if options.seamless:
            state["seamless"] = torch.ones_like(whole, dtype=torch.bool)
        if request.control is not None:
            state["control"] = request.control.expand(rows, *request.control.shape).clone()
        state |= self._prompts(request, rows)
        return Samples(x, state["steps"] == 0, state)

    def _solver(self, request: Encoded) -> str:
        """Where noise comes in between, or every step sees another turn of the item, the velocity
        of the step before says little about this one's."""
        asked, options = request.options.solver, request.options
        if asked is not None and asked not in SOLVERS:
            raise RequestError(f"solver {asked!r} is not known: use one of {', '.join(SOLVERS)}")
        rough = (request.fresh is not None and not request.shown) or options.seamless
        return asked or (SOLVERS[EULER] if rough else self.solver)

    def _scale(self, nets: Nets, request: Encoded) -> float:
        options, weaker = request.options, "guide" in nets
        usual = GUIDED if weaker and self.guidance == 1 else self.guidance
        scale = usual if options.guidance is None else options.guidance
        asked = options.guidance not in (None, 1) or options.guidance_interval is not None
        if request.prompt is None and not weaker and asked:
            raise RequestError(
                "this model was trained without prompts, so there is nothing for guidance to "
                "strengthen: leave it out"
            )
        if scale == 1 and request.negative is not None:
            raise RequestError(
                "a prompt to keep away from acts through guidance, which is 1 (none): give a "
                "guidance above 1, such as 2"
            )
        return scale

    def _prompts(self, request: Encoded, rows: int) -> dict[str, Tensor]:
        """long [B, P] each; of frames, the ends have their own prompt alone."""
        given = {
            name: ids.expand(rows, *ids.shape).clone()
            for name in ("prompt", "negative", "towards")
            if (ids := getattr(request, name)) is not None
        }
        part = editing.share(request)
        if part is not None and "towards" in given:
            there = part >= 1
            given["prompt"] = torch.where(
                spread(there, given["prompt"]), given["towards"], given["prompt"]
            )
            given["share"] = part.masked_fill(part >= 1, 0.0)
        return given

    def cache(self, nets: Nets, samples: Samples, memory: Any = None) -> Cache | None:
        return None

    def step(self, nets: Nets, samples: Samples, cache: Cache | None) -> None:
        """From t to the next t of each sample's own schedule."""
        state = samples.state
        here, there = span(state, state["step"])
        move = spread(there - here, samples.x)
        velocity = self._velocity(nets, samples, samples.x, here)
        slope = multistep(state, velocity, here)
        second = (state["solver"] == HEUN) & (there > 0)
        if bool(second.any()):
            ahead = self._velocity(nets, samples, samples.x + move * velocity, there)
            slope = torch.where(spread(second, slope), (velocity + ahead) / 2, slope)
        samples.x = editing.kept(state, samples.x + move * slope, there)
        state["last"], state["reached"] = velocity, there
        state["step"] = state["step"] + 1
        samples.done = state["step"] >= state["steps"]

    def _time(self, step: Tensor, state: dict[str, Tensor]) -> Tensor:
        """float [B]: the time that a sample has reached before its step of this number."""
        return span(state, step)[0]

    def progress(self, samples: Samples) -> tuple[Tensor, Tensor]:
        """long [B] each: the steps that are done, and how many there are."""
        return samples.state["step"], samples.state["steps"]

    def _velocity(self, nets: Nets, samples: Samples, x: Tensor, time: Tensor) -> Tensor:
        """Guided velocity: v + (g - 1)(v - v of the weaker one), which is the empty prompt (Ho &
        Salimans 2022, eq. 6), a prompt to keep away from, or a weaker model (Karras et al. 2024,
        eq. 3), within the times in which guidance acts (Kynkaanniemi et al. 2024)."""
        state = samples.state
        shift = editing.shifts(state, tuple(x.shape[2:]))
        x, state = editing.rolled(x, shift), editing.turned(state, shift)
        if editing.unheard(state):
            told = partial(self._told, nets["net"])
            velocity, fitting = editing.matched(state, x, time, told)
        else:
            velocity, fitting = self._told(nets["net"], state, x, time), None
        scale = state["guidance"]
        on = (scale != 1) & (time >= state["low"]) & (time <= state["high"])
        if ("prompt" in state or "guide" in nets) and bool(on.any()):
            rows = on.nonzero()[:, 0]
            some = {name: value[rows] for name, value in state.items()}
            weaker = self._weaker(nets, some, x[rows], time[rows])
            pull = spread(scale[rows] - 1, x) * (velocity[rows] - weaker)
            velocity = velocity.index_add(0, rows, pull)
        velocity = velocity if fitting is None else velocity + fitting
        return editing.rolled(velocity, None if shift is None else -shift)

    def _weaker(self, nets: Nets, state: dict[str, Tensor], x: Tensor, time: Tensor) -> Tensor:
        """What guidance leads away from."""
        negative = state.get("negative")
        if "guide" in nets:
            heard = state if negative is None else self._alone(state, negative)
            return self._told(nets["guide"], heard, x, time)
        net = nets["net"]
        empty = net.prompt.null(state["prompt"]) if negative is None else negative
        return self._told(net, self._alone(state, empty), x, time)

    @staticmethod
    def _alone(state: dict[str, Tensor], prompt: Tensor) -> dict[str, Tensor]:
        """With this prompt in place of whatever was heard."""
        rest = {name: value for name, value in state.items() if name not in ("share", "towards")}
        return {**rest, "prompt": prompt}

    def _told(self, net: Any, state: dict[str, Tensor], x: Tensor, time: Tensor) -> Tensor:
        """The velocity that the prompt makes. On the way from one prompt to another it is the mean
        of both, weighted: the scores of a product of the two densities (Liu et al. 2022, section
        3.2)."""
        given, control = Parameterisation(predicts=self.predicts), state.get("control")
        out = denoised(net, x, time, state.get("prompt"), control)
        velocity = given.velocity(out, x, spread(time, x))
        if "share" not in state or not bool((state["share"] > 0).any()):
            return velocity
        rows = (state["share"] > 0).nonzero()[:, 0]
        told = None if control is None else control[rows]
        out = denoised(net, x[rows], time[rows], state["towards"][rows], told)
        other = given.velocity(out, x[rows], spread(time[rows], x))
        pull = spread(state["share"][rows], x) * (other - velocity[rows])
        return velocity.index_add(0, rows, pull)

    def result(self, samples: Samples, spec: Spec) -> list[Tensor] | Tensor:
        """The arrays; of unfinished samples, the clean array that the last velocity points to."""
        state = samples.state
        here = self._time(state["step"], state)
        made = samples.x - spread(here, samples.x) * state["last"]
        if "item" not in state:
            return made
        return torch.where(state["fresh"], made, state["item"])
