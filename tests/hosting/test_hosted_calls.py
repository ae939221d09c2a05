"""An answer in its parts as it is told: calls numbered, and only one where one is wanted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import toys
from parent import hosted, of_kind
from toys import recipe, shaken

from genloom.codec.chat.codec import ChatCodec
from genloom.codec.chat.tool_calls import FORMS, Markup
from genloom.codec.chat.words import OwnWords
from genloom.errors import RequestError
from genloom.hosting.chats import Spoken, _bound
from genloom.recipe import Part

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


def test_a_form_is_bound_or_refused_and_never_passed_over(codec: ChatCodec) -> None:
    renderer, schema = codec.renderer, {"type": "object"}
    assert _bound(renderer, [TOOL], {}) == {}
    assert set(_bound(renderer, [TOOL, STRICT], {})) == {"grammar"}
    assert _bound(renderer, [TOOL], {"schema": schema})["schema"] is None
    assert _bound(renderer, [TOOL], {"regex": "a"}) == {}
    with pytest.raises(RequestError, match="regex and a strict tool") as error:
        _bound(renderer, [STRICT], {"regex": "a"})
    assert error.value.param == "tools"


@pytest.mark.parametrize("name", [form.name for form in FORMS if form.end is None])
def test_calls_without_an_end_are_held_to_no_form(codec: ChatCodec, name: str) -> None:
    """Of a template of Mistral's or Llama's kind: told, where a form was asked for."""
    renderer, markup = codec.renderer, codec.renderer.markup
    try:
        renderer.markup = Markup(form=next(form for form in FORMS if form.name == name))
        assert _bound(renderer, [TOOL], {}) == {}
        for tools, options in (([STRICT], {}), ([TOOL], {"schema": {}})):
            with pytest.raises(RequestError, match="no marker at their end") as error:
                _bound(renderer, tools, options)
            assert error.value.param == "tools"
    finally:
        renderer.markup = markup


NET = {"net": "transformer"}
PLAIN = "{% for m in messages %}{{ m.role }}: {{ m.content }}\\n{% endfor %}assistant: "
ENDLESS = "{% if tools %}{{ tools | tojson }} [TOOL_CALLS]{% endif %}" + PLAIN


@pytest.mark.parametrize(("template", "tool"), [(PLAIN, TOOL), (ENDLESS, STRICT)])
def test_tools_that_a_template_cannot_honour_are_refused(
    tmp_path: Path, template: str, tool: Any
) -> None:
    made = recipe(Part("chat", {"vocab": "bytes", "length": 256}), Part("autoregressive"), NET)
    model = shaken(made, tmp_path / "run")
    model.codec.words = OwnWords(model.codec.text, template)
    folder = model.save(tmp_path / "model")
    asked = {"messages": [{"role": "user", "content": "a"}], "options": {"max_tokens": 2}}
    with hosted(str(folder)) as parent:
        refused = parent.ask("chat", tools=[tool], tool_choice="auto", **asked)
        (error,) = of_kind(refused, "error")
        assert (error["type"], error["param"]) == ("RequestError", "tools"), error
        assert not of_kind(parent.ask("chat", tools=[tool], tool_choice="none", **asked), "error")
