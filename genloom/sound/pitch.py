"""How often a signal repeats itself, frame by frame.

The autocorrelation of a windowed piece over that of its window (Boersma 1993, eq. 9), its highest
peak between two frequencies, shorter periods preferred a little (eq. 24), refined by a parabola.
Knows signals and frames of theirs, no rate: frequencies are turns a sample.
Shape legend: ... leading dimensions, N samples, T frames.
"""

from __future__ import annotations

import torch
from torch import Tensor

from genloom.sound.spectra import Frames, hann

OCTAVE = 0.03  # what a period twice as long has to be better by
FINER = 2  # lags a sample: between whole ones the peaks of bright voices are missed
QUIET = 1e-6  # of a piece's mean square: below it nothing repeats itself


def pitches(x: Tensor, frames: Frames, low: float, high: float) -> tuple[Tensor, Tensor]:
    """float [..., N] -> (frequencies in turns a sample between low and high [..., T], how alike a
    period and the next one are, at most 1 [..., T])."""
    pieces = frames.pieces(x)
    pieces = pieces - pieces.mean(-1, keepdim=True)
    first, last = int(FINER / high), min(int(FINER / low) + 1, FINER * (frames.window - 2))
    first = max(2, first)
    alike = _alike(pieces, last + 2)
    a, b, c = alike[..., first - 1 : -2], alike[..., first:-1], alike[..., first + 1 :]
    peak = (b >= a) & (b >= c)
    aside = 0.5 * (c - a) / (2 * b - a - c).clamp(min=1e-9)
    aside = torch.where(peak, aside, torch.zeros_like(aside)).clamp(-0.5, 0.5)
    height = b + 0.25 * aside * (c - a)
    lags = torch.arange(first, last + 1, device=x.device)
    judged = height - OCTAVE * (lags / first).log2()
    found = judged.masked_fill(~peak, -2.0).argmax(-1, keepdim=True)
    lag, height, there = (
        one.gather(-1, found)[..., 0] for one in (lags + aside, height.clamp(0, 1), peak)
    )
    there = there & (pieces.square().mean(-1) > QUIET)
    turns = (FINER / lag).clamp(low, high)
    return turns, torch.where(there, height, torch.zeros_like(height))


def _alike(pieces: Tensor, lags: int) -> Tensor:
    """float [..., T, lags] of lags in parts of a sample: at most about 1."""
    size = pieces.shape[-1]
    window = hann(size, pieces.device)
    both = torch.cat((pieces.flatten(0, -2) * window, window[None]))
    power = torch.fft.rfft(both, 2 * size).abs().square()
    around = torch.fft.irfft(power, FINER * 2 * size)[:, :lags]
    around = around / around[:, :1].clamp(min=1e-9)
    return (around[:-1] / around[-1].clamp(min=1e-3)).reshape(*pieces.shape[:-1], lags)


def steady(turns: Tensor, voiced: Tensor) -> Tensor:
    """float [..., T]: frequencies where there is a voice; between them what lies nearest in time,
    and the middle of the range where there is none at all."""
    places = torch.arange(turns.shape[-1], device=turns.device)
    far = (places[:, None] - places).abs().expand(*turns.shape, -1)
    nearest = far.masked_fill(~voiced[..., None, :], 1 << 30).argmin(-1)
    return turns.gather(-1, nearest)
