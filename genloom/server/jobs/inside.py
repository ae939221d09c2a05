"""Requests that a job makes of this very server: the same routes, without a socket in between.

Who asks has been let in when the job was begun; scopes and quotas count as ever. Knows no route.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from dataclasses import dataclass
from typing import Any

from fastapi import FastAPI
from starlette.types import Message

from genloom.server.caller import Caller
from genloom.server.failure import Failure
from genloom.server.schema import IGNORED
from genloom.server.scopes import check_scope
from genloom.server.tally import TALLY, Tally

LARGEST = 64 << 20  # bytes of an answer
INNER = Failure(500, "the server failed at this; its log says why", code="internal_error")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """body: the JSON value."""

    id: str
    status: int
    body: Any
    wait: float = 0.0  # seconds after which it is worth asking again, where it says so

    @property
    def good(self) -> bool:
        return 200 <= self.status < 300

    @property
    def code(self) -> str:
        error = self.body.get("error") if isinstance(self.body, dict) else None
        return str(error.get("code")) if isinstance(error, dict) else ""


async def ask(app: FastAPI, caller: Caller, path: str, body: Any) -> Answer:
    """A POST, behind everything that others ask. It is awaited in a task of its own."""
    TALLY.set(Tally(caller=caller, batch=True))
    IGNORED.set([])
    taken = _Taken()
    try:
        check_scope(caller, "POST", path)
        data = json.dumps(body).encode()
        await app(_scope(app, caller, path, data, taken.id), _given(data), taken.send)
        return taken.answer()
    except Failure as failure:
        return Answer(id=taken.id, status=failure.status, body=failure.body())
    except Exception:
        logging.getLogger("genloom.jobs").exception("%s failed", taken.id)
        return Answer(id=taken.id, status=500, body=INNER.body())


def _scope(app: FastAPI, caller: Caller, path: str, data: bytes, id: str) -> dict[str, Any]:
    length = str(len(data)).encode()
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"localhost"),
            (b"content-type", b"application/json"),
            (b"content-length", length),
        ],
        "client": ("127.0.0.1", 0),
        "server": ("127.0.0.1", 0),
        "app": app,
        "state": {"caller": caller, "request_id": id, "body": data},
    }


def _given(data: bytes) -> Any:
    """The body at once, and then nobody who leaves."""
    rest = [data]

    async def receive() -> Message:
        if rest:
            return {"type": "http.request", "body": rest.pop(), "more_body": False}
        await asyncio.Event().wait()
        raise AssertionError

    return receive


class _Taken:
    """An answer as it comes."""

    def __init__(self) -> None:
        self.id = f"req_{secrets.token_hex(12)}"
        self.status, self.headers, self.data = 500, dict[bytes, bytes](), bytearray()

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {k.lower(): v for k, v in message.get("headers", ())}
        elif message["type"] == "http.response.body":
            self.data += message.get("body", b"")
            if len(self.data) > LARGEST:
                raise Failure(500, f"the answer has more than {LARGEST} bytes", code="too_large")

    def answer(self) -> Answer:
        try:
            body = json.loads(self.data)
        except ValueError:
            raise Failure(400, "this answers with no JSON: ask it alone", code="no_json") from None
        wait = self.headers.get(b"retry-after", b"")
        seconds = float(wait) if wait.isdigit() else 0.0
        return Answer(id=self.id, status=self.status, body=body, wait=seconds)
