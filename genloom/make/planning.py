"""What will be made of a brief, before it is: voices are cast, a script is taken or written, each
voice says one sentence, and the rest is foretold from that.

Knows scripts, speakers and seconds; makes nothing but those sentences, which stay.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from genloom.errors import UsageError
from genloom.make.brief import TONES, Brief
from genloom.make.cast import Speaker, cast
from genloom.make.kept import Kept
from genloom.make.saying import Said, lasting, pieces, said
from genloom.make.script import Script, read_script
from genloom.make.timeline import Spoken, laid, usual
from genloom.make.writer import Written, write

FASTER, SLOWER = 1.2, 0.85  # how far voices may leave their own pace for the sake of the minutes
MUSIC, MIXING = 0.15, 0.12  # seconds of work for a second of music, and of the whole
PROBE = "This is what we are going to talk about today"


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All that is decided before it is made. spoken: what is said, in pieces of foretold lengths.
    target: the file. speed: of the voices. seconds: how
    long it will be; work: seconds that it will take. written: where a model wrote the script."""

    brief: Brief
    script: Script
    spoken: tuple[Spoken, ...]
    cast: dict[str, Speaker]
    kept: Kept
    target: Path
    seed: int
    speed: float
    seconds: float
    work: float
    device: str = "auto"
    written: Written | None = None
    warnings: tuple[str, ...] = ()

    @property
    def pieces(self) -> list[Said]:
        return [one.said for one in self.spoken]

    def told(self) -> dict[str, Any]:
        """For people and programs."""
        chapters = [{"title": c.title, "lines": len(c.lines)} for c in self.script.chapters]
        return {
            "title": self.brief.title,
            "chapters": chapters,
            "words": self.script.words,
            "pieces": len(self.spoken),
            "voices": {name: _told(speaker) for name, speaker in self.cast.items()},
            "speed": self.speed,
            "asked_seconds": self.brief.seconds,
            "seconds": round(self.seconds, 1),
            "work_seconds": round(self.work, 1),
            "warnings": list(self.warnings),
        }


def _told(speaker: Speaker) -> str:
    name = speaker.model.recipe.name if speaker.model.folder is None else speaker.model.folder.name
    return f"{name}:{speaker.voice}" if speaker.voice else name


def plan(
    brief: Brief,
    target: str | Path,
    *,
    seed: int = 0,
    device: str = "auto",
    parts: Path | None = None,
) -> Plan:
    """What will be made of a brief, and how long it takes. parts: a folder in which what is made
    stays, beside the target unless given. UsageError for a brief that cannot be met."""
    target = Path(target).expanduser()
    kept = Kept(parts or target.with_name(f"{target.stem}.parts"))
    speakers = cast(brief.voices, device)
    fast, pace, _ = TONES[brief.tone]
    written = None
    if brief.script:
        script = read_script(brief.script, brief.voices, brief.title)
        _check_chapters(brief, script)
    else:
        if not brief.writer:
            raise UsageError("there is nothing to say: give --script FILE, or --writer MODEL")
        probes = [pieces(name, one, PROBE)[0] for name, one in speakers.items()]
        rates, _ = _rates(probes, speakers, kept, seed)
        words = _words_for(brief, sum(rates.values()) / len(rates), bool(brief.music))
        written = write(brief, words, seed, kept.folder, device)
        script = written.script
    spoken = _spoken(script, speakers)
    probes = _probes(spoken)
    rates, ratio = _rates(probes, speakers, kept, seed)
    spoken = _timed(spoken, probes, speakers, rates)
    speed = brief.speed or _speed(brief, spoken, pace, fast)
    told = [replace(one, seconds=one.seconds / speed) for one in spoken]
    long = laid(told, [c.title for c in script.chapters], brief.seconds, bool(brief.music), pace)
    work = sum(one.seconds for one in told) * ratio + long.seconds * MIXING
    work += long.seconds * MUSIC if brief.music else 0.0
    return Plan(
        brief=brief,
        script=script,
        spoken=tuple(told),
        cast={
            name: one for name, one in speakers.items() if any(s.speaker == name for s in spoken)
        },
        kept=kept,
        target=target,
        seed=seed,
        speed=speed,
        seconds=long.seconds,
        work=work,
        device=device,
        written=written,
        warnings=warnings(brief, script, long.seconds, written),
    )


