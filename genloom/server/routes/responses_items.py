"""Items of responses and conversations: what clients send, what is stored, what a template reads.

Knows the types of items and their way into messages; no response, stream or store.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from genloom.server.routes.chat_asked import INPUT, part_text
from genloom.server.routes.responses_schema import Content, Item
from genloom.server.schema import refused

Stored = dict[str, Any]
REFERENCE = "item_reference"
# The type of an item -> what its ids begin with.
PREFIXES = {
    "message": "msg_",
    "reasoning": "rs_",
    "function_call": "fc_",
    "function_call_output": "fco_",
    "custom_tool_call": "ctc_",
    "custom_tool_call_output": "cto_",
}
_SPEAKS = "assistant"
_PARTS = {"input_image": "an image", "input_file": "a file", "input_audio": "audio"}
_WRITTEN = frozenset({"summary_text", "reasoning_text"})


def item_id(kind: str) -> str:
    return PREFIXES[kind] + secrets.token_hex(16)


# --- what was sent -> what is stored --------------------------------------------------------------


def stored(given: str | Sequence[Item] | None, known: Iterable[Stored] = ()) -> list[Stored]:
    """The items with ids and in one form. known: those that may be referred to."""
    if given is None:
        return []
    if isinstance(given, str):
        given = [Item(role="user", content=given)]
    by_id = {item["id"]: item for item in known}
    out = []
    for number, item in enumerate(given):
        made = _stored(item, f"input.{number}", by_id)
        by_id[made["id"]] = made
        out.append(made)
    return out


def _stored(item: Item, where: str, known: Mapping[str, Stored]) -> Stored:
    kind = item.type or ("message" if item.role else REFERENCE)
    if kind == REFERENCE:
        if item.id not in known:
            raise refused(f"{where}.id", f"no item {str(item.id)[:80]!r} was said before")
        return dict(known[item.id])
    if kind not in _FORMS:
        raise refused(f"{where}.type", f"items of type {kind[:60]!r} are not taken here")
    made = _FORMS[kind](item, where)
    return {"id": item.id or item_id(kind), "type": kind, **made}


def _message(item: Item, where: str) -> Stored:
    if item.role is None:
        raise refused(f"{where}.role", "a role is expected")
    kind = "output_text" if item.role == _SPEAKS else "input_text"
    content = item.content
    if content is None:
        raise refused(f"{where}.content", "a text or a list of parts is expected")
    parts = [Content(type=kind, text=content)] if isinstance(content, str) else content
    texts = [_text(part, f"{where}.content.{n}") for n, part in enumerate(parts)]
    more = {"annotations": [], "logprobs": []} if item.role == _SPEAKS else {}
    told = [{"type": kind, "text": text, **more} for text in texts]
    return {"role": item.role, "status": item.status or "completed", "content": told}


def _text(part: Content, where: str) -> str:
    if part.type in _PARTS:
        raise refused(where, f"this model reads text only, not {_PARTS[part.type]}: leave it out")
    if part.type in _WRITTEN and part.text is not None:
        return part.text
    return part_text(part, where)


def _reasoning(item: Item, where: str) -> Stored:
    content = item.content if isinstance(item.content, list) else []
    told = {"summary": item.summary or [], "content": content}
    return {
        name: [{"type": part.type, "text": _text(part, f"{where}.{name}")} for part in parts]
        for name, parts in told.items()
    }


def _call(item: Item, where: str) -> Stored:
    _need(item, where, "call_id", "name", "arguments")
    told = {name: getattr(item, name) for name in ("call_id", "name", "arguments")}
    return {**told, "status": item.status or "completed"}


def _custom_call(item: Item, where: str) -> Stored:
    _need(item, where, "call_id", "name", "input")
    return {name: getattr(item, name) for name in ("call_id", "name", "input")}


def _output(item: Item, where: str) -> Stored:
    _need(item, where, "call_id", "output")
    output = item.output
    if not isinstance(output, str):
        parts = enumerate(output or ())
        output = "".join(_text(part, f"{where}.output.{n}") for n, part in parts)
    return {"call_id": item.call_id, "output": output, "status": item.status or "completed"}


def _need(item: Item, where: str, *names: str) -> None:
    for name in names:
        if getattr(item, name) is None:
            raise refused(f"{where}.{name}", "it is missing")


_FORMS: dict[str, Callable[[Item, str], Stored]] = {
    "message": _message,
    "reasoning": _reasoning,
    "function_call": _call,
    "function_call_output": _output,
    "custom_tool_call": _custom_call,
    "custom_tool_call_output": _output,
}


# --- what is stored -> what a template reads ------------------------------------------------------


def messages(items: Iterable[Stored], instructions: str | None = None) -> list[dict[str, Any]]:
    """What one turn of the assistant thought, said and called is one message."""
    out: list[dict[str, Any]] = []
    if instructions:
        out.append({"role": "system", "content": instructions})
    for item in items:
        _ADD[item["type"]](item, out)
    return out


def _turn(out: list[dict[str, Any]], fresh: bool = False) -> dict[str, Any]:
    """The assistant's turn that is open; a new one where it has said something already."""
    last = out[-1] if out else {}
    said = bool(last.get("content") or last.get("tool_calls"))
    if last.get("role") != _SPEAKS or (fresh and said):
        out.append({"role": _SPEAKS, "content": ""})
    return out[-1]


def _add_message(item: Stored, out: list[dict[str, Any]]) -> None:
    text = "".join(part["text"] for part in item["content"])
    if item["role"] == _SPEAKS:
        _turn(out, fresh=True)["content"] += text
    else:
        out.append({"role": item["role"], "content": text})


def _add_reasoning(item: Stored, out: list[dict[str, Any]]) -> None:
    text = "".join(part["text"] for part in item["content"] or item["summary"])
    if text:
        _turn(out, fresh=True)["reasoning_content"] = text


def _add_call(item: Stored, out: list[dict[str, Any]]) -> None:
    arguments = item["arguments"] if "arguments" in item else {INPUT: item["input"]}
    function = {"name": item["name"], "arguments": arguments}
    call = {"id": item["call_id"], "type": "function", "function": function}
    _turn(out).setdefault("tool_calls", []).append(call)


def _add_output(item: Stored, out: list[dict[str, Any]]) -> None:
    out.append({"role": "tool", "tool_call_id": item["call_id"], "content": item["output"]})


_ADD: dict[str, Callable[[Stored, list[dict[str, Any]]], None]] = {
    "message": _add_message,
    "reasoning": _add_reasoning,
    "function_call": _add_call,
    "function_call_output": _add_output,
    "custom_tool_call": _add_call,
    "custom_tool_call_output": _add_output,
}
