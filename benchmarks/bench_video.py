"""Clips from words: a model trained for some minutes, judged by what is seen and how it moves.

Usage: bench_video.py [--set moving_digits|moving_tiles] [--minutes 25 | --steps N | --model MODEL]
                      [--size small] [--out MODEL] [--count 60] [--data FOLDER] [--sheet FILE.png]
                      [--drawn N] [--change k=v ...]
       bench_video.py --voices MODEL:VOICE MODEL:VOICE
A tenth of the clips is held out. With --drawn N the model learns from N other clips instead, drawn
by `genloom.datasets.moving` of the digits of data/mnist, and all clips of the set are held out
(the digits of the set are some of those of mnist: see the row of near copies). The rows are those
of `genloom eval`, floors and ceilings beside them (quality_video.py says how each is measured):
the asked thing recognised by a judge of frames taught by real training clips, and moving the asked
way; change from frame to frame over that of real clips; the second half of clips made from the
first, beside a standing frame and constant velocity. The sheet has made clips, in pairs with the
real ones of the same captions, and below them continuations. With --voices, scripts of digits are
said by an avatar: the lag of its mouth behind the sound's energy, beside the same mouths on
another script's sound and the energy itself.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import protocol

from genloom import api, registry
from genloom.codec.image.files import png_bytes
from genloom.codec.video.strips import strips
from genloom.data.split import evenly
from genloom.datasets.moving import moving, write_moving
from genloom.make import film, planning
from genloom.make.brief import Brief, Voice
from genloom.make.podcast import Clock, heard
from genloom.metric.lip_sync import envelope, lag
from genloom.speech.mouth import stands
from genloom.trust import quality

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SCRIPTS, LINES, EACH = 5, 4, 5  # scripts, lines of each, words of a line
SHOWN = 6


def main() -> None:
    args = _arguments()
    if args.voices:
        protocol.head("An avatar's mouth")
        avatar(args.voices)
        return
    protocol.head(f"Clips: {args.set}, {args.minutes:g} minutes")
    data = (args.data or protocol.SHARED / "data/video") / f"{args.set}.npz"
    begun = time.process_time()
    model = api.load(args.model) if args.model else _trained(data, args)
    if not args.model:
        print(f"core-minutes of training: {(time.process_time() - begun) / 60:.1f}")
    print(f"steps: {model.card.get('steps')}, spec: {model.codec.spec.shape}")
    told = data if args.drawn else None
    report = quality.evaluate(model, told, count=args.count, seed=0)
    print("| metric | made | floor | ceiling |\n|---|---|---|---|")
    for row in report.rows:
        print(f"| {row.metric} | {_told(row.value)} | {_told(row.floor)} | {_told(row.ceiling)} |")
    print(report.protocol)
    if args.sheet:
        args.sheet.write_bytes(png_bytes(_sheet(model), None))
        print(f"sheet: {args.sheet}")


def _trained(data: Path, args: argparse.Namespace) -> api.Model:
    out = args.out or Path(tempfile.mkdtemp()) / "clips"
    changes = list(args.change)
    if args.drawn:
        data = _drawn(args.drawn, out.with_name(f"{out.name}-data.npz"))
        changes.append("data.holdout=0.02")
    if args.steps:
        changes += [f"train.steps={args.steps}", "train.compile=off"]
    minutes = None if args.steps else args.minutes
    return api.train("video", data, minutes=minutes, size=args.size, out=out, changes=changes)


def _drawn(count: int, path: Path) -> Path:
    """Clips of mnist's digits."""
    digits = registry.find("codec", "image")().read(protocol.data("mnist")).items
    pictures = np.stack([np.asarray(one.open().convert("L")) for one in digits])
    names = [f"a digit {one.caption}" for one in digits]
    return write_moving(moving(pictures, names, count, seed=1), path)


def _told(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _sheet(model: api.Model) -> Any:
    """A made clip, the real one of its caption, and the real one gone on from its first half."""
    codec: Any = model.codec
    real = evenly(model.held_out_items(), SHOWN)
    x = codec.encode(real)
    half = x.shape[2] // 2
    fresh = np.zeros(x.shape[2:], np.float32)
    fresh[half:] = 1.0
    rows = []
    for item, array in zip(real, x, strict=True):
        caption = codec.captions([item])[0] if model.prompt is not None else None
        told = codec.control_of(array, x.new_tensor(fresh))
        made = model.generate(caption, seed=0)[0]
        on = model.generate(caption, seed=0, control=told)[0]
        sides = (("made", made), ("real", codec.decode(array[None])[0]), ("gone on", on))
        for name, clip in sides:
            rows.append((clip.frames(codec.clock, codec.count), f"{name}: {caption or ''}"))
    return strips(rows)


# --- mouths ---------------------------------------------------------------------------------------


def avatar(voices: list[str]) -> None:
    names = ["ANNA", "BEN"][: len(voices)]
    who = {n: Voice.of(v, n) for n, v in zip(names, voices, strict=True)}
    rate, found = film.AVATAR.rate, []
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(SCRIPTS):
            rng, script = random.Random(seed), Path(folder) / f"{seed}.md"
            lines = [
                f"{names[n % len(names)]}: {' '.join(rng.choices(WORDS, k=EACH))}."
                for n in range(LINES)
            ]
            script.write_text("# Digits\n## One\n" + "\n".join(lines), "utf-8")
            brief = replace(Brief(title="Digits"), voices=who, script=str(script))
            plan = planning.plan(brief, Path(folder) / f"{seed}.mp4", seed=seed)
            done = heard(plan, -16.0, -1.0, lambda step: None, Clock())
            words = [word for some in film.spoken_words(done) for word in some]
            mouths = stands(words, done.line.seconds, rate)
            loud = envelope(done.sound.mono().numpy(), done.sound.rate)
            found.append((np.array([mouth.open for mouth in mouths]), loud))
    own = [lag(opening, rate, loud) for opening, loud in found]
    other = [lag(found[n][0], rate, found[n - 1][1]) for n in range(len(found))]
    still = [lag(_at(loud, len(opening), rate), rate, loud) for opening, loud in found]
    print("| | mean lag, ms | largest, ms | correlation |\n|---|---|---|---|")
    sides = (("mouths", own), ("floor: another script's", other), ("ceiling: the energy", still))
    for name, side in sides:
        off = [abs(one[0]) for one in side]
        fit = np.mean([one[1] for one in side])
        print(f"| {name} | {np.mean(off):.0f} | {max(off):.0f} | {fit:.2f} |")


def _at(loud: np.ndarray, count: int, rate: float) -> np.ndarray:
    """The energy at the middle of each frame."""
    return np.interp((np.arange(count) + 0.5) / rate, np.arange(len(loud)) * 0.005, loud)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--set", default="moving_digits", choices=("moving_digits", "moving_tiles"))
    parser.add_argument("--minutes", type=float, default=25.0)
    parser.add_argument("--steps", type=int, help="instead of minutes")
    parser.add_argument("--size", default="small")
    parser.add_argument("--model")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--drawn", type=int, help="clips to learn from instead of the set's own")
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--voices", nargs="+", metavar="MODEL:VOICE")
    parser.add_argument("--change", nargs="*", default=[])
    return parser.parse_args()


if __name__ == "__main__":
    main()
