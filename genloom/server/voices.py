"""Voices of one's own: kept as the vector by which a model knows who speaks, with the consent.

No recording is kept. A voice is a small file of its owner; it fits the weights that heard it. Knows
records; not how a voice is heard.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from genloom.server.records.files import File
from genloom.server.records.rows import Page
from genloom.server.schema import refused
from genloom.server.service import Service
from genloom.server.threads import in_thread

PURPOSE, MEDIA = "voice", "application/json"
MOST = 100  # voices of one owner


async def keep(service: Service, owner: str, name: str, told: Mapping[str, Any]) -> File:
    """told: model, weights, heard and consent."""
    content = json.dumps({"name": name, **told}).encode()
    files = service.records.files
    return await in_thread(files.put, content, name, PURPOSE, owner=owner, media=MEDIA)


async def of_owner(service: Service, owner: str) -> list[File]:
    page = Page(limit=MOST)
    files, _ = await in_thread(service.records.files.listed, owner, page, purpose=PURPOSE)
    return list(files)


async def options_for(
    service: Service, owner: str, name: str, about: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The options that say a text in this voice, by its name or id; None where the owner has none
    of that name. Failure 400 where other weights heard it."""
    found = [one for one in await of_owner(service, owner) if name in (one.id, one.filename)]
    if not found:
        return None

    def read() -> Any:
        return json.loads(service.records.files.path(found[0].sha256).read_bytes())

    told = await in_thread(read)
    if told["weights"] != about.get("weights"):
        raise refused("voice", f"{name[:40]!r} was heard by other weights: send its recording anew")
    return {"heard": told["heard"], "consent": told["consent"]}
