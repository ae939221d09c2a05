"""/v1/reports: what is known of a model, as JSON or as one page; /v1/evaluations: measuring it.

A measurement is its owner's while it is under way; what came of it is the model's.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field

from genloom.server.access import ForTraining, Who
from genloom.server.content import SHUT
from genloom.server.engines.catalogue import Catalogue
from genloom.server.records.jobs import Job
from genloom.server.routes.listing import Paged, listed
from genloom.server.schema import Asked
from genloom.server.service import Here
from genloom.server.threads import in_thread
from genloom.trust.report import report_of
from genloom.trust.report_page import page_of

router = APIRouter(tags=["trust"])
KIND, PREFIX = "evaluation", "eval_"
MOST = 100_000  # items that are made for one measurement


class EvaluationAsked(Asked):
    """count: items to make; the medium decides where it is left out."""

    model: str
    seed: int = Field(default=0, ge=0, lt=1 << 63)
    count: int | None = Field(default=None, ge=1, le=MOST)


@router.get("/v1/reports/{model:path}")
async def report(
    model: str,
    caller: Who,
    service: Here,
    format: Annotated[Literal["json", "html"], Query()] = "json",
) -> Any:
    """As `genloom report` makes it; html: one file to be saved, which runs and fetches nothing."""
    folder = await in_thread(Catalogue(service.settings.models).folder, model)
    found = {**await in_thread(report_of, folder), "object": "report", "id": model}
    if format == "json":
        return found
    text = await in_thread(page_of, found)
    named = 'attachment; filename="trust-report.html"'
    headers = {**SHUT, "content-disposition": named}
    return Response(text, media_type="text/html; charset=utf-8", headers=headers)


@router.post("/v1/evaluations")
async def measure(body: EvaluationAsked, caller: ForTraining, service: Here) -> dict[str, Any]:
    """Measure a model on the data that was held out of its training, as `genloom eval` does."""
    folder = await in_thread(Catalogue(service.settings.models).folder, body.model)
    device = service.settings.hosting.get("device")
    given = {"folder": str(folder), "seed": body.seed, "count": body.count, "device": device}
    job = await service.jobs.start(
        KIND, caller.owner, given, key=caller.key, model=body.model, prefix=PREFIX
    )
    return told(job)


@router.get("/v1/evaluations")
async def list_(
    paging: Paged,
    caller: ForTraining,
    service: Here,
    model: Annotated[str | None, Query(max_length=256)] = None,
) -> dict[str, Any]:
    """model: those of one model alone."""
    only = {"kind": KIND, **({} if model is None else {"model": model})}
    jobs, more = await service.jobs.listed(caller.owner, paging.page(), **only)
    return listed([told(job) for job in jobs], more)


@router.get("/v1/evaluations/{id}")
async def get(id: str, caller: ForTraining, service: Here) -> dict[str, Any]:
    return told(await service.jobs.get(id, caller.owner, KIND))


@router.post("/v1/evaluations/{id}/cancel")
async def cancel(id: str, caller: ForTraining, service: Here) -> dict[str, Any]:
    """Its process ends; nothing of it is kept."""
    return told(await service.jobs.cancel(id, caller.owner, KIND))


@router.delete("/v1/evaluations/{id}")
async def delete(id: str, caller: ForTraining, service: Here) -> dict[str, Any]:
    """The job; what was measured stays with the model."""
    await service.jobs.remove(id, caller.owner, KIND)
    return {"id": id, "object": "evaluation.deleted", "deleted": True}


def told(job: Job) -> dict[str, Any]:
    """An evaluation as clients read it. stages: what was done so far; how many there will be is
    not known before."""
    result = job.result or {}
    return {
        "id": job.id,
        "object": "evaluation",
        "model": job.model,
        "status": job.status,
        "seed": job.given["seed"],
        "count": job.given["count"],
        "created_at": int(job.created),
        "started_at": None if job.started is None else int(job.started),
        "ended_at": None if job.ended is None else int(job.ended),
        "stages": result.get("stages", []),
        "report": result.get("report"),
        "error": job.error,
    }
