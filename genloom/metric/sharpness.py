"""How much fine detail pictures have, whatever they show.

Blurred pictures have little, noisy ones have too much: read it beside the same figure of real
pictures. Knows no files and no models.
Shape legend: N pictures, C channels, H rows, W columns; values [-1, 1].
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from genloom.errors import DataError


def sharpness(x: Tensor) -> Tensor:
    """Root mean square of the discrete Laplacian [N], over channels and inner pixels (Pertuz et al.
    2013, "energy of Laplacian")."""
    if x.dim() != 4 or not len(x) or min(x.shape[2:]) < 3:
        raise DataError(f"pictures [N, C, H, W] of 3 pixels or more needed, not {tuple(x.shape)}")
    kernel = torch.tensor([[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]], dtype=x.dtype)
    found = F.conv2d(x.flatten(0, 1)[:, None], kernel[None, None].to(x.device))
    return found.view(len(x), -1).square().mean(1).sqrt()


def relative_sharpness(made: Tensor, real: Tensor) -> float:
    """Sharpness of the made over that of the real, each a mean: 1 is as sharp, below is blurred."""
    return float(sharpness(made).mean() / sharpness(real).mean().clamp(min=1e-12))
