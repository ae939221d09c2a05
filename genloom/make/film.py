"""Films from a brief: slides with a voice, clips under a voice, a face that speaks; one file each.

    made = film.make(planning.plan(read_brief("bees.txt"), "bees.mp4"), SLIDES)

What is heard is a podcast's: script, voices, music, levels. What is seen is drawn frame by frame
while it is written. All of it only calls what any program could call.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from genloom.codec.image.pictures import Picture
from genloom.codec.saving import write_atomic
from genloom.codec.video import containers
from genloom.data.source import file_sha256
from genloom.errors import UsageError
from genloom.make.face import Face
from genloom.make.planning import Plan
from genloom.make.podcast import Clock, Heard, Listener, Step, heard
from genloom.make.published import of_parts, timed_words
from genloom.make.screen import Drawn, Said, covering, drifting, slide, subtitled
from genloom.make.shots import Shot, shots
from genloom.metric.lip_sync import envelope, lag
from genloom.requested import software
from genloom.sound.loudness import PEAK
from genloom.speech.mouth import stands
from genloom.speech.subtitles import Word, cues, subtitles
from genloom.trust import provenance

SIDES = (64, 2160)  # pixels of a film's side


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is made of a plan: name; rate: frames a second; seen: how its frames are drawn."""

    name: str
    rate: float
    seen: Callable[[Plan, Heard, Screen], Seen]


@dataclass(frozen=True, kw_only=True)
class Screen:
    """size: (width, height); subtitled: what is said stands in the picture, too; mouth: where a
    face has it, "" to guess."""

    size: tuple[int, int] = (640, 360)
    subtitled: bool = True
    mouth: str = ""

    def __post_init__(self) -> None:
        low, high = SIDES
        if not all(low <= side <= high for side in self.size):
            raise UsageError(f"{self.size[0]}x{self.size[1]}: {low} to {high} pixels a side")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """draw: second -> uint8 [H, W, 3]; records: (begin, end, record) of what is seen; sync:
    milliseconds that a mouth is late, and how well it follows, where there is one."""

    draw: Callable[[float], np.ndarray]
    records: Sequence[tuple[float, float, Mapping[str, Any]]] = ()
    sync: tuple[float, float] | None = None


@dataclass(frozen=True, kw_only=True)
class Film:
    """file, subtitles beside it; seconds of it; spent: seconds of work by stage; sync: of a mouth;
    record: the sealed one inside."""

    file: Path
    srt: Path
    vtt: Path
    seconds: float
    record: Mapping[str, Any]
    spent: dict[str, float] = field(default_factory=dict)
    sync: tuple[float, float] | None = None

    def paths(self) -> list[Path]:
        return [self.file, self.srt, self.vtt]


def check_target(path: Path) -> None:
    if path.suffix.lower() not in containers.WRITTEN:
        raise UsageError(f"{path.name}: films are written as {', '.join(containers.WRITTEN)}")
    containers.av()  # before anything is made


def make(
    plan: Plan,
    kind: Kind,
    screen: Screen | None = None,
    *,
    loud: float = -16.0,
    peak: float = PEAK,
    listener: Listener = lambda step: None,
) -> Film:
    """The film in its file, every part's record inside, and subtitles beside it."""
    screen = screen or Screen()
    check_target(plan.target)
    clock = Clock()
    done = heard(plan, loud, peak, listener, clock)
    listener(Step(stage="pictures", done=0, of=1))
    seen = kind.seen(plan, done, screen)
    clock("pictures")
    words = timed_words(done.line, done.parts)
    talk, seconds = Said(cues(words)), done.line.seconds

    def draw(at: float) -> np.ndarray:
        frame = seen.draw(at)
        cue = talk.at(at) if screen.subtitled else None
        return frame if cue is None else subtitled(_image(frame), cue)

    reel = Drawn(size=screen.size, rate=kind.rate, seconds=seconds, draw=draw, sound=done.sound)
    listener(Step(stage="writing", done=0, of=1))
    writer: Any = _Writer()
    provenance.save_one(writer, reel, plan.target, None, _record(plan, kind, done, seen))
    clock("writing")
    sealed, _ = provenance.places.find_record(plan.target)
    beside = plan.target.with_suffix
    return Film(
        file=plan.target,
        srt=write_atomic(beside(".srt"), subtitles(words, ".srt").encode()),
        vtt=write_atomic(beside(".vtt"), subtitles(words, ".vtt").encode()),
        seconds=seconds,
        record=sealed or {},
        spent=clock.spent,
        sync=seen.sync,
    )


class _Writer:
    """Writes a reel, as codecs write their items."""

    suffix = ".mp4"

    def write(self, item: Any, path: Path, record: Mapping[str, Any] | None = None) -> bool:
        containers.write(item, path, record)
        return record is not None


