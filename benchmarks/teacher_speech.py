"""A set of spoken sentences made by espeak-ng, for trials where no recordings are at hand.

Usage: teacher_speech.py FOLDER [--count 1500] [--seed 0] [--rate 16000] [--voices en-us,en-gb,...]
Sentences of 3 to 12 words of ../shared/data/translation, each said once, the voices in turn. FOLDER
becomes WAV files, metadata.jsonl (file_name, text, voice, credit) and the sentences' licence. Every
row is credited to its teacher, so that the card of a model says what it was taught by: a machine,
not people. Ends with the reason where espeak-ng is not installed.
"""

from __future__ import annotations

import argparse
import gzip
import json
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import protocol
import torch

from genloom.codec.saving import write_atomic
from genloom.codec.sound.files import read_sound, write_sound
from genloom.sound.joining import trimmed
from genloom.sound.resampling import resampled
from genloom.sound.wave import Sound

VOICES = ("en-us", "en-gb", "en-us+f3", "en-us+m3")
WORDS = (3, 12)
PEAK = 0.7  # of full scale
SAID = re.compile(r"[A-Z][A-Za-z' ,.!?-]*[.!?]")
CREDIT = (
    "synthetic teacher: speech made by espeak-ng, not by people; sentences of Tatoeba (CC BY 2.0)"
)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=int, default=16_000)
    parser.add_argument("--voices", default=",".join(VOICES))
    args = parser.parse_args()
    if shutil.which("espeak-ng") is None:
        print("skipped: espeak-ng is not installed (apt-get install espeak-ng)")
        sys.exit(0)
    torch.set_num_threads(1)
    rows = planned(args.count, args.seed, args.voices.split(","))
    args.folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as pool:
        seconds = sum(pool.map(lambda row: _made(row, args.folder, args.rate), rows))
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    write_atomic(args.folder / "metadata.jsonl", lines.encode())
    write_atomic(args.folder / "LICENSE", f"{CREDIT}\nCC BY 2.0\n".encode())
    print(f"{len(rows)} sentences by {args.voices}, {seconds / 60:.1f} minutes in {args.folder}")


def planned(count: int, seed: int, voices: list[str]) -> list[dict[str, str]]:
    """One row a sentence, drawn by the seed."""
    every = sorted(set(_sentences()))
    chosen = random.Random(seed).sample(every, min(count, len(every)))
    return [
        {
            "file_name": f"{number:05d}.wav",
            "text": text,
            "voice": voices[number % len(voices)],
            "credit": CREDIT,
        }
        for number, text in enumerate(chosen)
    ]


def _sentences() -> Iterator[str]:
    with gzip.open(protocol.data("translation") / "eng-deu.tsv.gz", "rt", encoding="utf-8") as file:
        for line in file:
            text = line.split("\t")[0].strip()
            if WORDS[0] <= len(text.split()) <= WORDS[1] and SAID.fullmatch(text):
                yield text


def _made(row: dict[str, str], folder: Path, rate: int) -> float:
    """Seconds of the file that was written."""
    command = ["espeak-ng", "-v", row["voice"], "--stdout", row["text"]]
    done = subprocess.run(command, check=True, capture_output=True)
    sound = trimmed(resampled(read_sound(done.stdout, row["file_name"]), rate), margin=0.05)
    loud = float(sound.samples.abs().max())
    even = Sound(sound.samples * (PEAK / max(loud, 1e-6)), rate)
    write_sound(even, folder / row["file_name"])
    return even.seconds


if __name__ == "__main__":
    main()
