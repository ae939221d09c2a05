"""Models coming in and going out, each in a process of its own, with how far it is.

given of an import: {"source", "name"} and what hosting/transfers.py takes besides, source {"path"},
{"file"} or {"hub"}; of an export: {"model", "folder", "to", "type"}; result: {"stage", "done",
"of"}, and at the end what the process told, of an export with the id of a file ("file"). One that
is begun again begins from the start; nothing half is ever left under a model's name.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genloom import store
from genloom.server.failure import Failure, failure_of
from genloom.server.jobs.training_process import TrainingProcess
from genloom.server.jobs.work import OFTEN, Stop, Tools, Work
from genloom.server.records.jobs import Job
from genloom.server.records.trouble import on_disk
from genloom.server.threads import in_thread

MODULE = "genloom.hosting.transfers"
FOLDER = "transfers"
PURPOSE, MEDIA = "model_export", {".zip": "application/zip", ".gguf": "application/octet-stream"}
STAYS = 7 * 24 * 3600.0  # seconds that an exported file is kept
PIECE = 4 << 20
# How much of the whole a stage is, and where it begins, in percent.
SHARES = {
    "unpacking": (0, 20),
    "fetching": (0, 70),
    "reading": (70, 25),
    "saving": (95, 4),
    "writing": (0, 70),
    "packing": (70, 25),
}
DIED = Failure(500, "the process died: it may lack memory", code="transfer_died")


async def bring(work: Work) -> None:
    """The job of an import."""
    given = work.given
    said = {k: given[k] for k in ("name", "revision", "base") if given.get(k)}
    source, hub = await in_thread(_source, work), "hub" in given["source"]
    try:
        end = await _done(work, {"do": "import", "source": source, "hub": hub, **said})
    finally:
        await in_thread(shutil.rmtree, folder_of(work.job.id, work.tools), True)
    await work.keep(**end)


async def give(work: Work) -> None:
    """The job of an export."""
    given, name = work.given, Path(work.given["model"]).name
    form = given.get("type") or ("f16" if given["to"] == "gguf" else "")
    label = "-".join(filter(None, (name.replace(":", "-"), given["to"], form)))
    suffix = ".gguf" if given["to"] == "gguf" else ".zip"
    out = folder_of(work.job.id, work.tools) / f"{label}{suffix}"
    said = {"model": given["folder"], "name": name, "to": given["to"], "type": given.get("type")}
    end = await _done(work, {"do": "export", "out": str(out), **said})
    file = await in_thread(_kept, work, out)
    await work.keep(
        file=file.id,
        filename=file.filename,
        sha256=file.sha256,
        bytes=file.bytes,
        notes=end["notes"],
    )
    await in_thread(shutil.rmtree, out.parent, True)


# --- the process ----------------------------------------------------------------------------------


async def _done(work: Work, said: Mapping[str, Any]) -> dict[str, Any]:
    """What it told at its end. Failure as it told, Stop where it was stopped."""
    process = await TrainingProcess.start(said, module=MODULE)
    pid = process.process.pid
    stopping = asyncio.create_task(_stop_in_time(work, process))
    told, end = Telling(work), dict[str, Any]()
    try:
        async for one in process.news():
            if one["say"] == "event":
                await told(one["values"])
            else:
                end = one
    finally:
        stopping.cancel()
        if not end:
            process.stop()
        await process.close(work.tools.limits.stop_seconds)
        await in_thread(_swept, pid)
    if end.get("say") == "done":
        return {k: v for k, v in end.items() if k not in ("say", "path")}
    if end.get("say") == "failed":
        raise _unfit(failure_of(end["error"]))
    if work.stopping.is_set():
        raise Stop(work.reason or "drain")
    raise DIED


def _unfit(failure: Failure) -> Failure:
    """A model is damaged, unsafe or has no such form: nothing that was asked for is missing."""
    if failure.code == "model_not_found":
        failure.status, failure.code = 400, "invalid_model"
    return failure


async def _stop_in_time(work: Work, process: TrainingProcess) -> None:
    await work.stopping.wait()
    process.stop()
    await asyncio.sleep(work.tools.limits.stop_seconds)
    process.process.kill()


def _swept(pid: int) -> None:
    """Remove what a process that was killed has left in the making."""
    models = store.home() / "models"
    for left in (*models.glob(f".*.new-{pid}-*"), *models.glob(f".arrived-{pid}-*")):
        shutil.rmtree(left, ignore_errors=True)


class Telling:
    """Keeps how far it is, and notes each stage once."""

    def __init__(self, work: Work) -> None:
        self.work, self.stage, self._told = work, "", 0.0

    async def __call__(self, values: Mapping[str, Any]) -> None:
        stage, done, of = str(values["stage"]), int(values["done"]), max(1, int(values["of"]))
        first, now = stage != self.stage, time.monotonic()
        if first:
            self.stage = stage
            await self.work.note(stage, type="stage", data={"of": of})
        if first or done >= of or now - self._told >= OFTEN:
            self._told = now
            begin, share = SHARES.get(stage, (0, 99))
            percent = max(self.work.job.progress, min(99.0, begin + share * done / of))
            result = {**self.work.result, "stage": stage, "done": done, "of": of}
            await self.work.put(progress=percent, result=result)


# --- files ----------------------------------------------------------------------------------------


def _source(work: Work) -> str:
    """What the process reads: a path, or a hub's id. An uploaded file gets its name beside."""
    source = work.given["source"]
    if "file" not in source:
        return str(source.get("path") or source["hub"])
    files = work.tools.records.files
    try:
        file = files.get(source["file"], work.job.owner)
    except Failure:
        told = "the file was deleted before it was read"
        raise Failure(400, told, code="file_not_found", param="source") from None
    place = folder_of(work.job.id, work.tools) / Path(file.filename).name
    with on_disk():
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.unlink(missing_ok=True)
        try:
            os.link(files.path(file.sha256), place)
        except OSError:  # another file system
            shutil.copyfile(files.path(file.sha256), place)
    return str(place)


def _kept(work: Work, out: Path) -> Any:
    """The written file, among its owner's."""
    records = work.tools.records
    with records.blobs.draft() as draft, out.open("rb") as data:
        while piece := data.read(PIECE):
            draft.write(piece)
        draft.finish()
        return records.files.keep(
            draft,
            owner=work.job.owner,
            filename=out.name,
            purpose=PURPOSE,
            media=MEDIA[out.suffix],
            expires=time.time() + STAYS,
        )


def folder_of(id: str, tools: Tools) -> Path:
    return tools.folder / FOLDER / id


async def dropped(job: Job, tools: Tools) -> None:
    """A model that came in is a model like any other, a file that was written its owner's."""
    await in_thread(shutil.rmtree, folder_of(job.id, tools), True)
