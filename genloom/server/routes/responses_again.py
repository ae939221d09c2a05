"""Responses in the background whose server died: begun again from what was asked, with their seed.

Each has a note in the records for as long as it is made, which says by which server. One that lives
takes over the note of one that does not; after `TRIES` the response has failed. Knows notes, stored
responses and makings; no route.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import Any

from genloom.server.caller import LOCAL
from genloom.server.failure import Failure
from genloom.server.jobs.alive import Alive
from genloom.server.keyring import caller_of_id
from genloom.server.records.documents import Documents
from genloom.server.records.rows import Page
from genloom.server.routes.responses_kept import NOBODY, NOTE, RESPONSE, renew, unnoted
from genloom.server.routes.responses_making import STOPPED, Making
from genloom.server.routes.responses_object import broken
from genloom.server.runs import Run
from genloom.server.service import Service
from genloom.server.tally import TALLY, Tally
from genloom.server.threads import in_thread

TRIES = 3
LOOK, MOST = 10.0, 100  # seconds between two looks, notes of one look
Note = dict[str, Any]
_log = logging.getLogger("genloom")


async def looking(service: Service) -> None:
    """For as long as the server lives."""
    while True:
        try:
            for id in await in_thread(_noted, service.records.documents):
                await taken_up(service, id)
        except Failure as error:
            _log.warning("responses in the background wait: %s", error.message)
        await asyncio.sleep(LOOK)


def _noted(documents: Documents) -> list[str]:
    notes, _ = documents.listed(NOTE, NOBODY, Page(limit=MOST))
    return [note.id for note in notes]


async def taken_up(service: Service, id: str) -> Run | None:
    """The response as it is made again here; None where that is not for this server to do."""
    documents, alive = service.records.documents, service.jobs.runner.alive
    note = await in_thread(_claimed, documents, alive, id)
    if note is None:
        return None
    owner = note["owner"]
    try:
        stored = (await in_thread(documents.get, RESPONSE, id, owner)).value
    except Failure:  # it was deleted, or expired
        await in_thread(unnoted, documents, id)
        return None
    try:
        return await _begun(service, note, stored)
    except Failure as failure:
        await in_thread(renew, documents, owner, broken(stored["response"], failure))
        await in_thread(unnoted, documents, id)
        return None


async def _begun(service: Service, note: Note, stored: dict[str, Any]) -> Run:
    if note["tries"] > TRIES:
        raise STOPPED
    key, records = note["key"], service.records
    caller = await in_thread(caller_of_id, records, key) if key else LOCAL
    TALLY.set(Tally(caller=caller, limit=service.settings.limits.request_seconds))
    making = Making.again(stored, service, caller)
    await making.prepare()
    first = making.beginning()
    run = service.runs.start(caller.owner, making.response["id"], first, making.aside)
    run.state = making.so_far
    return run


def _claimed(documents: Documents, alive: Alive, id: str) -> Note | None:
    """The note, this server's from now on; None where another has it, or there is none."""
    with suppress(Failure):
        holder = documents.get(NOTE, id, NOBODY).value["holder"]
        if alive.lives(holder):
            return None

        def mine(note: Note) -> Note:
            if note["holder"] != holder:
                raise Failure(409, "another server was faster", code="conflict")
            return {**note, "holder": alive.me, "tries": note["tries"] + 1}

        found: Note = documents.change(NOTE, id, NOBODY, mine).value
        return found
    return None
