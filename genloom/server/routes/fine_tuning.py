"""/v1/fine_tuning/jobs: trainings, as OpenAI's clients ask for them. The work is jobs/training."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query

from genloom.server.access import ForTraining
from genloom.server.caller import Caller
from genloom.server.datasets.places import checked
from genloom.server.engines.catalogue import TUNED, Catalogue
from genloom.server.failure import Failure
from genloom.server.records.jobs import Job, JobEvent
from genloom.server.routes.fine_tuning_schema import NEW, TuningAsked, told_of
from genloom.server.routes.listing import Paged, Paging, listed
from genloom.server.service import Here, Service
from genloom.server.threads import in_thread

router = APIRouter(prefix="/v1/fine_tuning/jobs", tags=["fine-tuning"])
KIND, PREFIX, EVENT = "fine_tuning", "ftjob-", "ftevent-"
HOUSE = "genloom"
LONGEST_BASE = 60
FOR_EVER = 100 * 365 * 24 * 3600.0  # seconds: a model's card names its training's data
STATUSES = {"completed": "succeeded", "queued": "queued"}
LAST = 10**12


@router.post("")
async def create(
    body: TuningAsked,
    caller: ForTraining,
    service: Here,
) -> dict[str, Any]:
    told, start = told_of(body), None
    if body.model != NEW:
        start = str(await in_thread(Catalogue(service.settings.models).folder, body.model))
    data = await _dataset(service, body, caller)
    taught = {} if body.teacher is None else {"teacher": await _teacher(service, body.teacher)}
    for param in ("training_file", "validation_file"):
        if (id := getattr(body, param)) is not None:
            await _check_file(service, id, caller.owner, param)
    given = {
        **told,
        "base": body.model,
        "start": start,
        "name": _name(body),
        "training_file": body.training_file,
        "validation_file": body.validation_file,
        "medium": body.medium,
        "dataset": body.dataset,
        "licence": body.licence,
        **data,
        **taught,
        "seed": secrets.randbelow(2**31) if body.seed is None else body.seed,
        "suffix": body.suffix,
        "metadata": body.metadata,
    }
    until = service.settings.jobs.until() + FOR_EVER
    values = {"key": caller.key, "model": body.model, "prefix": PREFIX, "expires": until}
    return job_of(await service.jobs.start(KIND, caller.owner, given, **values))


async def _dataset(service: Service, body: TuningAsked, caller: Caller) -> dict[str, Any]:
    """Where it lies; a folder of this machine has to be one that may be read today, too."""
    if body.dataset is None:
        return {}
    found = await service.datasets.ready(body.dataset, caller.owner)
    if not found.value["own"]:
        await in_thread(checked, found.value["path"], service.settings.places)
    return {"data": found.value["path"]}


async def _teacher(service: Service, name: str) -> str:
    return str(await in_thread(Catalogue(service.settings.models).folder, name))


async def gone_on_with(service: Service, caller: Caller, name: str, medium: str, data: str) -> Job:
    """A training that was begun on the command line and stopped: a job from now on."""
    told = {"size": None, "minutes": None, "adapter": None, "method": "supervised"}
    told |= {"hyperparameters": {}, "epochs": None, "rates": None, "changes": []}
    empty = ("start", "training_file", "validation_file", "dataset", "seed", "suffix", "metadata")
    given = {**told, **dict.fromkeys(empty), "base": NEW, "name": name, "medium": medium}
    until = service.settings.jobs.until() + FOR_EVER
    values = {"key": caller.key, "model": NEW, "prefix": PREFIX, "expires": until}
    return await service.jobs.start(KIND, caller.owner, {**given, "data": data}, **values)


async def _check_file(service: Service, id: str, owner: str, param: str) -> None:
    try:
        file = await in_thread(service.records.files.get, id, owner)
    except Failure as error:
        if error.status != 404:
            raise
        raise Failure(400, f"{param}: {error.message}", code="invalid_file", param=param) from None
    if file.purpose != "fine-tune":
        told = f"{param}: its purpose is {file.purpose!r}: upload it with the purpose 'fine-tune'"
        raise Failure(400, told, code="invalid_file", param=param)


def _name(body: TuningAsked) -> str:
    """Of the model to be: what it was made from, and what nobody else has."""
    base = body.medium if body.model == NEW else body.model
    parts = str(base).removeprefix(TUNED).split(":")[0]
    label = re.sub(r"[^A-Za-z0-9._-]+", "-", parts.rsplit("/", 1)[-1])[:LONGEST_BASE]
    return f"{TUNED}{label}:{HOUSE}:{body.suffix or ''}:{secrets.token_hex(4)}"


@router.get("")
async def list_(
    paging: Paged,
    caller: ForTraining,
    service: Here,
) -> dict[str, Any]:
    jobs, more = await service.jobs.listed(caller.owner, paging.page(), kind=KIND)
    return listed([job_of(job) for job in jobs], more)


@router.get("/{id}")
async def get(
    id: str,
    caller: ForTraining,
    service: Here,
) -> dict[str, Any]:
    return job_of(await service.jobs.get(id, caller.owner, KIND))


@router.post("/{id}/cancel")
async def cancel(
    id: str,
    caller: ForTraining,
    service: Here,
) -> dict[str, Any]:
    """It stops at its next step; its state is kept, and resume goes on from there."""
    return job_of(await service.jobs.cancel(id, caller.owner, KIND))


@router.post("/{id}/pause")
async def pause(
    id: str,
    caller: ForTraining,
    service: Here,
) -> dict[str, Any]:
    return job_of(await service.jobs.pause(id, caller.owner, KIND))


@router.post("/{id}/resume")
async def resume(
    id: str,
    caller: ForTraining,
    service: Here,
) -> dict[str, Any]:
    return job_of(await service.jobs.resume(id, caller.owner, KIND))


@router.get("/{id}/events")
async def events(
    id: str,
    caller: ForTraining,
    service: Here,
    after: Annotated[str | None, Query(max_length=128)] = None,
    limit: Annotated[int, Query(ge=1, le=1000)] = 20,
) -> dict[str, Any]:
    """The newest first."""
    job = await service.jobs.get(id, caller.owner, KIND)
    before = LAST if after is None else _number_of(job, after)
    found = await service.jobs.events(job.id, before=before, limit=limit + 1)
    return listed([event_of(one) for one in found[:limit]], len(found) > limit)


@router.get("/{id}/checkpoints")
async def checkpoints(
    id: str,
    caller: ForTraining,
    service: Here,
    after: Annotated[str | None, Query(max_length=128)] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 10,
) -> dict[str, Any]:
    """Models as they were on the way, served by their names."""
    job = await service.jobs.get(id, caller.owner, KIND)
    kept = [_checkpoint(job.id, one) for one in (job.result or {}).get("checkpoints", ())]
    return Paging(after=after, limit=limit).of(kept)


def _number_of(job: Job, event: str) -> int:
    number = event.rpartition("-")[2]
    if event != f"{EVENT}{job.id}-{number}" or not number.isdigit():
        raise Failure(400, f"no event {event[:80]!r} to go on from", param="after")
    return int(number)


# --- as clients know them -------------------------------------------------------------------------


def job_of(job: Job) -> dict[str, Any]:
    given, result = job.given, job.result or {}
    succeeded, running = job.status == "completed", job.status == "in_progress"
    method, hyper = given["method"], given["hyperparameters"]
    return {
        "id": job.id,
        "object": "fine_tuning.job",
        "created_at": int(job.created),
        "finished_at": None if job.ended is None or not job.over else int(job.ended),
        "model": given["base"],
        "fine_tuned_model": given["name"] if succeeded else None,
        "organization_id": job.owner,
        "status": _status(job, result),
        "error": _error(job, result),
        "hyperparameters": {k: hyper.get(k, "auto") for k in BASIC},
        "method": {"type": method, method: {"hyperparameters": hyper, **_grader(given)}},
        "training_file": given["training_file"],
        "validation_file": given["validation_file"],
        "result_files": result.get("files", []),
        "trained_tokens": result.get("tokens") if succeeded else None,
        "estimated_finish": result.get("finish") if running else None,
        "seed": given["seed"],
        "metadata": given["metadata"],
        "integrations": [],
        "user_provided_suffix": given["suffix"],
    }


BASIC = ("n_epochs", "batch_size", "learning_rate_multiplier")


def _status(job: Job, result: Mapping[str, Any]) -> str:
    if job.status == "in_progress":
        return "running" if result.get("phase") == "running" else "validating_files"
    return STATUSES.get(job.status, job.status)


def _error(job: Job, result: Mapping[str, Any]) -> dict[str, Any] | None:
    if job.error is None:
        return None
    told = {k: job.error.get(k) for k in ("message", "param")}
    return {"code": job.error.get("code") or "error", **told, "line": result.get("line")}


def _grader(given: Mapping[str, Any]) -> dict[str, Any]:
    if "reward" not in given:
        return {}
    return {"grader": {"type": "reward", "name": given["reward"], "reward": given["reward"]}}


def event_of(event: JobEvent) -> dict[str, Any]:
    return {
        "id": f"{EVENT}{event.job}-{event.number}",
        "object": "fine_tuning.job.event",
        "created_at": int(event.time),
        "level": event.level,
        "message": event.message,
        "type": event.type,
        "data": event.data or {},
    }


def _checkpoint(job: str, told: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "id": told["id"],
        "object": "fine_tuning.job.checkpoint",
        "created_at": told["created"],
        "fine_tuned_model_checkpoint": told["model"],
        "fine_tuning_job_id": job,
        "metrics": told["metrics"],
        "step_number": told["step"],
    }
