"""A trained vocoder as a part of the codecs whose items are mel frames.

How it is taken from the folder of a model that `genloom train vocoder` has made, and kept, is the
business of kept.py. Knows frames and samples; no family and no loop.
Shape legend: M mel bands, T frames, N samples.
"""

from __future__ import annotations

import torch
from torch import Tensor

from genloom.codec.kept import Kept, device
from genloom.codec.sound.waves import WavesCodec
from genloom.net.vocoder import Vocoder as Net
from genloom.sound.phases import nearer
from genloom.sound.spectra import Frames


class Vocoder(Kept):
    """Mel frames -> samples, by a net at rest."""

    nets = Net
    codecs = WavesCodec
    called = "vocoder"
    made_by = "genloom train vocoder"
    files = ("vocoder.json", "vocoder.safetensors", "vocoder")

    @property
    def frames(self) -> Frames:
        """How it wants sounds to be cut into frames."""
        frames: Frames = self.codec.cut
        return frames

    @torch.no_grad()
    def waves(self, mel: Tensor) -> Tensor:
        """float [N = T * hop] of mel frames [M, T] in logarithms, on the CPU, brought nearer to
        them than the net alone comes. The same whatever else is made."""
        told = self.codec.scaled(mel)[None].to(device())
        return nearer(self.frames, self.net(told)[0][0, 0].float().cpu(), mel)
