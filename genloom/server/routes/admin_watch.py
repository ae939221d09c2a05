"""/v1/admin: how the server stands now, its last lines, its settings and what it has stored.

Only reads; nothing that is told holds a key, a password or what a client wrote.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
import time
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from sqlalchemy import make_url

from genloom import machine, store
from genloom.server.access import ForAdmin
from genloom.server.engines import memory
from genloom.server.engines.stats import ModelStats
from genloom.server.log_lines import MOST
from genloom.server.records.job_outlines import counts
from genloom.server.records.stored import stored
from genloom.server.service import Here, Service
from genloom.server.settings import Settings
from genloom.server.threads import in_thread

router = APIRouter(prefix="/v1/admin", tags=["admin"])


@router.get("/live")
async def live(service: Here, caller: ForAdmin) -> dict[str, Any]:
    """Models at work, their queues by whose they are, memory, jobs. keyed: whether a key was ever
    made; without one everybody on this machine is let in as an admin."""
    stats = service.engines.stats()
    records = service.records
    return {
        "object": "server",
        "time": time.time(),
        "began": service.life.began,
        "draining": service.life.draining,
        "active": service.life.active,
        "keyed": await in_thread(records.keys.any),
        "memory": await in_thread(memory.held, os.getpid()),
        "memory_free": await in_thread(memory.free),
        "jobs": await in_thread(counts, records.database),
        "unready": service.engines.unready(),
        "models": [_model(one) for one in stats.models],
    }


def _model(one: ModelStats) -> dict[str, Any]:
    told = {k: v for k, v in vars(one).items() if k not in ("model", "counts")}
    kept = ("loads", "failed_loads", "restarts", "unloads", "swaps", "retries")
    more = ("outcomes", "refused", "tokens")
    counted = {name: getattr(one.counts, name) for name in (*kept, *more)}
    return {"id": one.model, **told, "counts": counted}


@router.get("/logs")
async def logs(
    service: Here,
    caller: ForAdmin,
    level: Literal["info", "warning", "error"] = "info",
    search: Annotated[str, Query(max_length=200)] = "",
    after: Annotated[int, Query(ge=0)] = 0,
    limit: Annotated[int, Query(ge=1, le=MOST)] = 500,
) -> dict[str, Any]:
    """The server's last lines, oldest first; after: the number of a line, to follow them."""
    found = service.lines.newest(limit, after=after, level=level, search=search)
    return {"object": "list", "data": [vars(line) for line in found.lines], "last": found.last}


@router.get("/settings")
async def settings(service: Here, caller: ForAdmin) -> dict[str, Any]:
    """As the server runs; a password in the database's URL is left out."""
    return {"object": "settings", **told(service.settings)}


def told(given: Settings) -> dict[str, Any]:
    values = {name: _plain(value) for name, value in dataclasses.asdict(given).items()}
    if given.database:
        values["database"] = make_url(given.database).render_as_string(hide_password=True)
    return values


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return [_plain(one) for one in value] if isinstance(value, list | tuple) else value


@router.get("/machine")
async def machine_(service: Here, caller: ForAdmin) -> dict[str, Any]:
    """What genloom doctor finds without loading torch."""
    return {"object": "machine", **await in_thread(_machine)}


def _machine() -> dict[str, Any]:
    home = store.home()
    told = [
        {"name": name, "there": there, "for": machine.EXTRAS[name]}
        for name, there in machine.extras().items()
    ]
    free, fault = machine.disk_free(home), machine.unwritable(home)
    faults = [f"{home} cannot be written: {fault}"] if fault else []
    if free < machine.LEAST_DISK:
        faults.append(f"{free >> 20} MiB of disk are free at {home}: make room for models")
    return {**machine.facts(), "home": str(home), "disk_free": free, "extras": told} | {
        "faults": faults
    }


@router.get("/storage")
async def storage(service: Here, caller: ForAdmin) -> dict[str, Any]:
    """What is on disk: of each owner, of each model, and how much is free."""
    return {"object": "storage", **await in_thread(_stored, service)}


def _stored(service: Service) -> dict[str, Any]:
    place = service.settings.data or store.home() / "server"
    disk = shutil.disk_usage(place)
    models = [{"id": folder.name, "bytes": _bytes(folder)} for folder in store.listed()]
    return {
        **stored(service.records.database),
        "owner_most": service.settings.limits.owner_bytes,
        "models": sorted(models, key=lambda one: -one["bytes"]),
        "disk": {"total": disk.total, "used": disk.used, "free": disk.free},
    }


def _bytes(folder: Path) -> int:
    """Of a folder, and of what its training left; what goes meanwhile counts nothing."""
    total = 0
    for place in (folder, store.run_folder(folder)):
        for parent, _, names in os.walk(place):
            for name in names:
                try:
                    total += os.lstat(os.path.join(parent, name)).st_size
                except OSError:
                    continue
    return total
