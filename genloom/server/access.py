"""Who may ask what: the caller of a request, and the scope that a route needs.

Routes say `caller: Who`, or name the scope that they need besides what the gate asks for
(`caller: ForFiles`); either gives the `Caller`. Both are asynchronous, though they wait for
nothing: the framework would run a plain function in a thread, twice for each request.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, Request

from genloom.server.caller import LOCAL, SCOPES, Caller
from genloom.server.failure import Failure


async def caller_of(request: Request) -> Caller:
    """FastAPI's dependency: who asks."""
    found: Caller = getattr(request.state, "caller", LOCAL)
    return found


def needs(scope: str) -> Callable[[Request], Awaitable[Caller]]:
    """A dependency that gives the caller, and is a 403 where the key has no such scope."""
    if scope not in SCOPES:
        raise ValueError(f"no scope {scope!r}: {', '.join(sorted(SCOPES))}")

    async def allowed(request: Request) -> Caller:
        caller = await caller_of(request)
        if not caller.may(scope):
            raise Failure(
                403, f"this key lacks the scope {scope!r}: ask for one that has it", code="scope"
            )
        return caller

    return allowed


Who = Annotated[Caller, Depends(caller_of)]
ForInference = Annotated[Caller, Depends(needs("inference"))]
ForFiles = Annotated[Caller, Depends(needs("files"))]
ForTraining = Annotated[Caller, Depends(needs("training"))]
ForModels = Annotated[Caller, Depends(needs("models"))]
ForAdmin = Annotated[Caller, Depends(needs("admin"))]
