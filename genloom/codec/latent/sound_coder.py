"""A trained tokenizer of sounds with the codec of its recordings, as a part of the codecs that
build on it.

How it is taken from its model's folder and kept is the business of kept.py. Knows frames, codes and
samples; no family and no loop.
Shape legend: M mel bands, T frames, Q levels, P places, N samples.
"""

from __future__ import annotations

import torch
from torch import Tensor

from genloom.codec.kept import Kept, device
from genloom.codec.sound.waves import WavesCodec
from genloom.net.sound_tokenizer import SoundTokenizer
from genloom.sound.phases import nearer
from genloom.sound.spectra import Frames


class SoundCoder(Kept):
    """Samples <-> codes of several levels, by a net at rest."""

    nets = SoundTokenizer
    codecs = WavesCodec
    called = "tokenizer of sounds"
    made_by = "genloom train sound-tokenizer"
    files = ("tokenizer.json", "tokenizer.safetensors", "sounds")

    @property
    def frames(self) -> Frames:
        """How it wants sounds to be cut into frames."""
        frames: Frames = self.codec.cut
        return frames

    @property
    def levels(self) -> int:
        return int(self.net.config.levels)

    @property
    def size(self) -> int:
        """Codes of a level."""
        return int(self.net.config.codes)

    def places(self, samples: int) -> int:
        """How many places a sound of so many samples has."""
        return max(1, -(-samples // (self.frames.hop * self.net.config.every)))

    @torch.no_grad()
    def ids(self, x: Tensor) -> Tensor:
        """long [Q, P] of samples [N]."""
        told = self.codec.scaled(self.frames.mel(x))
        return self.net.ids(told[None].to(device()))[0].cpu()

    @torch.no_grad()
    def waves(self, ids: Tensor) -> Tensor:
        """float [N] of the first levels' codes, long [1 to Q, P], brought nearer to the frames that
        these say."""
        told = self.net.frames(ids[None].to(device()))
        made = self.net.vocoder(told)[0][0, 0].float().cpu()
        return nearer(self.frames, made, self.codec.unscaled(told[0].float().cpu()))
