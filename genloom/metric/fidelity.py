"""How near one picture is to another, pixel by pixel and window by window.

The mathematics of pairs: a made picture beside the real one that it stands for. Knows no files and
no models. Shape legend: N pairs, C channels, H rows, W columns; values [-1, 1].
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from genloom.errors import DataError

RANGE = 2.0  # from the least to the largest value
SIDE = 11  # of the window, at most
SPREAD = 1.5  # pixels, of the window's weights


def peak_signal_to_noise(made: Tensor, real: Tensor) -> Tensor:
    """Decibels [N]: 10 log10(RANGE^2 / mean squared error); infinite for equal pictures."""
    _same(made, real)
    error = (made.double() - real.double()).square().flatten(1).mean(1)
    return 10 * torch.log10(RANGE**2 / error)


def structural_similarity(made: Tensor, real: Tensor) -> Tensor:
    """[N], 1 for equal pictures (Wang et al. 2004, eq. 13, with their Gaussian window, 11 pixels
    wide with a spread of 1.5; narrower on smaller pictures), a mean over channels and places."""
    _same(made, real)
    x, y = made.double(), real.double()
    window = _window(min(SIDE, *x.shape[2:]))

    def mean(z: Tensor) -> Tensor:
        return F.conv2d(z.flatten(0, 1)[:, None], window).view(*z.shape[:2], -1)

    a, b = mean(x), mean(y)
    aa, bb, ab = mean(x * x) - a * a, mean(y * y) - b * b, mean(x * y) - a * b
    one, two = (0.01 * RANGE) ** 2, (0.03 * RANGE) ** 2
    value = (2 * a * b + one) * (2 * ab + two) / ((a * a + b * b + one) * (aa + bb + two))
    return value.flatten(1).mean(1)


def _window(side: int) -> Tensor:
    """[1, 1, S, S], weights that sum to one."""
    at = torch.arange(side, dtype=torch.float64) - (side - 1) / 2
    line = torch.exp(-at.square() / (2 * SPREAD**2))
    both = line[:, None] * line
    return (both / both.sum())[None, None]


def _same(made: Tensor, real: Tensor) -> None:
    if made.shape != real.shape or made.dim() != 4 or not len(made):
        raise DataError(
            f"pictures {tuple(made.shape)} and {tuple(real.shape)} cannot be compared: two equal "
            "shapes [N, C, H, W] are expected"
        )
