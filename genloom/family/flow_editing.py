"""What people do with a flow besides sampling it: begin from an item, keep a part of it, go from
one noise to another, let opposite edges meet. No other net, no further training.

Knows times, arrays and a sample's own random numbers; no codec and no medium.
Shape legend: B items, C channels, A axes of the grid.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from genloom.family.flow_solvers import STILL, span, spread, walk
from genloom.family.noise import keys, normal, uniform
from genloom.spec import Encoded

STRENGTH = 0.6  # of an item that is varied, where the request does not say
# Where a part of an item stays: how often each step is taken, and how strongly a clean item that
# does not fit is pulled. Halves of 32 held-out scenes made anew without a prompt, as squared error
# and share whose shape, colour and place are read as they were: noise put back alone, 48 steps,
# 0.197 and 16 %; each of 16 steps three times 0.154 and 41 %; 16 steps with a pull of 2 0.109 and
# 53 %; both, 16 steps twice with a pull of 2, 0.059 and 69 % (of 3: 0.068 and 69 %).
TURNS, PULL = 2, 2.0
# Draws of a sample's stream, beside 0 for the noise that it begins with; steps are added.
AGAIN, KEPT, ROLL = 1 << 24, 2 << 24, 3 << 24

State = dict[str, Tensor]


def share(request: Encoded) -> Tensor | None:
    """float [B]: how far each sample is from one end of a row of frames to the other, or None."""
    frames = request.options.frames
    if frames is None:
        return None
    return (request.index.float() / (frames - 1)).clamp(max=1.0)


def noise(request: Encoded, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """long [B]: each sample's key; float [B, *shape]: the noise that it begins with. Frames have
    one noise, or what lies on the great circle between those of two seeds (Shoemake 1985)."""
    part = share(request)
    index = request.index if part is None else torch.zeros_like(request.index)
    key = keys(request.seed, index)
    here = normal(key, 0, shape)
    if part is None or request.options.towards_seed is None:
        return key, here
    there = normal(keys(request.options.towards_seed, index), 0, shape)
    return key, slerp(here, there, part)


def slerp(a: Tensor, b: Tensor, part: Tensor) -> Tensor:
    """a and b [B, ...], part [B]: between them at the same angle a step."""
    flat = a.flatten(1), b.flatten(1)
    cosine = torch.nn.functional.cosine_similarity(*flat, dim=1).clamp(-1, 1)
    angle = cosine.acos().clamp(min=1e-4, max=torch.pi - 1e-4)
    first, second = (((1 - part) * angle).sin(), (part * angle).sin())
    return (spread(first / angle.sin(), a)) * a + spread(second / angle.sin(), a) * b


def begun(
    state: State, request: Encoded, noise: Tensor, begin: float, steps: int, shift: float = 1.0
) -> Tensor:
    """x [B, C, *grid] that the samples begin with; writes their schedule into the state.

    An item of strength s begins at the time s with that share of the steps (Meng et al. 2021,
    section 3). Where a part of it is to stay, each step is taken several times.
    """
    rows, item, options = len(noise), request.item, request.options
    strength = 1.0
    if item is not None:
        usual = STRENGTH if request.fresh is None else 1.0
        strength = usual if options.strength is None else options.strength
    steps, begin = (max(1, round(steps * strength)) if strength else 0), begin * strength
    if item is not None and request.fresh is not None:
        state["item"] = item.expand(rows, *item.shape).clone()
        state["fresh"] = request.fresh.bool().expand(rows, 1, *request.fresh.shape).clone()
        if request.shown:  # a net that is told what stays needs no pull towards it
            state["shown"] = torch.ones(rows, dtype=torch.bool, device=noise.device)
        anew = steps and not request.shown
        path = noise.new_tensor(walk(steps, begin, TURNS, shift)).reshape(-1, 2) if anew else None
        if path is not None:
            state["from"], state["to"] = (p.expand(rows, -1).clone() for p in path.unbind(1))
            steps = len(path)
    if shift != 1:
        state["shift"] = noise.new_full((rows,), shift)
    whole = torch.zeros(rows, dtype=torch.long, device=noise.device)
    state["steps"], state["begin"] = whole + steps, noise.new_full((rows,), begin)
    return begin * noise if item is None else (1 - begin) * item + begin * noise


def unheard(state: State) -> bool:
    """Whether a part of the item is to stay that the net is not told of."""
    return "item" in state and "shown" not in state


def kept(state: State, x: Tensor, there: Tensor) -> Tensor:
    """x after a step to the time `there`: what is to stay stands at its own level of noise, and
    noise is added where the next step begins above (Lugmayr et al. 2022, equation 8)."""
    if not unheard(state):
        return x
    shape, at = tuple(x.shape[1:]), spread(there, x)
    fresh_noise = normal(state["key"], KEPT + state["step"], shape)
    x = torch.where(state["fresh"], x, (1 - at) * state["item"] + at * fresh_noise)
    above = span(state, state["step"] + 1)[0]
    again = above > there
    if not bool(again.any()):
        return x
    scale = (1 - above) / (1 - there)
    added = (above.square() - (scale * there).square()).clamp(min=0).sqrt()
    noised = spread(scale, x) * x + spread(added, x) * normal(
        state["key"], AGAIN + state["step"], shape
    )
    return torch.where(spread(again, x), noised, x)


def matched(
    state: State, x: Tensor, time: Tensor, told: Callable[[State, Tensor, Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    """The velocity that `told` makes of a state, x and time, and what is added to it so that the
    clean item it leads to fits what is to stay: the gradient, through the net, of how far it is off
    (Chung et al. 2022, section 3). On a CPU one item at a time: the order of a sum, and so the
    last bit, follows from the batch's size."""
    size = 1 if x.device.type == "cpu" else len(x)
    made = []
    for n in range(0, len(x), size):
        rows = slice(n, n + size)
        some = {name: value[rows] for name, value in state.items()}
        made.append(_matched(some, x[rows], time[rows], told))
    velocities, pulls = zip(*made, strict=True)
    return torch.cat(velocities), torch.cat(pulls)


