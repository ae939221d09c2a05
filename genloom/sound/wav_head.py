"""The beginning of a WAV file whose end is not known yet. Knows bytes alone, and costs no torch."""

from __future__ import annotations

import struct

ENDLESS = 0xFFFFFFFF  # bytes: readers take such files to their end
PCM, BITS = 1, 16


def wav_head(rate: int, channels: int = 1) -> bytes:
    """What stands before samples of 16 bits, low bytes first."""
    frame = channels * BITS // 8
    form = struct.pack("<IHHIIHH", 16, PCM, channels, rate, frame * rate, frame, BITS)
    endless = struct.pack("<I", ENDLESS)
    return b"RIFF" + endless + b"WAVEfmt " + form + b"data" + endless
