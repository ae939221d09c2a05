"""One connection: a time for the head of a request, a number of connections, errors with a shape.

Adds to uvicorn's protocol what it has not: it waits for a head without end, answers everything that
is no HTTP with 400, and counts connections only to refuse requests. Knows no request's meaning.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from genloom.server.failure import Failure
from genloom.server.settings import Limits

BAD = Failure(400, "this is no HTTP request", code="bad_request")
HEADERS = Failure(431, "the head of the request is too large", code="headers_too_large")
SLOW = Failure(408, "the head of the request came too slowly", code="request_timeout")
FULL = Failure(503, "the server has too many connections", code="too_many_connections")
CROWDED = Failure(429, "this address has too many connections", code="too_many_connections")
REASONS = {400: "Bad Request", 408: "Request Timeout", 429: "Too Many Requests"}
REASONS |= {431: "Request Header Fields Too Large", 503: "Service Unavailable"}


class Connection(H11Protocol):
    """Made by the loop for each client. limits, addresses: of the server, shared by all of them."""

    limits: Limits
    addresses: Counter[str]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._head_timer: asyncio.TimerHandle | None = None
        address = self.client[0] if self.client else ""
        self.addresses[address] += 1
        if len(self.connections) > self.limits.connections:
            self._refuse(FULL)
        elif self.addresses[address] > self.limits.connections_per_address:
            self._refuse(CROWDED)
        else:
            self._time_head(True)

    def connection_lost(self, exc: Exception | None) -> None:
        self._time_head(False)
        address = self.client[0] if self.client else ""
        self.addresses[address] -= 1
        if not self.addresses[address]:
            del self.addresses[address]
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        super().data_received(data)

    def handle_events(self) -> None:
        super().handle_events()
        waiting = self.conn.their_state is h11.IDLE and bool(self.conn.trailing_data[0])
        self._time_head(waiting and not self.transport.is_closing())

    def _time_head(self, waiting: bool) -> None:
        """The time runs from the first byte of a head, for the first one from the connection."""
        if waiting and self._head_timer is None:
            self._head_timer = self.loop.call_later(self.limits.head_seconds, self._refuse, SLOW)
        elif not waiting and self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def send_400_response(self, msg: str) -> None:
        """What h11 refuses, while its error is being handled."""
        error = sys.exc_info()[1]
        large = getattr(error, "error_status_hint", 400) == HEADERS.status
        self._refuse(HEADERS if large else BAD)

    def _refuse(self, failure: Failure) -> None:
        """Answer where nothing of an answer is out yet, and close."""
        self._time_head(False)
        if not self.transport.is_closing():
            if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE, h11.ERROR):
                self.transport.write(raw(failure))
            self.transport.close()


def raw(failure: Failure) -> bytes:
    """An answer before there is an application to make it."""
    data = failure.text()
    head = [
        f"HTTP/1.1 {failure.status} {REASONS[failure.status]}",
        "content-type: application/json",
        f"content-length: {len(data)}",
        "connection: close",
        *(f"{name}: {value}" for name, value in failure.headers.items()),
    ]
    return "\r\n".join([*head, "", ""]).encode("ascii") + data


def protocol(limits: Limits) -> type[asyncio.Protocol]:
    """The class for one server."""
    made = type("ServedConnection", (Connection,), {"limits": limits, "addresses": Counter()})
    return cast(type[asyncio.Protocol], cast(Any, made))
