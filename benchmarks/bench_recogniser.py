"""What a recogniser hears in recordings that it never learnt from: word and character errors, how
they grow with noise, loudness and the copies that speech goes through, and how fast it hears.

Usage: bench_recogniser.py MODEL DATA [--count 300] [--all]
MODEL was made by `genloom train recogniser`. Measured are recordings of DATA that it held out, or
any of them with --all, where it never saw DATA. The floor is the commonest text of DATA; greedy
but for the row that says otherwise. A copy goes through the mel frames of speech models (1,024
samples, 80 bands) and back by Griffin-Lim: what a judge of made speech has to bear.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import protocol
import torch

from genloom import api
from genloom.codec.sound.transcript import text_of
from genloom.data.split import split_keys, take
from genloom.hearing import transcripts
from genloom.metric.error_rate import character_counts, rate, word_counts
from genloom.sound.phases import waves_of_mel
from genloom.sound.spectra import Frames
from genloom.sound.wave import Sound

NOISE_DB = (30, 20, 10)
JOINED = 20  # recordings that make a long one
PAUSE = 0.4  # seconds between them
BEAMS = 8


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("model", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--all", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = api.load(args.model)
    codec: Any = model.codec
    protocol.head(f"Recogniser: {args.model.name} on recordings of {args.data.name}")
    items = codec.read(args.data).items
    held = items if args.all else take(items, split_keys(codec.keys(items), 0.1)[1])
    held = held[:: max(1, len(held) // args.count)][: args.count]
    said = [text_of(one) for one in held]
    real = [one.open() for one in held]
    common = Counter(text_of(one) for one in items).most_common(1)[0][0]
    rows = [_row("the commonest text (floor)", said, [common] * len(said), None)]
    for name, change in _ways().items():
        rows.append(_heard(model, name, said, [change(one) for one in real]))
    rows.append(_heard(model, f"beam of {BEAMS}", said, real, beams=BEAMS))
    whole, joined = _joined(said, real)
    rows.append(_heard(model, f"{JOINED} in a row, cut at pauses", joined, whole))
    protocol.table(rows)
    seconds = sum(one.seconds for one in real)
    print(f"{len(said)} recordings, {seconds / 60:.1f} minutes, {len(' '.join(said)):,} characters")


def _ways() -> dict[str, Callable[[Sound], Sound]]:
    return {
        "as recorded": lambda sound: sound,
        "a tenth as loud": lambda sound: Sound(sound.samples * 0.1, sound.rate),
        **{f"noise at {db} dB": lambda sound, db=db: _noisy(sound, db) for db in NOISE_DB},
        "copied by Griffin-Lim": _copied,
    }


def _noisy(sound: Sound, decibels: float) -> Sound:
    """White noise so far below the recording's mean power."""
    rng = torch.Generator().manual_seed(0)
    noise = torch.randn(sound.samples.shape, generator=rng)
    level = sound.samples.square().mean().sqrt() * 10 ** (-decibels / 20)
    return Sound(sound.samples + noise * level, sound.rate)


def _copied(sound: Sound) -> Sound:
    frames = Frames(rate=sound.rate, window=1024, hop=256, bands=80)
    return Sound(waves_of_mel(frames, frames.mel(sound.mono()))[None], sound.rate)


def _joined(said: Sequence[str], real: Sequence[Sound]) -> tuple[list[Sound], list[str]]:
    """Long recordings of so many, and what is said in each."""
    sounds, texts = [], []
    for first in range(0, len(real) - JOINED + 1, JOINED):
        some = real[first : first + JOINED]
        rest = torch.zeros(1, round(PAUSE * some[0].rate))
        parts = [x for one in some for x in (one.mono()[None], rest)]
        sounds.append(Sound(torch.cat(parts, 1), some[0].rate))
        texts.append(" ".join(said[first : first + JOINED]))
    return sounds, texts


def _heard(
    model: api.Model, name: str, said: Sequence[str], sounds: Sequence[Sound], **options: Any
) -> dict[str, Any]:
    begun = time.process_time()
    made = transcripts(model, sounds, **options)
    took = time.process_time() - begun
    return _row(name, said, made, sum(one.seconds for one in sounds) / took)


def _row(
    name: str, said: Sequence[str], heard: Sequence[str], speed: float | None
) -> dict[str, Any]:
    exact = sum(a == b for a, b in zip(said, heard, strict=True)) / len(said)
    return {
        "heard": name,
        "character errors": str(rate(character_counts(said, heard))),
        "word errors": str(rate(word_counts(said, heard))),
        "exact": f"{exact:.3f}",
        "times real time": "" if speed is None else f"{speed:.0f}",
    }


if __name__ == "__main__":
    main()
