"""What a chat's events add up to: messages with calls and reasoning, and the whole answer.

Knows the events of the `chat` task and the object `chat.completion`; no request and no stream.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genloom.server.call import Event
from genloom.server.routes.chat_asked import INPUT

_CHANCE = ("token", "bytes", "logprob")


def new_id(kind: str) -> str:
    """Such as chatcmpl-..., resp_...: nobody can guess one."""
    return f"{kind}{secrets.token_hex(16)}"


@dataclass(frozen=True, kw_only=True)
class Head:
    """What every chunk of an answer says. custom: names of tools that take a text; legacy: a call
    is told as `function_call`."""

    id: str = field(default_factory=lambda: new_id("chatcmpl-"))
    created: int = field(default_factory=lambda: int(time.time()))
    model: str
    fingerprint: str
    seed: int
    custom: frozenset[str] = frozenset()
    legacy: bool = False


@dataclass(kw_only=True)
class Called:
    """A call as it grows. told: whether its name went out."""

    id: str = ""
    name: str = ""
    arguments: str = ""
    told: bool = False

    def add(self, piece: Mapping[str, Any]) -> None:
        self.id = self.id or piece.get("id") or ""
        self.name = self.name or piece.get("name") or ""
        self.arguments += piece.get("arguments") or ""

    def input(self) -> str | None:
        """Of a custom tool: its text, None until it is whole."""
        try:
            value = json.loads(self.arguments)
        except ValueError:
            return None
        text = value.get(INPUT) if isinstance(value, dict) else None
        return text if isinstance(text, str) else self.arguments


@dataclass(kw_only=True)
class Choice:
    """One sample so far."""

    content: list[str] = field(default_factory=list)
    reasoning: list[str] = field(default_factory=list)
    calls: dict[int, Called] = field(default_factory=dict)
    logprobs: list[Any] = field(default_factory=list)
    thought: int = 0  # tokens
    finish: str = "stop"

    def add(self, values: Mapping[str, Any]) -> None:
        if content := values.get("content"):
            self.content.append(content)
        if reasoning := values.get("reasoning"):
            self.reasoning.append(reasoning)
            self.thought += thought(values)
        for piece in values.get("calls") or ():
            self.calls.setdefault(piece["index"], Called()).add(piece)
        self.logprobs += map(chance, values.get("logprobs") or ())


@dataclass(kw_only=True)
class Gathered:
    """All that was told so far."""

    choices: dict[int, Choice] = field(default_factory=dict)
    usage: Mapping[str, int] = field(default_factory=dict)

    def choice(self, event: Event) -> Choice:
        return self.choices.setdefault(event.values["sample"], Choice())

    def add(self, event: Event) -> None:
        if event.kind == "delta":
            self.choice(event).add(event.values)
        elif event.kind == "ended":
            self.choice(event).finish = event.values["finish"]
        elif event.kind == "done":
            self.usage = event.values["usage"]

    def usage_told(self) -> dict[str, Any]:
        asked, made = self.usage.get("prompt_tokens", 0), self.usage.get("completion_tokens", 0)
        thought = min(made, sum(choice.thought for choice in self.choices.values()))
        cached = self.usage.get("cached_tokens", 0)
        return {
            "prompt_tokens": asked,
            "completion_tokens": made,
            "total_tokens": asked + made,
            "prompt_tokens_details": {"cached_tokens": cached, "audio_tokens": 0},
            "completion_tokens_details": {
                "reasoning_tokens": thought,
                "audio_tokens": 0,
                "accepted_prediction_tokens": 0,
                "rejected_prediction_tokens": 0,
            },
        }


def thought(values: Mapping[str, Any]) -> int:
    """Tokens of reasoning in a piece; where it holds content, too, by their share of letters."""
    reasoning, content = len(values.get("reasoning") or ""), len(values.get("content") or "")
    return round((values.get("tokens") or 0) * reasoning / max(1, reasoning + content))


def chance(one: Mapping[str, Any]) -> dict[str, Any]:
    """The log-probability of a token as clients read it."""
    top = [{name: other[name] for name in _CHANCE} for other in one["top"]]
    return {**{name: one[name] for name in _CHANCE}, "top_logprobs": top}


def completion(head: Head, gathered: Gathered) -> dict[str, Any]:
    """The whole answer."""
    choices = sorted(gathered.choices.items())
    return {
        "id": head.id,
        "object": "chat.completion",
        "created": head.created,
        "model": head.model,
        "choices": [_choice(head, number, choice) for number, choice in choices],
        "usage": gathered.usage_told(),
        "service_tier": "default",
        "system_fingerprint": head.fingerprint,
        "seed": head.seed,
    }


def _choice(head: Head, number: int, choice: Choice) -> dict[str, Any]:
    told = {"content": choice.logprobs, "refusal": None} if choice.logprobs else None
    return {
        "index": number,
        "message": message(head, choice),
        "logprobs": told,
        "finish_reason": finish_reason(head, choice),
    }


def finish_reason(head: Head, choice: Choice) -> str:
    called = choice.finish == "tool_calls" and head.legacy
    return "function_call" if called else choice.finish


def message(head: Head, choice: Choice) -> dict[str, Any]:
    """The assistant's turn."""
    text = "".join(choice.content)
    out: dict[str, Any] = {
        "role": "assistant",
        "content": text if text or not choice.calls else None,
        "refusal": None,
        "annotations": [],
    }
    if choice.reasoning:
        out["reasoning_content"] = "".join(choice.reasoning)
    calls = [call_told(head, called) for _, called in sorted(choice.calls.items())]
    if calls and head.legacy:
        out["function_call"] = calls[0]["function"]
    elif calls:
        out["tool_calls"] = calls
    return out


def call_told(head: Head, called: Called) -> dict[str, Any]:
    if called.name in head.custom:
        text = called.input()
        custom = {"name": called.name, "input": called.arguments if text is None else text}
        return {"id": called.id, "type": "custom", "custom": custom}
    function = {"name": called.name, "arguments": called.arguments}
    return {"id": called.id, "type": "function", "function": function}