def _check_chapters(brief: Brief, script: Script) -> None:
    """A given script has the chapters that the brief asks for."""
    have = {chapter.title.lower() for chapter in script.chapters}
    if missing := [title for title in brief.chapters if title.lower() not in have]:
        raise UsageError(
            f"the script has no chapter {missing[0]!r}, which the brief asks for: add a heading "
            f"## {missing[0]}"
        )


def _probes(sentences: Sequence[Spoken]) -> list[Said]:
    """Of each voice a sentence of usual length."""
    found = []
    for name in dict.fromkeys(one.speaker for one in sentences):
        own = sorted((s for s in sentences if s.speaker == name), key=lambda s: len(s.text))
        found.append(own[len(own) // 2].said)
    return found


def _rates(
    probes: Sequence[Said], speakers: dict[str, Speaker], kept: Kept, seed: int
) -> tuple[dict[str, float], float]:
    """Seconds a letter of each voice, and seconds of work for one of speech."""
    begun = time.monotonic()
    parts = said(probes, speakers, kept, seed, 1.0)
    spent = time.monotonic() - begun
    rates = {
        p.speaker: part.sound.seconds / len(p.text) for p, part in zip(probes, parts, strict=True)
    }
    return rates, spent / max(sum(part.sound.seconds for part in parts), 1e-3)


def _timed(
    spoken: Sequence[Spoken],
    probes: Sequence[Said],
    speakers: dict[str, Speaker],
    rates: dict[str, float],
) -> list[Spoken]:
    """With seconds: those that the model foretells, less the silence that was cut around the
    voice's probe; of a model that foretells nothing by the probe's pace. One sentence's pace alone
    missed two minutes by 7 %."""
    known = lasting([one.said for one in spoken], speakers)
    cut = {p.speaker: known[p] - rates[p.speaker] * len(p.text) for p in probes if p in known}

    def seconds(one: Spoken) -> float:
        by_pace = len(one.text) * rates[one.speaker]
        told = known.get(one.said)
        return by_pace if told is None else max(told - cut[one.speaker], 0.2 * by_pace)

    return [replace(one, seconds=seconds(one)) for one in spoken]


def _words_for(brief: Brief, rate: float, music: bool) -> float:
    """Words that fill the minutes: a word has about six letters with the space behind it."""
    seconds = brief.seconds or 60.0
    gaps = 0.2 * seconds if music else 0.1 * seconds
    return (seconds - gaps) / (6 * rate)


def _spoken(script: Script, speakers: dict[str, Speaker]) -> list[Spoken]:
    """The script's lines in pieces, neither made nor laid out yet."""
    out: list[Spoken] = []
    for number, chapter in enumerate(script.chapters):
        for line in chapter.lines:
            cut = pieces(line.voice, speakers[line.voice], line.text)
            out += [Spoken(said=one, chapter=number, rest=one.pause) for one in cut]
            out[-1] = replace(out[-1], rest=0.0, pause=line.pause)
    return out


def _speed(brief: Brief, spoken: Sequence[Spoken], pace: float, fast: float) -> float:
    """The tone's, changed so far as the minutes need it."""
    if brief.seconds is None:
        return fast
    room = brief.seconds - usual(spoken, bool(brief.music), pace)
    needed = sum(one.seconds for one in spoken) / max(room, 1.0)
    return round(min(max(needed, SLOWER * fast), FASTER * fast), 2)


def warnings(
    brief: Brief, script: Script, seconds: float, written: Written | None
) -> tuple[str, ...]:
    found = []
    asked = brief.seconds
    if asked is not None and abs(seconds - asked) > 0.1 * asked:
        found.append(
            f"the script's {script.words:,} words make about {seconds:.0f} s, the brief asks for "
            f"{asked:.0f}: make it {'shorter' if seconds > asked else 'longer'}"
        )
    silent = [name for name in brief.voices if all(x.voice != name for x in script.lines)]
    found += [f"{name} says nothing in the script" for name in silent]
    if written is not None:
        for chapter, share in zip(script.chapters, written.spoken_of, strict=True):
            if share < 0.5:
                found.append(f"what the model wrote speaks little of {chapter.title!r}: read it")
    return tuple(found)
