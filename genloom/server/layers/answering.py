"""The outermost layer: a number for every answer, one line in the log, no error without a shape.

Knows headers, the log and the measures; not who asks or what.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from genloom.server.failure import Failure, response_of
from genloom.server.records.runs import Run
from genloom.server.schema import IGNORED
from genloom.server.service import Service
from genloom.server.tally import TALLY, Tally

log = logging.getLogger("genloom.requests")
NAMED, NAMES_LONG = 32, 1024  # ignored fields that are named, and characters of their names
CLIENT_LEFT = 499
INNER = Failure(500, "the server failed at this; its log says why", code="internal_error")


class Left(Exception):
    """The client is gone, or takes nothing any more: there is nobody to answer."""


class Answering:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        service: Service = scope["app"].state.service
        answer = Answer(scope, receive, send)
        answer.tally.limit = service.settings.limits.request_seconds
        service.life.active += 1
        try:
            await answer.made_by(self.app)
        finally:
            service.life.active -= 1
            _log(scope, answer)
            _note(scope, answer, service)
            service.measures.answered(_route(scope), scope["method"], answer.status, answer.seconds)


class Answer:
    """One request's way out. status: what the log says; 499 where the client left early."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope, self._receive, self._send = scope, receive, send
        self.id = f"req_{secrets.token_hex(12)}"
        self.status = 0
        self.ended = self.left = False
        self.unread = _has_body(scope)
        self.ignored: list[str] = []
        self.tally = Tally()
        self._began = time.perf_counter()
        self.seconds = 0.0
        scope.setdefault("state", {})["request_id"] = self.id

    async def made_by(self, app: ASGIApp) -> None:
        IGNORED.set(self.ignored)
        TALLY.set(self.tally)
        try:
            await app(self.scope, self.receive, self.send)
        except Left:
            self.left = True
        except Failure as failure:
            await self._fail(failure)
        except asyncio.CancelledError:
            self.left = not self.ended
            raise
        except Exception:
            logging.getLogger("genloom").exception("%s failed", self.id)
            await self._fail(INNER)
        finally:
            self.seconds = time.perf_counter() - self._began
            if self.left and not self.ended:
                self.status = CLIENT_LEFT

    async def _fail(self, failure: Failure) -> None:
        if not self.status:
            await response_of(failure)(self.scope, self.receive, self.send)

    async def receive(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.disconnect":
            self.left = self.left or not self.ended
        elif not message.get("more_body", False):
            self.unread = False
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), *self._headers()]}
        elif message["type"] == "http.response.body" and not message.get("more_body", False):
            self.ended = not self.left
        await self._send(message)

    def _headers(self) -> list[tuple[bytes, bytes]]:
        told = [(b"x-request-id", self.id.encode()), (b"x-content-type-options", b"nosniff")]
        told += self.scope["state"].get("headers", ())
        if self.ignored:
            told.append((b"x-genloom-ignored-fields", names(self.ignored)))
        if self.unread:  # nothing more of it is read
            told.append((b"connection", b"close"))
        return told


def names(fields: list[str]) -> bytes:
    """Names as a header can carry them: escaped, a bounded number, a bounded length."""
    told = [_word(name) or '""' for name in fields[:NAMED]]
    text = ", ".join(told)[:NAMES_LONG].rstrip(" ")
    more = len(fields) - NAMED
    return (f"{text}, and {more} more" if more > 0 else text).encode("ascii")


def _word(name: str) -> str:
    return ascii(name)[1:-1].replace(",", "\\x2c").replace(" ", "\\x20")[:128]


def _has_body(scope: Scope) -> bool:
    headers = dict(scope["headers"])
    return b"transfer-encoding" in headers or headers.get(b"content-length", b"0") != b"0"


def _route(scope: Scope) -> str:
    """The route's template: what the client wrote would make a label without a bound."""
    return getattr(scope.get("route"), "path_format", "other")


def _log(scope: Scope, answer: Answer) -> None:
    caller = answer.tally.caller
    told: dict[str, Any] = {
        "id": answer.id,
        "method": scope["method"][:16],
        "path": scope["path"][:200],
        "status": answer.status,
        "owner": "" if caller is None else caller.owner,
        "key": "" if caller is None else caller.key,
        "ms": round(answer.seconds * 1e3, 1),
        "model": answer.tally.model[:200],
        "tokens": answer.tally.used.tokens,
    }
    line = " ".join(f"{name}={plain(value)}" for name, value in told.items())
    log.info("%s", line, extra={"told": told})


def _note(scope: Scope, answer: Answer, service: Service) -> None:
    """A run in the records, where a model worked for it."""
    tally = answer.tally
    if tally.model:
        run = Run(
            owner=tally.caller.owner if tally.caller is not None else "",
            route=_route(scope),
            status=answer.status,
            ms=answer.seconds * 1e3,
            model=tally.model,
            weights=tally.weights or None,
            prompt_tokens=tally.prompt_tokens,
            completion_tokens=tally.completion_tokens,
            images=tally.used.images,
        )
        service.records.journal.run(run)


def plain(value: object) -> str:
    """One word of a line: nothing in it can end the line, colour it or look like another word."""
    text = ascii(str(value))[1:-1].replace(" ", "\\x20").replace("=", "\\x3d")
    return text or "-"
