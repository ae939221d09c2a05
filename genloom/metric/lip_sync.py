"""How far a mouth is from what is heard: the lag at which its opening follows the sound's energy
best, in milliseconds.

Broadcasters tell a lag of 45 ms early to 125 ms late (ITU-R BT.1359). Knows series of numbers; not
who speaks or how a mouth is drawn.
Shape legend: N samples, T frames.
"""

from __future__ import annotations

import numpy as np

STEP = 0.005  # seconds from value to value while comparing
FARTHEST = 0.5  # seconds that are looked at on either side
SMOOTH = 0.04  # seconds over which energy is averaged


def envelope(samples: np.ndarray, rate: int) -> np.ndarray:
    """float [N seconds / STEP]: the sound's energy over time, in logarithms above its floor."""
    size = max(1, round(SMOOTH * rate))
    power = np.convolve(np.square(samples.astype(float)), np.ones(size) / size, mode="same")
    ticks = (np.arange(int(len(samples) / rate / STEP)) * STEP * rate).astype(int)
    level = np.sqrt(power[ticks])
    top = max(float(level.max(initial=0.0)), 1e-9)
    loud: np.ndarray = np.log10(np.maximum(level / top, 1e-3)) / 3 + 1  # 0: 60 dB below the loudest
    return loud


def lag(opening: np.ndarray, frames: float, loud: np.ndarray) -> tuple[float, float]:
    """(milliseconds by which the mouth is late, how well it then follows, -1 to 1). opening: one
    value a frame, `frames` of them a second; loud: as `envelope` makes it."""
    seconds = np.arange(len(loud)) * STEP
    middles = (np.arange(len(opening)) + 0.5) / frames
    mouth = np.interp(seconds, middles, opening, left=0.0, right=0.0)
    most = int(FARTHEST / STEP)
    found = [(_fit(mouth, loud, shift), -abs(shift), shift) for shift in range(-most, most + 1)]
    best, _, shift = max(found)
    return 1000 * STEP * shift, best


def _fit(mouth: np.ndarray, loud: np.ndarray, shift: int) -> float:
    """Correlation of the mouth so many steps later with the energy."""
    a = mouth[max(0, shift) : len(mouth) + min(0, shift)]
    b = loud[max(0, -shift) : len(loud) + min(0, -shift)]
    if len(a) < 4 or a.std() < 1e-9 or b.std() < 1e-9:
        return -1.0
    return float(np.corrcoef(a, b)[0, 1])
