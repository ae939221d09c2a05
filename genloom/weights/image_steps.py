"""What is seen of a pipeline's call while it runs: each step of its schedule, pictures to show.

A schedule is watched from outside: its `step` is the one place that all kinds of pipelines pass,
once for each denoising step. Knows schedules and autoencoders; no request and no folder.
Shape legend: C channels, h w of a small picture.
"""

from __future__ import annotations

import functools
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from genloom.weights.turns import Baton

SHOWN = 32  # latents of a preview's longer side at most


class Seen:
    """What a picture's thread has shown so far: steps taken, of how many, and what the last one
    took for the finished latents."""

    def __init__(self, steps: int) -> None:
        self.taken, self.steps = 0, steps
        self.latents: Tensor | None = None


def watch(schedule: Any, seen: Seen, baton: Baton) -> None:
    """Let every step of the schedule be seen, and pause after it."""
    step = schedule.step

    @functools.wraps(step)  # pipelines look at its parameters
    def watched(out: Any, time: Any, sample: Any, *args: Any, **more: Any) -> Any:
        made = step(out, time, sample, *args, **more)
        seen.taken += 1
        seen.steps = max(seen.taken, min(seen.steps, len(schedule.timesteps)))
        seen.latents = clean(schedule, made, out, time, sample)
        baton.pause()
        return made

    schedule.step = watched


def clean(schedule: Any, made: Any, out: Tensor, time: Any, sample: Tensor) -> Tensor:
    """What a step points to: told by the schedule itself, or computed for straight paths (x - s v)
    and for noise in the usual proportions (Ho et al. 2020, eq. 15); else what the step made."""
    if len(made) > 1:
        return made[1]
    sigmas, index = getattr(schedule, "sigmas", None), getattr(schedule, "step_index", None)
    kind = schedule.config.get("prediction_type")
    if kind is None and sigmas is not None and index is not None:
        return sample - sigmas[max(0, index - 1)].to(sample.device) * out
    if kind == "epsilon" and sigmas is None and hasattr(schedule, "alphas_cumprod"):
        share = schedule.alphas_cumprod.to(sample.device)[torch.as_tensor(time).long().cpu()]
        return (sample - (1 - share).sqrt() * out) / share.sqrt()
    return made[0]


def preview(pipe: Any, latents: Tensor, grid: tuple[int, ...]) -> Tensor:
    """float [C, h, w]: latents averaged to SHOWN a side, then decoded, at a part of the cost."""
    vae, scale = pipe.vae, pipe.vae_scale_factor
    if hasattr(pipe, "_unpack_latents"):
        latents = pipe._unpack_latents(latents, *grid, scale)
    flat = latents.reshape(len(latents), latents.shape[1], *latents.shape[-2:]).float()
    share = min(1.0, SHOWN / max(flat.shape[-2:]))
    size = [max(1, round(side * share)) for side in flat.shape[-2:]]
    flat = F.interpolate(flat, size, mode="area")
    config = vae.config
    mean, spread = getattr(config, "latents_mean", None), getattr(config, "latents_std", None)
    flat = flat / (getattr(config, "scaling_factor", None) or 1.0)
    if mean and spread:
        flat = flat * flat.new_tensor(spread)[:, None, None] + flat.new_tensor(mean)[:, None, None]
    flat = (flat + (getattr(config, "shift_factor", None) or 0.0)).to(vae.dtype)
    deep = latents.dim() == 5
    out = vae.decode(flat[:, :, None] if deep else flat, return_dict=False)[0]
    return out[0, :, 0].float().cpu() if deep else out[0].float().cpu()
