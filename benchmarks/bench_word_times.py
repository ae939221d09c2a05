"""Word times that a voice tells, against when its words are heard.

Usage: bench_word_times.py MODEL [--ears MODEL] [--lists 60] [--sentences 60] [--keep FILE.png]
MODEL was made by `genloom train speech`. Lists of five words with commas between them are said, so
that silence parts the words: where as many stretches of sound are found by their energy as words
were asked for, each one's beginning and end are compared with the times told for that word. Words
are those of held-out sentences, of four letters or more. Sentences, with --ears (`genloom train
recogniser`): held-out ones, where the recogniser writes down as many words as were asked for, by
when it hears each begin; it hears a word when it is sure of its letters, so that its own delay is
in these figures. Floor: words spread evenly over the same sound. --keep: the first lists, drawn,
with the times told above (black) and those heard below (red).
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Sequence
from pathlib import Path

import protocol
import torch

from genloom import api
from genloom.codec.sound.transcript_item import letters
from genloom.hearing import transcripts
from genloom.sound.wave import Sound
from genloom.speech.subtitles import Word

WORDS = 5
LEAST = 4  # letters
BLOCK = 0.005  # seconds
QUIET = -32.0  # decibels below the loudest block
GAP, SHORT = 0.06, 0.05  # seconds: of silence that parts words, and of sound that is none
SHOWN = 4

Span = tuple[float, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("--ears")
    parser.add_argument("--lists", type=int, default=60)
    parser.add_argument("--sentences", type=int, default=60)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    model = api.load(args.model)
    protocol.head(f"Word times: {args.model}")
    held = list(model.held_out_items())
    known = {w for one in held for w in letters(str(one.caption)).split() if len(w) >= LEAST}
    rows, shown = _lists(model, sorted(known), args.lists)
    if args.ears:
        rows += _heard(model, api.load(args.ears), held[: args.sentences])
    protocol.table(rows)
    if args.keep:
        _draw(shown, args.keep)


# --- by energy ------------------------------------------------------------------------------------


def _lists(
    model: api.Model, words: Sequence[str], count: int
) -> tuple[list[dict[str, str]], list[tuple[Sound, list[Span], list[Span]]]]:
    draw = random.Random(0)
    voices = model.codec.voices  # type: ignore[attr-defined]
    begins, ends, even, seen, shown = [], [], [], 0, []
    for number in range(count):
        text = ", ".join(draw.sample(words, WORDS)) + "."
        (said,) = model.say(text, voice=voices[number % len(voices)], seed=number)
        told = [(word.begin, word.end) for word in said.words]
        found = stretches(said.sound)
        if len(told) != WORDS or len(found) != WORDS:
            continue
        seen += 1
        begins += [a[0] - b[0] for a, b in zip(told, found, strict=True)]
        ends += [a[1] - b[1] for a, b in zip(told, found, strict=True)]
        even += [a - b[0] for a, b in zip(_even(said.sound.seconds, WORDS), found, strict=True)]
        shown += [(said.sound, told, found)][: SHOWN - len(shown)]
    name = f"lists by energy, {seen} of {count}"
    return [
        _row(f"{name}: begins", begins),
        _row(f"{name}: ends", ends),
        _row(f"{name}: floor, begins evenly spread", even),
    ], shown


def stretches(sound: Sound) -> list[Span]:
    """(begin, end) of each stretch of sound, seconds; shorter silences than GAP part nothing."""
    size = max(1, round(BLOCK * sound.rate))
    x = sound.samples.mean(0)
    blocks = x[: len(x) // size * size].view(-1, size).square().mean(1).clamp(min=1e-12)
    loud = (10 * (blocks / blocks.max()).log10() > QUIET).tolist()
    found: list[list[int]] = []
    for n, on in enumerate(loud):
        if on and found and (n - found[-1][1]) * size < GAP * sound.rate:
            found[-1][1] = n + 1
        elif on:
            found.append([n, n + 1])
    spans = [(a * size / sound.rate, b * size / sound.rate) for a, b in found]
    return [(a, b) for a, b in spans if b - a >= SHORT]


def _even(seconds: float, count: int) -> list[float]:
    return [n * seconds / count for n in range(count)]


# --- by a recogniser ------------------------------------------------------------------------------


def _heard(model: api.Model, ears: api.Model, held: Sequence[object]) -> list[dict[str, str]]:
    said = []
    for number, one in enumerate(held):
        voice, text = str(one.voice), str(one.caption)  # type: ignore[attr-defined]
        pieces = list(model.say(text, voice=voice, seed=number))
        if len(pieces) == 1:
            said.append((pieces[0].sound, pieces[0].words))
    heard = transcripts(ears, [sound for sound, _ in said])
    begins, even, seen = [], [], 0
    for (sound, told), found in zip(said, heard, strict=True):
        own: Sequence[Word] = found.words
        if len(own) != len(told) or not told:
            continue
        seen += 1
        begins += [a.begin - b.begin for a, b in zip(told, own, strict=True)]
        spread = _even(sound.seconds, len(own))
        even += [a - b.begin for a, b in zip(spread, own, strict=True)]
    name = f"sentences by a recogniser, {seen} of {len(held)}"
    return [
        _row(f"{name}: begins", begins),
        _row(f"{name}: floor, begins evenly spread", even),
    ]


def _row(name: str, errors: Sequence[float]) -> dict[str, str]:
    if not errors:
        return {"": name, "median": "-", "nine in ten": "-", "mean, signed": "-", "words": "0"}
    far = sorted(abs(one) for one in errors)
    return {
        "": name,
        "median": f"{1000 * statistics.median(far):.0f} ms",
        "nine in ten": f"{1000 * far[min(len(far) - 1, int(0.9 * len(far)))]:.0f} ms",
        "mean, signed": f"{1000 * statistics.fmean(errors):+.0f} ms",
        "words": str(len(far)),
    }


def _draw(shown: Sequence[tuple[Sound, list[Span], list[Span]]], place: Path) -> None:
    """Envelopes, a row each."""
    from PIL import Image, ImageDraw

    wide, high = 1200, 120
    sheet = Image.new("RGB", (wide, high * len(shown)), "white")
    pen = ImageDraw.Draw(sheet)
    for row, (sound, told, found) in enumerate(shown):
        x = sound.samples.mean(0).abs()
        tall = x[: len(x) // wide * wide].view(wide, -1).amax(1)
        middle = row * high + high // 2
        for n, one in enumerate((tall / tall.max() * 40).tolist()):
            pen.line((n, middle - one, n, middle + one), fill=(150, 170, 210))
        for spans, colour, top in ((told, "black", 2), (found, "red", high // 2)):
            for begin, end in spans:
                for second in (begin, end):
                    at = second / sound.seconds * wide
                    pen.line((at, row * high + top, at, row * high + top + 54), fill=colour)
    sheet.save(place)


if __name__ == "__main__":
    main()
