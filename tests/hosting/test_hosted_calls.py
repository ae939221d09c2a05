"""An answer in its parts as it is told: calls numbered, and only one where one is wanted."""

from __future__ import annotations

import json

import pytest
import toys

from genloom.codec.chat_codec import ChatCodec
from genloom.codec.tool_calls import FORMS, Markup
from genloom.hosting.chats import Spoken, _bound

FIRST = '<tool_call>{"name": "f", "arguments": {"x": 1}}</tool_call>'
SECOND = '<tool_call>{"name": "g", "arguments": {}}</tool_call>'
TOOL = {"type": "function", "function": {"name": "f", "parameters": {}}}
STRICT = {"type": "function", "function": {**TOOL["function"], "strict": True}}


@pytest.fixture(scope="module")
def codec() -> ChatCodec:
    made = ChatCodec(vocab="bytes", length=256)
    made.fit(toys.talks())
    return made


def spoken(codec: ChatCodec, text: str, alone: bool, size: int) -> tuple[str, list[str], Spoken]:
    """Content and names of calls of a text that comes in pieces of this size."""
    prompt = codec.renderer.prompt([{"role": "user", "content": "a"}], tools=[TOOL])
    voice = Spoken(codec.renderer, prompt, alone)
    told = [voice.piece(text[n : n + size]) for n in range(0, len(text), size)]
    told.append(voice.last())
    kept = [one for one in told if one is not None]
    calls = [call for one in kept for call in one["calls"]]
    assert [call["index"] for call in calls] == list(range(len(calls)))
    assert all(isinstance(json.loads(call["arguments"]), dict) for call in calls)
    return "".join(one["content"] for one in kept), [call["name"] for call in calls], voice


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_all_calls_are_told_or_one(codec: ChatCodec, size: int) -> None:
    text = f"I look. {FIRST}\n{SECOND} done"
    content, names, voice = spoken(codec, text, False, size)
    assert names == ["f", "g"] and "done" in content and not voice.enough
    content, names, voice = spoken(codec, text, True, size)
    assert names == ["f"] and voice.enough and voice.finish("stop") == "tool_calls"
    content, names, voice = spoken(codec, "I see", True, size)
    assert (content, names, voice.enough) == ("I see", [], False)


def test_forms_are_bound_only_where_calls_can_be_told_apart(codec: ChatCodec) -> None:
    renderer, schema = codec.renderer, {"type": "object"}
    assert _bound(renderer, [TOOL], {}) == {}
    assert set(_bound(renderer, [TOOL, STRICT], {})) == {"grammar"}
    assert _bound(renderer, [TOOL], {"schema": schema})["schema"] is None
    assert _bound(renderer, [STRICT], {"regex": "a"}) == {}
    markup = renderer.markup
    try:
        renderer.markup = Markup(form=next(form for form in FORMS if form.end is None))
        assert _bound(renderer, [STRICT], {"schema": schema}) == {}
    finally:
        renderer.markup = markup
