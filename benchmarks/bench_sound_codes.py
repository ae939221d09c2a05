"""Recordings through codes: how near a tokenizer's levels come at how many bits a second.

Usage: bench_sound_codes.py TOKENIZER DATA [--vocoder MODEL] [--count 40] [--all]
TOKENIZER was made by `genloom train sound-tokenizer`; measured are recordings of DATA that it held
out, or any with --all. What is measured is told in heard_distance.py. The floor spends as many bits
as one level: the nearest of 256 recorded pairs of frames, by Griffin-Lim. --vocoder: what frames
without codes come to. Opus at its lowest rate is libsndfile's, container and all.
"""

from __future__ import annotations

import argparse
import io
from pathlib import Path

import protocol
import soundfile
import torch
from heard_distance import judged
from torch import Tensor

from genloom.codec.latent.sound_coder import SoundCoder
from genloom.codec.sound.vocoding import Vocoder
from genloom.data.split import split_items, take
from genloom.sound.phases import waves_of_mel

PAIRS = 256  # of frames, that the floor chooses from


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("tokenizer", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--vocoder", type=Path)
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--all", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(1)
    protocol.head(f"Codes: {args.tokenizer.name} on held-out recordings of {args.data.name}")
    coder = SoundCoder.of(args.tokenizer)
    items = coder.codec.read(args.data).items
    rest, held = (take(items, part) for part in split_items(len(items), 0.1))
    held = items if args.all else held
    step = max(1, len(held) // args.count)
    real = [coder.codec.mono(one.open()) for one in held[::step][: args.count]]
    rows = [_floor(coder, rest, real)]
    every = [coder.ids(x) for x in real]
    counts = [n for n in (1, 2, 4, 8, 16, 32) if n <= coder.levels]
    rows += [_coded(coder, real, every, n) for n in counts]
    if args.vocoder:
        vocoder = Vocoder.of(args.vocoder)
        made = [vocoder.waves(vocoder.frames.mel(x)) for x in real]
        rows.append(_row("frames, uncoded, by the vocoder", "-", real, made, vocoder.frames.rate))
    rows.append(_opus(real, coder.frames.rate))
    protocol.table(rows)


def _row(way: str, bits: str, real: list[Tensor], made: list[Tensor], rate: int) -> dict[str, str]:
    same = [y[: len(x)] for x, y in zip(real, made, strict=True)]
    return {"way": way, "bits a second": bits, **judged(real, same, rate)}


def _coded(
    coder: SoundCoder, real: list[Tensor], every: list[Tensor], levels: int
) -> dict[str, str]:
    rate = coder.frames.rate
    places = rate / coder.frames.hop / coder.net.config.every
    bits = places * levels * torch.tensor(float(coder.size)).log2().item()
    made = [coder.waves(ids[:levels]) for ids in every]
    used = len(torch.cat([ids[levels - 1] for ids in every]).unique())
    way = f"levels: {levels}; {used} of {coder.size} codes used at the last"
    return _row(way, f"{bits:,.0f}", real, made, rate)


def _floor(coder: SoundCoder, rest: list[object], real: list[Tensor]) -> dict[str, str]:
    frames = coder.frames
    some = [frames.mel(coder.codec.mono(one.open())) for one in rest[:: max(1, len(rest) // 64)]]
    pairs = torch.cat([_pairs(mel) for mel in some])
    rng = torch.Generator().manual_seed(0)
    book = pairs[torch.randperm(len(pairs), generator=rng)[:PAIRS]]

    def said(x: Tensor) -> Tensor:
        found = book[torch.cdist(_pairs(frames.mel(x)), book).argmin(1)]
        return waves_of_mel(frames, found.view(-1, 2, frames.bands).flatten(0, 1).T)

    bits = frames.rate / frames.hop / 2 * 8
    way = "floor: nearest of 256 recorded pairs of frames"
    return _row(way, f"{bits:,.0f}", real, [said(x) for x in real], frames.rate)


def _pairs(mel: Tensor) -> Tensor:
    """float [P, 2 M] of [M, T]; a last frame alone is taken twice."""
    if mel.shape[1] % 2:
        mel = torch.cat((mel, mel[:, -1:]), 1)
    return mel.T.reshape(-1, 2 * mel.shape[0])


def _opus(real: list[Tensor], rate: int) -> dict[str, str]:
    made, bits = [], 0
    for x in real:
        file = io.BytesIO()
        soundfile.write(file, x.numpy(), rate, format="OGG", subtype="OPUS", compression_level=1.0)
        bits += 8 * len(file.getvalue())
        file.seek(0)
        y, again = soundfile.read(file, dtype="float32")
        assert again == rate
        made.append(torch.nn.functional.pad(torch.from_numpy(y), (0, max(0, len(x) - len(y)))))
    told = f"{bits * rate / sum(map(len, real)):,.0f}"
    return _row("Opus, lowest rate", told, real, made, rate)


if __name__ == "__main__":
    main()
