"""/v1/admin/jobs: work of every kind and everybody, as it stands; and ending it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from genloom.server.access import ForAdmin
from genloom.server.records.job_outlines import JobOutline, all_jobs
from genloom.server.routes.listing import Paged, listed
from genloom.server.service import Here
from genloom.server.threads import in_thread

router = APIRouter(prefix="/v1/admin/jobs", tags=["admin"])
Word = Annotated[str | None, Query(max_length=64)]


@router.get("")
async def jobs(
    paging: Paged, caller: ForAdmin, service: Here, kind: Word = None, status: Word = None
) -> dict[str, Any]:
    """The newest first. kind: as in the list, label and all."""
    only = {name: value for name, value in (("kind", kind), ("status", status)) if value}
    found, more = await in_thread(all_jobs, service.records.database, paging.page(), **only)
    return listed([told(job) for job in found], more)


@router.post("/{id}/cancel")
async def cancel(id: str, caller: ForAdmin, service: Here) -> dict[str, Any]:
    """Whosever it is; one that is over stays as it is."""
    job = await service.jobs.cancel(id, None)
    names = JobOutline.__dataclass_fields__
    return told(JobOutline(**{name: getattr(job, name) for name in names}))


def told(job: JobOutline) -> dict[str, Any]:
    return {"object": "job", **vars(job)}
