"""`python -m genloom.hosting.transfers FD [HOME]`: a model comes in, or is written for others.

In comes one message: {"do": "import", "source", "hub", "name"[, "revision", "base"]} or {"do":
"export", "model", "name", "to", "out"[, "type"]}; a source is what `api.import_weights` takes (hub:
nothing of this machine), a model folder of this house, or an archive of either. Out go event
{stage, done, of}, and done {...} or failed {error}.
There is the whole at the end or nothing. Knows no HTTP and no job.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast
from zipfile import ZIP_STORED, ZipFile, is_zipfile

from genloom import adapted, api, store
from genloom.errors import ModelError, UsageError
from genloom.hosting.archive import unpacked
from genloom.hosting.errand import Errand, main

OFTEN = 0.2  # seconds between two words on how far it is
PIECE = 4 << 20
FOLDERS = frozenset({"hf", "peft"})  # forms that are folders, and go out as one archive


class Telling:
    """Says how far it is now and then, and stops the work where it is to stop."""

    def __init__(self, errand: Errand) -> None:
        self.errand, self._told, self._stage = errand, 0.0, ""

    def __call__(self, stage: str, done: int, of: int) -> None:
        self.errand.check()
        now = time.monotonic()
        if stage != self._stage or done >= of or now - self._told >= OFTEN:
            self._told, self._stage = now, stage
            values = {"stage": stage, "done": done, "of": of}
            self.errand.say({"say": "event", "kind": "progress", "step": 0, "values": values})


def work(errand: Errand, given: Mapping[str, Any]) -> dict[str, Any]:
    ways = {"import": _bring, "export": _give}
    way = ways.get(str(given.get("do")))
    if way is None:
        raise UsageError(f"a transfer is an import or an export, not {given.get('do')!r}")
    return way(Telling(errand), given)


# --- in -------------------------------------------------------------------------------------------


def _bring(tell: Telling, given: Mapping[str, Any]) -> dict[str, Any]:
    source, name = given["source"], given["name"]
    if store.place(name).exists():
        raise ModelError(f"there is a model {name!r} already: give another name")
    path = Path(source)
    if given.get("hub") and (path.exists() or Path(source.partition(":")[0]).exists()):
        raise UsageError(f"{source} is a name on a hub, and a folder beside the server, too")
    if path.is_file() and is_zipfile(path):
        with unpacked(path, store.home() / "models", tell) as folder:
            model = _of(folder, given, tell)
    else:
        model = _of(source, given, tell)
    return {
        "model": name,
        "parameters": model.parameters,
        "media": model.codec.media,
        "notes": [str(note) for note in model.card.get("notes", ())],
        "licence": (model.card.get("source") or {}).get("licence"),
    }


def _of(source: str | Path, given: Mapping[str, Any], tell: Telling) -> api.Model:
    """The model, saved under its name."""
    if (Path(source) / "recipe.json").is_file():
        return _moved(Path(source), given["name"], tell)
    return api.import_weights(
        source,
        name=given["name"],
        revision=given.get("revision"),
        base=given.get("base"),
        progress=tell,
    )


def _moved(folder: Path, name: str, tell: Telling) -> api.Model:
    """A model folder of this house that came from elsewhere, checked file by file. ModelError where
    it is damaged, unsafe, or stands beside a model that is not here."""
    target = store.place(name)
    with store.locked(target):
        tell("reading", 0, 1)
        model = adapted.load(api.Model, folder)
        tell("saving", 0, 1)
        model.recipe = replace(model.recipe, name=target.name)
        adapted.save(model, target)
    return model


# --- out ------------------------------------------------------------------------------------------


def _give(tell: Telling, given: Mapping[str, Any]) -> dict[str, Any]:
    out, to = Path(given["out"]), given["to"]
    out.parent.mkdir(parents=True, exist_ok=True)
    target = out.with_suffix(".folder") if to in FOLDERS else out
    tell("reading", 0, 1)
    form = cast('Literal["hf", "gguf", "peft"]', to)
    notes = api.export(given["model"], target, to=form, type=given.get("type"), progress=tell)
    if target != out:
        _packed(target, out, given["name"], tell)
        shutil.rmtree(target)
    return {"path": str(out), "bytes": out.stat().st_size, "notes": list(notes)}


def _packed(folder: Path, out: Path, name: str, tell: Telling) -> None:
    """One archive, below a folder of the model's name; weights do not shrink, so nothing is
    compressed."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    done, of = 0, sum(p.stat().st_size for p in files)
    draft = out.with_name(f".{out.name}")
    with ZipFile(draft, "w", ZIP_STORED) as archive:
        for path in files:
            inside = f"{name}/{path.relative_to(folder).as_posix()}"
            with path.open("rb") as data, archive.open(inside, "w", force_zip64=True) as entry:
                while piece := data.read(PIECE):
                    entry.write(piece)
                    done += len(piece)
                    tell("packing", done, of)
    draft.rename(out)


if __name__ == "__main__":
    main(work)
