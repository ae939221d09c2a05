"""Sounds from the mel frames of held-out recordings: a trained vocoder beside Griffin-Lim.

Usage: bench_vocoder.py MODEL DATA [--count 40] [--keep FOLDER] [--all]
MODEL was made by `genloom train vocoder`; measured are recordings of DATA that it held out, or any
of them with --all, where it never saw DATA. Mel distance is the mean gap of logarithms at windows
of 256, 512, 1024 and 2048, STFT distance the same of magnitudes. Pitch (sound/pitch.py): the share
of the recording's voiced frames that have a pitch within 50 cents of its own; the mean gap of how
alike one period and the next are there (hoarse where it is large); the share of its other frames,
of those that sound, that stay without a voice (a buzz where it is small). The floor keeps the
magnitudes that Griffin-Lim begins with under random phases; the ceiling of every way that guesses
phases gives the same magnitudes the recording's. --keep: spectrograms and sounds of the first ones.
"""

from __future__ import annotations

import argparse
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
from genloom.sound.pitch import pitches
from genloom.sound.spectra import Frames
from genloom.sound.wave import Sound

SIZES = {256: 24, 512: 40, 1024: 80, 2048: 120}  # windows, and their mel bands
PITCHES = (60.0, 480.0)  # Hz
SIGHT = 0.048  # seconds that a pitch is looked for in
VOICED, UNVOICED = 0.6, 0.4  # of how alike two periods are; between the two nothing is counted
LOUD = 0.005  # of full scale: quieter frames are not judged
CENTS = 50
SHOWN = 3
Way = Callable[[Tensor], Tensor]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--keep", type=Path)
    parser.add_argument("--all", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    protocol.head(f"Vocoder: {args.model.name} on held-out recordings of {args.data.name}")
    vocoder = Vocoder.of(args.model)
    items = vocoder.codec.read(args.data).items
    held = items if args.all else take(items, split_items(len(items), 0.1)[1])
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
        "true phases (ceiling)": lambda x: frames.waves(
            torch.polar(frames.magnitudes(frames.mel(x)), frames.spectrum(x).angle())
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
