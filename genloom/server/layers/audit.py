"""A line in the audit log for whatever changes state, on disk before the answer goes out.

What only asks a model is not noted here; runs and usage are. Knows methods, paths and a table.
"""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from genloom.server.service import Service
from genloom.server.tally import TALLY
from genloom.server.threads import in_thread

READING = frozenset({"GET", "HEAD", "OPTIONS"})
# Paths whose POSTs keep nothing but what their answer says.
ASKING = frozenset(
    {
        "/v1/chat/completions",
        "/v1/completions",
        "/v1/embeddings",
        "/v1/rerank",
        "/v1/moderations",
        "/v1/responses",
        "/v1/responses/input_tokens",
        "/v1/generate",
        "/v1/images/generations",
        "/v1/images/edits",
        "/v1/images/variations",
        "/v1/audio/speech",
        "/v1/audio/transcriptions",
        "/v1/content_provenance_checks",
    }
)


class Audited:
    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not changes(scope["method"], scope["path"]):
            await self.app(scope, receive, send)
            return

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                await _note(scope, message["status"])
            await send(message)

        await self.app(scope, receive, noting)


def changes(method: str, path: str) -> bool:
    return method not in READING and not (method == "POST" and path in ASKING)


async def _note(scope: Scope, status: int) -> None:
    service: Service = scope["app"].state.service
    caller = scope["state"]["caller"]
    tally = TALLY.get()
    detail = {
        "status": status,
        "request": scope["state"]["request_id"],
        "user": caller.user,
        "owner": caller.owner,
        "model": tally.model if tally is not None else "",
    }
    actor = caller.key or caller.owner
    route = getattr(scope.get("route"), "path_format", "")
    action, subject = f"{scope['method']} {route or 'unknown'}", scope["path"][:256]
    await in_thread(service.records.audit.note, actor, action, subject, detail)
