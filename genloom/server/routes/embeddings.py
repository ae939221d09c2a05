"""/v1/embeddings: texts, or runs of token ids, as vectors."""

from __future__ import annotations

import base64
import struct
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import Field

from genloom.server.access import Who
from genloom.server.call import Call
from genloom.server.schema import Asked, Hinted
from genloom.server.service import Here
from genloom.server.suited import named, unsuited

router = APIRouter(tags=["embeddings"])
MOST = 2048  # inputs of one request

# One fault of a list is enough: a million of them would take long to tell.
Ids = Annotated[list[Annotated[int, Field(ge=0)]], Field(fail_fast=True, min_length=1)]
Text = Annotated[str, Field(min_length=1)]


class Embedding(Asked):
    """pooling (how the states of a text become one vector) is ours, by `extra_body`."""

    model: str
    input: (
        Text
        | Annotated[list[Text], Field(fail_fast=True, min_length=1, max_length=MOST)]
        | Ids
        | Annotated[list[Ids], Field(fail_fast=True, min_length=1, max_length=MOST)]
    )
    dimensions: Annotated[int, Field(ge=1, le=65_536)] | None = None
    encoding_format: Literal["float", "base64"] = "float"
    pooling: Literal["mean", "last"] | None = None
    user: Hinted[str] = None


@router.post("/v1/embeddings")
async def embed(
    body: Embedding,
    caller: Who,
    service: Here,
) -> dict[str, Any]:
    about = await service.engines.about(body.model)
    if not about.get("embeds"):
        raise unsuited(about, "a model that reads texts")
    given = {**_inputs(body.input), "pooling": body.pooling, "size": body.dimensions}
    call = Call(
        model=body.model,
        task="embed",
        given={k: v for k, v in given.items() if v is not None},
        owner=caller.owner,
    )
    rows, width, usage = b"", 1, 0
    with named("input", "texts", "ids"):
        async for event in service.engines.run(call):
            if event.kind == "values":
                rows, width = event.blob or b"", int(event.values["size"])
            elif event.kind == "done":
                usage = int(event.values["usage"].get("prompt_tokens", 0))
    size, write = width * 4, _WAYS[body.encoding_format]
    data = [
        {"object": "embedding", "index": n, "embedding": write(rows[at : at + size])}
        for n, at in enumerate(range(0, len(rows), size))
    ]
    told = {"prompt_tokens": usage, "total_tokens": usage}
    return {"object": "list", "data": data, "model": body.model, "usage": told}


def _inputs(given: Any) -> dict[str, Any]:
    """texts, or runs of ids, always a list."""
    some = [given] if isinstance(given, str) or isinstance(given[0], int) else given
    return {"texts": some} if isinstance(some[0], str) else {"ids": some}


def _base64(row: bytes) -> str:
    return base64.b64encode(row).decode()


def _floats(row: bytes) -> list[float]:
    return list(struct.unpack(f"<{len(row) // 4}f", row))


_WAYS = {"base64": _base64, "float": _floats}
