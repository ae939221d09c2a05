"""Averages of the weights whose length can be chosen after training.

Two running averages with power-function profiles are kept and stored now and then; any other
profile is then the best linear combination of what was stored (Karras et al. 2024, EDM2, section
3.2 and appendix C). Knows tensors and steps only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

WIDTHS = (0.05, 0.10)  # relative widths of the two tracked averages
EVERY = 4  # steps between updates: a quarter of the cost, no measurable difference


def exponent(width: float) -> float:
    """gamma of the profile t^gamma whose relative standard deviation is width (EDM2, eq. 126)."""
    roots = np.roots([1.0, 7.0, 16.0 - width**-2, 12.0 - width**-2])
    return float(roots.real.max())


class Average:
    """The two running averages over a list of parameters."""

    def __init__(self, params: Sequence[Tensor]) -> None:
        self.params = list(params)
        self.tracks = [[p.detach().clone() for p in self.params] for _ in WIDTHS]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """After step number `step` (from 1)."""
        if step % EVERY:
            return
        count = step // EVERY
        for width, track in zip(WIDTHS, self.tracks, strict=True):
            keep = (1 - 1 / count) ** (exponent(width) + 1)
            torch._foreach_lerp_(track, self.params, 1 - keep)

    def state(self) -> dict[str, Tensor]:
        return {f"{n}.{m}": x for n, t in enumerate(self.tracks) for m, x in enumerate(t)}

    def restore(self, state: Mapping[str, Tensor]) -> None:
        for n, track in enumerate(self.tracks):
            for m, x in enumerate(track):
                x.copy_(state[f"{n}.{m}"])


def _overlap(t_a: np.ndarray, g_a: np.ndarray, t_b: np.ndarray, g_b: np.ndarray) -> np.ndarray:
    """Inner product of two profiles (EDM2, appendix C, algorithm 2)."""
    ratio = t_a / t_b
    power = np.where(t_a < t_b, g_b, -g_a)
    both = g_a + g_b + 1
    top = (g_a + 1) * (g_b + 1) * ratio**power
    return top / (both * np.maximum(t_a, t_b))


def combination(times: Sequence[float], widths: Sequence[float], width: float) -> np.ndarray:
    """Weights of the stored averages (at `times`, of `widths`) that best make the profile of
    `width` at the last time; they sum to one."""
    t = np.asarray(times, dtype=np.float64)
    g = np.asarray([exponent(w) for w in widths])
    a = _overlap(t[:, None], g[:, None], t[None], g[None])
    end, gamma = np.full_like(t, t.max()), np.full_like(t, exponent(width))
    b = _overlap(t, g, end, gamma)
    weight = np.linalg.lstsq(a, b, rcond=1e-10)[0]
    return weight / weight.sum()


def likeness(times: Sequence[float], widths: Sequence[float], width: float) -> float:
    """Cosine between the profile of `width` at the last time and the combination that stands for
    it: 1 where it is made exactly."""
    t = np.asarray(times, dtype=np.float64)
    g = np.asarray([exponent(w) for w in widths])
    share = combination(times, widths, width)
    end, gamma = np.full_like(t, t.max()), np.full_like(t, exponent(width))
    own = share @ _overlap(t[:, None], g[:, None], t[None], g[None]) @ share
    whole = _overlap(end[:1], gamma[:1], end[:1], gamma[:1])[0]
    return float(share @ _overlap(t, g, end, gamma) / (own * whole) ** 0.5)


def reconstruct(
    stored: Sequence[tuple[float, Sequence[Sequence[Tensor]]]], width: float
) -> list[Tensor]:
    """The average of relative `width` from stored (time, tracks)."""
    times = [t for t, _ in stored for _ in WIDTHS]
    widths = [w for _ in stored for w in WIDTHS]
    flat = [track for _, tracks in stored for track in tracks]
    share = combination(times, widths, width)
    out = [torch.zeros_like(x, dtype=torch.float64) for x in flat[0]]
    for weight, track in zip(share, flat, strict=True):
        for total, x in zip(out, track, strict=True):
            total += float(weight) * x.double()
    return [x.to(flat[0][m].dtype) for m, x in enumerate(out)]
