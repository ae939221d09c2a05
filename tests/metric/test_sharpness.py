"""Detail of pictures: blur lowers it, noise raises it, a slope has none."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from genloom.errors import DataError
from genloom.metric.sharpness import relative_sharpness, sharpness


def test_a_slope_has_no_detail_and_a_chessboard_a_known_one():
    slope = torch.linspace(-1, 1, 9).expand(1, 1, 9, 9)
    board = ((torch.arange(9)[:, None] + torch.arange(9)) % 2 * 2.0 - 1).expand(1, 1, 9, 9)
    assert float(sharpness(slope)) == pytest.approx(0.0, abs=1e-6)
    assert float(sharpness(board)) == pytest.approx(8.0)


def test_blur_is_below_one_and_noise_above():
    real = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    real = F.avg_pool2d(real, 3, 1, 1)
    blurred = F.avg_pool2d(real, 3, 1, 1)
    noisy = real + torch.randn(real.shape, generator=torch.Generator().manual_seed(1)) * 0.5
    assert relative_sharpness(real, real) == pytest.approx(1.0)
    assert relative_sharpness(blurred, real) < 0.8
    assert relative_sharpness(noisy, real) > 1.2


def test_what_is_no_picture_is_refused():
    with pytest.raises(DataError, match="3 pixels or more"):
        sharpness(torch.zeros(1, 1, 2, 2))
