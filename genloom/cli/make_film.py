"""`genloom make slides|clip|avatar`: films of what several models make together.

Words and paths around `genloom.make.film`. The plan is shown first, on stderr; what was made goes
to stdout.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from genloom.cli import output, settings
from genloom.cli.ending import warn
from genloom.cli.make import Screen as Progress
from genloom.cli.make import show, tell
from genloom.errors import UsageError


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class FilmOptions:
    """What all films take.

    Parameters
    ----------
    script
        A file of what is said: lines such as "ANNA: Good evening.", Markdown headings as chapters,
        or JSON.
    writer
        A model of texts that writes the script.
    voice
        NAME=MODEL:VOICE, who says the lines of NAME; may be repeated.
    pictures
        What is seen: a file, a folder, or a model of pictures or clips.
    picture_prompt
        What that model is asked for; else the chapters' titles.
    music
        A model of music or a sound file.
    minutes
        How long it is to be.
    tone
        neutral, calm, warm, serious, lively or urgent.
    speed
        Of the voices; else what tone and minutes need.
    size
        WIDTHxHEIGHT in pixels.
    subtitles
        What is said stands in the picture, too.
    out
        The file: .mp4, .webm, .mkv or .mov.
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

    script: str | None = None
    writer: str | None = None
    voice: list[str] | None = None
    pictures: str | None = None
    picture_prompt: str | None = None
    music: str | None = None
    minutes: float | None = None
    tone: str | None = None
    speed: float | None = None
    size: str = "640x360"
    subtitles: Annotated[bool, Parameter(negative="--no-subtitles")] = True
    out: Annotated[str | None, Parameter(name=["-o", "--out"])] = None
    seed: int = 0
    parts: str | None = None
    plan: bool = False
    json: bool = False
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False


def slides(brief: str, /, *, options: FilmOptions | None = None) -> None:
    """Make slides: a page for each chapter, said by voices.

    Parameters
    ----------
    brief
        A file (text, YAML or JSON) with title, voices, chapters, tone, script or writer, pictures,
        music and what it is about.
    """
    _make("slides", brief, options or FilmOptions(), "")


def clip(brief: str, /, *, options: FilmOptions | None = None) -> None:
    """Make a clip: pictures that fill the screen under a voice, one or more a chapter.

    Parameters
    ----------
    brief
        A file (text, YAML or JSON) with title, voices, chapters, tone, script or writer, pictures,
        music and what it is about.
    """
    _make("clip", brief, options or FilmOptions(), "")


def avatar(brief: str, /, *, mouth: str = "", options: FilmOptions | None = None) -> None:
    """Make a talking avatar: a picture of a face or a figure whose mouth says the script.

    Parameters
    ----------
    brief
        A file (text, YAML or JSON) with title, voices, chapters, tone, script or writer, pictures,
        music and what it is about.
    mouth
        ACROSS,DOWN,WIDTH as parts of the picture, such as 0.5,0.7,0.3; else guessed.
    """
    _make("avatar", brief, options or FilmOptions(), mouth)


def _make(kind: str, brief: str, o: FilmOptions, mouth: str) -> None:
    settings.store()
    from genloom.make import film, planning
    from genloom.make.brief import read_brief

    changes: dict[str, Any] = {"script": o.script, "writer": o.writer, "voices": o.voice}
    changes |= {"pictures": o.pictures, "picture_prompt": o.picture_prompt, "music": o.music}
    changes |= {"minutes": o.minutes, "tone": o.tone, "speed": o.speed}
    screen = film.Screen(size=_size(o.size), subtitled=o.subtitles, mouth=mouth)
    target = Path(o.out or f"{Path(brief).stem}.mp4").expanduser()
    film.check_target(target)
    asked = read_brief(brief, **changes)
    kept = None if o.parts is None else Path(o.parts).expanduser()
    planned = planning.plan(asked, target, seed=o.seed, device=settings.device(), parts=kept)
    if o.plan:
        show(planned, o.json)
        return
    if not o.quiet:
        tell(planned)
    with Progress(o.quiet) as progress:
        made = film.make(planned, film.KINDS[kind], screen, listener=progress)
    for text in planned.warnings:
        warn(text)
    files = [str(path) for path in made.paths()]
    if not o.json:
        output.text("\n".join(files))
        return
    sync = {} if made.sync is None else {"lip_sync_ms": made.sync[0], "lip_fit": made.sync[1]}
    told = {**planned.told(), "seconds": round(made.seconds, 3), "files": files, **sync}
    output.values({**told, "spent": made.spent})


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    if not (width.isdigit() and height.isdigit()):
        raise UsageError(f"--size {text}: WIDTHxHEIGHT is expected, such as 640x360")
    return int(width), int(height)
