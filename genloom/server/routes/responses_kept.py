"""Responses and conversations on disk, and what a response goes on from.

Knows documents and items; blocking, called in a thread. No engine, stream or body.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from genloom.server.failure import Failure
from genloom.server.records.documents import Documents
from genloom.server.routes.responses_items import Stored
from genloom.server.routes.responses_object import Response

RESPONSE, CONVERSATION = "response", "conversation"
NOTE, NOBODY = "response_in_the_making", ""  # of what is made in the background, whosever it is
DAYS = 30 * 86400.0  # seconds that a response is kept
LONGEST = 1000  # responses that go on from each other
MOST_ITEMS = 10_000  # of a conversation
_OVER = frozenset({"completed", "incomplete"})


def keep(
    documents: Documents,
    owner: str,
    response: Response,
    *,
    given: Sequence[Stored],
    context: Sequence[Stored] = (),
    events: Sequence[str] | None = None,
    asked: Mapping[str, Any] | None = None,
) -> None:
    """A new response on disk. given: its own input; context: a conversation's items before it;
    asked: the body, where it may have to be made again."""
    value = {
        "response": response,
        "input": list(given),
        "context": list(context),
        "events": None if events is None else list(events),
        **({} if asked is None else {"asked": dict(asked)}),
    }
    expires = time.time() + DAYS
    documents.put(RESPONSE, response["id"], value, owner=owner, expires=expires)


def noted(documents: Documents, id: str, *, owner: str, key: str, holder: str) -> None:
    """That this server makes it; key: with which it was asked for."""
    value = {"owner": owner, "key": key, "holder": holder, "tries": 0}
    documents.put(NOTE, id, value, owner=NOBODY, expires=time.time() + DAYS)


def is_noted(documents: Documents, id: str) -> bool:
    """Whether a server makes it, or will."""
    try:
        documents.get(NOTE, id, NOBODY)
    except Failure as failure:
        if failure.status != 404:
            raise
        return False
    return True


def unnoted(documents: Documents, id: str) -> None:
    """It is not made any more."""
    with suppress(Failure):
        documents.remove(NOTE, id, NOBODY)


def renew(
    documents: Documents, owner: str, response: Response, events: Sequence[str] | None = None
) -> None:
    """The same response, further on."""

    def changed(value: dict[str, Any]) -> dict[str, Any]:
        told = value["events"] if events is None else list(events)
        return {**value, "response": response, "events": told}

    documents.change(RESPONSE, response["id"], owner, changed)


def before(documents: Documents, owner: str, previous: str) -> list[Stored]:
    """All items up to the end of a response, oldest first. Failure 400 where one is missing."""
    parts: list[list[Stored]] = []
    at: str | None = previous
    while at is not None:
        value = _previous(documents, owner, at)
        response = value["response"]
        if response["status"] not in _OVER:
            raise _bad(at, f"it is {response['status']}: there is nothing to go on from")
        parts.append([*value["context"], *value["input"], *response["output"]])
        if len(parts) > LONGEST:
            raise _bad(at, f"more than {LONGEST} responses go on from each other: begin anew")
        at = response["previous_response_id"]
    return [item for part in reversed(parts) for item in part]


def _previous(documents: Documents, owner: str, id: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = documents.get(RESPONSE, id, owner).value
    except Failure as failure:
        if failure.status != 404:
            raise
        raise _bad(id, "it was not found", "previous_response_not_found") from None
    return found


def _bad(id: str, why: str, code: str = "invalid_value") -> Failure:
    return Failure(
        400, f"the previous response {id[:80]!r}: {why}", code=code, param="previous_response_id"
    )


def items_of(documents: Documents, owner: str, conversation: str) -> list[Stored]:
    """Of a conversation, oldest first. Failure 404 where there is none."""
    items: list[Stored] = documents.get(CONVERSATION, conversation, owner).value["items"]
    return items


def add_items(documents: Documents, owner: str, conversation: str, items: Sequence[Stored]) -> None:
    """At a conversation's end; an item that is there already is left where it is."""

    def changed(value: dict[str, Any]) -> dict[str, Any]:
        known = {item["id"] for item in value["items"]}
        joined = [*value["items"], *(item for item in items if item["id"] not in known)]
        if len(joined) > MOST_ITEMS:
            raise Failure(400, f"a conversation has {MOST_ITEMS:,} items at most: begin another")
        return {**value, "items": joined}

    documents.change(CONVERSATION, conversation, owner, changed)


def all_input(documents: Documents, owner: str, value: Mapping[str, Any]) -> list[Stored]:
    """What a response was made from, oldest first."""
    previous = value["response"]["previous_response_id"]
    first = [] if previous is None else before(documents, owner, previous)
    return [*first, *value["context"], *value["input"]]