def _matched(
    state: State, x: Tensor, time: Tensor, told: Callable[[State, Tensor, Tensor], Tensor]
) -> tuple[Tensor, Tensor]:
    with torch.inference_mode(False), torch.enable_grad():
        own = {name: value.clone() for name, value in state.items()}  # may take part in a gradient
        here, at = x.clone().requires_grad_(True), time.clone()
        velocity = told(own, here, at).float()
        clean = here - spread(at, here) * velocity
        off = (own["item"] - clean).masked_fill(own["fresh"], 0.0).detach()
        (slope,) = torch.autograd.grad((clean * off).sum(), here)
        pull = -PULL * slope / spread(at, here).clamp(min=STILL)
    return velocity.detach(), pull.detach()


def shifts(state: State, grid: tuple[int, ...]) -> Tensor | None:
    """long [B, A]: how far each seamless sample is turned around in this step, or None."""
    if "seamless" not in state:
        return None
    sides = torch.tensor(grid, device=state["key"].device)
    part = uniform(state["key"], ROLL + state["step"], len(grid))
    return (part * sides).long()


def turned(state: State, shift: Tensor | None) -> State:
    """The state with all that lies on the grid turned around."""
    if shift is None:
        return state
    lying = ("control", "item", "fresh")
    return state | {name: rolled(state[name], shift) for name in lying if name in state}


def rolled(x: Tensor, shift: Tensor | None) -> Tensor:
    """x [B, C, *grid], each item turned around by its own shift [B, A]."""
    if shift is None:
        return x
    for axis in range(shift.shape[1]):
        side = x.shape[2 + axis]
        place = (torch.arange(side, device=x.device) - shift[:, axis, None]) % side
        shape = [len(x), 1, *(side if a == axis else 1 for a in range(shift.shape[1]))]
        x = x.gather(2 + axis, place.reshape(shape).expand(x.shape))
    return x
