"""Short-time spectra, mel frames and the way back: what speech and sounds are learnt as.

A frame t is centred at sample t * hop; N samples have N / hop frames, so that frames and samples
cover each other exactly. Mel bands follow Slaney's Auditory Toolbox (linear to 1 kHz, logarithmic
above), each of unit area. Knows no file and no net.
Shape legend: B sounds, N samples, T frames, F frequencies (window / 2 + 1), M mel bands.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor

FLOOR = 1e-5  # of a mel band's magnitude: below it is silence


@dataclass(frozen=True, kw_only=True)
class Frames:
    """How sounds are cut into frames: rate in samples a second, window and hop in samples, mel
    bands between low and high in Hz (high 0: half of the rate)."""

    rate: int
    window: int = 1024
    hop: int = 256
    bands: int = 80
    low: float = 0.0
    high: float = 0.0

    def check(self) -> None:
        """ValueError where the numbers do not fit each other."""
        if self.window < 16 or self.window % 2 or self.window % self.hop:
            raise ValueError(
                f"a window of {self.window} and a hop of {self.hop}: the hop is to divide it"
            )
        if not 0 <= self.low < self.top <= self.rate / 2:
            raise ValueError(
                f"bands from {self.low} to {self.top} Hz: within 0 and {self.rate / 2}"
            )
        if not 1 <= self.bands <= self.window // 2:
            raise ValueError(f"{self.bands} bands: 1 to {self.window // 2} are expected")

    @property
    def top(self) -> float:
        return self.high or self.rate / 2

    # --- spectra ----------------------------------------------------------------------------------

    def spectrum(self, x: Tensor) -> Tensor:
        """complex [..., F, T] of float [..., N]; T = ceil(N / hop). Edges are mirrored."""
        made = torch.stft(
            self._whole(x),
            self.window,
            self.hop,
            window=hann(self.window, x.device),
            center=False,
            return_complex=True,
        )
        return made.reshape(*x.shape[:-1], *made.shape[1:])

    def pieces(self, x: Tensor) -> Tensor:
        """float [..., T, window] of float [..., N]: what each frame sees, before it is windowed."""
        rows = self._whole(x).unfold(-1, self.window, self.hop)
        return rows.reshape(*x.shape[:-1], *rows.shape[1:])

    def _whole(self, x: Tensor) -> Tensor:
        """[R, N] in whole hops with what the outermost frames see besides."""
        frames = -(-x.shape[-1] // self.hop)
        rows = x.reshape(-1, x.shape[-1])
        edge = (self.window - self.hop) // 2
        rows = F.pad(rows, (0, frames * self.hop - x.shape[-1]))
        return _mirrored(rows, edge, self.window - self.hop - edge)

    def waves(self, spectrum: Tensor) -> Tensor:
        """float [..., T * hop] of complex [..., F, T]: the least-squares inverse of `spectrum`
        (Griffin & Lim 1984, eq. 6)."""
        rows = spectrum.reshape(-1, *spectrum.shape[-2:])
        window = hann(self.window, spectrum.device)
        pieces = torch.fft.irfft(rows, self.window, dim=1) * window[:, None]
        whole = self.window + (rows.shape[-1] - 1) * self.hop
        made = _overlapped(pieces, whole, self.hop)
        weight = _overlapped(
            window.square()[None, :, None].expand(1, -1, rows.shape[-1]), whole, self.hop
        )
        edge = (self.window - self.hop) // 2
        length = rows.shape[-1] * self.hop
        out = (made / weight.clamp(min=1e-8))[:, edge : edge + length]
        return out.reshape(*spectrum.shape[:-2], length)

    # --- mel --------------------------------------------------------------------------------------

    def mel(self, x: Tensor) -> Tensor:
        """float [..., M, T]: natural logarithms of mel magnitudes, not below log(FLOOR)."""
        magnitude = self.spectrum(x).abs()
        return (self.filters(x.device) @ magnitude).clamp(min=FLOOR).log()

    def magnitudes(self, mel: Tensor) -> Tensor:
        """float [..., F, T]: magnitudes with these mel bands, the least-squares ones without
        negative numbers."""
        inverse = _pseudo_inverse(self).to(mel.device)
        return (inverse @ mel.exp()).clamp(min=0)

    def filters(self, device: torch.device | None = None) -> Tensor:
        """float [M, F]."""
        return _filters(self).to(device or "cpu")


@cache
def hann(size: int, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # kept, and used in training, too
        return torch.hann_window(size, device=device)


def _mirrored(rows: Tensor, left: int, right: int) -> Tensor:
    """Mirrored at both ends, as often as a short sound needs; silence where there is nothing."""
    while left or right:
        most = rows.shape[-1] - 1
        if most < 1:
            return F.pad(rows, (left, right))
        now = min(left, most), min(right, most)
        rows = F.pad(rows[:, None], now, mode="reflect")[:, 0]
        left, right = left - now[0], right - now[1]
    return rows


def _overlapped(pieces: Tensor, length: int, hop: int) -> Tensor:
    """[B, W, T] -> [B, length]: each piece `hop` behind the one before, added."""
    size = pieces.shape[1]
    return F.fold(pieces, (1, length), (1, size), stride=(1, hop))[:, 0, 0]


@cache
def _filters(frames: Frames) -> Tensor:
    low, high = (float(one) for one in _mels(torch.tensor([frames.low, frames.top])))
    edges = _hertz(torch.linspace(low, high, frames.bands + 2))
    bins = torch.linspace(0, frames.rate / 2, frames.window // 2 + 1, dtype=torch.float64)
    left, middle, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising, falling = (bins - left) / (middle - left), (right - bins) / (right - middle)
    area = 2 / (right - left)
    return (torch.minimum(rising, falling).clamp(min=0) * area).float()


@cache
def _pseudo_inverse(frames: Frames) -> Tensor:
    return torch.linalg.pinv(_filters(frames).double()).float()


def _mels(hertz: Tensor) -> Tensor:
    hertz = hertz.double()
    return torch.where(
        hertz < 1000, hertz * 3 / 200, 15 + 27 * (hertz.clamp(min=1) / 1000).log() / LOG_STEP
    )


def _hertz(mels: Tensor) -> Tensor:
    mels = mels.double()
    return torch.where(mels < 15, mels * 200 / 3, 1000 * ((mels - 15) * LOG_STEP / 27).exp())


LOG_STEP = torch.tensor(6.4, dtype=torch.float64).log()
