"""What is asked for: a brief, from a short text, YAML or JSON.

    title: Bees in the city
    minutes: 2
    voices: anna = voices:anna, ben = voices:ben
    chapters:
    - Why bees
    - What you can do
    tone: warm

    Anything else is what it is about.

Knows what may be asked; not how it is made.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from genloom.errors import DataError, MissingExtra, UsageError

LARGEST = 1 << 20  # bytes of a brief
LONGEST = 180.0  # minutes
SPEEDS = (0.5, 2.0)
NAME = re.compile(r"[^\W\d_][\w .'-]{0,39}")
KEY = re.compile(r"(?P<key>[a-z_]+):(?:\s+|$)(?P<value>.*)")
# tone -> (how fast, how long pauses are, decibels of the music against the usual)
TONES: dict[str, tuple[float, float, float]] = {
    "neutral": (1.0, 1.0, 0.0),
    "calm": (0.93, 1.3, -2.0),
    "warm": (0.97, 1.1, 0.0),
    "serious": (0.95, 1.2, -4.0),
    "lively": (1.07, 0.8, 1.5),
    "urgent": (1.15, 0.6, 0.0),
}


@dataclass(frozen=True, kw_only=True)
class Voice:
    """model: of speech, a name or a path; voice: one that it has, "" for the first that is free;
    recording: of a voice of one's own, whose owner's consent is stated."""

    model: str
    voice: str = ""
    recording: str = ""
    consent: str = ""

    @classmethod
    def of(cls, value: Any, name: str) -> Voice:
        """From "model:voice", or a mapping of these fields."""
        if isinstance(value, Voice):
            return value
        if isinstance(value, str) and value.strip():
            model, _, voice = value.strip().rpartition(":")
            return cls(model=model, voice=voice) if model else cls(model=voice)
        known = {one.name for one in fields(cls)}
        if isinstance(value, Mapping) and "model" in value and not set(value) - known:
            return cls(**{key: str(one) for key, one in value.items()})
        raise UsageError(
            f"the voice {name} is {str(value)[:40]!r}: MODEL, MODEL:VOICE or an object of "
            f"{', '.join(sorted(known))} is expected"
        )


@dataclass(frozen=True, kw_only=True)
class Brief:
    """title: of the whole. minutes: how long it is to be, None for as long as the script takes.
    voices: by the names that the script has. chapters: their titles, in order. tone: one of TONES.
    about: what it is about, in any words. script: the file of a script; else `writer`, a model of
    texts, writes one. pictures: what is seen in films: a model of pictures or clips, a file or a
    folder of them; picture_prompt: what the model is asked for, "" for the chapters' titles. music:
    a model of music or a sound file, "" for none; music_prompt: what that model is asked for.
    speed: of the voices, None for what fits tone and minutes."""

    title: str
    minutes: float | None = None
    voices: Mapping[str, Voice] = field(default_factory=dict)
    chapters: tuple[str, ...] = ()
    tone: str = "neutral"
    about: str = ""
    script: str = ""
    writer: str = ""
    pictures: str = ""
    picture_prompt: str = ""
    music: str = ""
    music_prompt: str = ""
    speed: float | None = None

    def __post_init__(self) -> None:
        if not self.title.strip():
            raise UsageError("the brief has no title: say one, such as  title: Bees in the city")
        if self.minutes is not None and not 0 < self.minutes <= LONGEST:
            raise UsageError(
                f"minutes is {self.minutes}: more than 0, {LONGEST:g} at most expected"
            )
        if self.speed is not None and not SPEEDS[0] <= self.speed <= SPEEDS[1]:
            raise UsageError(f"speed is {self.speed}: {SPEEDS[0]} to {SPEEDS[1]} is expected")
        if self.tone not in TONES:
            raise UsageError(f"the tone {self.tone!r} is not known: use {', '.join(TONES)}")
        if strange := [name for name in self.voices if not NAME.fullmatch(name)]:
            raise UsageError(f"{strange[0][:40]!r} is no name of a voice: give a word")

    @property
    def seconds(self) -> float | None:
        """How long it is to be."""
        return None if self.minutes is None else 60 * self.minutes


def read_brief(path: str | Path, **changes: Any) -> Brief:
    """A brief from a file; changes that are not None replace what it says."""
    path = Path(path).expanduser()
    try:
        content = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}: give the file of a brief") from None
    if len(content) > LARGEST:
        raise DataError(f"{path} has {len(content):,} bytes: a brief has {LARGEST:,} at most")
    values = _values(content, path)
    given = {key: value for key, value in changes.items() if value not in (None, "", {}, ())}
    voices = {**_voices(values.pop("voices", {})), **_voices(given.pop("voices", {}))}
    return brief_of({**_beside(values, path.parent), **given, "voices": voices}, str(path))


def brief_of(asked: Mapping[str, Any], name: str = "the brief") -> Brief:
    """UsageError for what no brief has, and for values of another kind."""
    values: dict[str, Any] = {"title": "", **asked}
    if unknown := sorted(set(values) - {one.name for one in fields(Brief)}):
        known = ", ".join(one.name for one in fields(Brief))
        raise UsageError(f"{name}: {unknown[0][:40]!r} is not known; a brief has {known}")
    chapters = values.get("chapters") or ()
    if isinstance(chapters, str):
        chapters = [one.strip() for one in chapters.split(",")]
    values["chapters"] = tuple(str(one).strip() for one in chapters if str(one).strip())
    for key in ("minutes", "speed"):
        values[key] = _number(key, values.get(key))
    values["voices"] = _voices(values.get("voices") or {})
    texts = ("title", "tone", "about", "script", "writer", "music", "music_prompt")
    texts += ("pictures", "picture_prompt")
    for key in texts:
        if key in values:
            values[key] = str(values[key]).strip()
    values["tone"] = values.get("tone", "").lower() or "neutral"
    return Brief(**values)


def _values(content: bytes, path: Path) -> dict[str, Any]:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path} is no text in UTF-8: save it as one") from None
    suffix = path.suffix.lower()
    if suffix not in (".json", ".yaml", ".yml"):
        return _plain(text)
    try:
        found = json.loads(text) if suffix == ".json" else _yaml(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path} cannot be read ({str(error).splitlines()[0]})") from None
    if not isinstance(found, dict):
        raise DataError(f"{path} is no object of names and values: begin with  title: ...")
    return {str(key): value for key, value in found.items()}


def _yaml(text: str) -> Any:
    try:
        import yaml
    except ImportError:
        raise MissingExtra("pyyaml", "all") from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from None


def _plain(text: str) -> dict[str, Any]:
    """Lines of "key: value", lists of "- item" under a key, a heading as title; the rest is what
    it is about."""
    known = {one.name for one in fields(Brief)}
    values: dict[str, Any] = {}
    about: list[str] = []
    listed = ""
    for line in text.splitlines():
        bare = line.strip()
        match = KEY.fullmatch(bare)
        if match and match["key"] in known:
            listed = match["key"]
            values[listed] = match["value"].strip() or []
        elif bare.startswith("- ") and isinstance(values.get(listed), list):
            values[listed].append(bare[2:].strip())
        elif bare.startswith("# ") and "title" not in values:
            values["title"] = bare[2:].strip()
        elif bare.startswith("## "):
            values.setdefault("chapters", []).append(bare[3:].strip())
        else:
            listed = "" if bare else listed
            about.append(bare)
    words = "\n".join(about).strip()
    if "title" not in values and words:
        values["title"], _, words = words.partition("\n")
    return {"about": words.strip(), **values}


def _voices(value: Any) -> dict[str, Voice]:
    if isinstance(value, str | list):
        parts = value.split(",") if isinstance(value, str) else value
        pairs = [str(part).partition("=") for part in parts]
        if wrong := [name for name, sign, _ in pairs if not sign]:
            raise UsageError(f"voices: {wrong[0][:40]!r} says no model: NAME=MODEL:VOICE expected")
        value = {name.strip(): spoken.strip() for name, _, spoken in pairs}
    if not isinstance(value, Mapping):
        raise UsageError("voices are no list of NAME=MODEL:VOICE: give such a list")
    return {str(name).strip(): Voice.of(one, str(name)) for name, one in value.items()}


def _number(key: str, value: Any) -> float | None:
    if value in (None, ""):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        raise UsageError(f"{key} is {str(value)[:40]!r}: a number is expected") from None


def _beside(values: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Files that lie beside the brief are found from anywhere."""
    for key in ("script", "music", "pictures"):
        if values.get(key) and (folder / str(values[key])).exists():
            values[key] = str(folder / str(values[key]))
    return values
