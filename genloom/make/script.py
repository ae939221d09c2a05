"""What is said: chapters of lines, each by somebody.

    # Bees in the city
    ## Why bees
    ANNA: Good evening.
    BEN: And welcome.
    [pause 1.5]

Markdown headings are chapters, what has no name goes on with the line before. Knows texts alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genloom.errors import DataError, UsageError

LARGEST = 4 << 20  # bytes of a script
LONGEST_PAUSE = 30.0  # seconds
SAID = re.compile(
    r"(?P<bold>\**)(?P<name>[^\W\d_][\w .'-]{0,39}?)(?:(?P=bold):|:(?P=bold))\s*(?P<text>.*)"
)
HEADING = re.compile(r"(?P<level>#{1,6})\s+(?P<title>.+?)\s*#*")
PAUSE = re.compile(r"\[pause\s+(?P<seconds>\d+(?:\.\d+)?)\s*s?\]", re.IGNORECASE)
WORD = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*")


@dataclass(frozen=True, kw_only=True)
class Line:
    """voice: the name of who says it, as the brief has it; pause: seconds behind it that were asked
    for, beside the usual ones."""

    voice: str
    text: str
    pause: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Chapter:
    title: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, kw_only=True)
class Script:
    title: str
    chapters: tuple[Chapter, ...]

    @property
    def lines(self) -> list[Line]:
        return [line for chapter in self.chapters for line in chapter.lines]

    @property
    def words(self) -> int:
        return sum(len(WORD.findall(line.text)) for line in self.lines)

    def told(self) -> str:
        """As Markdown, which `script_of` reads again."""
        out = [f"# {self.title}"]
        for chapter in self.chapters:
            out += ["", f"## {chapter.title}", ""]
            for line in chapter.lines:
                out.append(f"{line.voice.upper()}: {line.text}")
                out += [f"[pause {line.pause:g}]"] if line.pause else []
        return "\n".join(out) + "\n"


def read_script(path: str | Path, voices: Collection[str], title: str) -> Script:
    """A script from a file: JSON, or text in any other."""
    path = Path(path).expanduser()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}: give the file of a script") from None
    if len(content) > LARGEST:
        raise DataError(f"{path} has {len(content):,} bytes: a script has {LARGEST:,} at most")
    try:
        text = content.decode("utf-8-sig")
        if path.suffix.lower() == ".json":
            return _from_json(json.loads(text), voices, title)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read ({str(error).splitlines()[0]})") from None
    return script_of(text, voices, title, str(path))


def script_of(text: str, voices: Collection[str], title: str, name: str = "the script") -> Script:
    """UsageError for who has no voice, DataError where nobody says anything."""
    known = {voice.lower(): voice for voice in voices}
    chapters: list[tuple[str, list[Line]]] = [("", [])]
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if not line:
            continue
        lines = chapters[-1][1]
        heading, pause, said = HEADING.fullmatch(line), PAUSE.fullmatch(line), SAID.fullmatch(line)
        if heading and len(heading["level"]) == 1 and not lines and len(chapters) == 1:
            title = heading["title"]
        elif heading:
            chapters.append((heading["title"], []))
        elif pause and lines:
            lines[-1] = _paused(lines[-1], float(pause["seconds"]))
        elif said and said["name"].strip().lower() in known:
            lines.append(Line(voice=known[said["name"].strip().lower()], text=said["text"].strip()))
        elif said and said["name"].isupper():
            raise _unheard(said["name"], known, f"{name} line {number}")
        elif lines:
            lines[-1] = Line(
                voice=lines[-1].voice,
                text=f"{lines[-1].text} {line}".strip(),
                pause=lines[-1].pause,
            )
        else:
            raise DataError(f"{name} line {number}: nobody says {line[:40]!r}: begin with  NAME: ")
    return _script(title, chapters, name)


def _paused(line: Line, seconds: float) -> Line:
    pause = min(seconds, LONGEST_PAUSE)
    return Line(voice=line.voice, text=line.text, pause=line.pause + pause)


def _unheard(name: str, known: Mapping[str, str], place: str) -> UsageError:
    there = ", ".join(known.values()) or "none"
    return UsageError(
        f"{place}: {name.strip()} has no voice (there are {there}): give one with "
        f"--voice {name.strip().lower()}=MODEL:VOICE"
    )


def _script(title: str, chapters: list[tuple[str, list[Line]]], name: str) -> Script:
    kept = []
    for heading, lines in chapters:
        said = tuple(line for line in lines if WORD.search(line.text))
        if said:
            kept.append(Chapter(title=heading or title, lines=said))
    if not kept:
        raise DataError(f"{name} says nothing: give lines such as  ANNA: Good evening.")
    return Script(title=title, chapters=tuple(kept))


def _from_json(values: Any, voices: Collection[str], title: str) -> Script:
    """{"title", "chapters": [{"title", "lines": [{"voice", "text", "pause"}]}]}"""
    known = {voice.lower(): voice for voice in voices}
    found: list[tuple[str, list[Line]]] = []
    try:
        for chapter in values["chapters"]:
            lines = []
            for line in chapter["lines"]:
                voice = str(line["voice"])
                if voice.lower() not in known:
                    raise _unheard(voice, known, "the script")
                pause = min(max(float(line.get("pause", 0.0)), 0.0), LONGEST_PAUSE)
                lines.append(Line(voice=known[voice.lower()], text=str(line["text"]), pause=pause))
            found.append((str(chapter.get("title", "")), lines))
        return _script(str(values.get("title", title)), found, "the script")
    except (KeyError, TypeError, AttributeError) as error:
        raise DataError(
            f"the script has another form ({error}): an object with chapters, each with lines that "
            "have a voice and a text, is expected"
        ) from None
