"""A script by a model of texts, that follows its brief: the brief's voices in turn, its chapters in
order, about as many words as its minutes hold.

The form is a regular expression that the text has to match; who opens a chapter says its title.
What the lines between say is the model's. Knows texts; not how they are said.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genloom import api
from genloom.codec.saving import write_atomic
from genloom.errors import UsageError
from genloom.make.brief import Brief
from genloom.make.kept import DECIDES
from genloom.make.script import WORD, Chapter, Script, script_of

LINE = (16, 130)  # characters of a line behind its first letter
LINE_WORDS = 14.0  # that such a line has, about
TRIES = 3  # texts of a chapter, of which the one that speaks of it most is taken
MOST_LINES = 24  # of a chapter
BODY = r"[A-Za-z0-9 ,'\-]"
SHORT = 4  # letters below which a word says nothing of a topic


@dataclass(frozen=True, kw_only=True)
class Written:
    """script; records: of each chapter's text; spoken_of: share of the words of each chapter's
    title that its lines take up beyond the opening."""

    script: Script
    records: tuple[dict[str, Any], ...]
    spoken_of: tuple[float, ...]


def write(brief: Brief, words: float, seed: int, folder: Path, device: str = "auto") -> Written:
    """words: of the whole. What was written is kept in the folder and taken again."""
    model = api.load(brief.writer, device)
    if not hasattr(model.codec, "stable_prefix") or "regex" not in model.family.takes:
        raise UsageError(f"{brief.writer} writes no texts: give --writer a model of texts")
    titles = brief.chapters or (brief.title,)
    lines = min(max(round(words / len(titles) / LINE_WORDS), len(brief.voices)), MOST_LINES)
    chapters, records, shares = [], [], []
    for title in titles:
        chapter, record, share = _best(model, brief, title, lines, seed, folder)
        chapters.append(chapter)
        records.append(record)
        shares.append(share)
    script = Script(title=brief.title, chapters=tuple(chapters))
    return Written(script=script, records=tuple(records), spoken_of=tuple(shares))


def _best(
    model: api.Model, brief: Brief, title: str, lines: int, seed: int, folder: Path
) -> tuple[Chapter, dict[str, Any], float]:
    found = []
    for turn in range(TRIES):
        text, record = _text(model, brief, title, lines, seed + turn, folder)
        script = script_of(f"## {title}\n{text}", brief.voices, brief.title, brief.writer)
        found.append((_spoken_of(title, text), -turn, script.chapters[0], record))
        if found[-1][0] == 1.0:
            break
    share, _, chapter, record = max(found, key=lambda one: one[:2])
    return chapter, record, share


def _text(
    model: api.Model, brief: Brief, title: str, lines: int, seed: int, folder: Path
) -> tuple[str, dict[str, Any]]:
    prompt = _prompt(brief, title)
    options = {"regex": _form(brief, title, lines), "max_tokens": 60 * lines, "temperature": 0.8}
    request = api.request_of(prompt, 1, seed, None, 0, None, options)
    record = api.record(model, request)
    decides = json.dumps({key: record.get(key) for key in DECIDES}, sort_keys=True, default=str)
    path = folder / f"{hashlib.sha256(decides.encode()).hexdigest()[:24]}.txt"
    if path.is_file():
        return path.read_text("utf-8"), record
    text = str(api.exact(model, request)[0]).removeprefix(prompt)
    write_atomic(path, text.encode())
    return text, record


def _prompt(brief: Brief, title: str) -> str:
    names = " and ".join(name.upper() for name in brief.voices)
    about = f" It is about this: {brief.about}" if brief.about else ""
    return (
        f"Write a part of the podcast \u201c{brief.title}\u201d, in a {brief.tone} tone, as a talk "
        f"between {names}, a line each in turn.{about} This part is about: {title}\n\n"
    )


def _form(brief: Brief, title: str, lines: int) -> str:
    """A regular expression: each voice in turn a line, the first opened by the title."""
    names, low, high = list(brief.voices), *LINE
    said = f"[A-Z]{BODY}{{{low},{high}}}[.!?]\\n"
    opening = re.escape(title.rstrip(".!?")).replace("\\ ", " ")
    return "".join(
        f"{re.escape(names[n % len(names)].upper())}: " + (f"{opening}\\. " if not n else "") + said
        for n in range(lines)
    )


def _spoken_of(title: str, text: str) -> float:
    """The share of the title's longer words that come again behind the opening, by their stems."""
    wanted = {_stem(w) for w in WORD.findall(title.lower()) if len(w) >= SHORT}
    behind = text.lower().partition(title.lower().rstrip(".!?"))[2]
    return len(wanted & {_stem(w) for w in WORD.findall(behind)}) / len(wanted) if wanted else 1.0


def _stem(word: str) -> str:
    return word[: max(SHORT, len(word) - 3)]
