"""Every answer has a number and a line in the log; errors have one shape; clients may leave."""

from __future__ import annotations

import asyncio
import json
import logging
import re
import time
from typing import Any

import pytest
from http_client import ask, connected, raw
from small_server import Running

from genloom.server.failure import Failure, failure_of
from genloom.server.layers.answering import names, plain
from genloom.server.layers.receiving import Body, _attended
from genloom.server.logs import Json, Plain
from genloom.server.settings import Limits

LOGGER = "genloom.requests"


def record_of(caplog: pytest.LogCaptureFixture, path: str) -> logging.LogRecord:
    """What was told of a path's first request, which is told after the answer: waits for it."""
    until = time.monotonic() + 20
    while time.monotonic() < until:
        for record in caplog.records:
            if record.name == LOGGER and record.told["path"] == path:
                return record
        time.sleep(0.02)
    raise AssertionError(f"no line of {path}")


@pytest.fixture
def heard(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.INFO, logger=LOGGER)
    return caplog


def test_every_answer_has_a_number(small: Running, heard: pytest.LogCaptureFixture) -> None:
    first, second = (ask(small.url, "GET", path) for path in ("/health", "/nothing-here"))
    ids = [answer.headers["x-request-id"] for answer in (first, second)]
    assert all(re.fullmatch("req_[0-9a-f]{24}", one) for one in ids) and ids[0] != ids[1]
    line = record_of(heard, "/nothing-here").told
    assert (line["id"], line["status"], line["method"]) == (ids[1], 404, "GET")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "unknown_url"),
        ("GET", "/v1/models/", 404, "model_not_found"),
        ("GET", "/health/", 404, "unknown_url"),
        ("PUT", "/v1/models", 405, "method_not_allowed"),
        ("TRACE", "/v1/models", 405, "method_not_allowed"),
        ("GET", "/v1/models/nobody", 404, "model_not_found"),
        ("GET", "/v1/models/..%2f..%2fetc", 404, "model_not_found"),
        ("GET", "/v1/models/../../etc", 404, "model_not_found"),
    ],
)
def test_errors_have_one_shape(
    small: Running, method: str, path: str, status: int, code: str
) -> None:
    answer = ask(small.url, method, path)
    assert (answer.status, answer.code) == (status, code), answer
    assert set(answer.error) == {"message", "type", "param", "code"}
    assert answer.headers["content-type"] == "application/json"


def test_a_line_cannot_be_forged(small: Running, heard: pytest.LogCaptureFixture) -> None:
    ask(small.url, "GET", "/a%0d%0aid=x%20status=200%1b[31m")
    record = record_of(heard, "/a\r\nid=x status=200\x1b[31m")
    assert "status=404" in record.message
    line = Plain().format(record)
    assert line.count("\n") == 0 and "\x1b" not in line and "\r" not in line
    assert len(re.findall(r"(?:^| )status=", line)) == 1
    assert json.loads(Json().format(record))["path"].startswith("/a\r\n")
    assert plain("a b=c\n\u202e") == "a\\x20b\\x3dc\\n\\u202e" and plain("") == "-"


def test_fields_that_change_nothing_are_named(small: Running) -> None:
    body = {"model": "nobody", "new_thing": 1, "b\r\nset-cookie: x": 2, "ü": 3}
    answer = ask(small.url, "POST", "/v1/admin/models/load", body)
    told = answer.headers["x-genloom-ignored-fields"]
    assert told == r"new_thing, b\r\nset-cookie:\x20x, \xfc" and "set-cookie" not in answer.headers
    many = {"model": "nobody", **{f"field-{n}-{'x' * 200}": 1 for n in range(900)}}
    answer = ask(small.url, "POST", "/v1/admin/models/load", many)
    told = answer.headers["x-genloom-ignored-fields"]
    assert len(told) < 1100 and told.endswith(", and 868 more")
    known = ask(small.url, "POST", "/v1/admin/models/load", {"model": "nobody"})
    assert "x-genloom-ignored-fields" not in known.headers
    assert names(["a,b", "", " "]) == rb'a\x2cb, "", \x20'
    assert names(["x" * 126] * 20)[-1:] != b" "
    blank = ask(small.url, "POST", "/v1/admin/models/load", {"model": "nobody", "x": 1, "": 2})
    assert blank.headers["x-genloom-ignored-fields"] == 'x, ""'


def test_a_client_that_leaves_ends_the_work(
    small: Running, heard: pytest.LogCaptureFixture
) -> None:
    stats = small.server.app.state.service.engines.stats
    body = {"model": "words", "prompt": "a", "max_tokens": 50, "n": 8, "ignore_eos": True}
    assert ask(small.url, "POST", "/v1/completions", {**body, "max_tokens": 1}).status == 200
    record_of(heard, "/v1/completions")  # it may be told a little after its answer
    heard.clear()
    with connected(small.url) as link:
        data = json.dumps(body).encode()
        head = "POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json"
        link.sendall(f"{head}\r\ncontent-length: {len(data)}\r\n\r\n".encode() + data)
        until = time.monotonic() + 20
        while not stats().running:
            assert time.monotonic() < until, "it never began"
    line = record_of(heard, "/v1/completions").told
    assert line["status"] == 499
    while stats().running or stats().queued:
        assert time.monotonic() < until, "it went on"


def test_a_fault_of_ours_says_nothing_of_the_inside(
    small: Running, heard: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken() -> None:
        raise RuntimeError("/secret/place at 0x7f00")

    monkeypatch.setattr(small.server.app.state.service.measures, "text", broken)
    answer = ask(small.url, "GET", "/metrics")
    assert (answer.status, answer.code) == (500, "internal_error")
    assert b"secret" not in answer.body and b"0x7f" not in answer.body
    assert any(r.exc_info for r in heard.records)
    assert ask(small.url, "GET", "/health").status == 200


def test_a_refused_body_closes_the_connection(small: Running) -> None:
    head = b"POST /v1/models HTTP/1.1\r\nhost: evil.example\r\ncontent-length: 100000\r\n\r\n"
    answer = raw(small.url, head)
    assert b"403" in answer.split(b"\r\n", 1)[0] and b"connection: close" in answer


def test_errors_of_the_house_have_their_status() -> None:
    assert failure_of({"type": "ModelError", "message": "x"}).status == 404
    assert failure_of({"type": "Nonsense", "message": "x"}).status == 500
    assert Failure(429, "later").headers == {"retry-after": "1"}
    assert Failure(503, "later", headers={"Retry-After": "7"}).headers == {"retry-after": "7"}
    assert b"\\ud800" in Failure(400, "\ud800").text()


def test_who_leaves_as_the_last_piece_goes_out_is_no_error() -> None:
    """The answer may end between the call to give it up and the moment in which that is heard."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        async def ending() -> None:
            await receive()  # the body
            left.set()
            while not gone:
                await asyncio.sleep(0)
            await send({"type": "http.response.body", "body": b"", "more_body": False})

        await send({"type": "http.response.start", "status": 200, "headers": []})
        writing = asyncio.create_task(ending())
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.gather(writing, return_exceptions=True)

    async def receive() -> Any:
        await left.wait()
        gone.append(True)
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    async def main() -> None:
        body = Body(receive, 100, 1.0, b"")
        scope: Any = {"type": "http"}
        await _attended(app, scope, send, Limits(), body)
        task = asyncio.current_task()
        assert task is not None and not task.cancelling()
        assert sent == ["http.response.start", "http.response.body"]

    left, gone, sent = asyncio.Event(), list[bool](), list[str]()
    asyncio.run(main())
