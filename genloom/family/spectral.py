"""How far two signals are from each other in what is heard of them: their spectra at several
resolutions at once, phases left out.

Logarithms of mel magnitudes (Kumar et al. 2023, DAC, section 3.5) and of magnitudes (Yamamoto et
al. 2020, eq. 3-6) of windows from short to long. Knows arrays of one grid axis, no rate: mel bands
lie where they would at RATE, which is a matter of weighting alone.
Shape legend: B items, C channels, N places of the grid, F frequencies, T frames.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

from genloom.sound.spectra import Frames, hann

RATE = 16_000
BANDS = {64: 10, 128: 16, 256: 24, 512: 40, 1024: 80, 2048: 120}  # window -> mel bands
OVERLAP = 4
FLOOR = 3e-4  # of a magnitude, as a share of full scale's noise: 70 dB below
LINEAR = 0.5  # weight of the plain magnitudes beside the mel bands


def spectral_distance(out: Tensor, x: Tensor, sizes: Sequence[int] = ()) -> Tensor:
    """float [B]: the mean distance of logarithms over windows of these sizes, or over all that fit
    [B, C, N]."""
    rows = torch.cat((out, x)).float().flatten(0, 1)
    found = [_distance(magnitudes(rows, w), w, len(x)) for w in sizes or windows(x.shape[-1])]
    return sum(found, torch.zeros(len(x), device=x.device)) / len(found)


def some(places: int, count: int, rng: Generator) -> list[int]:
    """So many of the windows that fit, drawn; all where that is 0."""
    every = windows(places)
    if not 0 < count < len(every):
        return every
    drawn = torch.randperm(len(every), generator=rng, device=rng.device)[:count]
    return [every[n] for n in drawn.tolist()]


def windows(places: int) -> list[int]:
    """Sizes of windows, of which the longest takes in no more than the signal."""
    return [w for w in BANDS if w <= max(places, min(BANDS))]


def magnitudes(rows: Tensor, window: int) -> Tensor:
    """float [R, F, T] of signals [R, N]: white noise of deviation s has magnitudes near s."""
    shape = hann(window, rows.device)
    edge = (window - window // OVERLAP) // 2
    short = rows.shape[1] <= edge  # to be mirrored
    rows = F.pad(rows, (0, window)) if short else rows
    rows = F.pad(rows[:, None], (edge, edge), mode="reflect")
    spectrum = torch.stft(
        rows[:, 0],
        window,
        window // OVERLAP,
        window=shape / shape.square().sum().sqrt(),
        center=False,
        return_complex=True,
    )
    power = torch.view_as_real(spectrum).square().sum(-1)
    return (power + FLOOR * FLOOR).sqrt()  # no slope is steep where there is silence


def _distance(magnitude: Tensor, window: int, count: int) -> Tensor:
    """[B] of magnitudes [2 B C, F, T], those of what was made first."""
    heard = (_bands(window).to(magnitude.device) @ magnitude).log(), magnitude.log()
    mel, plain = (_mean_gap(one, count) for one in heard)
    return mel + LINEAR * plain


def _mean_gap(both: Tensor, count: int) -> Tensor:
    made, real = both.chunk(2)
    return (made - real).abs().reshape(count, -1).mean(1)


@cache
def _bands(window: int) -> Tensor:
    """float [M, F], the weights of each band adding up to 1."""
    filters = Frames(rate=RATE, window=window, hop=window // OVERLAP, bands=BANDS[window]).filters()
    total = filters.sum(1, keepdim=True)
    return torch.where(total > 0, filters / total.clamp(min=1e-9), 0.0)[total[:, 0] > 0]