def _record(plan: Plan, kind: Kind, done: Heard, seen: Seen) -> dict[str, Any]:
    told = of_parts(done.line, done.parts, done.records, plan.written)
    for begin, end, record in seen.records:
        part = {"kind": "pictures", "begin": round(begin, 3), "end": round(end, 3)}
        if "weights" in record:
            key = str(record["weights"])[:16]
            told["models"].setdefault(key, {k: record[k] for k in _OF_MODEL if k in record})
            part |= {"model": key, **{k: record[k] for k in _PART if record.get(k) is not None}}
        else:
            part |= record
        told["parts"].append(part)
    return {
        "genloom": software()["genloom"],
        "made": kind.name,
        "media": "video/mp4",
        "title": plan.brief.title,
        "brief": json.loads(json.dumps(asdict(plan.brief))),
        "seed": plan.seed,
        "speed": plan.speed,
        "chapters": [asdict(mark) for mark in done.line.chapters],
        **({} if seen.sync is None else {"lip_sync_ms": round(seen.sync[0], 1)}),
        **told,
        "software": software(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


_OF_MODEL = ("model", "weights", "recipe", "data", "media", "software")
_PART = ("prompt", "seed", "first", "options", "asset")


# --- what is seen ---------------------------------------------------------------------------------


def _shots(plan: Plan, done: Heard) -> list[tuple[float, float, str, Shot | None]]:
    """(begin, end, title, shot) of each chapter."""
    marks, brief = done.line.chapters, plan.brief
    found = shots(
        *(brief.pictures, brief.picture_prompt, [mark.title for mark in marks], plan.seed),
        folder=plan.kept.folder,
        device=plan.device,
    )
    return [(m.begin, m.end, m.title, s) for m, s in zip(marks, found, strict=True)]


def _records(scenes: Sequence[tuple[float, float, str, Shot | None]]) -> list[Any]:
    return [(begin, end, shot.record) for begin, end, _, shot in scenes if shot is not None]


def _scene(scenes: Sequence[Any], at: float) -> Any:
    return next((s for s in scenes if s[0] <= at < s[1]), scenes[-1])


def _slides(plan: Plan, done: Heard, screen: Screen) -> Seen:
    scenes = _shots(plan, done)
    pages: dict[tuple[float, int], Any] = {}

    def draw(at: float) -> np.ndarray:
        begin, _, title, shot = _scene(scenes, at)
        frame = None if shot is None else shot.at(at - begin)
        key = (begin, 0 if shot is None else int((at - begin) * shot.rate) % len(shot.frames))
        if key not in pages:
            pages[key] = np.asarray(slide(title, frame, screen.size))
        page: np.ndarray = pages[key]
        return page

    return Seen(draw=draw, records=_records(scenes))


def _clips(plan: Plan, done: Heard, screen: Screen) -> Seen:
    if not plan.brief.pictures:
        raise UsageError("there is nothing to see: give --pictures FILE, a folder or a MODEL")
    scenes = _shots(plan, done)

    def draw(at: float) -> np.ndarray:
        begin, _, _, shot = _scene(scenes, at)
        still = len(shot.frames) == 1
        zoom = drifting(at - begin) if still else 1.0
        return np.asarray(covering(shot.at(at - begin), screen.size, zoom))

    return Seen(draw=draw, records=_records(scenes))


def _avatar(plan: Plan, done: Heard, screen: Screen) -> Seen:
    path = Path(plan.brief.pictures).expanduser()
    if not plan.brief.pictures:
        raise UsageError("nobody is seen: give --pictures, a picture of a face, or a MODEL of them")
    if path.is_file():
        image, record = Picture(path, name=str(path)).open(), _file(path)
    else:
        shot = shots(
            *(plan.brief.pictures, plan.brief.picture_prompt, [plan.brief.title], plan.seed),
            folder=plan.kept.folder,
            device=plan.device,
        )[0]
        assert shot is not None
        image, record = _image(shot.frames[0]), shot.record
    face = Face.of(image, screen.size, screen.mouth)
    words = [word for some in spoken_words(done) for word in some]
    mouths = stands(words, done.line.seconds, AVATAR.rate)
    opening = np.array([mouth.open for mouth in mouths])
    mono = done.sound.mono().numpy()
    sync = lag(opening, AVATAR.rate, envelope(mono, done.sound.rate))

    def draw(at: float) -> np.ndarray:
        place = min(int(at * AVATAR.rate), len(mouths) - 1)
        return face.speaking(mouths[place])

    return Seen(draw=draw, records=[(0.0, done.line.seconds, record)], sync=sync)


def spoken_words(done: Heard) -> list[list[Word]]:
    """The words of each piece as they are heard; a speaker's name is only read."""
    found = timed_words(done.line, done.parts)
    return [
        [Word(text=w.text.partition(": ")[2] or w.text, begin=w.begin, end=w.end) for w in some]
        for some in found
    ]


def _file(path: Path) -> dict[str, Any]:
    return {"file": path.name, "sha256": file_sha256(path)}


def _image(frame: np.ndarray) -> Any:
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(frame))


SLIDES = Kind(name="slides", rate=10.0, seen=_slides)
CLIP = Kind(name="clip", rate=12.0, seen=_clips)
AVATAR = Kind(name="avatar", rate=25.0, seen=_avatar)
KINDS = {kind.name: kind for kind in (SLIDES, CLIP, AVATAR)}
