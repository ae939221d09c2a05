"""Spectrograms as pictures: a sheet that a person looks at. Knows mel frames and pixels.

Shape legend: M mel bands, T frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from genloom.codec.image.files import png_bytes
from genloom.codec.image.grid import grid
from genloom.codec.image.pictures import pillow

RANGE = 9.0  # natural logarithms below the loudest that are told apart: 78 dB
HEIGHT, WIDTH = 160, 320  # pixels at most
# From dark to light by way of blue, violet and orange: even steps of lightness.
COLOURS = ((4, 5, 16), (40, 28, 92), (110, 40, 128), (186, 62, 96), (240, 120, 56), (252, 240, 180))


def sheet_bytes(mels: Sequence[Tensor], captions: Sequence[str], columns: int = 4) -> bytes:
    """A PNG of spectrograms [M, T] in rows, low frequencies below."""
    pictures = [picture(mel) for mel in mels]
    return png_bytes(grid(pictures, captions if any(captions) else None, columns), None)


def picture(mel: Tensor) -> Any:
    """A pillow image, time to the right."""
    values = mel.float().flip(0)
    values = ((values - values.max()) / RANGE + 1).clamp(0, 1)
    image = pillow().fromarray((_coloured(values) * 255).round().byte().numpy())
    height = max(HEIGHT // 2, min(HEIGHT, mel.shape[0]))
    return image.resize((WIDTH, height), pillow().Resampling.BILINEAR)


def _coloured(values: Tensor) -> Tensor:
    """float [M, T] within [0, 1] -> [M, T, 3]."""
    table = torch.tensor(COLOURS) / 255
    place = values * (len(COLOURS) - 1)
    low = place.floor().long().clamp(max=len(COLOURS) - 2)
    part = (place - low)[..., None]
    return table[low] * (1 - part) + table[low + 1] * part
