"""How far made sounds are from their recordings: by spectra, and by what is heard of a voice.

Mel distance is the mean gap of logarithms at windows of 256, 512, 1024 and 2048, STFT distance the
same of magnitudes. Pitch (sound/pitch.py): the share of the recording's voiced frames that have a
pitch within 50 cents of its own; the mean gap of how alike one period and the next are there
(hoarse where it is large); the share of its other frames, of those that sound, that stay without a
voice (a buzz where it is small).
"""

from __future__ import annotations

import torch
from torch import Tensor

from genloom.family.spectral import magnitudes
from genloom.sound.pitch import pitches
from genloom.sound.spectra import Frames

SIZES = {256: 24, 512: 40, 1024: 80, 2048: 120}  # windows, and their mel bands
PITCHES = (60.0, 480.0)  # Hz
SIGHT = 0.048  # seconds that a pitch is looked for in
VOICED, UNVOICED = 0.6, 0.4  # of how alike two periods are; between the two nothing is counted
LOUD = 0.005  # of full scale: quieter frames are not judged
CENTS = 50


def judged(real: list[Tensor], made: list[Tensor], rate: int) -> dict[str, str]:
    """Cells of a table, of sounds float [N] each."""
    pairs = list(zip(real, made, strict=True))
    gaps = [_gaps(x, y, rate) for x, y in pairs]
    mel, plain = (sum(g[n] for g in gaps) / len(gaps) for n in (0, 1))
    heard = [_voices(x, y, rate) for x, y in pairs]
    kept, hoarse, still = (torch.cat([one[n] for one in heard]).float() for n in range(3))
    return {
        "mel": f"{mel:.3f}",
        "STFT": f"{plain:.3f}",
        "pitch kept": f"{100 * float(kept.mean()):.1f} %",
        "period's gap": f"{float(hoarse.mean()):.3f}",
        "no voice kept": f"{100 * float(still.mean()):.1f} %",
    }


def _gaps(x: Tensor, y: Tensor, rate: int) -> tuple[float, float]:
    mels, plains = [], []
    for window, bands in SIZES.items():
        filters = Frames(rate=rate, window=window, hop=window // 4, bands=bands).filters()
        weights = filters / filters.sum(1, keepdim=True).clamp(min=1e-9)
        a, b = (magnitudes(one[None], window)[0] for one in (x, y))
        mels.append(float(((weights @ a + 1e-6).log() - (weights @ b + 1e-6).log()).abs().mean()))
        plains.append(float((a.log() - b.log()).abs().mean()))
    return sum(mels) / len(mels), sum(plains) / len(plains)


def _voices(x: Tensor, y: Tensor, rate: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of the recording's voiced frames: is the pitch kept, how far apart is the likeness of the
    periods; of its others: is there none."""
    low, high = (one / rate for one in PITCHES)
    window = int(SIGHT * rate) // 4 * 4
    frames = Frames(rate=rate, window=window, hop=window // 4)
    (p, a), (q, b) = (pitches(one, frames, low, high) for one in (x, y))
    loud = frames.pieces(x).square().mean(-1).sqrt() > LOUD
    voiced, still = (a > VOICED) & loud, (a < UNVOICED) & loud
    cents = 1200 * (q / p).log2().abs()
    kept = (cents < CENTS) & (b > UNVOICED)
    return kept[voiced], (a - b).abs()[voiced], (b < VOICED)[still]
