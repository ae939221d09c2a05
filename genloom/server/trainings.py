"""Trainings as they lie on this disk, whoever began them: state, metrics, previews.

Reads what a training leaves in its run's folder (metrics.jsonl, previews, the lock), and removes
it. Knows no owner and no job.
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from genloom import store
from genloom.folders import read_json
from genloom.server.failure import Failure
from genloom.trust.measured import FOLDER as MEASURED

PIECE, HEAD, TAIL = 1 << 20, 1 << 14, 1 << 16  # bytes that are read at once
LONGEST = 150  # characters of a name
POINTS = 4000  # steps of a training that are told, about
ENDED = ("done", "failed", "stop")
KEPT = ("start", "judge", "preview", "guard", *ENDED)  # told, however many there are
MEDIA = {".png": "image/png", ".txt": "text/plain", ".csv": "text/csv", ".svg": "image/svg+xml"}
METRICS, PREVIEWS = "metrics.jsonl", "previews"


@dataclass(frozen=True, kw_only=True)
class Training:
    """state: running, finished, failed, stopped (its checkpoint is there) or lost. steps: it is to
    take. last: its last line of each kind. memory: bytes that its process holds."""

    name: str
    state: str
    step: int = 0
    steps: int = 0
    parameters: int | None = None
    medium: str | None = None
    data: str | None = None
    begun: float | None = None
    changed: float = 0.0
    memory: int | None = None
    model: bool = False
    last: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def names() -> list[str]:
    """Of all trainings of this machine's user, the newest first."""
    folder = store.home() / "models"
    found = [p for p in folder.glob(f"*{store.RUN}") if _trained(p)] if folder.is_dir() else []
    found.sort(key=_changed, reverse=True)
    return [path.name.removesuffix(store.RUN) for path in found]


def _trained(run: Path) -> bool:
    """Whether a training left anything there: a model that was only measured has a folder, too."""
    return run.is_dir() and any(path.name != MEASURED for path in run.iterdir())


def run_of(name: str) -> Path:
    """Its folder. Failure 404 where there is none of that name, or it is no name but a path."""
    plain = 0 < len(name) <= LONGEST and name == Path(name).name and name not in ("..", ".")
    found = store.run_folder(store.home() / "models" / name) if plain and "\0" not in name else None
    if found is None or not _trained(found):
        raise unknown(name)
    return found


def forget(run: Path) -> None:
    """What a training left goes; what was measured of its model stays with the model."""
    model = run.with_name(run.name.removesuffix(store.RUN)) / "recipe.json"
    if not (model.is_file() and run.is_dir()):
        shutil.rmtree(run, ignore_errors=True)
        return
    for path in run.iterdir():
        if path.name == MEASURED:
            continue
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        else:
            path.unlink(missing_ok=True)


def unknown(name: str) -> Failure:
    return Failure(404, f"no training {name[:200]!r}", code="training_not_found")


def _changed(run: Path) -> float:
    for path in (run / METRICS, run):
        with suppress(OSError):
            return path.stat().st_mtime
    return 0.0


def told(name: str) -> Training:
    """As it stands now."""
    run = run_of(name)
    out = run.with_name(name)
    holder, model = store.holder(out), (out / "recipe.json").is_file()
    last = _last(run / METRICS)
    recipe, begun = _json(run / "recipe.json"), _json(run / "begun.json")
    start = last.get("start", {})
    return Training(
        name=name,
        state=_state(run, holder, model, last),
        step=max((int(one.get("step", 0)) for one in last.values()), default=0),
        steps=int(start.get("steps") or recipe.get("train", {}).get("steps", 0)),
        parameters=start.get("parameters"),
        medium=begun.get("medium") or recipe.get("name"),
        data=begun.get("data") or None,
        begun=begun.get("begun") or start.get("time"),
        changed=_changed(run),
        memory=None if holder is None else _memory(holder),
        model=model,
        last=last,
    )


def _state(run: Path, holder: int | None, model: bool, last: Mapping[str, Any]) -> str:
    if holder is not None:
        return "running"
    newest = max(last.values(), key=lambda one: one["line"], default={})
    if newest.get("kind") in ("done", "failed"):
        return {"done": "finished", "failed": "failed"}[newest["kind"]]
    if (run / "checkpoint").is_dir():
        return "stopped"
    return "finished" if model else "lost"


def _memory(process: int) -> int | None:
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path(f"/proc/{process}/statm").read_text("ascii").split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return None


def _json(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


# --- lines ----------------------------------------------------------------------------------------


def _last(path: Path) -> dict[str, dict[str, Any]]:
    """The last line of each kind in the file's head and tail; line: their order."""
    try:
        found = path.stat()
    except OSError:
        return {}
    return _read(path, found.st_mtime_ns, found.st_size)


@lru_cache(256)
def _read(path: Path, changed: int, size: int) -> dict[str, dict[str, Any]]:
    """changed, size: of the file as it is read, so that what stays is read once."""
    try:
        with path.open("rb") as file:
            data = file.read(min(HEAD, size))
            if size > HEAD:
                file.seek(max(HEAD, size - TAIL))
                data += b"\n" + file.read(TAIL)
    except OSError:
        return {}
    found = map(_of_previews, _events(data.split(b"\n")))
    return {one["kind"]: {**one, "line": n} for n, one in enumerate(found)}


def _events(lines: list[bytes]) -> Iterator[dict[str, Any]]:
    """What can be read; half a line, of a process that was killed, is left out."""
    for line in lines:
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict) and "kind" in found and isinstance(found.get("step"), int):
            yield {k: _finite(v) for k, v in found.items()}


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def metrics(name: str, after: int) -> dict[str, Any]:
    """Events behind that many bytes of the log: {"events", "next", "more"}. A step of a long
    training is told now and then; a log that was begun anew is told from its beginning."""
    path = run_of(name) / METRICS
    try:
        with path.open("rb") as file:
            size, inode = os.fstat(file.fileno()).st_size, os.fstat(file.fileno()).st_ino
            stride = _stride(file.read(HEAD))
            after = after if after <= size else 0
            file.seek(after)
            data = file.read(PIECE)
    except OSError:
        return {"events": [], "next": 0, "more": False, "log": 0}
    whole = data.rfind(b"\n") + 1
    found = [_of_previews(one) for one in _events(data[:whole].split(b"\n"))]
    kept = [one for one in found if one["kind"] in KEPT or one["step"] % stride in (0, 1)]
    more = after + whole < size and whole > 0
    return {"events": kept, "next": after + whole, "more": more, "log": inode}


def _stride(head: bytes) -> int:
    steps = next((int(e.get("steps") or 0) for e in _events(head.split(b"\n")[:1])), 0)
    return max(1, steps // POINTS)


def _of_previews(event: dict[str, Any]) -> dict[str, Any]:
    """By a name in place of where it lies."""
    return {**event, "path": Path(event["path"]).name} if event.get("path") else event


def preview(name: str, file: str) -> tuple[Path, str]:
    """A preview and its type, by its name among those that are there."""
    folder = run_of(name) / PREVIEWS
    found = {p.name: p for p in folder.iterdir()} if folder.is_dir() else {}
    path = found.get(file)
    if path is None or path.suffix not in MEDIA or path.is_symlink() or not path.is_file():
        raise Failure(404, "the training has no such preview", code="preview_not_found")
    return path, MEDIA[path.suffix]
