"""Chorales: nats a frame of held-out Bach under the Coconet protocol, and the rules of voice
leading in what a model makes.

Usage: bench_chorales.py MODEL [--split test] [--frames 24] [--orderings 5] [--count 32]
                         [--sampler gibbs|order] [--skip nats|rules] [--tries 1 4 8]
MODEL: a folder trained on the "train" pieces of Jsb16thSeparated.json (`genloom train chorale`).
nats: whole pieces of the split on the grid of sixteenths, four voices. An ordering shuffles the
frames of a piece, and the voices within each frame; frames are predicted one after another from the
true frames before them in the ordering, in any place. Inside a frame a voice is given the true
voices before it ("truth": the chain rule, a proper likelihood) or, as in the published script, the
model's own likeliest ones ("argmax"). Each frame's probability is averaged over the orderings, not
its logarithm (Uria et al. 2014; so does the published script). Of each piece only --frames frames
are predicted, evenly over the frames (all: 0), each with its whole context; the error is that of
the mean over pieces. The key is told to the model, and log 24 nats a piece are added for that.
"in order": frames from first to last, one ordering. Published: Coconet 0.57 +- 0.01 in random
orders and 2.22 in order (argmax), RNN-NADE 2.20 in order (Huang et al. 2017, table 1); a net of
33,984 weights 0.76. Floors: pitches of each voice by their frequency; "hold": a note is that of the
nearest known frame before or after it, by counts of how often that is so at their distances, under
the same orderings; "chain": each voice's note given its last one, in order.
rules: --count chorales of 128 frames made, beside the first 128 frames of the split's pieces; see
genloom/metric/voice_leading.py. repeats: share of which 128 frames (8 bars) in a row, in any key,
stand in a training piece, and the longest run. Floor of the rules: each voice drawn from its own
notes in the key, independently. tries: rows for so many drawn, the one kept with the fewest
parallels.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import protocol
import torch

from genloom import api
from genloom.codec.chorale.files import pieces_in
from genloom.codec.chorale.item import SILENT, VOICES, Chorale
from genloom.metric.voice_leading import longest_repeat, voice_leading

EIGHT_BARS = 128
PITCHES = 129  # with the rest
FARTHEST = 7  # powers of two of a distance


def pieces(split: str) -> list[Chorale]:
    file = protocol.data("chorales") / "Jsb16thSeparated.json"
    return pieces_in(file.read_bytes(), file.name, split, [])


# --- orderings ------------------------------------------------------------------------------------


class Asked:
    """Which frames of a piece are predicted, from which others, voices in which order: the same for
    whatever predicts them. known: bool [F, T]; at: long [F]; voices: long [F, V]."""

    def __init__(self, frames: int, most: int, seed: int, ordering: int, shuffled: bool) -> None:
        rng = np.random.default_rng((seed, 0))
        count = min(most or frames, frames)
        self.at = np.sort((np.arange(count) + rng.random(count)) / count * frames).astype(int)
        rng = np.random.default_rng((seed, 1 + ordering))
        order = rng.permutation(frames) if shuffled else np.arange(frames)
        rank = order.argsort()
        self.known = rank[None, :] < rank[self.at][:, None]
        self.voices = rng.random((count, len(VOICES))).argsort(1)


Predict = Callable[[Chorale, Asked], np.ndarray]  # log p of each frame that is asked for


def nats(predict: Predict, found: Sequence[Chorale], args: Any, shuffled: bool = True) -> str:
    """The mean over pieces of the mean over frames, and its error."""
    means = []
    for number, piece in enumerate(found):
        ways = range(args.orderings if shuffled else 1)
        asked = [Asked(len(piece), args.frames, number, way, shuffled) for way in ways]
        each = np.stack([predict(piece, one) for one in asked])
        joined = np.logaddexp.reduce(each, 0) - math.log(len(each))
        means.append(-joined.mean())
    error = np.std(means) / math.sqrt(len(means))
    return f"{np.mean(means):.3f} +- {error:.3f}"


def by_model(model: api.Model, roll: str) -> Predict:
    codec: Any = model.codec
    family: Any = model.family
    spec = codec.spec

    @torch.inference_mode()
    def predict(piece: Chorale, asked: Asked) -> np.ndarray:
        whole = codec.given(piece, None, {"make": "soprano"}).known[0]  # the key's id
        ids = codec._ids(piece.voices, piece.key)
        count, frames = len(asked.at), len(piece)
        x = torch.cat((whole.view(1), ids.flatten())).expand(count, -1).clone()
        known = torch.from_numpy(asked.known)[:, :, None].repeat(1, 1, len(VOICES))
        rows, at = torch.arange(count), torch.from_numpy(asked.at)
        total = np.full(count, -math.log(24) / frames)
        for n in range(len(VOICES)):
            voice = torch.from_numpy(asked.voices[:, n])
            told = torch.cat((torch.ones(count, 1, dtype=torch.bool), known.flatten(1)), 1)
            place = 1 + at * len(VOICES) + voice
            logits = [
                family.logits(model.nets, spec, a, b)[torch.arange(len(a)), p]
                for a, b, p in zip(x.split(16), told.split(16), place.split(16), strict=True)
            ]
            chance = torch.cat(logits).log_softmax(-1)
            truth = ids[at, voice]
            total += chance[rows, truth].double().numpy()
            x[rows, place] = truth if roll == "truth" else chance.argmax(-1)
            known[rows, at, voice] = True
        return total

    return predict


# --- floors ---------------------------------------------------------------------------------------


def shares(train: Sequence[Chorale]) -> np.ndarray:
    """log p of each voice's pitches, float [V, PITCHES]; a rest is the last."""
    every = np.concatenate([p.voices for p in train]) % PITCHES
    counts = np.stack([np.bincount(v, minlength=PITCHES) + 0.1 for v in every.T])
    return np.log(counts / counts.sum(1, keepdims=True))


