"""A podcast from a brief: script, voices, music, chapters, subtitles, one file with its record.

    made = podcast.make(planning.plan(read_brief("bees.txt"), "bees.wav"))

The plan says what is said by whom; here it is said, laid out, mixed and levelled. All of it only
calls what any program could call.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from genloom.make.bed import LOUD, Music, music
from genloom.make.brief import TONES
from genloom.make.cast import rate_of
from genloom.make.kept import Part
from genloom.make.planning import Plan, warnings
from genloom.make.published import Published, Terms, publish
from genloom.make.saying import Said, said
from genloom.make.timeline import Timeline, laid
from genloom.sound.joining import joined
from genloom.sound.loudness import PEAK, levelled, loudness
from genloom.sound.mixing import Ducking, Track, mixed
from genloom.sound.wave import Sound

SPEECH = -18.0  # LUFS of each voice before the whole is levelled
DUCK = Ducking(by=14.0, up=1.2, hold=0.9)
ASIDE = 0.12  # how far voices stand from the middle, to the left and right in turn


@dataclass(frozen=True, kw_only=True)
class Step:
    """How far it is: done of so many of a stage; left: seconds of work, as far as is known."""

    stage: str
    done: int
    of: int
    left: float | None = None


Listener = Callable[[Step], None]


@dataclass(frozen=True, kw_only=True)
class Podcast:
    """published: the files; timeline: what is heard when; loudness: LUFS, peak: dBTP of the file;
    again: parts that were there already, of `parts`; spent: seconds of work by stage."""

    published: Published
    timeline: Timeline
    loudness: float
    peak: float
    again: int
    parts: int
    spent: dict[str, float] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


def make(
    plan: Plan,
    *,
    loud: float = -16.0,
    peak: float = PEAK,
    listener: Listener = lambda step: None,
) -> Podcast:
    """The podcast in its file, with chapters and record inside, and subtitles beside it."""
    clock = Clock()
    done = heard(plan, loud, peak, listener, clock)
    listener(Step(stage="writing", done=0, of=1))
    published, loud_is, peak_is = publish(
        plan.target, done.sound, done.line, done.parts, done.records, terms_of(plan, loud, peak)
    )
    clock("writing")
    again = sum(part.again for part in done.parts)
    return Podcast(
        published=published,
        timeline=done.line,
        loudness=loud_is,
        peak=peak_is,
        again=again,
        parts=len(done.parts),
        spent=clock.spent,
        warnings=warnings(plan.brief, plan.script, done.line.seconds, plan.written),
    )


@dataclass(frozen=True, kw_only=True)
class Heard:
    """sound: of the whole, levelled; line: what is heard when; parts: one a piece; records: of the
    music."""

    sound: Sound
    line: Timeline
    parts: list[Part]
    records: list[Mapping[str, Any]]


def terms_of(plan: Plan, loud: float, peak: float) -> Terms:
    return Terms(
        brief=plan.brief,
        script=plan.script,
        written=plan.written,
        seed=plan.seed,
        speed=plan.speed,
        loud=loud,
        peak=peak,
    )


def heard(plan: Plan, loud: float, peak: float, listener: Listener, clock: Clock) -> Heard:
    """Everything that is heard, mixed and levelled."""
    parts = _say(plan, listener)
    clock("speech")
    spoken = [
        replace(one, seconds=part.sound.seconds)
        for one, part in zip(plan.spoken, parts, strict=True)
    ]
    titles = [chapter.title for chapter in plan.script.chapters]
    _, pace, level = TONES[plan.brief.tone]
    line = laid(spoken, titles, plan.brief.seconds, bool(plan.brief.music), pace)
    listener(Step(stage="music", done=0, of=1))
    bed = _bed(plan, line.seconds)
    clock("music")
    listener(Step(stage="mixing", done=0, of=1))
    tracks = [*_voices(plan, line, parts), *_under(bed, line, level)]
    sounds = None if bed is None else bed.pieces[0]
    whole = mixed(tracks, rate_of(plan.cast, sounds))
    clock("mixing")
    listener(Step(stage="levelling", done=0, of=1))
    whole = levelled(_exactly(whole, line.seconds), loud, peak)
    clock("levelling")
    records = [] if bed is None else list(bed.records)
    return Heard(sound=whole, line=line, parts=parts, records=records)


class Clock:
    """spent: seconds of work by stage."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = {}
        self._last = time.monotonic()

    def __call__(self, stage: str) -> None:
        now = time.monotonic()
        self.spent[stage], self._last = round(now - self._last, 2), now


def _say(plan: Plan, listener: Listener) -> list[Part]:
    wanted = plan.pieces
    letters, begun = sum(len(one.text) for one in dict.fromkeys(wanted)), time.monotonic()
    told = {"done": 0, "letters": 0, "fresh": 0}

    def heard(one: Said, part: Part) -> None:
        told["done"] += 1
        told["letters"] += len(one.text)
        told["fresh"] += 0 if part.again else len(one.text)
        spent = time.monotonic() - begun
        left = (letters - told["letters"]) * spent / told["fresh"] if told["fresh"] else None
        listener(Step(stage="speech", done=told["done"], of=len(wanted), left=left))

    return said(wanted, plan.cast, plan.kept, plan.seed, plan.speed, heard)


def _bed(plan: Plan, seconds: float) -> Music | None:
    brief = plan.brief
    if not brief.music:
        return None
    return music(brief.music, brief.music_prompt, seconds, plan.seed, plan.kept, plan.device)


def _voices(plan: Plan, line: Timeline, parts: Sequence[Part]) -> list[Track]:
    """A track for each sentence: every voice equally loud, each a little to its side."""
    gains = {}
    for name in plan.cast:
        own = [p.sound for p, s in zip(parts, line.sentences, strict=True) if s.speaker == name]
        level = loudness(joined(own)) if own else SPEECH
        gains[name] = SPEECH - level if level > -70 else 0.0
    sides = {name: ASIDE * (1 if n % 2 else -1) for n, name in enumerate(plan.cast)}
    sides = sides if len(sides) > 1 else dict.fromkeys(sides, 0.0)
    return [
        Track(
            sound=part.sound, at=one.at, gain=gains[one.speaker], pan=sides[one.speaker], over=True
        )
        for part, one in zip(parts, line.sentences, strict=True)
    ]


def _under(bed: Music | None, line: Timeline, level: float) -> list[Track]:
    if bed is None:
        return []
    sound = bed.bed(line.seconds)
    gain = SPEECH - 2.0 - LOUD + level
    return [Track(sound=sound, gain=gain, begin=0.4, end=min(3.0, line.outro), under=DUCK)]


def _exactly(sound: Sound, seconds: float) -> Sound:
    """As long as the timeline: the outro without music is silence."""
    count = round(seconds * sound.rate)
    made = sound.samples.new_zeros(len(sound.samples), count)
    size = min(count, sound.samples.shape[1])
    made[:, :size] = sound.samples[:, :size]
    return Sound(made, sound.rate)
