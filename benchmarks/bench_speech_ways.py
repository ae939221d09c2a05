"""Ways to ask one model for speech: how right each is, and how much variety it has.

Usage: bench_speech_ways.py --digits MODEL [--each 10] [--shown 20000] [--ways plain,paced,...]
       bench_speech_ways.py --sentences MODEL --ears MODEL [--count 60] [--ways ...]
MODEL was made by `genloom train speech`. Digits: the judges of bench_speech.py are taught once by
real recordings, of which they are shown so many, repeats counted; of each way as many of every
digit by every speaker are made. recognised, speaker: by these judges; taught: a judge of digits
taught by what was made alone, on real recordings held out, whose ceiling is the judge taught by
real ones. spread: the deviation of the logarithm of how long a digit of one speaker lasts, beside
that of real recordings. Ways, joined by +: plain; paced (each at a pace of its own, drawn with the
real spread); heard (each in the voice of a training recording of that speaker, not in the learnt
one); steps4, steps16, steps32; heun, multistep.
Sentences: the character error of what the ears hear.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bench_speech as judged
import protocol
import torch
from torch import Tensor

from genloom import api
from genloom.hearing import character_errors
from genloom.metric.classifier import train_classifier
from genloom.sound.joining import trimmed
from genloom.sound.wave import Sound
from genloom.spec import Request

DIGITS = "plain,steps4,steps16,heun,paced,heard,paced+heard"
SENTENCES = "plain,steps4,steps16,steps32,heun,multistep"
CONSENT = "recordings of an open data set, under its licence"
FAR = 1.5  # deviations of the pace at most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--digits", type=Path)
    parser.add_argument("--sentences", type=Path)
    parser.add_argument("--ears", type=Path)
    parser.add_argument("--each", type=int, default=10)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--shown", type=int, default=judged.SHOWN)
    parser.add_argument("--ways", default="")
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.digits:
        digits(args.digits, args.each, (args.ways or DIGITS).split(","), args.shown)
    if args.sentences:
        sentences(args.sentences, args.ears, args.count, (args.ways or SENTENCES).split(","))


def options_of(way: str) -> dict[str, Any]:
    """Of the parts of a way those that are options."""
    out: dict[str, Any] = {}
    for part in way.split("+"):
        if part.startswith("steps"):
            out["steps"] = int(part.removeprefix("steps"))
        elif part in ("heun", "multistep", "euler"):
            out["solver"] = part
    return out


# --- digits ---------------------------------------------------------------------------------------


def digits(place: Path, each: int, ways: Sequence[str], shown: int) -> None:
    model = api.load(place)
    protocol.head(f"Spoken digits, ways to ask: {place.name}")
    train, held = list(model.training_items()), list(model.held_out_items())
    words, voices = (sorted({str(getattr(r, k)) for r in train}) for k in ("caption", "voice"))
    seen, real = judged._seen(train), judged._seen(held)
    told = [[str(getattr(r, k)) for r in held] for k in ("caption", "voice")]
    known = [[str(getattr(r, k)) for r in train] for k in ("caption", "voice")]
    wanted = [judged._numbers(*pair) for pair in zip(told, (words, voices), strict=True)]
    judges = [
        train_classifier(seen, judged._numbers(a, b), classes=len(b), shown=shown)
        for a, b in zip(known, (words, voices), strict=True)
    ]
    right = [judge.accuracy(real, y) for judge, y in zip(judges, wanted, strict=True)]
    spread = _spread([r.open() for r in train], list(zip(*known, strict=True)))
    print(f"real: digit {right[0]:.3f}, speaker {right[1]:.3f}, spread {spread:.3f}")
    asked = [(w, v) for w in words for v in voices for _ in range(each)]
    mine = [judged._numbers([p[k] for p in asked], (words, voices)[k]) for k in (0, 1)]
    rows = []
    for way in ways:
        begun = time.process_time()
        made = _made(model, asked, way, spread, train)
        took = time.process_time() - begun
        said = judged._seen(made)
        taught = train_classifier(said, mine[0], classes=len(words), shown=shown)
        found = [judge.accuracy(said, y) for judge, y in zip(judges, mine, strict=True)]
        rows.append(
            {
                "way": way,
                "recognised": _told(found[0], mine[0]),
                "speaker": _told(found[1], mine[1]),
                "taught, on real": _told(taught.accuracy(real, wanted[0]), wanted[0]),
                "spread": f"{_spread(made, asked):.3f}",
                "times real time": f"{sum(s.seconds for s in made) / took:.1f}",
            }
        )
        print(rows[-1], flush=True)
    protocol.table(rows)


def _made(
    model: api.Model,
    asked: Sequence[tuple[str, str]],
    way: str,
    spread: float,
    train: Sequence[Any],
) -> list[Sound]:
    """Each with a seed of its own, all on one engine."""
    draw, parts = random.Random(0), way.split("+")
    options = options_of(way)
    codec: Any = model.codec
    by_voice: dict[str, list[Any]] = {}
    for one in train:
        by_voice.setdefault(str(one.voice), []).append(one)
    with model.engine() as engine:
        pending = []
        for number, (word, voice) in enumerate(asked):
            fields: dict[str, Any] = dict(options)
            if "paced" in parts:
                pace = min(FAR, max(-FAR, draw.gauss(0.0, 1.0)))
                fields["speed"] = math.exp(spread * pace)
            if "heard" in parts:
                fields |= {"item": draw.choice(by_voice[voice]), "consent": CONSENT}
            text = codec.worded(word, None if "heard" in parts else {"voice": voice})
            request: Request = api.request_of(text, 1, number, None, 0, None, fields)
            pending.append(engine.submit(request))
        return [one.result()[0] for one in pending]


def _spread(sounds: Sequence[Sound], asked: Sequence[tuple[str, str]]) -> float:
    """The deviation of the logarithm of the seconds of a digit by a speaker, silence cut."""
    found: dict[tuple[str, str], list[float]] = {}
    for sound, pair in zip(sounds, asked, strict=True):
        found.setdefault(pair, []).append(math.log(max(trimmed(sound).seconds, 0.01)))
    groups = [torch.tensor(one) for one in found.values() if len(one) > 1]
    return float(torch.stack([one.var() for one in groups]).mean().sqrt())


def _told(share: float, of: Tensor) -> str:
    found = judged.wilson(round(share * len(of)), len(of))
    return f"{share:.3f} ({found.low:.3f} to {found.high:.3f})"


# --- sentences ------------------------------------------------------------------------------------


def sentences(place: Path, ears: Path, count: int, ways: Sequence[str]) -> None:
    model, hearing = api.load(place), api.load(ears)
    protocol.head(f"Sentences, ways to ask: {place.name}, heard by {ears.name}")
    held = list(model.held_out_items())
    held = held[:: max(1, len(held) // count)][:count]
    texts = [str(one.caption) for one in held]
    rows = []
    for way in ways:
        begun, fields = time.process_time(), options_of(way)
        made = [
            model.generate(text, seed=n, where={"voice": str(one.voice)}, **fields)[0]
            for n, (text, one) in enumerate(zip(texts, held, strict=True))
        ]
        took = time.process_time() - begun
        found = character_errors(hearing, made, texts)
        rows.append(
            {
                "way": way,
                "character error": f"{found.value:.3f} ({found.low:.3f} to {found.high:.3f})",
                "times real time": f"{sum(s.seconds for s in made) / took:.1f}",
            }
        )
        print(rows[-1], flush=True)
    protocol.table(rows)


if __name__ == "__main__":
    main()
