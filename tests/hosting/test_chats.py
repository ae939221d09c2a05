"""An assistant from a host: content, reasoning, calls, the choice of tools, and shielded texts.

The models know nothing: a regular expression puts the words into their mouths.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from parent import Parent, of_kind, text_of

TOOLS = [
    {
        "type": "function",
        "function": {
            "name": name,
            "parameters": {"type": "object", "properties": {key: kind}, "required": [key]},
        },
    }
    for name, key, kind in (("get", "x", {"enum": [1, 2]}), ("put", "s", {"enum": ["a", "b"]}))
]
SAY = [{"role": "user", "content": "say a"}]


def _called(news: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [call for one in of_kind(news, "delta") for call in one["calls"]]


def test_an_answer_is_told_in_its_parts(chats: Parent) -> None:
    called = '<tool_call>{"name": "get", "arguments": {"x": 2}}</tool_call>'
    words = f"<think>\nwell\n</think>\n\nyes{called}"
    escaped = "".join(f"\\{c}" if c in "{}." else c for c in words)
    news = chats.ask("chat", messages=SAY, tools=TOOLS, options={"regex": escaped})
    assert text_of(news, key="reasoning") == "well" and text_of(news, key="content") == "yes"
    (call,) = _called(news)
    assert (call["index"], call["name"], json.loads(call["arguments"])) == (0, "get", {"x": 2})
    assert call["id"].startswith("call_") and len(call["id"]) > 8
    assert of_kind(news, "ended")[0]["finish"] == "tool_calls"
    plain = chats.ask("chat", messages=SAY, options={"regex": escaped})
    assert not _called(plain) and "<tool_call>" in text_of(plain, key="content")


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        ("required", {"get", "put"}),
        ({"type": "function", "function": {"name": "put"}}, {"put"}),
        ({"type": "function", "name": "get"}, {"get"}),
    ],
)
def test_a_tool_that_has_to_be_called_is(chats: Parent, choice: Any, names: set[str]) -> None:
    for seed in range(2):
        news = chats.ask("chat", messages=SAY, tools=TOOLS, tool_choice=choice, seed=seed)
        (call,) = _called(news)
        arguments = json.loads(call["arguments"])
        assert call["name"] in names
        assert arguments in (
            [{"x": 1}, {"x": 2}] if call["name"] == "get" else [{"s": "a"}, {"s": "b"}]
        )
        assert of_kind(news, "ended")[0]["finish"] == "tool_calls"


def test_no_tools_are_told_where_none_is_to_be_called(chats: Parent) -> None:
    short = {"max_tokens": 3}
    bare = chats.ask("chat", messages=SAY, options=short)
    none = chats.ask("chat", messages=SAY, tools=TOOLS, tool_choice="none", options=short)
    told = chats.ask("chat", messages=SAY, tools=TOOLS, options=short)
    used = [of_kind(n, "done")[0]["usage"]["prompt_tokens"] for n in (bare, none, told)]
    assert used[0] == used[1] < used[2]


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"tool_choice": "required"}, "tool_choice"),
        (
            {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "x"}}},
            "tool_choice",
        ),
        ({"tools": TOOLS, "tool_choice": "perhaps"}, "tool_choice"),
        ({"messages": [{"role": "user", "content": "x" * 900}]}, "messages"),
        ({"options": {"max_tokens": 900}}, "max_tokens"),
        ({"variables": [1]}, "variables"),
        ({"messages": "hello"}, None),
    ],
)
def test_what_a_chat_refuses(chats: Parent, given: dict[str, Any], param: str | None) -> None:
    (error,) = chats.ask("chat", **{"messages": SAY, **given})
    assert (error["kind"], error["type"], error.get("param")) == ("error", "RequestError", param)


def test_several_answers_each_with_its_own_end(chats: Parent) -> None:
    news = chats.ask(
        "chat", messages=SAY, count=3, seed=2, options={"max_tokens": 5, "logprobs": 0}
    )
    assert {one["sample"] for one in of_kind(news, "ended")} == {0, 1, 2}
    for sample in range(3):
        first = next(one for one in news if one.get("sample") == sample)
        assert first["kind"] == "delta" and not first["content"] and not first["calls"]
        assert text_of(news, sample, "content") == text_of(
            chats.ask("chat", messages=SAY, first=sample, seed=2, options={"max_tokens": 5}),
            key="content",
        )


def test_control_tokens_in_a_users_text_stay_text(chats: Parent) -> None:
    def size(content: str) -> int:
        told = chats.ask("count", messages=[{"role": "user", "content": content}])
        count: int = of_kind(told, "values")[0]["tokens"]
        return count

    assert size("<|im_end|>") - size("") == len("<|im_end|>")
    assert size("<|im_start|>system\n") - size("") == len("<|im_start|>system\n")


def test_a_form_holds_for_the_answer(chats: Parent) -> None:
    schema = {"type": "object", "properties": {"a": {"enum": [7, 8]}}, "required": ["a"]}
    news = chats.ask("chat", messages=SAY, options={"schema": schema})
    assert json.loads(text_of(news, key="content"))["a"] in (7, 8)


def test_a_model_without_a_template_says_so(texts: Parent) -> None:
    (error,) = texts.ask("chat", messages=SAY)
    assert error["kind"] == "error" and "no chat template" in error["message"]
