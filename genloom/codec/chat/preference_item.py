"""A preference as an item: a conversation, and two answers to it of which one is better.

Knows the shapes that records of them come in; no file, token or template. What is no preference is
a RequestError with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Self

from genloom.codec.chat.conversation import Conversation, transcript
from genloom.codec.chat.files import conversation, record_tools
from genloom.codec.chat.messages import Message
from genloom.errors import RequestError

_ASKED = ("prompt", "question", "instruction", "input")
_SPEAKS = "assistant"
# A dialogue in one text, as the oldest open set of preferences has it.
_TURN = re.compile(r"(?:\A|\n\n)(Human|Assistant):[ \t]?")
_SPEAKERS = {"Human": "user", "Assistant": _SPEAKS}


class Preference(str):
    """Reads as a text: what was said before, and both answers.

    shared: the messages before the answers; chosen, rejected: the whole conversations.
    """

    shared: tuple[Message, ...]
    chosen: Conversation
    rejected: Conversation

    def __new__(cls, chosen: Conversation, rejected: Conversation) -> Self:
        shared = chosen.messages[:-1]
        answers = (transcript(talk.messages[-1:]) for talk in (chosen, rejected))
        told = "\n\n".join(f"{how} {text}" for how, text in zip(("+", "-"), answers, strict=True))
        made = super().__new__(cls, f"{transcript(shared)}\n\n{told}" if shared else told)
        made.shared, made.chosen, made.rejected = shared, chosen, rejected
        return made

    @property
    def sides(self) -> tuple[Conversation, Conversation]:
        """Chosen, rejected."""
        return self.chosen, self.rejected

    @property
    def equal(self) -> bool:
        """Nothing can be learnt from it."""
        first, second = (
            {**message, "content": message["content"].strip()}
            for message in (talk.messages[-1] for talk in self.sides)
        )
        return first == second


def preference(record: Any) -> Preference:
    """A record in any of the known shapes."""
    if isinstance(record, Preference):
        return record
    if not isinstance(record, Mapping):
        raise RequestError("it is no object: give prompt, chosen and rejected")
    lacking = [key for key in ("chosen", "rejected") if record.get(key) is None]
    if lacking:
        known = ", ".join(sorted(map(str, record))[:8]) or "none"
        raise RequestError(f"it has the fields {known}, but no {' and no '.join(lacking)}")
    tools = record_tools(record)
    sides = [_whole(record, key) for key in ("chosen", "rejected")]
    made = Preference(*(conversation({"messages": side, "tools": tools}) for side in sides))
    return _judged(made)


def _judged(made: Preference) -> Preference:
    """The preference where something can be learnt from it."""
    if made.chosen.messages[-1]["role"] != _SPEAKS or made.rejected.messages[-1]["role"] != _SPEAKS:
        raise RequestError("it does not end with the assistant's answers")
    if made.chosen.messages[:-1] != made.rejected.messages[:-1]:
        raise RequestError("its two conversations differ before the last answer")
    if not made.shared:
        raise RequestError("it has no prompt: both answers stand alone")
    if made.equal:
        raise RequestError("its two answers are equal")
    return made


def _whole(record: Mapping[str, Any], key: str) -> list[Any]:
    """The messages of one side, with what was asked."""
    said, asked = record[key], next((record[k] for k in _ASKED if record.get(k) is not None), None)
    if isinstance(said, str):
        told = _dialogue(said) if asked is None else None
        if told is not None:
            return told
        said = [{"role": _SPEAKS, "content": said}]
    if not isinstance(said, Sequence):
        raise RequestError(f"its {key} is no text and no list of messages")
    first = said[0] if said else None
    opened = isinstance(first, Mapping) and first.get("role", first.get("from")) != _SPEAKS
    if asked is None or opened:  # the list holds the whole conversation
        return list(said)
    return [*_system(record), *_question(asked), *said]


def _question(asked: Any) -> list[Any]:
    if isinstance(asked, str):
        return _dialogue(asked) or [{"role": "user", "content": asked}]
    if not isinstance(asked, Sequence):
        raise RequestError("its prompt is no text and no list of messages")
    return list(asked)


def _system(record: Mapping[str, Any]) -> list[Message]:
    told = record.get("system")
    return [{"role": "system", "content": told}] if told else []


def _dialogue(text: str) -> list[Message] | None:
    """The turns of such a text; None where it is none."""
    parts = _TURN.split(text)
    if len(parts) < 3 or parts[0].strip():
        return None
    turns = [
        {"role": _SPEAKERS[who], "content": said.strip()}
        for who, said in zip(parts[1::2], parts[2::2], strict=True)
    ]
    return turns
