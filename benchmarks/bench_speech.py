"""Speech from texts: spoken digits judged by classifiers, sentences by a recogniser.

Usage: bench_speech.py --digits MODEL [--each 20] [--keep FOLDER]
       bench_speech.py --sentences MODEL --ears MODEL [--count 60] [--keep FOLDER]
MODEL was made by `genloom train speech`; what it held out is what it is measured on. Digits: a
classifier of digits and one of speakers, taught by the real recordings that the model learnt from,
on real ones held out (ceiling), on those through mel frames and back (codec), on as many of every
digit by every speaker that the model says; and classifiers taught by those alone, on real ones.
Also each speaker's digits by a classifier that never heard that speaker. Floors: the commonest.
Sentences: the character error of what a recogniser (`genloom train recogniser`) hears in held-out
sentences that the model says; ceilings: in the real recordings, and in these through mel frames and
back; floor: the same sounds against other sentences. Speed: seconds of sound a second of one core,
with all that it takes. --keep: spectrograms and sounds of the first ones.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import protocol
import torch
from torch import Tensor

from genloom import api
from genloom.codec.saving import write_atomic
from genloom.codec.sound.files import write_sound
from genloom.codec.sound.recordings import Recording
from genloom.codec.sound.spectrogram import sheet_bytes
from genloom.hearing import character_errors
from genloom.metric.classifier import train_classifier
from genloom.metric.interval import wilson
from genloom.sound.resampling import resampled
from genloom.sound.spectra import Frames
from genloom.sound.wave import Sound

FRAMES = Frames(rate=8000, window=256, hop=64, bands=40)  # of the judges
LONG = 96  # frames that a judge sees, 0.77 s
QUIET, SPAN = -9.0, 4.5  # logarithms below the loudest; what becomes -1, and half of the range
SHOWN, FEWER = 20_000, 8_000  # recordings that a judge learns from, repeats counted
KEPT = 12


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--digits", type=Path)
    parser.add_argument("--sentences", type=Path)
    parser.add_argument("--ears", type=Path)
    parser.add_argument("--each", type=int, default=20)
    parser.add_argument("--count", type=int, default=60)
    parser.add_argument("--keep", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.digits:
        digits(args.digits, args.each, args.keep)
    if args.sentences:
        sentences(args.sentences, args.ears, args.count, args.keep)


# --- digits ---------------------------------------------------------------------------------------


def digits(place: Path, each: int, keep: Path | None) -> None:
    model = api.load(place)
    protocol.head(f"Spoken digits: {place.name}")
    train, held = list(model.training_items()), list(model.held_out_items())
    words, voices = (sorted({str(getattr(r, k)) for r in train}) for k in ("caption", "voice"))
    pairs = [(word, voice) for word in words for voice in voices]
    begun = time.process_time()
    made = [sound for word, voice in pairs for sound in _said(model, word, voice, each)]
    took = time.process_time() - begun
    asked = [pair for pair in pairs for _ in range(each)]
    seen, real, said = _seen(train), _seen(held), _seen(made)
    again = _seen([_through(model, one) for one in held])
    told = [(str(r.caption), str(r.voice)) for r in held]
    rows = []
    for k, (what, names) in enumerate((("digit", words), ("speaker", voices))):
        learnt = _numbers([(str(r.caption), str(r.voice))[k] for r in train], names)
        judge = train_classifier(seen, learnt, classes=len(names), shown=SHOWN)
        mine, wanted = _numbers([p[k] for p in asked], names), _numbers([p[k] for p in told], names)
        taught = train_classifier(said, mine, classes=len(names), shown=SHOWN)
        rows += [
            _row(
                f"{what}: floor, the commonest",
                float(wanted.bincount().max()) / len(wanted),
                wanted,
            ),
            _row(f"{what}: real, held out (ceiling)", judge.accuracy(real, wanted), wanted),
            _row(f"{what}: real through frames and back", judge.accuracy(again, wanted), wanted),
            _row(f"{what}: made, recognised", judge.accuracy(said, mine), mine),
            _row(f"{what}: taught by made, on real", taught.accuracy(real, wanted), wanted),
        ]
    rows.append(_strangers([*train, *held], torch.cat((seen, real)), words, voices))
    protocol.table(rows)
    seconds = sum(one.seconds for one in made)
    print(
        f"{len(made):,} made, {seconds:.0f} s of sound in {took:.0f} s of a core: "
        f"{seconds / took:.1f} times faster than it lasts"
    )
    _keep(
        keep,
        "digits",
        made[:: max(1, len(made) // KEPT)],
        [Sound(r.open().samples, r.open().rate) for r in held[:KEPT]],
    )


def _said(model: api.Model, word: str, voice: str, count: int) -> Sequence[Sound]:
    seed = sum(map(ord, word + voice))
    return list(model.generate(word, count, seed=seed, where={"voice": voice}))


def _through(model: api.Model, recording: Recording) -> Sound:
    codec: Any = model.codec
    (sound,) = codec.decode(codec.encode([recording]))
    return Sound(sound.samples, sound.rate)


def _strangers(
    items: Sequence[Any], x: Tensor, words: list[str], voices: list[str]
) -> dict[str, str]:
    """Every speaker by a judge that learnt from the others."""
    labels = _numbers([str(r.caption) for r in items], words)
    right = 0
    for voice in voices:
        out = torch.tensor([str(r.voice) == voice for r in items])
        judge = train_classifier(x[~out], labels[~out], classes=len(words), shown=FEWER)
        right += round(judge.accuracy(x[out], labels[out]) * int(out.sum()))
    return _row("digit: real, of speakers never heard", right / len(items), labels)


def _row(name: str, share: float, of: Tensor) -> dict[str, str]:
    found = wilson(round(share * len(of)), len(of))
    return {
        "": name,
        "share": f"{share:.3f}",
        "95 %": f"{found.low:.3f} to {found.high:.3f}",
        "of": str(len(of)),
    }


def _numbers(names: Sequence[str], known: Sequence[str]) -> Tensor:
    return torch.tensor([known.index(name) for name in names])


def _seen(sounds: Sequence[Any]) -> Tensor:
    """float [N, 1, M, T] within [-1, 1]: what a judge sees of each."""
    return torch.stack([_frames(s.open() if isinstance(s, Recording) else s) for s in sounds])


def _frames(sound: Sound) -> Tensor:
    mel = FRAMES.mel(resampled(sound, FRAMES.rate).mono())
    mel = torch.nn.functional.pad(mel[:, :LONG], (0, max(0, LONG - mel.shape[1])), value=-99.0)
    return (((mel - mel.max()).clamp(min=QUIET) - QUIET) / SPAN - 1)[None]


# --- sentences ------------------------------------------------------------------------------------


def sentences(place: Path, ears: Path, count: int, keep: Path | None) -> None:
    model, hearing = api.load(place), api.load(ears)
    protocol.head(f"Sentences: {place.name}, heard by {ears.name}")
    held = list(model.held_out_items())
    held = held[:: max(1, len(held) // count)][:count]
    texts = [str(one.caption) for one in held]
    begun = time.process_time()
    made = [
        model.generate(text, seed=n, where={"voice": str(one.voice)})[0]
        for n, (text, one) in enumerate(zip(texts, held, strict=True))
    ]
    took = time.process_time() - begun
    real = [one.open() for one in held]
    again = [_through(model, one) for one in held]
    others = texts[1:] + texts[:1]
    rows = []
    for name, sounds, wanted in (
        ("floor: made, against other sentences", made, others),
        ("made", made, texts),
        ("real through frames and back", again, texts),
        ("real (ceiling)", real, texts),
    ):
        found = character_errors(hearing, sounds, wanted)
        spread = f"{found.low:.3f} to {found.high:.3f}"
        rows.append({"": name, "character error": f"{found.value:.3f}", "95 %": spread})
    protocol.table(rows)
    seconds = sum(one.seconds for one in made)
    print(
        f"{len(made)} sentences, {seconds:.0f} s of sound in {took:.0f} s of a core: "
        f"{seconds / took:.1f} times faster than it lasts"
    )
    _keep(keep, "sentences", made[:KEPT], real[:KEPT])


def _keep(place: Path | None, name: str, made: Sequence[Sound], real: Sequence[Sound]) -> None:
    if place is None:
        return
    place.mkdir(parents=True, exist_ok=True)
    for what, sounds in (("made", made), ("real", real)):
        mels = [FRAMES.mel(resampled(one, FRAMES.rate).mono()) for one in sounds]
        write_atomic(place / f"{name}-{what}.png", sheet_bytes(mels, [what] * len(mels)))
        for n, one in enumerate(sounds):
            write_sound(one, place / f"{name}-{what}-{n}.wav", None)


if __name__ == "__main__":
    main()
