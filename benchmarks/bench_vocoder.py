"""Sounds from the mel frames of held-out recordings: a trained vocoder beside Griffin-Lim.

Usage: bench_vocoder.py MODEL DATA [--count 40] [--keep FOLDER] [--all]
MODEL was made by `genloom train vocoder`; measured are recordings of DATA that it held out, or any
of them with --all, where it never saw DATA. What is measured is told in heard_distance.py. The
floor keeps the magnitudes that Griffin-Lim begins with under random phases; the ceiling of every
way that guesses phases gives the same magnitudes the recording's. --keep: spectrograms and sounds
of the first ones.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import protocol
import torch
from heard_distance import judged
from torch import Tensor

from genloom.codec.saving import write_atomic
from genloom.codec.sound.files import write_sound
from genloom.codec.sound.spectrogram import sheet_bytes
from genloom.codec.sound.vocoding import Vocoder
from genloom.data.split import split_items, take
from genloom.sound.phases import waves_of_mel
from genloom.sound.wave import Sound

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
            **judged(real, sounds, vocoder.frames.rate),
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
