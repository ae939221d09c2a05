"""Calls bound to the tools that were offered: what the grammar allows, and what a fault is."""

from __future__ import annotations

import json
from typing import Any

import pytest
import toys

from genloom.codec.chat.codec import ChatCodec
from genloom.codec.chat.tool_calls import FORMS, Call, Form
from genloom.codec.chat.tool_grammar import fault, grammar, grammar_or, grammar_within
from genloom.engine.grammar import Grammar, Vocabulary
from genloom.errors import RequestError
from genloom.spec import Options

HERMES = next(form for form in FORMS if form.name == "hermes")
TOOLS = [
    {
        "name": "weather",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}, "days": {"enum": [1, 7]}, "x": {}},
            "required": ["city"],
        },
    },
    {"type": "function", "function": {"name": "stop"}},
]
RIGHT = [
    {"name": "weather", "arguments": {"city": "Rome", "days": 7}},
    {"name": "weather", "arguments": {"city": 'a "b"', "x": [1]}},
    {"name": "stop", "arguments": {}},
]
WRONG = [
    ({"name": "wether", "arguments": {}}, "no tool is called 'wether'"),
    ({"name": "weather", "arguments": {}}, "weather lacks 'city'"),
    ({"name": "weather", "arguments": {"city": 3}}, "city is 3"),
    ({"name": "weather", "arguments": {"city": "Rome", "days": 2}}, "days is 2"),
    ({"name": "stop", "arguments": {"now": True}}, "stop has no parameter 'now'"),
]


@pytest.fixture(scope="module")
def compiled() -> tuple[ChatCodec, Grammar]:
    codec = ChatCodec(vocab="bytes", length=256)
    codec.fit(toys.talks())
    made = Grammar.compile(Options(grammar=grammar(TOOLS, HERMES)), Vocabulary.of(codec))
    assert made is not None
    return codec, made


def allowed(compiled: tuple[ChatCodec, Grammar], text: str) -> bool:
    codec, made = compiled
    ids = codec.renderer.tokens.encode(text).ids
    at = made()
    if at.allows(ids) < len(ids):
        return False
    for one in ids:
        at.accept(one)
    return at.complete


@pytest.mark.parametrize("call", RIGHT)
def test_right_calls_are_allowed_and_without_fault(
    compiled: tuple[ChatCodec, Grammar], call: dict[str, Any]
) -> None:
    assert allowed(compiled, f"<tool_call>{json.dumps(call)}</tool_call>")
    assert fault(Call(**call), TOOLS) == ""


@pytest.mark.parametrize(("call", "told"), WRONG)
def test_others_are_not(
    compiled: tuple[ChatCodec, Grammar], call: dict[str, Any], told: str
) -> None:
    assert not allowed(compiled, f"<tool_call>{json.dumps(call)}</tool_call>")
    assert fault(Call(**call), TOOLS).startswith(told)


def test_the_marker_is_the_token_that_was_learnt(compiled: tuple[ChatCodec, Grammar]) -> None:
    codec, made = compiled
    (first, *_) = made().forced()
    assert codec.words.spelt([first]) == "<tool_call>"
    assert not allowed(compiled, "Hello.")


def test_a_number_is_no_boolean() -> None:
    tools = [{"name": "f", "parameters": {"properties": {"n": {"type": "number"}}}}]
    assert fault(Call(name="f", arguments={"n": True}), tools).startswith("n is True")
    assert fault(Call(name="f", arguments={"n": 1.5}), tools) == ""


def test_what_cannot_be_bound_is_told() -> None:
    with pytest.raises(RequestError, match="no tools are offered"):
        grammar([], HERMES)
    with pytest.raises(RequestError, match="have no end"):
        grammar(TOOLS, Form(name="open", begin="<call>", end=None))


CALLED = '<tool_call>{"name": "stop", "arguments": {}}</tool_call>'
UNKNOWN = '<tool_call>{"name": "halt", "arguments": {}}</tool_call>'


def test_text_may_stand_around_calls_but_calls_are_as_they_say(
    compiled: tuple[ChatCodec, Grammar],
) -> None:
    within = (compiled[0], bound(compiled[0], grammar_within(TOOLS, HERMES)))
    assert allowed(within, "Hello.") and allowed(within, CALLED)
    assert allowed(within, f"I stop. {CALLED}\n{CALLED}") and allowed(within, "a < b")
    assert not allowed(within, UNKNOWN) and not allowed(within, f"{CALLED} then {UNKNOWN}")


def test_calls_or_an_answer_of_a_form(compiled: tuple[ChatCodec, Grammar]) -> None:
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
    either = (compiled[0], bound(compiled[0], grammar_or(TOOLS, HERMES, schema)))
    assert allowed(either, '{"x": 1}') and allowed(either, f"{CALLED}\n{CALLED}")
    assert not allowed(either, "Hello.") and not allowed(either, UNKNOWN)
    assert not allowed(either, f'{CALLED}{{"x": 1}}')


def test_a_schema_may_refer_to_its_own_parts(compiled: tuple[ChatCodec, Grammar]) -> None:
    place = {"type": "object", "properties": {"x": {"type": "integer"}}, "required": ["x"]}
    parameters = {
        "type": "object",
        "properties": {"at": {"$ref": "#/$defs/Place"}},
        "required": ["at"],
        "$defs": {"Place": {**place, "additionalProperties": False}},
    }
    tools = [*TOOLS, {"name": "go", "parameters": parameters}]
    made = (compiled[0], bound(compiled[0], grammar(tools, HERMES)))
    assert allowed(made, f"<tool_call>{json.dumps(go({'x': 1}))}</tool_call>")
    assert not allowed(made, f"<tool_call>{json.dumps(go({'y': 1}))}</tool_call>")


def go(at: dict[str, int]) -> dict[str, Any]:
    return {"name": "go", "arguments": {"at": at}}


def bound(codec: ChatCodec, text: str) -> Grammar:
    made = Grammar.compile(Options(grammar=text), Vocabulary.of(codec))
    assert made is not None
    return made
