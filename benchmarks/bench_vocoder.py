"""Sounds from the mel frames of held-out recordings: a trained vocoder beside Griffin-Lim.

Usage: bench_vocoder.py MODEL DATA [--count 40] [--keep FOLDER]
MODEL was made by `genloom train vocoder DATA`; measured are recordings that it held out. Mel
distance is the mean gap of logarithms at windows of 256, 512, 1024 and 2048, STFT distance the same
of magnitudes; F0 error the median gap in cents where both have a pitch, by autocorrelation. The
floor keeps the magnitudes that Griffin-Lim begins with under random phases; the ceiling is the
recording at 3/4 of its rate and back. --keep: spectrograms and sounds of the first ones.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from pathlib import Path

import protocol
import torch
from torch import Tensor

from genloom.codec.saving import write_atomic
from genloom.codec.sound_files import write_sound
from genloom.codec.spectrogram import sheet_bytes
from genloom.codec.vocoding import Vocoder
from genloom.data.split import split_items, take
from genloom.family.spectral import magnitudes
from genloom.sound.phases import waves_of_mel
from genloom.sound.resampling import resample
from genloom.sound.spectra import Frames
from genloom.sound.wave import Sound

SIZES = {256: 24, 512: 40, 1024: 80, 2048: 120}  # windows, and their mel bands
PITCHES = (70.0, 400.0)  # Hz
VOICED = 0.5  # of the autocorrelation's height
SHOWN = 3
Way = Callable[[Tensor], Tensor]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    protocol.head(f"Vocoder: {args.model.name} on held-out recordings of {args.data.name}")
    vocoder = Vocoder.of(args.model)
    items = vocoder.codec.read(args.data).items
    held = take(items, split_items(len(items), 0.1)[1])
    step = max(1, len(held) // args.count)
    real = [vocoder.codec.mono(one.open()) for one in held[::step][: args.count]]
    made = {name: _timed(way, real) for name, way in _ways(vocoder).items()}
    rows = [
        {
            "way": name,
            **_judged(real, sounds, vocoder.frames.rate),
            "seconds a second": f"{took * vocoder.frames.rate:.4f}",
        }
        for name, (sounds, took) in made.items()
    ]
    protocol.table(rows)
    if args.keep:
        _keep(args.keep, vocoder, real, {name: sounds for name, (sounds, _) in made.items()})


def _ways(vocoder: Vocoder) -> dict[str, Way]:
    frames = vocoder.frames

    def griffin_lim(rounds: int) -> Way:
        return lambda x: waves_of_mel(frames, frames.mel(x), rounds)

    return {
        "random phases (floor)": griffin_lim(0),
        "Griffin-Lim, 32 rounds": griffin_lim(32),
        "Griffin-Lim, 100 rounds": griffin_lim(100),
        "vocoder": lambda x: vocoder.waves(frames.mel(x)),
        "resampled (ceiling)": lambda x: resample(
            resample(x, frames.rate, frames.rate * 3 // 4), frames.rate * 3 // 4, frames.rate
        ),
    }


def _timed(way: Way, real: list[Tensor]) -> tuple[list[Tensor], float]:
    """Sounds, and the seconds of a core that a sample takes."""
    way(real[0])
    begun = time.process_time()
    made = [way(x)[: len(x)] for x in real]
    return made, (time.process_time() - begun) / sum(map(len, real))


def _judged(real: list[Tensor], made: list[Tensor], rate: int) -> dict[str, str]:
    pairs = list(zip(real, made, strict=True))
    gaps = [_gaps(x, y, rate) for x, y in pairs]
    cents = [c for x, y in pairs for c in _cents(x, y, rate)]
    mel, plain = (sum(g[n] for g in gaps) / len(gaps) for n in (0, 1))
    pitch = f"{sorted(cents)[len(cents) // 2]:.1f}" if cents else "-"
    return {"mel": f"{mel:.3f}", "STFT": f"{plain:.3f}", "F0, cents": pitch}


def _gaps(x: Tensor, y: Tensor, rate: int) -> tuple[float, float]:
    mels, plains = [], []
    for window, bands in SIZES.items():
        filters = Frames(rate=rate, window=window, hop=window // 4, bands=bands).filters()
        weights = filters / filters.sum(1, keepdim=True).clamp(min=1e-9)
        a, b = (magnitudes(one[None], window)[0] for one in (x, y))
        mels.append(float(((weights @ a + 1e-6).log() - (weights @ b + 1e-6).log()).abs().mean()))
        plains.append(float((a.log() - b.log()).abs().mean()))
    return sum(mels) / len(mels), sum(plains) / len(plains)


def _cents(x: Tensor, y: Tensor, rate: int) -> list[float]:
    a, b = (_pitches(one, rate) for one in (x, y))
    return [abs(1200 * math.log2(q / p)) for p, q in zip(a, b, strict=True) if p and q]


def _pitches(x: Tensor, rate: int) -> list[float]:
    """Hz of each 40 ms, every 20; 0 where there is none."""
    size, low, high = rate // 25, int(rate / PITCHES[1]), int(rate / PITCHES[0])
    if len(x) < size:
        return []
    pieces = x.unfold(0, size, size // 2)
    pieces = pieces - pieces.mean(1, keepdim=True)
    spectrum = torch.fft.rfft(pieces, 2 * size)
    around = torch.fft.irfft(spectrum.abs().square())[:, : high + 1]
    height, place = (around[:, low:] / around[:, :1].clamp(min=1e-6)).max(1)
    voiced = (height > VOICED) & (pieces.square().mean(1).sqrt() > 0.01)
    return [
        rate / (low + p) if v else 0.0 for p, v in zip(place.tolist(), voiced.tolist(), strict=True)
    ]


def _keep(
    folder: Path, vocoder: Vocoder, real: list[Tensor], made: dict[str, list[Tensor]]
) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    every = {"recording": real, **made}
    mels, names = [], []
    for number in range(min(SHOWN, len(real))):
        for name, sounds in every.items():
            sound = Sound(sounds[number].clamp(-1, 1)[None], vocoder.frames.rate)
            write_sound(sound, folder / f"{number}-{name.split(' (')[0].replace(' ', '-')}.wav")
            mels.append(vocoder.frames.mel(sounds[number]))
            names.append(name)
    write_atomic(folder / "spectrograms.png", sheet_bytes(mels, names, len(every)))


if __name__ == "__main__":
    main()
