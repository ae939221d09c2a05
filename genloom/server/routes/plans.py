"""/v1/plans: what a training would take, before it is begun; nothing is kept of it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field

from genloom.server.access import ForTraining
from genloom.server.datasets.datasets import Datasets
from genloom.server.engines.catalogue import Catalogue
from genloom.server.failure import Failure
from genloom.server.routes.fine_tuning_schema import Change
from genloom.server.schema import Asked, refused
from genloom.server.service import Here
from genloom.server.threads import in_thread

router = APIRouter(prefix="/v1/plans", tags=["fine-tuning"])
SECONDS = 570.0


class PlanAsked(Asked):
    """preset: one of the data set's. size, minutes: one of both. changes: of the recipe's settings,
    such as "train.steps=200". start, teacher: names of models; adapter: low-rank parts beside the
    frozen weights of start."""

    dataset: Annotated[str, Field(max_length=128)]
    preset: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")]
    size: Literal["tiny", "small", "base", "large"] | None = None
    minutes: Annotated[float, Field(gt=0, le=7 * 24 * 60)] | None = None
    changes: Annotated[list[Change], Field(max_length=100)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    start: Annotated[str, Field(max_length=200)] | None = None
    teacher: Annotated[str, Field(max_length=200)] | None = None
    adapter: Literal["lora", "dora"] | None = None


@router.post("")
async def create(asked: PlanAsked, caller: ForTraining, service: Here) -> dict[str, Any]:
    """Minutes, memory, steps, parameters, and the recipe's settings, found by a short probe on this
    machine. quality: what the preset came to where it was measured, with its floor, data, machine
    and source, or null; nothing is known of other data before they were learnt."""
    if asked.minutes is not None and asked.size is not None:
        raise refused("minutes", "they decide the size themselves: give minutes or size")
    found = await service.datasets.ready(asked.dataset, caller.owner)
    catalogue = Catalogue(service.settings.models)
    models = {"start": asked.start, "teacher": asked.teacher}
    folders = {k: str(await in_thread(catalogue.folder, v)) for k, v in models.items() if v}
    given = {"medium": asked.preset, "data": found.value["path"], "changes": asked.changes or []}
    given |= {name: getattr(asked, name) for name in ("size", "minutes", "seed", "adapter")}
    told = await planned(service.datasets, {**given, **folders})
    return {"object": "plan", "dataset": found.id, "preset": asked.preset, **told}


async def planned(datasets: Datasets, given: dict[str, Any]) -> dict[str, Any]:
    """Failure 400 that names what of the settings cannot be, in the recipe's own words."""
    try:
        return await datasets.preparing("plan", given, SECONDS)
    except Failure as error:
        if error.status == 400 and error.param is None:
            error.param = "changes"
        raise
