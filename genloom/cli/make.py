"""`genloom make`: what several models make together. Words and paths around `genloom.make`.

The plan is shown first, on stderr; what was made goes to stdout.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from genloom.cli import output, settings
from genloom.cli.ending import warn
from genloom.errors import UsageError

if TYPE_CHECKING:
    from genloom.make.planning import Plan
    from genloom.make.podcast import Podcast, Step

NORMS = {"podcast": -16.0, "broadcast": -23.0}  # LUFS; EBU R 128 is the second


def podcast(
    brief: str,
    /,
    *,
    script: str | None = None,
    writer: str | None = None,
    voice: list[str] | None = None,
    music: str | None = None,
    music_prompt: str | None = None,
    minutes: float | None = None,
    tone: str | None = None,
    speed: float | None = None,
    norm: Literal["podcast", "broadcast"] = "podcast",
    loudness: float | None = None,
    peak: float = -1.0,
    out: Annotated[str | None, Parameter(name=["-o", "--out"])] = None,
    seed: int = 0,
    parts: str | None = None,
    plan: bool = False,
    json: bool = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Make a podcast: a script, voices, music under them, chapters, subtitles, one file.

    Sentences that were made stay in a folder beside the file and are taken again, after Ctrl-C or
    when the script is changed.

    Parameters
    ----------
    brief
        A file (text, YAML or JSON) with title, minutes, voices, chapters, tone, script or writer,
        music and what it is about.
    script
        A file of what is said: lines such as "ANNA: Good evening.", Markdown headings as chapters,
        or JSON.
    writer
        A model of texts that writes the script.
    voice
        NAME=MODEL:VOICE, who says the lines of NAME; may be repeated.
    music
        A model of music or a sound file.
    music_prompt
        What the model of music is asked for.
    minutes
        How long it is to be.
    tone
        neutral, calm, warm, serious, lively or urgent.
    speed
        Of the voices; else what tone and minutes need.
    norm
        podcast: -16 LUFS, broadcast: -23 LUFS (EBU R 128).
    loudness
        LUFS, in place of the norm's.
    peak
        True peak in dBTP that nothing exceeds.
    out
        The file: .wav, .mp3, .flac, .ogg or .opus.
    seed
        The same seed makes the same again.
    parts
        A folder in which what is made stays.
    plan
        Say what would be made, and how long it takes.
    json
        Print JSON.
    quiet
        No plan and no progress.
    """
    settings.store()
    from genloom.make import planning
    from genloom.make import podcast as making
    from genloom.make.brief import read_brief
    from genloom.make.published import check_target

    loud = NORMS[norm] if loudness is None else loudness
    if not -40 <= loud <= -5 or not -20 <= peak <= 0:
        raise UsageError(
            f"{loud} LUFS and {peak} dBTP: -40 to -5 LUFS and -20 to 0 dBTP are expected"
        )
    changes: dict[str, Any] = {"script": script, "writer": writer, "voices": voice, "music": music}
    changes |= {"music_prompt": music_prompt, "minutes": minutes, "tone": tone, "speed": speed}
    asked = read_brief(brief, **changes)
    target = Path(out or f"{Path(brief).stem}.wav").expanduser()
    check_target(target)
    kept = None if parts is None else Path(parts).expanduser()
    planned = planning.plan(asked, target, seed=seed, device=settings.device(), parts=kept)
    if plan:
        show(planned, json)
        return
    if not quiet:
        tell(planned)
    with Screen(quiet) as screen:
        made = making.make(planned, loud=loud, peak=peak, listener=screen)
    _finish(planned, made, json)


def show(planned: Plan, json: bool) -> None:
    if json:
        output.values(planned.told())
        return
    for line in _words(planned):
        output.text(line)
    for text in planned.warnings:
        warn(text)


def tell(planned: Plan) -> None:
    for line in _words(planned):
        print(output.harmless(line), file=sys.stderr, flush=True)


def _words(planned: Plan) -> list[str]:
    told = planned.told()
    voices = ", ".join(f"{name} ({by})" for name, by in told["voices"].items())
    lines = [
        f"{told['title']}: {told['words']:,} words in {told['pieces']:,} pieces, by {voices}",
        *(f"  {chapter['title']}: {chapter['lines']:,} lines" for chapter in told["chapters"]),
        f"{output.duration(told['seconds'])} long at speed {told['speed']:g}, to be made in about "
        f"{output.duration(told['work_seconds'])}",
    ]
    return lines


def _finish(planned: Plan, made: Podcast, json: bool) -> None:
    for text in made.warnings:
        warn(text)
    files = [str(path) for path in made.published.paths()]
    if not json:
        output.text("\n".join(files))
        return
    chapters = [vars(mark) for mark in made.timeline.chapters]
    told = {**planned.told(), "seconds": round(made.timeline.seconds, 3), "chapters": chapters}
    told |= {"files": files, "loudness": made.loudness, "peak": made.peak, "spent": made.spent}
    output.values({**told, "parts": made.parts, "parts_again": made.again})


class Screen:
    """How far it is, on a terminal only."""

    def __init__(self, quiet: bool) -> None:
        self.status: Any = None
        self.shown = sys.stderr.isatty() and not quiet

    def __enter__(self) -> Screen:
        if self.shown:
            from rich.console import Console

            self.status = Console(stderr=True).status("making ...")
            self.status.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.status is not None:
            self.status.stop()

    def __call__(self, step: Step) -> None:
        if self.status is None:
            return
        far = f" {step.done:,} of {step.of:,}" if step.of > 1 else ""
        left = "" if step.left is None else f", {output.duration(step.left)} left"
        self.status.update(f"{step.stage}{far}{left}")
