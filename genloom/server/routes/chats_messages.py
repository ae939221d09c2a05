"""Stored turns as a model is asked with them: the way from the first turn to one, as messages.

Knows turns and the bodies of chats; no store, engine or event.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from genloom.server.failure import Failure
from genloom.server.forms import invalid
from genloom.server.records.chats import Chat, Turn
from genloom.server.routes.chat_asked import chat_given, options, refuse_never
from genloom.server.routes.chat_schema import ChatBody
from genloom.server.routes.sampling import beside, seed_of


def way(turns: Iterable[Turn], last: str | None) -> list[Turn]:
    """From the first turn to this one, through the parents. Failure 404 where it is none."""
    known = {turn.id: turn for turn in turns}
    out: list[Turn] = []
    at = last
    while at is not None:
        if at not in known:
            raise Failure(404, f"no turn {at[:80]!r}", code="turn_not_found")
        out.append(known[at])
        at = known[at].parent
    return out[::-1]


def body_of(chat: Chat, turns: Sequence[Turn]) -> ChatBody:
    """As if it was sent to /v1/chat/completions. Failure names the setting at fault."""
    about = chat.about
    if not about.get("model"):
        raise Failure(400, "no model was chosen for this chat", code="invalid_value", param="model")
    said = [one for turn in turns if (one := message_of(turn)) is not None]
    if about.get("system"):
        said.insert(0, {"role": "system", "content": about["system"]})
    values = {
        **(about.get("settings") or {}),
        "model": about["model"],
        "messages": said or [{"role": "user", "content": ""}],
    }
    if about.get("tools"):
        values["tools"] = about["tools"]
    try:
        return ChatBody.model_validate(values)
    except ValidationError as error:
        raise invalid(error, values) from None


def message_of(turn: Turn) -> dict[str, Any] | None:
    """None for an answer of which nothing was made."""
    if turn.role == "tool":
        return {"role": "tool", "tool_call_id": turn.about.get("call_id"), "content": turn.text}
    if turn.role == "user":
        return {"role": "user", "content": turn.text}
    out: dict[str, Any] = {"role": "assistant", "content": turn.text}
    if turn.about.get("reasoning"):
        out["reasoning_content"] = turn.about["reasoning"]
    if turn.about.get("calls"):
        out["tool_calls"] = [
            {
                "id": c["id"],
                "type": "function",
                "function": {k: c[k] for k in ("name", "arguments")},
            }
            for c in turn.about["calls"]
        ]
    return out if turn.text or len(out) > 2 else None


def _call(one: Mapping[str, Any]) -> dict[str, Any]:
    function = {"name": one["name"], "arguments": one["arguments"]}
    return {"id": one["id"], "type": "function", "function": function}


def asked_of(
    body: ChatBody, turns: Sequence[Turn], about: Mapping[str, Any], goes_on: bool
) -> tuple[str, dict[str, Any], int]:
    """The task, its arguments and the seed. A model without a template goes on with the texts of
    the turns as one. goes_on: the last turn is an answer that was cut."""
    seed = seed_of(body)
    if about.get("texts") and not about.get("chats"):
        refuse_never(body)
        text = "".join(turn.text for turn in turns)
        given = {"prompt": text, "count": 1, "options": options(body, about)}
        return "complete", {**given, **beside(body), "seed": seed}, seed
    given = chat_given(body, about)
    return "chat", {**given, **beside(body), "seed": seed, "goes_on": goes_on}, seed
