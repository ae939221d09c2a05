"""/v1/rerank: which documents answer a query best, in the shape that Cohere and Jina gave it."""

from __future__ import annotations

import math
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field

from genloom.server.access import Who
from genloom.server.call import Call
from genloom.server.records.ids import new_id
from genloom.server.schema import Asked, refused
from genloom.server.service import Here
from genloom.server.suited import named, unsuited

router = APIRouter(tags=["embeddings"])
MOST = 2048  # documents of one request

Text = Annotated[str, Field(min_length=1)]


class Document(Asked):
    text: Text


class Reranking(Asked):
    """max_chunks_per_doc and the like cut documents up, which is not done here."""

    model: str
    query: Text
    documents: Annotated[
        list[Text | Document], Field(fail_fast=True, min_length=1, max_length=MOST)
    ]
    top_n: Annotated[int, Field(ge=1)] | None = None
    return_documents: bool = False
    rank_fields: list[str] | None = None
    max_chunks_per_doc: int | None = None
    max_tokens_per_doc: int | None = None


@router.post("/v1/rerank")
async def rerank(
    body: Reranking,
    caller: Who,
    service: Here,
) -> dict[str, Any]:
    """relevance_score: the mean chance that the model gives a token of the query after the
    document, 0 to 1; comparable within one query."""
    for field in ("rank_fields", "max_chunks_per_doc", "max_tokens_per_doc"):
        if getattr(body, field) is not None:
            raise refused(field, "documents are read whole, as texts: leave it out")
    about = await service.engines.about(body.model)
    if not about.get("embeds"):
        raise unsuited(about, "a model that reads texts")
    texts = [one if isinstance(one, str) else one.text for one in body.documents]
    given = {"query": body.query, "texts": texts}
    call = Call(model=body.model, task="rank", given=given, owner=caller.owner)
    scores: list[float] = []
    usage = 0
    with named("documents", "texts", "input"):
        async for event in service.engines.run(call):
            if event.kind == "values":
                scores = list(event.values["scores"])
            elif event.kind == "done":
                usage = int(event.values["usage"].get("prompt_tokens", 0))
    order = sorted(range(len(scores)), key=lambda n: (-scores[n], n))[: body.top_n]
    results: list[dict[str, Any]] = [
        {"index": n, "relevance_score": math.exp(scores[n])} for n in order
    ]
    if body.return_documents:
        results = [{**one, "document": {"text": texts[one["index"]]}} for one in results]
    return {
        "id": new_id("rerank_"),
        "model": body.model,
        "results": results,
        "usage": {"prompt_tokens": usage, "total_tokens": usage},
    }
