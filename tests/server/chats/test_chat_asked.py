"""What the body of a chat becomes for an engine: tools, choices, templates, samples drawn."""

from __future__ import annotations

from typing import Any

import pytest

from genloom.server.failure import Failure
from genloom.server.routes.chat_asked import chat_given, effort, template_values
from genloom.server.routes.chat_schema import ChatBody
from genloom.server.routes.responses_asked import response_given
from genloom.server.routes.responses_schema import ResponseBody

ABOUT = {"chats": True, "vocab": 100, "variables": ["enable_thinking"]}
F = {"type": "function", "function": {"name": "f"}}
G = {"type": "function", "function": {"name": "g", "strict": True}}
SAID = [{"role": "user", "content": "a"}]


def given(**body: Any) -> dict[str, Any]:
    made = ChatBody.model_validate({"model": "m", "messages": SAID, **body})
    return chat_given(made, ABOUT)


@pytest.mark.parametrize(
    ("asked", "known", "told"),
    [
        (None, {"enable_thinking"}, {}),
        ("none", {"enable_thinking"}, {"enable_thinking": False}),
        ("high", {"enable_thinking"}, {"enable_thinking": True}),
        ("minimal", {"thinking"}, {"thinking": False}),
        ("low", {"reasoning_effort", "enable_thinking"}, {"reasoning_effort": "low"}),
        ("none", set(), {}),
    ],
)
def test_effort_is_told_as_the_template_knows_it(
    asked: str | None, known: set[str], told: dict[str, Any]
) -> None:
    assert effort(asked, frozenset(known), "x") == told


def test_what_a_template_does_not_know_is_refused() -> None:
    with pytest.raises(Failure) as error:
        effort("high", frozenset(), "reasoning_effort")
    assert error.value.param == "reasoning_effort"
    known = frozenset({"thinking"})
    assert template_values({"thinking": True}, known) == {"thinking": True}
    for values in ({"messages": "x"}, {"thinking": {"a": 1}}):
        with pytest.raises(Failure, match="chat_template_kwargs"):
            template_values(values, known)
    told = given(reasoning_effort="none", chat_template_kwargs={"enable_thinking": True})
    assert told["variables"] == {"enable_thinking": True}  # what is said outright counts


@pytest.mark.parametrize(
    ("body", "names", "choice", "parallel"),
    [
        ({}, None, "auto", True),
        ({"tools": [F, G]}, ["f", "g"], "auto", True),
        ({"tools": [F], "tool_choice": "none"}, ["f"], "none", True),
        ({"tools": [F, G], "tool_choice": F}, ["f", "g"], {"name": "f"}, True),
        ({"tools": [F], "parallel_tool_calls": False}, ["f"], "auto", False),
        ({"functions": [F["function"]], "function_call": "auto"}, ["f"], "auto", False),
        (
            {
                "tools": [F, G],
                "tool_choice": {
                    "type": "allowed_tools",
                    "allowed_tools": {"mode": "required", "tools": [G]},
                },
            },
            ["g"],
            "required",
            True,
        ),
    ],
)
def test_tools_and_how_to_choose(
    body: dict[str, Any], names: list[str] | None, choice: Any, parallel: bool
) -> None:
    told = given(**body)
    found = told["tools"] and [one["function"]["name"] for one in told["tools"]]
    assert (found, told["tool_choice"], told["parallel"]) == (names, choice, parallel)


def test_a_response_asks_for_the_same() -> None:
    flat = {"type": "function", "name": "g", "strict": True}
    body = {"model": "m", "input": "a", "tools": [flat], "tool_choice": "required"}
    more = {"temperature": 0.5, "seed": 3, "reasoning": {"effort": "none"}}
    response = ResponseBody.model_validate({**body, **more, "max_output_tokens": 7})
    chat = given(
        **{k: v for k, v in more.items() if k != "reasoning"},
        reasoning_effort="none",
        tools=[G],
        tool_choice="required",
        max_completion_tokens=7,
    )
    assert response_given(response, SAID, ABOUT) == chat


def test_a_grammar_inside_a_call_is_refused_and_an_expression_is_whole() -> None:
    def custom(syntax: str) -> dict[str, Any]:
        form = {"type": "grammar", "grammar": {"syntax": syntax, "definition": "a|b"}}
        return {"type": "custom", "custom": {"name": "c", "format": form}}

    (tool,) = given(tools=[custom("regex")])["tools"]
    assert tool["function"]["parameters"]["properties"]["input"]["pattern"] == "^(?:a|b)$"
    with pytest.raises(Failure) as error:
        given(tools=[custom("lark")])
    assert error.value.param == "tools.0.custom.format"


def test_what_is_not_said_is_left_to_the_model() -> None:
    assert given()["options"] == {} and given()["count"] == 1
    told = given(top_k=-1, stop="x", logit_bias={"7": -100}, logprobs=True, n=2)
    assert told["options"] == {"stop": ["x"], "logit_bias": {"7": -100}, "logprobs": 0}
    assert told["count"] == 2
    for bias in ({"100": 1}, {"x": 1}, {"-1": 1}):
        with pytest.raises(Failure) as error:
            given(logit_bias=bias)
        assert error.value.param == "logit_bias"
