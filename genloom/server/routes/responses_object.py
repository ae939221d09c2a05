"""The object `response`: what it says at first, and how it ends.

Knows its fields; no event and no store.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from genloom.server.failure import Failure
from genloom.server.routes.chat_answer import new_id
from genloom.server.routes.responses_schema import Conversation, ResponseBody

Response = dict[str, Any]
_SAID = (
    *("instructions", "max_output_tokens", "max_tool_calls", "model", "previous_response_id"),
    *("prompt_cache_key", "safety_identifier", "user"),
)
_CODES = {429: "rate_limit_exceeded", 400: "invalid_prompt"}


def conversation_id(body: ResponseBody) -> str | None:
    asked = body.conversation
    return asked.id if isinstance(asked, Conversation) else asked


def response_of(body: ResponseBody, seed: int) -> Response:
    """A response of which nothing is made yet."""
    within = conversation_id(body)
    return {
        "id": new_id("resp_"),
        "object": "response",
        "created_at": int(time.time()),
        "status": "queued" if body.background else "in_progress",
        "background": bool(body.background),
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        **{name: getattr(body, name) for name in _SAID},
        "conversation": None if within is None else {"id": within},
        "metadata": body.metadata or {},
        "output": [],
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "reasoning": {
            "effort": body.reasoning.effort if body.reasoning else None,
            "summary": None,
        },
        "service_tier": "default",
        "store": body.store is not False,
        "temperature": 1.0 if body.temperature is None else body.temperature,
        "text": _text(body),
        "tool_choice": _plain(body.tool_choice) or "auto",
        "tools": [tool.model_dump(exclude_none=True) for tool in body.tools or ()],
        "top_logprobs": body.top_logprobs or 0,
        "top_p": 1.0 if body.top_p is None else body.top_p,
        "truncation": body.truncation or "disabled",
        "usage": None,
        "seed": seed,
    }


def _text(body: ResponseBody) -> dict[str, Any]:
    form = body.text.format if body.text is not None else None
    if form is None:
        return {"format": {"type": "text"}, "verbosity": "medium"}
    told = form.model_dump(exclude_none=True, by_alias=True)
    return {"format": {"type": form.type, **told}, "verbosity": "medium"}


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else value.model_dump(exclude_none=True)


def ended(response: Response, status: str, **more: Any) -> Response:
    """The response once nothing more comes."""
    at = int(time.time()) if status == "completed" else None
    return {**response, "status": status, "completed_at": at, **more}


def broken(response: Response, failure: Failure) -> Response:
    """The response that could not be made."""
    code = _CODES.get(failure.status, "server_error")
    told = {"code": code, "message": failure.message, "type": failure.code, "param": failure.param}
    return ended(response, "failed", error=told)


def usage(told: Mapping[str, int], thought: int) -> dict[str, Any]:
    given, made = told.get("prompt_tokens", 0), told.get("completion_tokens", 0)
    known = {"cached_tokens": told.get("cached_tokens", 0), "cache_write_tokens": 0}
    return {
        "input_tokens": given,
        "input_tokens_details": known,
        "output_tokens": made,
        "output_tokens_details": {"reasoning_tokens": min(made, thought)},
        "total_tokens": given + made,
    }
