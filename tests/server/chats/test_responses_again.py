"""Responses in the background outlive their server: another makes them again, to the letter."""

from __future__ import annotations

import time
from typing import Any

import databases
import openai
import pytest
from small_server import Running

from genloom.server.records.records import Records
from genloom.server.routes.responses_kept import NOBODY, NOTE, RESPONSE, is_noted, noted

ASKED: dict[str, Any] = {"extra_body": {"seed": 3, "ignore_eos": True}, "max_output_tokens": 60}
DEAD = "server_elsewhere_000000000000"


def until_over(chat: openai.OpenAI, id: str, seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while (found := chat.responses.retrieve(id)).status in ("queued", "in_progress"):
        assert time.monotonic() < end, found
        time.sleep(0.1)
    return found


def left_behind(records: Records, id: str, holder: str | None = DEAD, tries: int = 0) -> None:
    """As a server leaves it that dies in the middle of it."""

    def unfinished(value: dict[str, Any]) -> dict[str, Any]:
        at_first = {**value["response"], "status": "queued", "output": [], "usage": None}
        return {**value, "response": {**at_first, "completed_at": None}, "events": []}

    records.documents.change(RESPONSE, id, "local", unfinished)
    if holder is not None:
        noted(records.documents, id, owner="local", key="", holder=holder)
        records.documents.change(NOTE, id, NOBODY, lambda note: {**note, "tries": tries})


def test_what_a_dead_server_was_making_is_made_again(
    chat: openai.OpenAI, chatting: Running, talker: str
) -> None:
    made = chat.responses.create(model=talker, input="say a", background=True, **ASKED)
    whole = until_over(chat, made.id)
    assert whole.status == "incomplete" and whole.output_text  # its length was given
    records = databases.opened(chatting.data)
    try:
        assert not is_noted(records.documents, made.id)
        left_behind(records, made.id)
        events = list(chat.responses.retrieve(made.id, stream=True))
        assert events[0].type == "response.created" and events[-1].type == "response.incomplete"
        again = until_over(chat, made.id)
        assert (again.status, again.output_text) == (whole.status, whole.output_text)
        assert again.usage == whole.usage and not is_noted(records.documents, made.id)
    finally:
        records.close()


def test_it_is_not_tried_for_ever_and_not_taken_from_who_lives(
    chat: openai.OpenAI, chatting: Running, talker: str
) -> None:
    made = chat.responses.create(model=talker, input="say b", background=True, **ASKED)
    until_over(chat, made.id)
    records = databases.opened(chatting.data)
    try:
        left_behind(records, made.id, tries=3)
        found = until_over(chat, made.id)
        assert found.status == "failed" and found.error is not None
        left_behind(records, made.id, holder=None)  # nobody makes it
        assert chat.responses.retrieve(made.id).status == "failed"
        other = "server_another_000000000000"
        records.documents.put("server", other, {"seen": time.time() + 3600}, owner="")
        left_behind(records, made.id, holder=other)
        assert chat.responses.retrieve(made.id).status == "queued"
        chat.responses.delete(made.id)
        with pytest.raises(openai.NotFoundError):
            chat.responses.retrieve(made.id)
        assert not is_noted(records.documents, made.id)
    finally:
        records.close()
