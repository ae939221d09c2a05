"""What goes out: the sound file with chapters and its record inside; subtitles, chapters and the
script beside it.

The record tells of every part: when it is heard, what was asked of which model, and the hash of
what it made. Knows files and records; nothing of how a part is made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from genloom.codec.saving import write_atomic
from genloom.codec.sound.files import WRITTEN, read_sound, write_sound
from genloom.codec.sound.marks import Mark
from genloom.errors import UsageError
from genloom.make.brief import Brief
from genloom.make.kept import Part
from genloom.make.saying import words_of
from genloom.make.script import Script
from genloom.make.timeline import Timeline
from genloom.make.writer import Written
from genloom.requested import software
from genloom.sound.loudness import levelled, loudness, true_peak
from genloom.sound.wave import Sound
from genloom.speech.subtitles import Word, subtitles
from genloom.trust import provenance

# Of a part's record what is its model's, told once for all parts of that model.
OF_MODEL = ("model", "weights", "adapter", "recipe", "data", "source", "media", "software", "bits")
PART = ("prompt", "where", "seed", "first", "options", "given", "created", "asset")
LOSSY, MARGIN = (".mp3", ".ogg", ".opus"), 0.6  # suffixes, and decibels by which peaks may rise
ROUNDS = 3  # of levelling anew, where a coding made peaks higher


@dataclass(frozen=True, kw_only=True)
class Published:
    """sound, subtitles and chapters: paths; script: of one that was written; record: the sealed one
    inside."""

    sound: Path
    srt: Path
    vtt: Path
    chapters: Path
    chapter_list: Path
    script: Path | None
    record: Mapping[str, Any]

    def paths(self) -> list[Path]:
        named = (self.sound, self.srt, self.vtt, self.chapters, self.chapter_list, self.script)
        return [path for path in named if path is not None]


@dataclass(frozen=True, kw_only=True)
class Marked:
    """Writes a sound with chapters, as codecs write theirs."""

    marks: tuple[Mark, ...]
    suffix: str = ".wav"

    def write(self, item: Sound, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        return write_sound(item, path, record, self.marks)


def check_target(path: Path) -> None:
    """UsageError for a suffix that no sound file has."""
    known = (".wav", *WRITTEN)
    if path.suffix.lower() not in known:
        raise UsageError(f"{path.name}: a podcast is written as {', '.join(known)}")


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What was asked and decided: loud in LUFS, peak in dBTP; see `podcast.Plan` for the rest."""

    brief: Brief
    script: Script
    written: Written | None
    seed: int
    speed: float
    loud: float
    peak: float


def publish(
    target: Path,
    sound: Sound,
    line: Timeline,
    parts: Sequence[Part],
    music: Sequence[Mapping[str, Any]],
    terms: Terms,
) -> tuple[Published, float, float]:
    """All files, and the loudness and true peak of the sound file as it is read back."""
    check_target(target)
    record = {
        "genloom": software()["genloom"],
        "made": "podcast",
        "media": "audio",
        "title": terms.brief.title,
        "brief": json.loads(json.dumps(asdict(terms.brief))),
        "seed": terms.seed,
        "speed": terms.speed,
        "chapters": [asdict(mark) for mark in line.chapters],
        "loudness": {"lufs": terms.loud, "peak": terms.peak},
        **of_parts(line, parts, music, terms.written),
        "software": software(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    loud_is, peak_is = _save(target, sound, line.chapters, record, terms.loud, terms.peak)
    sealed, _ = provenance.places.find_record(target)
    beside = target.with_suffix
    words = timed_words(line, parts)
    text = terms.script.told().encode()
    script = None if terms.written is None else write_atomic(beside(".md"), text)
    chapters = [asdict(mark) for mark in line.chapters]
    rows = [f"{_clock(mark.begin)} {mark.title}" for mark in line.chapters]
    published = Published(
        sound=target,
        srt=write_atomic(beside(".srt"), subtitles(words, ".srt").encode()),
        vtt=write_atomic(beside(".vtt"), subtitles(words, ".vtt").encode()),
        chapters=write_atomic(beside(".chapters.json"), _json({"chapters": chapters})),
        chapter_list=write_atomic(beside(".chapters.txt"), ("\n".join(rows) + "\n").encode()),
        script=script,
        record=sealed or {},
    )
    return published, loud_is, peak_is


def timed_words(line: Timeline, parts: Sequence[Part]) -> list[list[Word]]:
    """Of each piece; who begins to speak is named before the first word."""
    found, before = [], ""
    for one, part in zip(line.sentences, parts, strict=True):
        words = words_of(part, one.at)
        words = words or [Word(text=one.text, begin=one.at, end=one.end)]
        if one.speaker != before:
            words[0] = replace(words[0], text=f"{one.speaker.upper()}: {words[0].text}")
        found.append(words)
        before = one.speaker
    return found


def _save(
    target: Path, sound: Sound, marks: Sequence[Mark], record: Any, loud: float, peak: float
) -> tuple[float, float]:
    """What a coding leaves out can make peaks higher: turned down until they are not."""
    writer: Any = Marked(marks=tuple(marks), suffix=target.suffix)
    ceiling = peak
    if target.suffix.lower() in LOSSY:
        ceiling = peak - MARGIN
        sound = levelled(sound, loud, ceiling)
    for _ in range(ROUNDS):
        provenance.save_one(writer, sound, target, None, record)
        heard = read_sound(target.read_bytes(), str(target))
        high = true_peak(heard)
        if high <= peak + 0.01:
            break
        ceiling -= high - peak + 0.1
        sound = levelled(sound, loud, ceiling)
    return loudness(heard), high


def of_parts(
    line: Timeline,
    parts: Sequence[Part],
    music: Sequence[Mapping[str, Any]],
    written: Written | None,
) -> dict[str, Any]:
    """{"models": by a short hash, "parts": each with its span of time}"""
    models: dict[str, dict[str, Any]] = {}
    told: list[dict[str, Any]] = []

    def add(kind: str, begin: float, end: float, record: Mapping[str, Any], **more: Any) -> None:
        found = {"kind": kind, "begin": round(begin, 3), "end": round(end, 3), **more}
        if "weights" not in record:
            told.append({**found, **record})
            return
        key = str(record["weights"])[:16]
        models.setdefault(key, {name: record[name] for name in OF_MODEL if name in record})
        asked = {name: record[name] for name in PART if record.get(name) not in (None, {}, [])}
        told.append({**found, "model": key, **asked})

    for one, part in zip(line.sentences, parts, strict=True):
        add("speech", one.at, one.end, part.record, speaker=one.speaker, text=one.text)
    for record in music:
        add("music", 0.0, line.seconds, record)
    if written is not None:
        for mark, record in zip(line.chapters, written.records, strict=True):
            add("script", mark.begin, mark.end, record)
    return {"models": models, "parts": told}


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest:02}"


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()
