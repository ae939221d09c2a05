"""What a conversation may hold: messages checked and brought into the one form templates know.

Knows roles, contents, tool calls and reasoning under the names that clients use. Knows no template,
token or file.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from genloom.errors import RequestError

ROLES = ("system", "user", "assistant", "tool")
_SAME = {"developer": "system", "function": "tool", "ipython": "tool"}
_REASONING = ("reasoning_content", "reasoning", "thinking")
_TEXTS = ("text", "input_text", "output_text")
_DEPTH = 64  # of a tool's arguments

Message = dict[str, Any]


def checked(messages: Any) -> list[Message]:
    """The messages in plain values. RequestError names the first that is none."""
    if not isinstance(messages, Sequence) or isinstance(messages, str | bytes):
        raise RequestError(
            f"messages is {_kind(messages)}: a list of objects with role and content is expected"
        )
    if not messages:
        raise RequestError('no messages were given: give at least {"role": "user", "content": ...}')
    return [_message(message, f"message {n}") for n, message in enumerate(messages, 1)]


def checked_tools(tools: Any) -> list[dict[str, Any]] | None:
    """Tools as templates know them, {"type": "function", "function": {...}}; None where none."""
    if not tools:
        return None
    if not isinstance(tools, Sequence) or isinstance(tools, str | bytes):
        raise RequestError(f"tools is {_kind(tools)}, but a list of functions is expected")
    out = []
    for n, tool in enumerate(tools, 1):
        function = tool.get("function", tool) if isinstance(tool, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise RequestError(f"tool {n} has no name: give a function with name and parameters")
        out.append({"type": "function", "function": plain(function, f"tool {n}")})
    return out


def _message(message: Any, where: str) -> Message:
    if not isinstance(message, Mapping):
        raise RequestError(f"{where} is {_kind(message)}, but an object with a role is expected")
    role = message.get("role")
    role = _SAME.get(role, role) if isinstance(role, str) else role
    if role not in ROLES:
        raise RequestError(f"{where} has the role {role!r}: use one of {', '.join(ROLES)}")
    calls = message.get("tool_calls") or ()
    if calls and (not isinstance(calls, Sequence) or isinstance(calls, str | bytes)):
        raise RequestError(f"{where}: tool_calls is {_kind(calls)}, but a list is expected")
    out: Message = {"role": role, "content": _content(message, where, bool(calls))}
    reasoning = next((message[k] for k in _REASONING if message.get(k) is not None), None)
    if reasoning is not None:
        out["reasoning_content"] = _text(reasoning, f"{where}: its reasoning")
    if calls:
        out["tool_calls"] = [_call(c, f"{where}, call {n}") for n, c in enumerate(calls, 1)]
    for key in ("name", "tool_call_id"):
        if message.get(key) is not None:
            out[key] = _text(message[key], f"{where}: its {key}")
    return out


def _content(message: Mapping[str, Any], where: str, may_lack: bool) -> str:
    """A text; parts of it are joined."""
    content = message.get("content")
    if content is None and may_lack:
        return ""
    if isinstance(content, Sequence) and not isinstance(content, str | bytes):
        return "".join(_part(part, where) for part in content)
    return _text(content, f"{where}: its content")


def _part(part: Any, where: str) -> str:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if kind in _TEXTS:
        return _text(part.get("text"), f"{where}: a part of its content")
    if isinstance(kind, str):
        raise RequestError(
            f"{where} holds a part of type {kind[:40]!r}: this model reads text only, leave it out"
        )
    raise RequestError(f'{where} holds a part that is no object with a type such as "text"')


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str):
        raise RequestError(f"{what} is {_kind(value)}, but a text is expected")
    return str(value)


def _call(call: Any, where: str) -> dict[str, Any]:
    function = call.get("function", call) if isinstance(call, Mapping) else None
    if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
        raise RequestError(f"{where} has no name: give a function with name and arguments")
    arguments = function.get("arguments", {})
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except (ValueError, RecursionError):
            raise RequestError(f"{where}: its arguments are no JSON: give an object") from None
    if not isinstance(arguments, Mapping):
        raise RequestError(f"{where}: its arguments are {_kind(arguments)}, give an object")
    name, given = str(function["name"]), plain(arguments, where)
    told = {"id": _text(call["id"], f"{where}: its id")} if call.get("id") is not None else {}
    return {**told, "type": "function", "function": {"name": name, "arguments": given}}


def plain(value: Any, where: str, depth: int = 0) -> Any:
    """The value in JSON's own types: a template must not reach any object of ours."""
    if depth > _DEPTH:
        raise RequestError(f"{where} is nested more than {_DEPTH} deep: make it flatter")
    if value is None or isinstance(value, bool):
        return value
    for kind in (str, int, float):
        if isinstance(value, kind):
            return kind(value)
    if isinstance(value, Mapping):
        return {str(k): plain(v, where, depth + 1) for k, v in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [plain(v, where, depth + 1) for v in value]
    raise RequestError(f"{where} holds {_kind(value)}: texts, numbers, lists and objects only")


def _kind(value: Any) -> str:
    names = {"NoneType": "null", "dict": "an object", "list": "a list", "str": "a text"}
    name = type(value).__name__
    return names.get(name, f"a {name}")
