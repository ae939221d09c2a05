"""Tasks: which lines are some, what of them is kept, and what they begin with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from genloom.codec.chat.codec import ChatCodec
from genloom.codec.pair.task import Task, Tasks, question, task
from genloom.codec.text.codec import TextCodec
from genloom.errors import DataError, RequestError


def test_the_field_names_in_use() -> None:
    one = task({"question": "1 + 1?", "answer": 2, "hint": "small"})
    assert (one.prompt, one.answers) == ("1 + 1?", ("2",))
    assert one.told("two") == {
        "question": "1 + 1?",
        "answer": 2,
        "hint": "small",
        "prompt": "1 + 1?",
        "completion": "two",
    }
    two = task({"text": "write f", "test_list": ["assert f()"], "test_setup_code": "import math"})
    assert (two.tests, two.setup) == (("assert f()",), "import math")
    assert task("say a") == task(task("say a")) and task("say a").prompt == "say a"


def test_a_conversation_ends_where_the_model_is_to_speak() -> None:
    messages = [
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "hello"},
    ]
    one = task({"messages": messages, "answer": "x"})
    assert one.prompt == "hi" and len(one.messages) == 1
    assert task({"prompt": messages[:1]}).messages == one.messages


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (3, "no object"),
        ({}, "no prompt"),
        ({"prompt": "  "}, "no prompt"),
        ({"prompt": 3}, "no prompt"),
        ({"messages": [{"role": "assistant", "content": "hello"}]}, "nobody asks"),
    ],
)
def test_what_is_no_task(record: Any, said: str) -> None:
    with pytest.raises(RequestError, match=said):
        task(record)


def test_files_of_tasks(tmp_path: Path) -> None:
    path = tmp_path / "tasks.jsonl"
    lines = ['{"prompt": "a", "answer": "b"}', "{", '{"answer": "b"}']
    path.write_text("\n".join(lines))
    found = Tasks().read(path)
    assert [one.prompt for one in found.items] == ["a"] and len(found.skipped) == 2
    path.write_text(json.dumps({"answer": "b"}))
    with pytest.raises(DataError, match="no tasks"):
        Tasks().read(path)


def test_equal_prompts_have_equal_keys() -> None:
    first, second, third = Tasks().keys([{"prompt": "A  b"}, {"prompt": "a b"}, {"prompt": "ab"}])
    assert first == second != third


def test_what_a_task_begins_with() -> None:
    text = TextCodec(vocab="bytes", length=32)
    text.fit(["abc"])
    assert question(text, task("abc")) == tuple(text.encode(["abc"])[0].tolist())
    talk = Task(prompt="hi", messages=({"role": "user", "content": "hi"},))
    with pytest.raises(RequestError, match="no conversations"):
        question(text, talk)
    chat = ChatCodec(vocab="bytes", length=64)
    chat.fit([{"prompt": "hi", "completion": "ho"}])
    assert question(chat, talk) == question(chat, task("hi"))
