"""/v1/moderations: refused with the reason, until a classifier stands behind it.

A verdict is worse than none where nothing judged: no score is made up here.
"""

from __future__ import annotations

from typing import Any, NoReturn

from fastapi import APIRouter

from genloom.server.failure import Failure
from genloom.server.schema import Asked

router = APIRouter(tags=["trust"])


class Moderation(Asked):
    input: str | list[Any]
    model: str | None = None


@router.post("/v1/moderations", response_model=None)
async def moderate(body: Moderation) -> NoReturn:
    raise Failure(
        501,
        "this server has no model that tells harmful content from other content, and makes up no "
        "verdict: ask a moderation service, or /v1/content_provenance_checks whether a file was "
        "made by a model",
        type="not_implemented_error",
        code="no_classifier",
    )
