"""How an answer of texts goes out: as a stream of chunks, or whole, with its seed in the header.

Knows no chat and no prompt; who asks is an object with a seed, chunks and the whole.
"""

from __future__ import annotations

from typing import Any, Protocol

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from genloom.server.leaving import while_there
from genloom.server.routes.sampling import seed_header
from genloom.server.sse import EventStream, Pieces


class Answering(Protocol):
    seed: int

    def chunks(self) -> Pieces:
        """The answer piece by piece."""

    async def whole(self) -> dict[str, Any]:
        """The answer; given up where the client leaves."""


async def delivered(request: Request, answering: Answering, stream: bool | None) -> Response:
    headers = seed_header(answering.seed)
    if stream:
        return EventStream(answering.chunks(), headers=headers)
    return JSONResponse(await while_there(request, answering.whole()), headers=headers)
