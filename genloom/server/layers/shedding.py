"""Requests turned away at the door while the server itself is behind: before anything is done for
them, so that turning them away is cheap and what was let in is answered in time.

A model's queue is bounded by its gate; this bounds what has not come so far. Knows how late the
loop is and how many requests each who asks has here; not who that is or what is asked.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from starlette.types import ASGIApp, Receive, Scope, Send

from genloom.server.engines.gate import refused
from genloom.server.service import Service

LATE = 0.5  # seconds by which the loop runs late, and is behind
LOOK = 0.1  # seconds between two looks
MOST, FEW = 64, 4  # requests here while it is behind: of all together, and of one always
ALWAYS = ("/health", "/ready", "/metrics", "/v1/admin/")  # who watches and helps is let in


class Shedding:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.here: Counter[bytes] = Counter()  # requests, by who asks

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(ALWAYS):
            await self.app(scope, receive, send)
            return
        service: Service = scope["app"].state.service
        who = _who(scope)
        share = max(FEW, MOST // (len(self.here) or 1))
        if service.life.late > LATE and self.here[who] >= share:
            service.measures.shed.inc()
            raise refused(503, "overloaded", "the server is behind: try again in a moment", 1)
        self.here[who] += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.here[who] -= 1
            if not self.here[who]:
                del self.here[who]


def _who(scope: Scope) -> bytes:
    """The key that is shown, or the address: it is not asked whether that is good for anything."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            return bytes(value)
    client = scope.get("client")
    return client[0].encode() if client else b""


async def watched(service: Service) -> None:
    """How late the loop runs, for as long as the server lives."""
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LOOK
        await asyncio.sleep(LOOK)
        service.life.late = loop.time() - due
