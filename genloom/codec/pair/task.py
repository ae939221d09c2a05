"""Tasks: prompts that a model is to try, with what its tries are judged by.

Knows the field names in use, and how a prompt becomes ids by the codec of whichever model tries it.
Knows no reward, family or net.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from genloom.codec.base import Reading
from genloom.codec.chat.messages import Message, checked
from genloom.codec.records import read_records
from genloom.errors import RequestError

PROMPTS = ("prompt", "question", "instruction", "source", "input", "text")
ANSWERS = ("answer", "answers", "output", "target", "completion", "response", "solution")
TESTS = ("tests", "test_list", "test")
SETUPS = ("setup", "test_setup_code", "test_imports")


@dataclass(frozen=True, kw_only=True)
class Task:
    """prompt: a text; of a conversation, its last message. messages: the conversation, or none.
    answers: what is right, each of them. tests: Python that raises where a try is wrong; setup goes
    before each. record: the whole line, for rewards of the user's own."""

    prompt: str
    messages: tuple[Message, ...] = ()
    answers: tuple[str, ...] = ()
    tests: tuple[str, ...] = ()
    setup: str = ""
    record: Mapping[str, Any] = field(default_factory=dict)

    def told(self, completion: str) -> dict[str, Any]:
        """The line with a try in it."""
        answer = {"answer": self.answers[0]} if self.answers else {}
        return {**answer, **self.record, "prompt": self.prompt, "completion": completion}


class Tasks:
    """Reads tasks where a codec would read items."""

    def read(self, path: Path) -> Reading:
        """Every task under a path. DataError when there is none."""
        shapes = 'JSON lines with "prompt" and, as the reward needs it, "answer" or "tests"'
        return read_records(path, task, "tasks", shapes)

    def keys(self, items: Sequence[Any]) -> list[str]:
        """What must be alike for two tasks to be on one side of a split: what they ask."""
        return [key(task(item)) for item in items]

    def captions(self, items: Sequence[Any]) -> None:
        return None

    def natural_side(self, items: Sequence[Any]) -> None:
        """Tasks have no sides in pixels."""


def key(one: Task) -> str:
    said = json.dumps([*one.messages], sort_keys=True) if one.messages else one.prompt
    return " ".join(said.lower().split())


def task(record: Any) -> Task:
    """A line as a task. RequestError says what is wrong with it."""
    if isinstance(record, Task):
        return record
    if isinstance(record, str):
        record = {"prompt": record}
    if not isinstance(record, Mapping):
        raise RequestError('it is no object: give "prompt" and what tries are judged by')
    messages = _messages(record)
    given = next((record[name] for name in PROMPTS if record.get(name) is not None), None)
    if messages:
        prompt = str(messages[-1].get("content") or "")
    elif isinstance(given, str) and given.strip():
        prompt = given
    else:
        known = ", ".join(sorted(map(str, record))[:8])
        raise RequestError(f"it has the fields {known or 'none'}, but no prompt")
    return Task(
        prompt=prompt,
        messages=messages,
        answers=_texts(record, ANSWERS),
        tests=_texts(record, TESTS),
        setup="\n".join(_texts(record, SETUPS)),
        record=dict(record),
    )


def _messages(record: Mapping[str, Any]) -> tuple[Message, ...]:
    """The conversation up to where the model is to speak."""
    found = record.get("messages")
    given = record.get("prompt")
    if found is None and isinstance(given, list):
        found = given
    if found is None:
        return ()
    messages = checked(found)
    while messages and messages[-1]["role"] == "assistant":
        messages = messages[:-1]
    if not messages:
        raise RequestError("nobody asks in it: a message of the user is expected")
    return tuple(messages)


def _texts(record: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    """The first of these fields that is there, as texts."""
    value = next((record[name] for name in names if record.get(name) is not None), ())
    listed = list(value) if isinstance(value, list | tuple) else [value]
    return tuple(v if isinstance(v, str) else json.dumps(v) for v in listed)


def question(codec: Any, one: Task) -> tuple[int, ...]:
    """What the task begins with, in the ids of a model's codec. RequestError where it cannot."""
    if not one.messages:
        known = codec.condition(one.prompt, None).known
        return () if known is None else tuple(known.tolist())
    renderer = getattr(codec, "renderer", None)
    if renderer is None:
        raise RequestError(
            "this model knows no conversations: give tasks with a prompt instead of messages"
        )
    return tuple(renderer.prompt(list(one.messages)).ids)
