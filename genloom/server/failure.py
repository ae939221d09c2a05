"""What went wrong, in OpenAI's shape: {"error": {message, type, param, code}} with a status.

The one place where errors of the house become statuses and codes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response


class Failure(Exception):
    """An answer that is an error. headers: such as Retry-After."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str | None = None,
        code: str | None = None,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.status, self.message, self.code, self.param = status, message, code, param
        self.type = type or TYPES.get(status, "invalid_request_error")
        self.headers = {name.lower(): value for name, value in (headers or {}).items()}
        if status in WAITS:
            self.headers.setdefault("retry-after", "1")

    def body(self) -> dict[str, Any]:
        told = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return {"error": told}

    def text(self) -> bytes:
        """The body as ASCII: nothing that a client sent can spoil it."""
        return json.dumps(self.body(), separators=(",", ":")).encode("ascii")


def response_of(failure: Failure) -> Response:
    return Response(failure.text(), failure.status, failure.headers, "application/json")


WAITS = {429, 503}  # worth asking again

TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    409: "conflict_error",
    429: "rate_limit_error",
    500: "server_error",
    503: "overloaded_error",
    504: "timeout_error",
    507: "insufficient_storage",
}
# A class of genloom.errors -> status and code. What is not listed is the server's fault.
STATUSES = {
    "RequestError": (400, "invalid_value"),
    "UsageError": (400, "invalid_value"),
    "RecipeError": (400, "invalid_value"),
    "MissingExtra": (501, "missing_extra"),
    "DataError": (400, "invalid_data"),
    "ModelError": (404, "model_not_found"),
    "ResourceError": (503, "out_of_resources"),
    "TrainingError": (422, "training_failed"),
    "RewardError": (422, "training_failed"),
}


def failure_of(error: Mapping[str, Any]) -> Failure:
    """An error that a host told, as an answer."""
    status, code = STATUSES.get(str(error.get("type")), (500, "engine_error"))
    return Failure(
        int(error.get("status", status)),
        str(error.get("message", "the engine failed")),
        code=error.get("code", code),
        param=error.get("param"),
    )
