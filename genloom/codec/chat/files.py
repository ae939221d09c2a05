"""Files of conversations: JSON lines, lists and Parquet, in the shapes that data sets come in.

Knows the field names in use and the order that turns have; files are `records`. Knows no template,
token or model. What is no conversation is left out by its number and with the reason.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from genloom.codec.base import Reading
from genloom.codec.chat.conversation import Conversation
from genloom.codec.chat.messages import Message, checked, checked_tools
from genloom.codec.records import read_records
from genloom.errors import RequestError

_SPEAKS = "assistant"
_SPEAKERS = {
    **dict.fromkeys(("gpt", "bing", "chatgpt", "bard", "model", "function_call"), _SPEAKS),
    **dict.fromkeys(("observation", "function_response", "tool_response"), "tool"),
    "human": "user",
}
_CALLS = "function_call"  # who speaks a call, in some of them
# question -> answer, by the first pair of names that a record has
_PAIRS = (
    ("prompt", "completion"),
    ("prompt", "response"),
    ("instruction", "output"),
    ("instruction", "response"),
    ("question", "answer"),
    ("input", "output"),
)


def read_conversations(path: Path) -> Reading:
    """Every conversation under a file or a folder, in order of the paths. DataError when none."""
    shapes = 'JSON lines with "messages", "conversations" or "prompt" and "completion"'
    return read_records(path, conversation, "conversation", shapes)


def conversation(record: Any) -> Conversation:
    """A record in any of the known shapes. RequestError says what is wrong with it."""
    if isinstance(record, Conversation):
        return record
    if isinstance(record, Sequence) and not isinstance(record, str | bytes):
        record = {"messages": record}
    if not isinstance(record, Mapping):
        raise RequestError("it is no object: give messages, conversations or prompt and completion")
    messages = checked(_messages(record))
    if not any(message["role"] == _SPEAKS for message in messages):
        raise RequestError("nobody answers in it: a message of the assistant is expected")
    _in_order(messages)
    return Conversation.of(messages, record_tools(record))


def _in_order(messages: Sequence[Message]) -> None:
    """RequestError where turns are out of order, or the assistant says nothing in one."""
    before: Message = {"role": ""}
    for n, message in enumerate(messages, 1):
        role, last = message["role"], before["role"]
        if role == last and role in ("user", _SPEAKS):
            raise RequestError(f"messages {n - 1} and {n} are both the {role}'s: turns alternate")
        if role == "system" and last not in ("", "system"):
            raise RequestError(f"message {n} is the system's: it stands before all others")
        if role == "tool" and last not in ("tool", _SPEAKS):
            raise RequestError(f"message {n} is a tool's, but nobody can have called it")
        if role == _SPEAKS and not any(_said(message)):
            raise RequestError(f"message {n}, the assistant's, is empty")
        before = message


def _said(message: Message) -> tuple[Any, ...]:
    """What a turn of the assistant consists of."""
    thought = str(message.get("reasoning_content", ""))
    return message["content"].strip(), message.get("tool_calls"), thought.strip()


def record_tools(record: Mapping[str, Any]) -> list[dict[str, Any]] | None:
    """The tools that a record offers, or None."""
    return checked_tools(_tools(record.get("tools")))


def _messages(record: Mapping[str, Any]) -> Any:
    for key, read in _SHAPES.items():
        if record.get(key) is not None:
            return read(record[key])
    for asked, answered in _PAIRS:
        if record.get(asked) is not None and record.get(answered) is not None:
            return _pair(record, asked, answered)
    known = ", ".join(sorted(map(str, record))[:8])
    raise RequestError(f"it has the fields {known or 'none'}, but no messages or prompt")


def _turns(turns: Any) -> Any:
    """ShareGPT: from and value."""
    if not isinstance(turns, Sequence) or isinstance(turns, str | bytes):
        return turns
    return [_turn(turn) if isinstance(turn, Mapping) else turn for turn in turns]


def _turn(turn: Mapping[str, Any]) -> Any:
    if turn.get("from") is None:
        calls = turn.get("tool_calls")
        return {**turn, "tool_calls": _parsed(calls)} if isinstance(calls, str) else turn
    speaker = turn["from"]
    role = _SPEAKERS.get(speaker, speaker) if isinstance(speaker, str) else speaker
    if speaker == _CALLS:
        told = _parsed(turn.get("value"))
        return {"role": role, "tool_calls": told if isinstance(told, list) else [told]}
    return {"role": role, "content": turn.get("value")}


def _parsed(calls: Any) -> Any:
    """Calls that are kept as a text."""
    try:
        return json.loads(calls or "null")
    except (ValueError, TypeError, RecursionError):
        raise RequestError("its tool_calls are no JSON: give a list of calls") from None


def _pair(record: Mapping[str, Any], asked: str, answered: str) -> list[Any]:
    """A question and its answer; each may be a list of messages itself."""
    question, answer = record[asked], record[answered]
    context = record.get("input") if asked == "instruction" else None
    if isinstance(context, str) and context.strip() and isinstance(question, str):
        question = f"{question}\n\n{context}"
    system = record.get("system")
    out: list[Message] = [{"role": "system", "content": system}] if system else []
    for role, said in (("user", question), ("assistant", answer)):
        out += said if isinstance(said, list) else [{"role": role, "content": said}]
    return out


def _tools(tools: Any) -> Any:
    """Some data sets keep them as a text."""
    if not isinstance(tools, str):
        return tools
    try:
        return json.loads(tools or "null")
    except (ValueError, RecursionError):
        raise RequestError("its tools are no JSON: give a list of functions") from None


_SHAPES: dict[str, Callable[[Any], Any]] = {
    "messages": _turns,
    "conversations": _turns,
    "conversation": _turns,
}