def by_share(train: Sequence[Chorale]) -> Predict:
    table = shares(train)

    def predict(piece: Chorale, asked: Asked) -> np.ndarray:
        return table[np.arange(len(VOICES)), piece.voices[asked.at] % PITCHES].sum(1)

    return predict


def _beside(piece: Chorale, asked: Asked) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(before [F, V], behind [F, V], kind [F]): the notes of the nearest known frames, -2 where
    there is none, and a number for the two distances."""
    frames = np.arange(len(piece))
    before = np.where(asked.known & (frames < asked.at[:, None]), frames, -1).max(1)
    behind = np.where(asked.known & (frames > asked.at[:, None]), frames, len(piece)).min(1)
    left = np.where(before[:, None] >= 0, piece.voices[before.clip(0)], -2)
    right = np.where(
        behind[:, None] < len(piece), piece.voices[behind.clip(max=len(piece) - 1)], -2
    )
    far = [
        np.where(there, np.minimum(np.log2(np.maximum(d, 1)).astype(int), FARTHEST - 1), FARTHEST)
        for there, d in (
            (before >= 0, asked.at - before),
            (behind < len(piece), behind - asked.at),
        )
    ]
    return left, right, far[0] * (FARTHEST + 1) + far[1]


def by_holding(train: Sequence[Chorale]) -> Predict:
    """p(note) = how often it is the one before, the one behind, both or another, at such
    distances; another by its frequency."""
    counts = np.full(((FARTHEST + 1) ** 2, 2, 3), 0.5)
    for number, piece in enumerate(train):
        asked = Asked(len(piece), 0, number, 0, True)
        left, right, kind = _beside(piece, asked)
        truth = piece.voices[asked.at]
        which = np.where(truth == left, 0, np.where(truth == right, 1, 2))
        np.add.at(counts, (kind[:, None], (left == right).astype(int), which), 1)
    chance = np.log(counts / counts.sum(2, keepdims=True))
    table = shares(train)

    def predict(piece: Chorale, asked: Asked) -> np.ndarray:
        left, right, kind = _beside(piece, asked)
        truth = piece.voices[asked.at]
        own = table[np.arange(len(VOICES)), truth % PITCHES]
        which = np.where(truth == left, 0, np.where(truth == right, 1, 2))
        found = chance[kind[:, None], (left == right).astype(int), which]
        return (found + np.where(which == 2, own, 0.0)).sum(1)

    return predict


def by_chain(train: Sequence[Chorale]) -> Predict:
    counts = np.full((len(VOICES), PITCHES, PITCHES), 0.01)
    for piece in train:
        notes = piece.voices % PITCHES
        for voice in range(len(VOICES)):
            np.add.at(counts[voice], (notes[:-1, voice], notes[1:, voice]), 1)
    table, first = np.log(counts / counts.sum(2, keepdims=True)), shares(train)

    def predict(piece: Chorale, asked: Asked) -> np.ndarray:
        notes, v = piece.voices % PITCHES, np.arange(len(VOICES))
        now, last = notes[asked.at], notes[(asked.at - 1).clip(0)]
        return np.where(asked.at[:, None] > 0, table[v, last, now], first[v, now]).sum(1)

    return predict


# --- rules ----------------------------------------------------------------------------------------


def ruled(name: str, found: Sequence[Chorale], train: Sequence[Chorale]) -> dict[str, Any]:
    each = [voice_leading(piece.voices) for piece in found]
    means = {key: f"{np.mean([one[key] for one in each]):.3f}" for key in each[0]}
    known = [piece.voices for piece in train]
    runs = [longest_repeat(piece.voices, known) for piece in found]
    share = np.mean([run >= EIGHT_BARS for run in runs])
    return {"of": name, **means, "8 bars in training": f"{share:.2f}", "longest run": max(runs)}


def drawn(train: Sequence[Chorale], count: int) -> list[Chorale]:
    """Each voice alone: notes of its own, as long as in training."""
    rng = np.random.default_rng(0)
    out = []
    for n in range(count):
        voices = np.full((EIGHT_BARS, len(VOICES)), SILENT)
        for voice in range(len(VOICES)):
            start = 0
            while start < EIGHT_BARS:
                notes = list(train[int(rng.integers(len(train)))].held(voice))
                _, size, pitch = notes[int(rng.integers(len(notes)))]
                voices[start : start + size, voice] = pitch
                start += size
        out.append(Chorale(voices, title=str(n)))
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--frames", type=int, default=24)
    parser.add_argument("--orderings", type=int, default=5)
    parser.add_argument("--count", type=int, default=32)
    parser.add_argument("--sampler", default="")
    parser.add_argument("--tries", type=int, nargs="+", default=[1])
    parser.add_argument("--skip", default="", choices=("", "nats", "rules"))
    args = parser.parse_args()
    protocol.head("Chorales")
    train, held, model = pieces("train"), pieces(args.split), api.load(args.model)
    print(f"{len(held)} pieces ({args.split}), {args.frames or 'all'} frames of each, ", end="")
    print(f"{args.orderings} orderings; {model.parameters:,} weights\n")
    if args.skip != "nats":
        ways = {
            "frequency of pitches": (by_share(train), True),
            "hold": (by_holding(train), True),
            "model, truth": (by_model(model, "truth"), True),
            "model, argmax": (by_model(model, "argmax"), True),
            "chain, in order": (by_chain(train), False),
            "model, truth, in order": (by_model(model, "truth"), False),
            "model, argmax, in order": (by_model(model, "argmax"), False),
        }
        rows = []
        for name, (predict, shuffled) in ways.items():
            begun = time.process_time()
            found = nats(predict, held, args, shuffled)
            rows.append(
                {"by": name, "nats/frame": found, "seconds": round(time.process_time() - begun)}
            )
            print(rows[-1], flush=True)
        protocol.table(rows)
    if args.skip != "rules":
        made: Any = api.load(args.model)
        if args.sampler:
            made.family = made.recipe.with_(f"family.sampler={args.sampler}").make_family()
        own = []
        for tries in args.tries:
            begun = time.process_time()
            items = made.generate(count=args.count, seed=1, tries=tries)
            seconds = (time.process_time() - begun) / args.count
            name = f"made ({made.family.sampler}), of {tries}"
            own.append({**ruled(name, items, train), "seconds each": f"{seconds:.1f}"})
        first = [piece.part(0, EIGHT_BARS) for piece in held if len(piece) >= EIGHT_BARS]
        protocol.table(
            [
                {**ruled("real", first[: args.count], train), "seconds each": ""},
                *own,
                {**ruled("floor", drawn(train, args.count), train), "seconds each": ""},
            ]
        )


if __name__ == "__main__":
    main()
