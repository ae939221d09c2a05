"""How a net's output becomes a velocity, and how the walk from noise to data is cut into steps.

Knows times and arrays, not what is drawn. Time runs from 0 (data) to 1 (noise).
Shape legend: B items, C channels, K steps of a walk.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor

SOLVERS = ("euler", "heun", "multistep")
EULER, HEUN, MULTISTEP = range(3)
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


def spread(values: Tensor, like: Tensor) -> Tensor:
    """[B] -> [B, 1, ...] to broadcast over like."""
    return values.reshape(-1, *(1,) * (like.dim() - 1))


def denoised(net: Any, x: Tensor, time: Tensor, prompt: Any, control: Tensor | None) -> Tensor:
    """The net's output; what is told besides the prompt reaches it only where something is."""
    return net(x, time, prompt) if control is None else net(x, time, prompt, control)


def span(state: dict[str, Tensor], step: Tensor) -> tuple[Tensor, Tensor]:
    """float [B] each: the time that the step of this number begins at, and the time it ends at; 0
    past the last. Equal steps from "begin" to 0, before the shift that the state may have, unless
    the state has a walk of its own."""
    steps = state["steps"]
    over = step >= steps
    if "from" in state:
        place = step.clamp(max=state["from"].shape[1] - 1)[:, None]
        ends = [state[name].gather(1, place)[:, 0] for name in ("from", "to")]
    else:
        count, begin, shift = steps.clamp(min=1), state["begin"], state.get("shift")
        if shift is not None:
            begin = shifted(begin, 1 / shift)
        ends = [begin * (1 - (step + n).float() / count) for n in (0, 1)]
        if shift is not None:
            ends = [shifted(end, shift) for end in ends]
    return ends[0].masked_fill(over, 0.0), ends[1].masked_fill(over, 0.0)


def shifted(time: Any, shift: Any) -> Any:
    """Times, floats or tensors; more of them where much is noise, for a shift above 1 (Esser et al.
    2024, equation 23); 1 / shift is the way back. Adds log(shift) to the logit of the time."""
    return shift * time / (1 + (shift - 1) * time)


def walk(steps: int, begin: float, turns: int, shift: float = 1.0) -> Sequence[tuple[float, float]]:
    """(from, to) of each step of a walk that takes every step `turns` times (Lugmayr et al. 2022,
    algorithm 1): where a step begins above the end of the one before, noise is added. The last
    step, behind which there is no noise to add, is taken once."""
    first = shifted(begin, 1 / shift)
    times = [shifted(first * (1 - n / steps), shift) for n in range(steps + 1)]
    pairs = list(itertools.pairwise(times))
    return [pair for pair in pairs[:-1] for _ in range(turns)] + pairs[-1:]


def multistep(state: dict[str, Tensor], velocity: Tensor, here: Tensor) -> Tensor:
    """Adams-Bashforth of second order, where the step before ended here; else the velocity."""
    use = (state["solver"] == MULTISTEP) & (state["step"] > 0) & (state["reached"] == here)
    half: Any = 0.5
    if "shift" in state:  # steps are of unequal lengths
        before = span(state, (state["step"] - 1).clamp(min=0))[0]
        length = span(state, state["step"])[1] - here
        half = spread(0.5 * length / (here - before).clamp(max=-1e-6), velocity)
    return torch.where(
        spread(use, velocity), (1 + half) * velocity - half * state["last"], velocity
    )
