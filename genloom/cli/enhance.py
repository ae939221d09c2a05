"""`genloom enhance`: pictures enlarged, restored or coloured, file by file and frame by frame.

Words and paths around `genloom.enhancing`. Folders keep their shape, moving pictures their times,
and no file that is read is ever written over.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from genloom.cli import output, settings
from genloom.cli.ending import warn
from genloom.errors import DataError, GenloomError, UsageError

if TYPE_CHECKING:
    from genloom.enhancing import Enhancer

WRITTEN = {".png", ".jpg", ".jpeg", ".webp"}  # other pictures become PNG
MOVING = {".gif", ".webp", ".png"}


@dataclass(frozen=True)
class Task:
    """path: what is read. target: what is written."""

    path: Path
    target: Path


def enhance(
    model: str,
    /,
    *paths: str,
    out: Annotated[str | None, Parameter(name=["-o", "--out"])] = None,
    window: int = 192,
    json: bool = False,
    no_record: bool = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
) -> None:
    """Enlarge, restore or colour pictures and films of any size with a model trained for it.

    Large pictures are made window by window; frames of GIF, WebP, APNG and films one by one from
    the same noise, so that what stands still stays still. Sound and times are kept.

    Parameters
    ----------
    model
        A model trained by upscale, upscale-2x, upscale-gan, restore or colourise.
    paths
        Pictures and films, and folders of them.
    out
        A folder, or a file for a single picture; else new names in the current folder.
    window
        Pixels a side that are made at a time; smaller takes less memory.
    json
        Print JSON.
    no_record
        Write no record of how they were made.
    quiet
        No progress.
    """
    if not paths:
        raise UsageError("there is nothing to enhance: give pictures or folders of them")
    tasks = list(_tasks(model, paths, out))
    loaded = settings.load(model)
    from genloom.enhancing import Enhancer

    told: list[dict[str, Any]] = []
    failed = 0
    with Enhancer(loaded, window) as enhancer, _Screen(len(tasks), quiet) as screen:
        for number, task in enumerate(tasks):
            screen.file(number, task.path)
            try:
                made = _one(enhancer, task, screen, not no_record)
            except GenloomError as error:
                if len(tasks) == 1:
                    raise
                failed += 1
                told_of = str(error).removeprefix(f"{task.path}: ")
                warn(f"{task.path}: {told_of.removeprefix(f'{task.path.name}: ')}")
                continue
            told.append({"file": str(task.path), "made": str(made)})
    if json:
        output.values({"files": told, "failed": failed})
    else:
        output.text("\n".join(entry["made"] for entry in told))
    if failed:
        raise DataError(f"{failed} of {len(tasks)} pictures could not be read or made")


# --- paths ----------------------------------------------------------------------------------------


def _tasks(model: str, paths: tuple[str, ...], out: str | None) -> Iterator[Task]:
    """Every picture under the paths and where it goes. UsageError where that would be itself."""
    found = list(_found(paths))
    if not found:
        raise UsageError(
            f"{', '.join(paths)}: no pictures there; give PNG, JPEG, WebP, GIF or a film"
        )
    folder = None if out is None else Path(out).expanduser()
    single = folder is not None and folder.suffix and not folder.is_dir()
    if single and len(found) > 1:
        raise UsageError(f"{len(found)} pictures do not go into one file: give -o a folder")
    sources, taken = {path.resolve() for path, _ in found}, set[Path]()
    for path, relative in found:
        target = folder if single and folder is not None else None
        if target is None:
            target = _target(Path(model).name, path, relative, folder, taken)
        if target.resolve() in sources:
            raise UsageError(f"{target} is itself to be read: give -o another folder")
        taken.add(target)
        yield Task(path, target)


def _found(paths: tuple[str, ...]) -> Iterator[tuple[Path, Path]]:
    """Each picture, and its path below the folder that was given."""
    from genloom.codec.image.pictures import SUFFIXES
    from genloom.codec.video.containers import SUFFIXES as FILMS

    for given in paths:
        path = Path(given).expanduser()
        if not path.exists():
            raise UsageError(f"{given} does not exist: give a picture or a folder of pictures")
        if path.is_file():
            yield path, Path(path.name)
            continue
        for inner in sorted(path.rglob("*")):
            hidden = any(part.startswith(".") for part in inner.relative_to(path).parts)
            if inner.is_file() and inner.suffix.lower() in SUFFIXES | FILMS and not hidden:
                yield inner, inner.relative_to(path)


def _target(model: str, path: Path, relative: Path, out: Path | None, taken: set[Path]) -> Path:
    """The same name in the folder; beside what is there under a name of its own."""
    from genloom.codec.video import containers

    suffix = path.suffix.lower()
    if suffix in containers.SUFFIXES:
        suffix = suffix if suffix in containers.WRITTEN else ".mp4"
    else:
        suffix = suffix if suffix in WRITTEN or suffix in MOVING else ".png"
    target = (out or Path()) / relative.with_suffix(suffix)
    if out is None:
        target = target.with_stem(f"{target.stem}-{model}")
    number, free = 1, target
    while free in taken or (out is None and free.exists()):
        free, number = target.with_stem(f"{target.stem}-{number}"), number + 1
    return free


# --- one file -------------------------------------------------------------------------------------


def _one(enhancer: Enhancer, task: Task, screen: _Screen, recorded: bool) -> Path:
    from genloom.codec.image.animations import Animation, Moving, moved
    from genloom.codec.video.containers import SUFFIXES

    if task.path.suffix.lower() in SUFFIXES:
        return _film(enhancer, task, screen, recorded)
    animation = Animation.of(task.path) if task.path.suffix.lower() in MOVING else None
    target = task.target
    if animation is None:
        made = enhancer(task.path, screen.share)
        target = target.with_suffix(".png") if target.suffix.lower() == ".gif" else target
        return _written(enhancer, enhancer.codec, made, task.path, target, recorded)
    count = animation.count
    enhancer.room(animation.size, count)
    frames, times = moved(
        animation,
        lambda frame, n: enhancer(frame, lambda share: screen.share((n + share) / count)),
    )
    writer = Moving(times, animation.loop)
    return _written(enhancer, writer, frames, task.path, target, recorded)


def _film(enhancer: Enhancer, task: Task, screen: _Screen, recorded: bool) -> Path:
    """Frames on an even clock, and what is heard."""
    import numpy as np
    from PIL.Image import fromarray

    from genloom.codec.video.clips import Clip, array_of
    from genloom.codec.video.files import FilmWriter
    from genloom.codec.video.frames import worked

    film = Clip(task.path, name=str(task.path)).open()
    count = len(film)
    enhancer.room(film.size, count)

    def work(pixels: np.ndarray, number: int) -> np.ndarray:
        flat = pixels[..., 0] if pixels.shape[2] == 1 else pixels
        made = enhancer(fromarray(flat), lambda share: screen.share((number + share) / count))
        return array_of(made.convert("RGB"))

    return _written(enhancer, FilmWriter(), worked(film, work), task.path, task.target, recorded)


def _written(
    enhancer: Enhancer, writer: Any, made: Any, path: Path, target: Path, recorded: bool
) -> Path:
    from genloom import api, enhancing
    from genloom.spec import Request
    from genloom.trust import provenance

    if not recorded:
        target.parent.mkdir(parents=True, exist_ok=True)
        writer.write(made, target)
        return target
    record = api.record(enhancer.model, Request(control=path.resolve()))
    record[enhancing.RECORDED] = {"window": enhancer.window, "moving": writer is not enhancer.codec}
    return provenance.save(writer, [made], target, record)[0]


class _Screen:
    """Which file of how many, and how far it is; on a terminal only."""

    def __init__(self, count: int, quiet: bool) -> None:
        self.count, self.stack, self.name = count, ExitStack(), ""
        self.status: Any = None
        self.shown = sys.stderr.isatty() and not quiet

    def __enter__(self) -> _Screen:
        if self.shown:
            from rich.console import Console

            status = Console(stderr=True).status("enhancing ...")
            self.status = self.stack.enter_context(status)
        return self

    def __exit__(self, *_: object) -> None:
        self.stack.close()

    def file(self, number: int, path: Path) -> None:
        self.name = f"{output.harmless(path.name)} ({number + 1} of {self.count})"
        self.share(0.0)

    def share(self, done: float) -> None:
        if self.status is not None:
            self.status.update(f"enhancing {self.name}: {done:.0%}")
