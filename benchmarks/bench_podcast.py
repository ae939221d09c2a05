"""A podcast of two minutes: how long it takes, stage by stage, and whether it meets the norm.

Usage: bench_podcast.py SPEECH VOICE VOICE MUSIC [--out FOLDER] [--threads 2] [--suffix .wav]
SPEECH was made by `genloom train speech` and has the two voices, MUSIC is a model of music or a
sound file. Nothing is kept from before, unless --out names a folder with parts. Loudness and true
peak are measured on the file as written, by the project and by pyloudnorm and scipy (peaks at eight
times the rate), where these are installed.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import protocol
import torch

from genloom.codec.sound.files import read_sound
from genloom.make import planning, podcast
from genloom.make.brief import Brief, Voice
from genloom.sound.wave import Sound
from genloom.trust import provenance

SCRIPT = """# Bees in the city

ANNA: Good evening, and welcome to our little show about the city and those who live in it.
BEN: Good evening. Today we want to talk about bees, because there are more of them here than most
people think.
ANNA: My guest has kept bees for three years, and he has brought a jar of honey with him.

## Why bees

ANNA: You have kept bees on your roof for three years now. Why did you start?
BEN: I wanted to see what lives around me. The first summer I only watched them. They leave in the
morning and come back in the evening, like everybody else.
ANNA: And do they find enough to eat between all these houses?
BEN: They do. There are gardens, parks, and old trees along the river. In the country there is often
one kind of flower for a few weeks, and then nothing at all.
ANNA: So the city is better for them?
BEN: Not always better, but there is something to find from the first warm day until late in the
year. My neighbour said that the honey tastes of lime trees, and she is right.
ANNA: What did your neighbours say when the first box stood on the roof?
BEN: Some were afraid at first. Then I gave each of them a jar, and now they ask when the next one
comes. Bees on their way to work do not care about people at all.

## What you can do

ANNA: Let us say that I have a small balcony and no time. What can I do?
BEN: Put a box with flowers there, and let a few of them grow as they like. Give them water on hot
days. That is all it takes.
ANNA: I do not need a hive?
BEN: No. Most wild bees live alone, in the earth or in old wood. Leave them a corner that nobody
cleans, and they will find it.
ANNA: That sounds like work I can do.
BEN: It is the best kind of work. You sit there and wait. In the second year you know them by their
sound, and you hear at once when something is wrong.
ANNA: And the winter?
BEN: In the winter they sit close together and keep each other warm. One must leave them alone, and
that is the hardest part of it.
ANNA: Thank you for coming, and thank you all for listening. Good night.
"""


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("speech")
    parser.add_argument("voices", nargs=2)
    parser.add_argument("music")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--suffix", default=".wav")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    protocol.head(f"A podcast of two minutes, {args.threads} threads")
    with TemporaryDirectory() as folder:
        place = args.out or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        _measure(args, place)


def _measure(args: argparse.Namespace, place: Path) -> None:
    script = place / "bees.md"
    script.write_text(SCRIPT, "utf-8")
    who = dict(zip(("anna", "ben"), args.voices, strict=True))
    brief = Brief(
        title="Bees in the city",
        minutes=2,
        voices={name: Voice(model=args.speech, voice=voice) for name, voice in who.items()},
        chapters=("Why bees", "What you can do"),
        tone="warm",
        script=str(script),
        music=args.music,
    )
    begun, spent = time.perf_counter(), time.process_time()
    plan = planning.plan(brief, place / f"bees{args.suffix}")
    planned = time.perf_counter() - begun
    made = podcast.make(plan)
    whole, spent = time.perf_counter() - begun, time.process_time() - spent
    sound = read_sound(made.published.sound.read_bytes())
    for name, value in {"plan": planned, **made.spent, "whole": whole}.items():
        print(f"{name:10} {value:7.1f} s")
    print(f"{'processor':10} {spent:7.1f} s; foretold {plan.work:.0f} s after the plan")
    print(f"length     {sound.seconds:7.1f} s of {brief.seconds:.0f} asked, speed {plan.speed}")
    print(f"loudness   {made.loudness:7.2f} LUFS, true peak {made.peak:.2f} dBTP (ours)")
    _independently(sound)
    verdict = provenance.verify(made.published.sound)
    print(f"record     ok {verdict.ok}, {len((verdict.record or {})['parts'])} parts")
    for warning in made.warnings:
        print("warning:", warning)


def _independently(sound: Sound) -> None:
    try:
        import numpy as np
        import pyloudnorm
        from scipy.signal import resample_poly
    except ImportError as error:
        print(f"(no {error.name}: loudness is measured by ours alone)")
        return
    x = sound.samples.T.numpy().astype("float64")
    over = resample_poly(x, 8, 1, axis=0, window=("kaiser", 14.0))
    loud = pyloudnorm.Meter(sound.rate).integrated_loudness(x)
    peak = 20 * np.log10(max(np.abs(over).max(), np.abs(x).max()))
    print(f"           {loud:7.2f} LUFS (pyloudnorm), {peak:.2f} dBTP (scipy, 8 times the rate)")


if __name__ == "__main__":
    main()
