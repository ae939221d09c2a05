"""`genloom play`: a score that is there, as sound, as a picture or in another notation. No model.

Knows flags and files; notations are the business of codec/scores, sound that of music/synthesis or,
where a sound font is named, of the program FluidSynth.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from genloom.cli import output
from genloom.errors import DataError, UsageError

if TYPE_CHECKING:
    from genloom.music.score import Score

ANY = "any"  # a sound font of this machine


def play(
    score: str,
    /,
    *,
    out: Annotated[str, Parameter(name=["-o", "--out"])],
    number: int = 1,
    instrument: str | None = None,
    tempo: float | None = None,
    loudness: float = -16.0,
    seed: int = 0,
    soundfont: str | None = None,
) -> None:
    """Play a score, or write it as another notation or a picture.

    Reads .abc, .mid, .musicxml and .mxl; writes these, .svg and .png, and sounds (.wav, .flac,
    .ogg, .opus, .mp3) that Genloom's own instruments play.

    Parameters
    ----------
    score
        A file.
    out
        Where it goes; the suffix says as what.
    number
        Which tune of a file of several, from 1.
    instrument
        Who plays it, by name: flute; of several parts "flute, strings, bass".
    tempo
        Quarter notes a minute.
    loudness
        Of the sound, in LUFS.
    seed
        Of what differs from note to note.
    soundfont
        Leave the sound to the program FluidSynth and this .sf2 file; any: one of this machine.
    """
    from genloom.codec.music.dressing import dressed_score
    from genloom.codec.music.played import heard, write_played
    from genloom.codec.music.scores import scores_in, write_score
    from genloom.music.synthesis.rendering import Rendering
    from genloom.options import Options

    found = scores_in(Path(score).expanduser())
    if not 1 <= number <= len(found):
        raise DataError(f"{score} holds {len(found)} scores: give --number 1 to {len(found)}")
    chosen = dressed_score(found[number - 1], Options(instrument=instrument, tempo=tempo))
    target = Path(out).expanduser()
    if soundfont is not None:
        _by_fluidsynth(chosen, target, soundfont, loudness)
    elif heard(target):
        write_played(chosen, target, how=replace(Rendering(), loudness=loudness, seed=seed))
    else:
        write_score(chosen, target)
    output.text(str(target))


def _by_fluidsynth(score: Score, target: Path, font: str, loudness: float) -> None:
    from genloom.codec.music.played import heard
    from genloom.codec.sound.files import read_sound, write_sound
    from genloom.music.fluidsynth import play_midi
    from genloom.music.midi_writing import write_midi
    from genloom.sound.loudness import levelled

    if not heard(target):
        raise UsageError(
            f"--soundfont is about sound: give -o such as {target.with_suffix('.wav')}"
        )
    made = read_sound(play_midi(write_midi(score), None if font == ANY else font))
    write_sound(levelled(made, loudness, -1.0), target)
