"""/v1/batches: many requests in one file, answered when there is room. The work is jobs/batch."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field

from genloom.server.access import Who
from genloom.server.failure import Failure
from genloom.server.jobs.claims import ASKED
from genloom.server.records.jobs import Job
from genloom.server.routes.listing import Paged, listed
from genloom.server.schema import Asked
from genloom.server.scopes import check_scope
from genloom.server.service import Here
from genloom.server.threads import in_thread

router = APIRouter(prefix="/v1/batches", tags=["batches"])
KIND, PREFIX, PURPOSE = "batch", "batch_", "batch"
ENDPOINTS = Literal[
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/responses",
    "/v1/moderations",
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/generate",
]
HOUR, MONTH = 3600, 30 * 24 * 3600
UNITS = {"m": 60, "h": 3600, "d": 24 * 3600}
LONGEST = 7 * 24 * 3600  # seconds of a window
_WINDOW = re.compile(r"([1-9]\d{0,3})([mhd])")
Key = Annotated[str, Field(max_length=64)]
Value = Annotated[str, Field(max_length=512)]
Metadata = Annotated[dict[Key, Value], Field(max_length=16)]


class ExpiresAfter(Asked):
    anchor: Literal["created_at"]
    seconds: int = Field(ge=HOUR, le=MONTH)


class BatchAsked(Asked):
    """completion_window: 24h, or another number of m, h or d; what has no answer then gets none."""

    input_file_id: str
    endpoint: ENDPOINTS
    completion_window: str
    metadata: Metadata | None = None
    output_expires_after: ExpiresAfter | None = None


@router.post("")
async def create(
    body: BatchAsked,
    caller: Who,
    service: Here,
) -> dict[str, Any]:
    check_scope(caller, "POST", body.endpoint)
    seconds = _seconds(body.completion_window)
    file = await in_thread(service.records.files.get, body.input_file_id, caller.owner)
    if file.purpose != PURPOSE:
        told = f"the file's purpose is {file.purpose!r}: upload it with the purpose {PURPOSE!r}"
        raise Failure(400, told, code="invalid_file", param="input_file_id")
    after = body.output_expires_after
    given = {
        "file": file.id,
        "endpoint": body.endpoint,
        "window": body.completion_window,
        "deadline": time.time() + seconds,
        "metadata": body.metadata,
        "expires_after": None if after is None else after.seconds,
    }
    job = await service.jobs.start(KIND, caller.owner, given, key=caller.key, prefix=PREFIX)
    return told_of(job)


@router.get("")
async def list_(
    paging: Paged,
    caller: Who,
    service: Here,
) -> dict[str, Any]:
    jobs, more = await service.jobs.listed(caller.owner, paging.page(), kind=KIND)
    return listed([told_of(job) for job in jobs], more)


@router.get("/{id}")
async def get(
    id: str,
    caller: Who,
    service: Here,
) -> dict[str, Any]:
    return told_of(await service.jobs.get(id, caller.owner, KIND))


@router.post("/{id}/cancel")
async def cancel(
    id: str,
    caller: Who,
    service: Here,
) -> dict[str, Any]:
    """What is answered already is kept."""
    return told_of(await service.jobs.cancel(id, caller.owner, KIND))


def _seconds(window: str) -> int:
    found = _WINDOW.fullmatch(window)
    seconds = int(found[1]) * UNITS[found[2]] if found else 0
    if not 0 < seconds <= LONGEST:
        told = f"completion_window is {window[:40]!r}: give 24h, or up to 7d"
        raise Failure(400, told, code="invalid_value", param="completion_window")
    return seconds


def told_of(job: Job) -> dict[str, Any]:
    """A batch as clients know it."""
    result: Mapping[str, Any] = job.result or {}
    times, status = result.get("times", {}), _status(job, result)
    ended = None if job.ended is None else int(job.ended)
    cancelled = ended if status == "cancelled" else None
    return {
        "id": job.id,
        "object": "batch",
        "endpoint": job.given["endpoint"],
        "model": None,
        "errors": _errors(job),
        "input_file_id": job.given["file"],
        "completion_window": job.given["window"],
        "status": status,
        "output_file_id": result.get("output"),
        "error_file_id": result.get("errors"),
        "created_at": int(job.created),
        "in_progress_at": times.get("in_progress"),
        "expires_at": int(job.given["deadline"]),
        "finalizing_at": times.get("finalizing"),
        "completed_at": times.get("completed") if status == "completed" else None,
        "failed_at": ended if status == "failed" else None,
        "expired_at": times.get("expired"),
        "cancelling_at": cancelled,
        "cancelled_at": cancelled,
        "request_counts": result.get("counts", {"total": 0, "completed": 0, "failed": 0}),
        "usage": _usage(result.get("usage")),
        "metadata": job.given.get("metadata"),
    }


def _status(job: Job, result: Mapping[str, Any]) -> str:
    if job.status == "in_progress" and job.given.get(ASKED):
        return "cancelling"
    if job.status == "in_progress":
        return str(result.get("phase", "validating"))
    if job.status == "completed":
        return "expired" if "expired" in result.get("times", {}) else "completed"
    return {"queued": str(result.get("phase", "validating"))}.get(job.status, job.status)


def _errors(job: Job) -> dict[str, Any] | None:
    if job.error is None:
        return None
    told = {k: job.error.get(k) for k in ("code", "message", "param")}
    return {"object": "list", "data": [{**told, "line": None}]}


def _usage(usage: Mapping[str, int] | None) -> dict[str, Any] | None:
    if usage is None:
        return None
    details = {
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens_details": {"reasoning_tokens": 0},
    }
    return {**usage, **details}
