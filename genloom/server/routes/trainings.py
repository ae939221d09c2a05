"""/v1/trainings: every training that may be seen, begun here or on the command line: how it goes,
what it showed, and a word to it. The work of those begun here is jobs/training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from starlette.responses import FileResponse

from genloom import store
from genloom.server import trainings
from genloom.server.access import ForTraining
from genloom.server.caller import Caller
from genloom.server.content import stored_answer
from genloom.server.failure import Failure
from genloom.server.records.jobs import Job
from genloom.server.records.rows import Page
from genloom.server.routes.fine_tuning import KIND, gone_on_with, job_of
from genloom.server.service import Here, Service
from genloom.server.threads import in_thread
from genloom.server.trainings import Training, told, unknown

router = APIRouter(prefix="/v1/trainings", tags=["fine-tuning"])
MOST, PAGES = 100, 10
# How a job stands -> how its training does, where its process does not say it itself.
STATES = {
    "queued": "queued",
    "in_progress": "preparing",
    "paused": "paused",
    "completed": "finished",
    "failed": "failed",
    "cancelled": "cancelled",
}
SAID_ITSELF = ("running", "finished")  # by the folder, whatever the job was


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A training as its folder says, as its job does, or both."""

    name: str
    folder: Training | None
    job: Job | None

    def to_json(self) -> dict[str, Any]:
        here, job = self.folder or Training(name=self.name, state="lost"), self.job
        result: Mapping[str, Any] = (job.result or {}) if job else {}
        state = here.state
        if job is not None and state not in SAID_ITSELF:
            state = STATES[job.status]
        return {
            "id": self.name,
            "object": "training",
            **{k: v for k, v in vars(here).items() if k != "name"},
            "state": state,
            "begun": here.begun or (job.created if job else None),
            "medium": here.medium or (job.given.get("medium") if job else None),
            "job": None if job is None else job.id,
            "base": None if job is None else job.given["base"],
            "dataset": None if job is None else job.given.get("dataset"),
            "error": job_of(job)["error"] if job else None,
            "plan": result.get("plan"),
            "finish": result.get("finish") if state == "running" else None,
        }


async def _jobs(service: Service, caller: Caller) -> dict[str, Job]:
    """The owner's, by the name of the model to be."""
    found: dict[str, Job] = {}
    after = None
    for _ in range(PAGES):
        page = Page(after=after, limit=MOST, descending=True)
        jobs, more = await service.jobs.listed(caller.owner, page, kind=KIND)
        for job in jobs:
            found.setdefault(job.given["name"], job)
        if not more:
            break
        after = jobs[-1].id
    return found


def _sees_all(caller: Caller) -> bool:
    """Those of the command line belong to this machine's user."""
    return caller.may("admin")


async def _seen(service: Service, caller: Caller, name: str) -> Seen:
    job = (await _jobs(service, caller)).get(name)
    if job is None and not _sees_all(caller):
        raise unknown(name)
    folder = await in_thread(_shown, name, _sees_all(caller))
    if folder is None and job is None:
        raise unknown(name)
    return Seen(name=name, folder=folder, job=job)


@router.get("")
async def list_(
    caller: ForTraining,
    service: Here,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
) -> dict[str, Any]:
    """The newest first."""
    jobs = await _jobs(service, caller)
    here = await in_thread(trainings.names)
    seen = [name for name in here if name in jobs or _sees_all(caller)]
    waiting = [name for name in jobs if name not in here]
    some = [*waiting, *seen][:limit]
    whole = _sees_all(caller)
    folders = [await in_thread(_shown, name, whole) for name in some]
    found = [Seen(name=n, folder=f, job=jobs.get(n)) for n, f in zip(some, folders, strict=True)]
    shown = sorted((one.to_json() for one in found), key=lambda one: -(one["begun"] or 0.0))
    more = len(waiting) + len(seen) > limit
    return {"object": "list", "data": shown, "has_more": more}


def _shown(name: str, whole: bool) -> Training | None:
    """whole: also where on this machine its data lies."""
    try:
        found = told(name)
    except Failure:  # it went in between, or has not begun
        return None
    return found if whole else replace(found, data=None)


@router.get("/{name}")
async def get(name: str, caller: ForTraining, service: Here) -> dict[str, Any]:
    return (await _seen(service, caller, name)).to_json()


@router.get("/{name}/metrics")
async def metrics(
    name: str, caller: ForTraining, service: Here, after: Annotated[int, Query(ge=0)] = 0
) -> dict[str, Any]:
    """What it told behind so many bytes of its log; ask again with `next`."""
    seen = await _seen(service, caller, name)
    if seen.folder is None:
        return {"events": [], "next": 0, "more": False, "log": 0}
    return await in_thread(trainings.metrics, name, after)


@router.get("/{name}/previews/{file}", response_class=FileResponse)
async def preview(
    name: str, file: str, request: Request, caller: ForTraining, service: Here
) -> FileResponse:
    await _seen(service, caller, name)
    path, media = await in_thread(trainings.preview, name, file)
    return await stored_answer(request, path, sha256=f"{name}-{file}", media=media)


@router.post("/{name}/{act}")
async def act(
    name: str,
    act: Literal["pause", "resume", "end", "cancel"],
    caller: ForTraining,
    service: Here,
) -> dict[str, Any]:
    """pause: its state is kept, and resume goes on from there. end: it ends at its next step and
    keeps the best so far as the model. cancel: as pause, but it counts as given up."""
    seen = await _seen(service, caller, name)
    running = seen.folder is not None and seen.folder.state == "running"
    if act == "end":
        await _left_word(name, running, store.END)
    elif act == "resume":
        await _resumed(service, caller, seen, running)
    elif seen.job is not None and not seen.job.over:
        await getattr(service.jobs, act)(seen.job.id, caller.owner, KIND)
    else:
        await _left_word(name, running, store.PAUSE)
    return (await _seen(service, caller, name)).to_json()


async def _left_word(name: str, running: bool, word: str) -> None:
    if not running:
        raise Failure(409, "the training is not running: there is nothing to end", code="job_state")
    await in_thread(store.ask, store.home() / "models" / name, word)


async def _resumed(service: Service, caller: Caller, seen: Seen, running: bool) -> None:
    if running:
        raise Failure(409, "the training is running", code="job_state")
    if seen.job is not None and seen.job.status in ("paused", "cancelled"):
        await service.jobs.resume(seen.job.id, caller.owner, KIND)
        return
    here = seen.folder
    if here is None or here.state != "stopped" or not (here.data and here.medium):
        told = "there is no checkpoint to go on from, or it is not known what it learnt from"
        raise Failure(409, told, code="job_state")
    await gone_on_with(service, caller, here.name, here.medium, here.data)


@router.delete("/{name}")
async def delete(name: str, caller: ForTraining, service: Here) -> dict[str, Any]:
    """The training's state and what it told; the model, where there is one, stays."""
    seen = await _seen(service, caller, name)
    if seen.job is not None:
        await service.jobs.remove(seen.job.id, caller.owner, KIND)
    elif seen.folder is not None and seen.folder.state == "running":
        raise Failure(409, "the training is running: pause it first", code="job_state")
    else:
        await in_thread(trainings.forget, trainings.run_of(name))
    return {"id": name, "object": "training", "deleted": True}
