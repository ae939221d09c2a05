"""What is looked at before a training, in a process of its own: a data set, and a plan.

In comes one message {"do": "look" | "plan", ...}; out goes one, {"say": "done", "found"}
or {"say": "failed", "error"}. Forked by the nursery, or started as a module with FD [HOME]. Knows
no HTTP and no owner; data may be anybody's, so its memory is bounded.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from genloom import api, registry, store
from genloom.datasets import medium as media
from genloom.datasets import presets
from genloom.datasets.report import Looked, look
from genloom.datasets.samples import write_samples
from genloom.errors import DataError, GenloomError
from genloom.hosting.task import error_of
from genloom.train.log import Event
from genloom.wire import Frames, frame

RECEIVED, NICER = 1 << 16, 10
MEMORY = 16 << 30  # bytes of addresses beyond what the libraries take
FEW = 50  # lines of what was left out that are told


class Preparing:
    """One piece of work, on a socket."""

    def __init__(self, link: socket.socket) -> None:
        self.link, self.frames = link, Frames()

    def run(self) -> None:
        os.nice(max(0, NICER - os.nice(0)))
        _bound_memory()
        asked = self._asked()
        try:
            told = {"say": "done", "found": WORK[asked["do"]](asked)}
        except GenloomError as error:
            told = {"say": "failed", "error": error_of(error)}
        except MemoryError:
            error = DataError("it needs more memory than there is for a look: give less at once")
            told = {"say": "failed", "error": error_of(error)}
        self.link.sendall(frame(told))

    def _asked(self) -> Mapping[str, Any]:
        while data := self.link.recv(RECEIVED):
            for message in self.frames.feed(data):
                return message.values
        raise SystemExit(1)


def _bound_memory() -> None:
    with open("/proc/self/statm", encoding="ascii") as file:
        taken = int(file.read().split()[0]) * resource.getpagesize()
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    most = taken + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (most if hard < 0 else min(most, hard), hard))


def look_at(asked: Mapping[str, Any]) -> dict[str, Any]:
    """path, samples: a folder for a few items; medium: where it is said; inside: the folders out of
    which no link may lead."""
    path = Path(asked["path"])
    _check_links(path, [Path(p) for p in asked["inside"]])
    guess, why = media.guessed(path)
    medium = asked.get("medium") or guess
    registry.find("codec", medium)  # a name
    found = look(path, medium)
    told = dict(found.told)
    told.pop("path")
    told["skipped"] = _shown(told["skipped"], path)
    return {
        **told,
        "media_type": found.codec.media,
        "guess": guess,
        "why": why,
        "others": presets.media_known(),
        "warnings": _warnings(found),
        "samples": write_samples(found, Path(asked["samples"])),
        "presets": [one.to_json() for one in presets.fitting(medium, _found(found))],
    }


def _found(looked: Looked) -> Mapping[str, Any]:
    """Options of the codec that what was read speaks for."""
    told: Mapping[str, Any] = getattr(looked.codec, "found", {})
    return told


def _shown(skipped: Mapping[str, str], root: Path) -> list[dict[str, str]]:
    """The first of what was left out, without where it lies on this machine."""
    base = f"{root if root.is_dir() else root.parent}{os.sep}"
    some = list(skipped.items())[:FEW]
    return [{"name": str(n).replace(base, ""), "why": w.replace(base, "")} for n, w in some]


def _warnings(found: Looked) -> list[str]:
    told, items = found.told, found.told["items"]
    made = [*told["notes"]]
    if told["duplicates"]:
        made.append(f"{told['duplicates']:,} items are exact repeats of others")
    if told.get("near_duplicates"):
        made.append(f"{told['near_duplicates']:,} items are nearly the same as others")
    if told["left_out"]:
        made.append(f"{told['left_out']:,} were left out: they cannot be read")
    if told.get("empty"):
        made.append(f"{told['empty']:.1%} of what was found is empty")
    over = told.get("tokens", {}).get("over_context", 0)
    if over:
        made.append(f"{over:,} items are longer than the context of the small preset")
    if items < 20:
        made.append("so few items are hardly a collection: a model may learn them by heart")
    if told["licence"] == "unknown":
        made.append("no licence lies beside the data: you have to know what you may do with it")
    return made


def _check_links(path: Path, inside: list[Path]) -> None:
    """DataError where a link leads out of the folders that may be read."""
    found = [path] if path.is_file() else (Path(f) / n for f, _, ns in os.walk(path) for n in ns)
    for file in found:
        if file.is_symlink() and not any(file.resolve().is_relative_to(one) for one in inside):
            raise DataError(f"{file.name} is a link that leads out of what may be read: remove it")


def plan(asked: Mapping[str, Any]) -> dict[str, Any]:
    """medium, data and what `api.foresee` takes. The plan, the recipe's settings, and notes."""
    registry.find("recipe", asked["medium"])  # a name: a path is no recipe here
    notes: list[str] = []

    def hear(event: Event) -> None:
        notes.extend(map(str, event.values.get("notes", ())))

    names = ("minutes", "size", "seed", "changes", "start", "adapter", "bits", "teacher")
    said = {name: asked[name] for name in names if asked.get(name) is not None}
    forecast, recipe = api.foresee(asked["medium"], asked["data"], listener=hear, **said)
    return {
        **forecast.to_json(),
        "settings": presets.settings(recipe),
        "judged": recipe.train.judge > 0,
        "previewed": recipe.train.preview > 0,
        "notes": notes[:FEW],
    }


WORK: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "look": look_at,
    "plan": plan,
}


def main() -> None:
    link = socket.socket(fileno=int(sys.argv[1]))
    if len(sys.argv) > 2:
        store.set_home(sys.argv[2])
    with link:
        Preparing(link).run()


if __name__ == "__main__":
    main()
