"""Errors of the framework in OpenAI's shape: bodies that do not fit, paths that are not there.

The sentences are ours or the schema's; nothing of what was sent, no path and no class is told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from genloom.errors import GenloomError
from genloom.server.failure import STATUSES, Failure, failure_of, response_of

SHOWN = 5  # faults of one body
LONGEST = 200  # characters of a field's path
CODES = {404: "unknown_url", 405: "method_not_allowed"}
SENTENCES = {
    400: "the body cannot be read",
    404: "there is nothing at this path",
    405: "this path takes other methods",
}


def add_handlers(app: FastAPI) -> None:
    app.add_exception_handler(Failure, _failed)
    app.add_exception_handler(GenloomError, _told)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _refused)


async def _failed(request: Request, error: Exception) -> Response:
    assert isinstance(error, Failure)
    return response_of(error)


async def _told(request: Request, error: Exception) -> Response:
    """An error of the house that a route let pass; the most special class that has a status."""
    names = [kind.__name__ for kind in type(error).__mro__]
    name = next((one for one in names if one in STATUSES), names[0])
    told = {"type": name, "message": str(error)}
    more = {k: v for k in ("param", "code") if (v := getattr(error, k, None)) is not None}
    return response_of(failure_of({**told, **more}))


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    sentence = SENTENCES.get(error.status_code, "this cannot be answered")
    code = CODES.get(error.status_code)
    return response_of(Failure(error.status_code, sentence, code=code, headers=error.headers))


async def _invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return response_of(failure_of_validation(error.errors(), error.body))


def failure_of_validation(errors: Sequence[Any], body: Any) -> Failure:
    """A 400 that names the first field that does not fit, and tells of a few more."""
    told = [(dotted(one["loc"], body), str(one["msg"])) for one in errors[:SHOWN]]
    sentence = "; ".join(f"{name}: {why}" if name else why for name, why in told)
    missing = errors[0]["type"] == "missing"
    code = "missing_required_parameter" if missing else "invalid_value"
    return Failure(400, sentence, code=code, param=told[0][0] or None)


def dotted(place: Sequence[str | int], body: Any) -> str:
    """A field's path as clients write it: the framework's places also name variants of a field and
    validators, which are not in the body."""
    if not place or place[0] != "body":
        return ".".join(str(part) for part in place[1:])[:LONGEST]
    parts = []
    for number, part in enumerate(place[1:], 2):
        inside = _has(body, part)
        if inside or (number == len(place) and isinstance(body, dict) and _named(part)):
            parts.append(str(part))
            body = body[part] if inside else None
    return ".".join(parts)[:LONGEST]


def _has(box: Any, part: str | int) -> bool:
    if isinstance(box, dict):
        return part in box
    return isinstance(box, list) and isinstance(part, int) and part < len(box)


def _named(part: str | int) -> bool:
    """A field that is missing, not a validator or a variant."""
    return isinstance(part, str) and part.isidentifier()
