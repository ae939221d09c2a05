"""Streams cut short: clients that leave, engines that die, servers that stop."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest
from small_server import Running
from transcripts import SAID

from genloom.server.records.records import Records
from genloom.server.routes.responses_kept import RESPONSE, keep

MANY = 48
ENDLESS: dict[str, Any] = {"messages": SAID, "n": MANY, "extra_body": {"ignore_eos": True}}


def state(running: Running, model: str) -> Any:
    """The numbers of the model at work."""
    stats = running.server.app.state.service.engines.stats()
    return next(one for one in stats.models if one.model == model)


def left_before(running: Running, chat: openai.OpenAI, model: str) -> int:
    """How many have left the model's answers so far; the model is at work after it."""
    chat.chat.completions.create(model=model, messages=SAID, max_tokens=1)
    return state(running, model).counts.outcomes.get("left", 0)


def until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not true():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def test_a_client_that_leaves_a_stream_ends_the_work(
    chatting: Running, chat: openai.OpenAI, talker: str
) -> None:
    left = left_before(chatting, chat, talker)
    with chat.chat.completions.create(model=talker, stream=True, **ENDLESS) as stream:
        next(iter(stream))
        assert state(chatting, talker).running == 1
    until(lambda: state(chatting, talker).running == 0)
    assert state(chatting, talker).counts.outcomes["left"] == left + 1


def test_a_client_that_leaves_while_it_waits_ends_the_work(
    chatting: Running, chat: openai.OpenAI, talker: str
) -> None:
    left = left_before(chatting, chat, talker)
    body = json.dumps({"model": talker, "messages": SAID, "n": MANY, "ignore_eos": True}).encode()
    place = urlsplit(chatting.url)
    assert place.hostname is not None
    with socket.create_connection((place.hostname, place.port or 80)) as link:
        head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: "
        head += f"application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        link.sendall(head.encode() + body)
        until(lambda: state(chatting, talker).running == 1)
    until(lambda: state(chatting, talker).running == 0)
    assert state(chatting, talker).counts.outcomes["left"] == left + 1


def kill(running: Running, model: str) -> None:
    """The process that the model lives in."""
    engines = running.server.app.state.service.engines.inside
    os.kill(engines.residents[model].hosts.current.born.pid, signal.SIGKILL)


def until_killed(running: Running, chat: openai.OpenAI, model: str, said: str) -> list[Any]:
    """The events of a response whose engine is killed at its first words."""
    long = {"extra_body": {"ignore_eos": True}, "temperature": 0}
    events: list[Any] = []
    for event in chat.responses.create(model=model, input=said, stream=True, **long):
        events.append(event)
        if event.type == "response.output_text.delta" and len(events) < 6:
            kill(running, model)
    return events


def test_an_engine_that_dies_is_told_in_the_stream(
    chatting: Running, chat: openai.OpenAI, talker: str
) -> None:
    stream = chat.chat.completions.create(model=talker, stream=True, **ENDLESS)
    next(iter(stream))
    kill(chatting, talker)
    with pytest.raises(openai.APIError) as error:
        list(stream)
    assert error.value.code == "engine_restarted" and error.value.type == "server_error"
    for said in "abcdefgh":  # a quick machine may have written it all before the signal comes
        events = until_killed(chatting, chat, talker, f"say {said}")
        if events[-1].type != "response.incomplete":
            break
    assert events[-1].type == "response.failed"
    failed = chat.responses.retrieve(events[-1].response.id)
    assert failed.status == "failed" and failed.error is not None
    assert failed.error.code == "server_error" and failed.error.type == "engine_restarted"


def test_what_a_stopped_server_left_unfinished_is_failed_not_forgotten(
    chatting: Running, chat: openai.OpenAI, talker: str
) -> None:
    made = chat.responses.create(model=talker, input="say a", temperature=0)
    records: Records = chatting.server.app.state.service.records
    left = {**made.to_dict(), "id": "resp_00", "status": "in_progress", "background": True}
    keep(records.documents, "local", left, given=[], events=[])
    found = chat.responses.retrieve("resp_00")
    assert found.status == "failed" and found.error is not None
    assert records.documents.get(RESPONSE, "resp_00", "local").value["response"]["error"]
