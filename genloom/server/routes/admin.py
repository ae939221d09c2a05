"""/v1/admin: keys and users, what they used, the audit log, and models in and out of memory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Query

from genloom.server import issuing
from genloom.server.access import ForAdmin, ForModels
from genloom.server.caller import Caller
from genloom.server.records.people import Key, User
from genloom.server.records.usage import day_of
from genloom.server.routes.admin_schema import KeyAsked, ModelAsked, UserAsked, UserChanged
from genloom.server.service import Here
from genloom.server.threads import in_thread

router = APIRouter(prefix="/v1/admin", tags=["admin"])
DAY = 86400.0


@router.post("/keys")
async def make_key(body: KeyAsked, service: Here, caller: ForAdmin) -> dict[str, Any]:
    """The only answer that holds the key itself."""
    wish = issuing.Wish(
        name=body.name,
        role=body.role,
        scopes=body.scopes,
        quotas=body.quotas,
        user=body.user,
        days=body.expires_after_days,
    )
    key, secret = await in_thread(issuing.issue, service.records, wish, _actor(caller))
    service.keyring.forget()
    return {**_key(key), "key": secret}


@router.get("/keys")
async def keys(service: Here, caller: ForAdmin) -> dict[str, Any]:
    return _list([_key(one) for one in await in_thread(service.records.keys.listed)])


@router.delete("/keys/{id}")
async def revoke_key(id: str, service: Here, caller: ForAdmin) -> dict[str, Any]:
    """It opens nothing from now on; on other servers of this database after two seconds."""
    key = await in_thread(issuing.revoke, service.records, id, _actor(caller))
    service.keyring.forget()
    return _key(key)


@router.post("/users")
async def make_user(body: UserAsked, service: Here, caller: ForAdmin) -> dict[str, Any]:
    made = await in_thread(
        issuing.add_user, service.records, body.name, body.role, body.quotas, _actor(caller)
    )
    return _user(made)


@router.get("/users")
async def users(service: Here, caller: ForAdmin) -> dict[str, Any]:
    return _list([_user(one) for one in await in_thread(service.records.users.listed)])


@router.post("/users/{id}")
async def change_user(
    id: str, body: UserChanged, service: Here, caller: ForAdmin
) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if body.role is not None:
        changes["role"] = body.role
    if body.quotas is not None:
        issuing.check_quotas(body.quotas)
        changes["quotas"] = body.quotas
    if body.disabled is not None:
        changes["disabled"] = time.time() if body.disabled else None
    made = await in_thread(issuing.change_user, service.records, id, changes, _actor(caller))
    service.keyring.forget()
    return _user(made)


@router.get("/usage")
async def usage(service: Here, caller: ForAdmin, owner: str) -> dict[str, Any]:
    """owner: the id of a user or of a key; day by day, the newest first."""
    days = await in_thread(service.records.usage.days, owner)
    return _list([{"day": day, **vars(amounts)} for day, amounts in days.items()])


@router.get("/usage/summary")
async def usage_summary(
    service: Here, caller: ForAdmin, days: Annotated[int, Query(ge=1, le=90)] = 30
) -> dict[str, Any]:
    """What was used in the last days (UTC). owners: by account and day, where the account of a
    user's key counts beside the user's own; models: by model and day."""
    today = int(time.time() // DAY)
    first = today - days + 1
    bounds = [DAY * day for day in range(first, today + 2)]
    owners = await in_thread(service.records.usage.since, day_of(bounds[0]))
    models = await in_thread(service.records.runs.by_model, bounds)
    told = [
        {"model": one["model"], "day": day_of(bounds[one.pop("period")]), **one} for one in models
    ]
    return {
        "object": "usage.summary",
        "days": [day_of(bound) for bound in bounds[:-1]],
        "owners": owners,
        "models": told,
    }


@router.get("/audit")
async def audit(
    service: Here,
    caller: ForAdmin,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    before: Annotated[int | None, Query(ge=0, lt=1 << 63)] = None,
) -> dict[str, Any]:
    """The newest lines; before: a line's number."""
    lines = await in_thread(service.records.audit.newest, limit, before=before)
    return _list([dict(vars(line)) for line in lines])


@router.get("/runs")
async def runs(
    service: Here,
    caller: ForAdmin,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    owner: str | None = None,
) -> dict[str, Any]:
    """The last requests that a model worked for, of everybody or of one owner."""
    found = await in_thread(service.records.runs.newest, limit, owner=owner)
    return _list([dict(vars(run)) for run in found])


@router.post("/models/load")
async def load(body: ModelAsked, service: Here, caller: ForModels) -> dict[str, Any]:
    await service.engines.load(body.model)
    return {"id": body.model, "object": "model", "loaded": True}


@router.post("/models/unload")
async def unload(body: ModelAsked, service: Here, caller: ForModels) -> dict[str, Any]:
    """Once what it has under way is finished; the next request loads it again."""
    was = await service.engines.unload(body.model)
    return {"id": body.model, "object": "model", "loaded": False, "was_loaded": was}


@router.post("/models/swap")
async def swap(body: ModelAsked, service: Here, caller: ForModels) -> dict[str, Any]:
    """Serve what lies on disk now; what is under way finishes on what was there before."""
    await service.engines.swap(body.model)
    return {"id": body.model, "object": "model", "loaded": True}


def _actor(caller: Caller) -> str:
    return caller.key or caller.owner


def _list(data: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "list", "data": data}


def _key(key: Key) -> dict[str, Any]:
    told: Mapping[str, Any] = vars(key)
    shown = {name: value for name, value in told.items() if name != "hash"}
    return {"object": "key", **shown}


def _user(user: User) -> dict[str, Any]:
    return {"object": "user", **vars(user)}
