"""Sound effects in five folds: whether what is made for a caption is recognised as that caption.

Usage: bench_effects.py [--steps 1500] [--folds 5] [--size tiny] [--seed 0] [--keep FILE.png]
The captioned interface sounds of ../shared/data/sound_fx (151, 45 of them switches). Every fold
trains a model anew on the others (`genloom train sound`, no compiling), makes one sound for the
caption of each that was left out, and a classifier taught by the fold's real training sounds says
what it hears; shares are over all folds together. Captions with fewer than five sounds are learnt
from and not asked for, so that every fold has some of each to learn from and to judge. "balanced"
is the mean over captions, each counted alike. Floor: always the commonest; ceiling: the left-out
sounds themselves. nearest: the median distance of made sounds to the nearest training sound, over
that of left-out ones; well below 1 is learning by heart.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import protocol
import torch
from torch import Tensor

from genloom import api
from genloom.codec.saving import write_atomic
from genloom.codec.sound.codec import SoundCodec
from genloom.codec.sound.spectrogram import sheet_bytes
from genloom.metric.classifier import train_classifier
from genloom.metric.image import nearest_distance
from genloom.metric.interval import wilson
from genloom.sound.resampling import resampled
from genloom.sound.spectra import Frames
from genloom.sound.wave import Sound

FRAMES = Frames(rate=16_000, window=512, hop=128, bands=48)
LONG = 96  # frames that are judged, 0.77 s
QUIET, SPAN = -9.0, 4.5  # logarithms below the loudest; what becomes -1, and half of the range
LEAST = 5  # sounds of a caption that is asked for
SHOWN = 6_000  # sounds that a judge learns from, repeats counted
SHOWN_OF = 8  # pairs that are drawn


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--size", default="tiny")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    protocol.head(f"Sound effects, {args.folds} folds, {args.size}, {args.steps} steps")
    items = list(SoundCodec().read(protocol.data("sound_fx") / "sound_fx.zip").items)
    captions = [str(one.caption) for one in items]
    asked = sorted(word for word, count in Counter(captions).items() if count >= LEAST)
    folds = _folds(captions, args.folds)
    print(f"{len(items)} sounds, {len(asked)} captions asked for", flush=True)
    told: dict[str, list[tuple[int, int]]] = {"made": [], "real": []}
    near, shown = [], []
    for number in range(args.folds):
        begun = time.process_time()
        train = [one for one, fold in zip(items, folds, strict=True) if fold != number]
        held = [
            one
            for one, fold in zip(items, folds, strict=True)
            if fold == number and str(one.caption) in asked
        ]
        with TemporaryDirectory() as place:
            changes = (f"train.steps={args.steps}", "train.compile=off", "train.preview=0")
            model = api.train(
                "sound",
                train,
                out=Path(place) / "effects",
                size=args.size,
                seed=args.seed,
                changes=changes,
                validation=held,
            )
            made = _made(model, held, args.seed)
        fold = _judged(train, held, made, asked, args.seed)
        for side in told:
            told[side] += fold[side]
        near.append(fold["near"])
        shown += list(zip(made, held, strict=True))[:2]
        hits = {side: sum(a == b for a, b in fold[side]) for side in told}
        print(
            f"fold {number}: of {len(held)} made {hits['made']}, real {hits['real']} recognised; "
            f"nearest {near[-1]:.2f}; {time.process_time() - begun:.0f} s of a core",
            flush=True,
        )
    wanted = [want for _, want in told["real"]]
    commonest = Counter(wanted).most_common(1)[0][0]
    told["floor: the commonest"] = [(commonest, want) for want in wanted]
    names = {
        "floor: the commonest": "floor: the commonest",
        "made": "made",
        "real": "ceiling: real",
    }
    protocol.table([_row(names[side], told[side]) for side in names])
    print(f"nearest training sound, made over left out, each fold: {[f'{x:.2f}' for x in near]}")
    if args.keep:
        pairs = shown[:SHOWN_OF]
        sounds = [side if isinstance(side, Sound) else side.open() for p in pairs for side in p]
        mels = [FRAMES.mel(resampled(one, FRAMES.rate).mono()) for one in sounds]
        write_atomic(args.keep, sheet_bytes(mels, ["made", "real"] * len(pairs)))


def _folds(captions: Sequence[str], count: int) -> list[int]:
    """The fold of each sound: those of a caption in turn, captions one after another."""
    out, turn = [0] * len(captions), 0
    for place in sorted(range(len(captions)), key=lambda n: captions[n]):
        out[place], turn = turn % count, turn + 1
    return out


def _made(model: api.Model, held: Sequence[Any], seed: int) -> list[Sound]:
    with model.engine() as engine:
        pending = [
            engine.submit(api.request_of(str(one.caption), 1, seed, None, n, None, {}))
            for n, one in enumerate(held)
        ]
        return [one.result()[0] for one in pending]


def _judged(
    train: Sequence[Any], held: Sequence[Any], made: Sequence[Sound], asked: list[str], seed: int
) -> dict[str, Any]:
    """(heard, wanted) of each made and each left-out sound, and how near the made ones are."""
    known = [one for one in train if str(one.caption) in asked]
    x, real, own = _seen(known), _seen(held), _seen(made)
    labels = torch.tensor([asked.index(str(one.caption)) for one in known])
    judge = train_classifier(x, labels, classes=len(asked), seed=seed, shown=SHOWN)
    wanted = [asked.index(str(one.caption)) for one in held]
    every = _seen(train).flatten(1)
    far = [float(nearest_distance(side.flatten(1), every)[0].median()) for side in (own, real)]
    return {
        "made": list(zip(judge.predict(own).tolist(), wanted, strict=True)),
        "real": list(zip(judge.predict(real).tolist(), wanted, strict=True)),
        "near": far[0] / max(far[1], 1e-9),
    }


def _seen(sounds: Sequence[Any]) -> Tensor:
    """float [N, 1, M, T] within [-1, 1]."""
    return torch.stack([_frames(one if isinstance(one, Sound) else one.open()) for one in sounds])


def _frames(sound: Sound) -> Tensor:
    mel = FRAMES.mel(resampled(sound, FRAMES.rate).mono())
    mel = torch.nn.functional.pad(mel[:, :LONG], (0, max(0, LONG - mel.shape[1])), value=-99.0)
    return (((mel - mel.max()).clamp(min=QUIET) - QUIET) / SPAN - 1)[None]


def _row(name: str, pairs: Sequence[tuple[int, int]]) -> dict[str, str]:
    right = sum(a == b for a, b in pairs)
    found = wilson(right, len(pairs))
    each = [
        sum(a == b for a, b in pairs if b == kind) / sum(b == kind for _, b in pairs)
        for kind in sorted({b for _, b in pairs})
    ]
    return {
        "": name,
        "recognised": f"{right / len(pairs):.3f} ({found.low:.3f} to {found.high:.3f})",
        "balanced": f"{sum(each) / len(each):.3f}",
        "of": str(len(pairs)),
    }


if __name__ == "__main__":
    main()
