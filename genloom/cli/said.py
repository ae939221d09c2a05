"""`genloom generate` with a model that says texts: piece by piece to stdout or into a file, with
subtitles and with the times of words.

Knows how it is shown; how a text is said is the business of saying.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from genloom.cli import generate as way
from genloom.cli.ending import warn

if TYPE_CHECKING:
    from genloom.api import Model
    from genloom.cli.generate import Want
    from genloom.saying import Spoken


def says(model: Model) -> bool:
    """Whether it says texts."""
    from genloom import saying

    return saying.says(model)


def deliver(want: Want, quiet: bool) -> None:
    """One sound as it is made, or several, one after the other, each whole."""
    from genloom import api

    if "<emphasis" in (want.request.prompt or ""):
        warn("<emphasis> is read like the rest: these models know no emphasis")
    if want.request.count > 1:
        way.files(want, api.exact(want.model, want.request))
        return
    pieces = _piped(want) if want.piped else _made(want, quiet)
    if want.subtitles is not None:
        from genloom.codec.saving import write_atomic
        from genloom.speech.subtitles import subtitles

        told = subtitles([one.words for one in pieces], want.subtitles.suffix)
        write_atomic(want.subtitles, told.encode())
    if want.piped:
        return
    import torch

    from genloom.sound.wave import Sound

    whole = Sound(torch.cat([one.sound.samples for one in pieces], 1), pieces[0].sound.rate)
    way.files(want, [whole], {"pieces": [_told(one) for one in pieces]})


def _piped(want: Want) -> list[Spoken]:
    """WAV on stdout: every piece at once. It holds no record, for its end is not known."""
    from genloom import exact
    from genloom.codec.sound.files import pcm_bytes
    from genloom.sound.wav_head import wav_head

    pieces, out = [], sys.stdout.buffer
    for one in exact.spoken(want.model, want.request):
        if not pieces:
            out.write(wav_head(one.sound.rate))
        out.write(pcm_bytes(one.sound))
        out.flush()
        pieces.append(one)
    return pieces


def _made(want: Want, quiet: bool) -> list[Spoken]:
    from genloom import exact

    pieces = []
    with _status(quiet) as say:
        for one in exact.spoken(want.model, want.request):
            pieces.append(one)
            say(f"saying {one.number + 1:,} of {one.of:,}, {one.end:.0f} s of sound")
    return pieces


@contextmanager
def _status(quiet: bool) -> Iterator[Callable[[str], None]]:
    """A line on stderr, where that is a terminal."""
    if quiet or not sys.stderr.isatty():
        yield lambda text: None
        return
    from rich.console import Console

    with Console(stderr=True).status("saying ...") as status:
        yield status.update


def _told(one: Spoken) -> dict[str, Any]:
    """A piece in JSON, without its sound; times in seconds."""
    words = [
        {"text": w.text, "begin": round(w.begin, 3), "end": round(w.end, 3)} for w in one.words
    ]
    times = {"begin": round(one.begin, 3), "end": round(one.end, 3)}
    return {"text": one.text, "voice": one.voice, **times, "words": words}
