"""/v1/chat/completions as the official library uses it, against a model that talks."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel
from small_server import Running
from transcripts import FUNCTION, SAID, bodies, kept, lines

GREEDY: dict[str, Any] = {"temperature": 0, "seed": 1}
TOOL: dict[str, Any] = {"type": "function", "function": FUNCTION}
ROOM = 200  # tokens, enough for a call


class Weather(BaseModel):
    """What the weather is asked for."""

    days: bool
    sunny: bool


def said(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


def test_an_answer_is_the_one_that_was_learnt(chat: openai.OpenAI, talker: str) -> None:
    answer = chat.chat.completions.create(model=talker, messages=said("say b"), **GREEDY)
    choice = answer.choices[0]
    assert (choice.message.role, choice.message.content, choice.finish_reason) == (
        "assistant",
        "two",
        "stop",
    )
    assert answer.object == "chat.completion" and answer.id.startswith("chatcmpl-")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer.model_extra is not None and answer.model_extra["seed"] == 1


def test_parts_roles_and_turns_reach_the_template(chat: openai.OpenAI, talker: str) -> None:
    def tokens(messages: list[dict[str, Any]]) -> int:
        answer = chat.chat.completions.create(
            model=talker, messages=messages, max_completion_tokens=1, **GREEDY
        )
        assert answer.usage is not None
        return answer.usage.prompt_tokens

    parts = [{"type": "text", "text": "say "}, {"type": "text", "text": "a"}]
    assert tokens([{"role": "user", "content": parts}]) == tokens(said("say a"))
    called = [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]
    long = [
        {"role": "developer", "content": "be kind"},
        *said("say a"),
        {"role": "assistant", "content": None, "tool_calls": called},
        {"role": "tool", "tool_call_id": "c1", "content": "1"},
    ]
    assert tokens(long) > tokens(long[:3]) > tokens(long[:2]) > tokens(said("say a"))


LONG = {"min_tokens": 12}  # a text that ends at once is like any other that does


def test_samples_are_repeated_by_their_seed_which_is_told(chat: openai.OpenAI, talker: str) -> None:
    def contents(**how: Any) -> tuple[list[str | None], int]:
        raw = chat.chat.completions.with_raw_response.create(
            model=talker,
            messages=said("tell"),
            temperature=2,
            max_tokens=12,
            n=3,
            extra_body=LONG,
            **how,
        )
        answer = raw.parse()
        assert [choice.index for choice in answer.choices] == [0, 1, 2]
        return [c.message.content for c in answer.choices], int(raw.headers["x-genloom-seed"])

    first, seed = contents()
    again, _ = contents(seed=seed)
    other, _ = contents(seed=seed + 1)
    assert first == again and first != other and len(set(first)) > 1


def test_logprobs_are_of_the_tokens_that_were_drawn(chat: openai.OpenAI, talker: str) -> None:
    answer = chat.chat.completions.create(
        model=talker, messages=said("say a"), logprobs=True, top_logprobs=2, **GREEDY
    )
    told = answer.choices[0].logprobs
    assert told is not None and told.content
    assert "".join(one.token for one in told.content) == answer.choices[0].message.content
    for one in told.content:
        assert one.logprob <= 0 and len(one.top_logprobs) == 2
        assert one.top_logprobs[0].token == one.token and one.bytes == list(one.token.encode())


def test_biases_stops_and_lengths_act(chat: openai.OpenAI, talker: str) -> None:
    def content(**how: Any) -> tuple[str | None, str]:
        answer = chat.chat.completions.create(
            model=talker, messages=said("say b"), **{**GREEDY, **how}
        )
        return answer.choices[0].message.content, answer.choices[0].finish_reason

    assert content(stop="w") == ("t", "stop") and content(stop=["x", "o"]) == ("tw", "stop")
    assert content(max_tokens=1)[1] == "length"
    assert content(extra_body={"regex": "[0-9]{3}"})[0].isdigit()
    assert content(extra_body={"top_k": 1, "min_p": 0.5}, temperature=1)[0] == "two"


def test_an_answer_is_parsed(chat: openai.OpenAI, talker: str) -> None:
    answer = chat.chat.completions.parse(
        model=talker, messages=said("say a"), response_format=Weather, max_tokens=2 * ROOM, **GREEDY
    )
    assert isinstance(answer.choices[0].message.parsed, Weather)


def test_a_json_object_is_an_object(chat: openai.OpenAI, talker: str) -> None:
    schema = {"name": "x", "schema": {"type": "array", "items": {"enum": [1]}, "maxItems": 2}}
    form: Any = {"type": "json_schema", "json_schema": {**schema, "strict": True}}
    answer = chat.chat.completions.create(
        model=talker, messages=said("say a"), response_format=form, max_tokens=ROOM, **GREEDY
    )
    assert isinstance(json.loads(answer.choices[0].message.content or ""), list)


@pytest.mark.parametrize(
    "choice",
    [
        "required",
        {"type": "function", "function": {"name": "weather"}},
        {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "required", "tools": [{"type": "function", **FUNCTION}]},
        },
    ],
)
def test_a_call_that_is_wanted_is_made(chat: openai.OpenAI, talker: str, choice: Any) -> None:
    other = {"type": "function", "function": {"name": "other"}}
    answer = chat.chat.completions.create(
        model=talker,
        messages=said("say a"),
        tools=[TOOL] if choice == "required" else [TOOL, other],
        tool_choice=choice,
        max_tokens=ROOM,
        **GREEDY,
    )
    choice = answer.choices[0]
    assert choice.finish_reason == "tool_calls" and choice.message.content is None
    (call,) = choice.message.tool_calls
    assert call.type == "function" and call.id and call.function.name == "weather"
    assert json.loads(call.function.arguments) == {"days": 1}


def test_a_custom_tool_takes_a_text(chat: openai.OpenAI, talker: str) -> None:
    form = {"type": "grammar", "grammar": {"syntax": "regex", "definition": "[0-9]{2}"}}
    tool: Any = {"type": "custom", "custom": {"name": "dial", "format": form}}
    choice: Any = {"type": "custom", "custom": {"name": "dial"}}
    answer = chat.chat.completions.create(
        model=talker,
        messages=said("say a"),
        tools=[tool],
        tool_choice=choice,
        max_tokens=ROOM,
        **GREEDY,
    )
    (call,) = answer.choices[0].message.tool_calls or ()
    assert call.type == "custom" and call.custom.name == "dial"
    assert len(call.custom.input) == 2 and call.custom.input.isdigit()


def test_a_function_of_the_old_kind_is_called_the_old_way(chat: openai.OpenAI, talker: str) -> None:
    answer = chat.chat.completions.create(
        model=talker,
        messages=said("say a"),
        functions=[FUNCTION],
        function_call={"name": "weather"},
        max_tokens=ROOM,
        **GREEDY,
    )
    choice = answer.choices[0]
    assert choice.finish_reason == "function_call" and not choice.message.tool_calls
    assert choice.message.function_call is not None
    assert json.loads(choice.message.function_call.arguments) == {"days": 1}


def test_parsed_tools_and_strict_ones_may_stay_uncalled(chat: openai.OpenAI, talker: str) -> None:
    answer = chat.chat.completions.parse(
        model=talker,
        messages=said("say a"),
        tools=[openai.pydantic_function_tool(Weather)],
        tool_choice={"type": "function", "function": {"name": "Weather"}},
        max_tokens=ROOM // 2,
        **GREEDY,
    )
    (call,) = answer.choices[0].message.tool_calls or ()
    assert isinstance(call.function.parsed_arguments, Weather)
    free = chat.chat.completions.create(
        model=talker,
        messages=said("say a"),
        tools=[openai.pydantic_function_tool(Weather)],
        max_tokens=4,
        **GREEDY,
    )
    assert free.choices[0].finish_reason in ("stop", "length")


def test_the_librarys_own_stream_adds_up(chat: openai.OpenAI, talker: str) -> None:
    with chat.chat.completions.stream(
        model=talker,
        messages=said("say a"),
        tools=[openai.pydantic_function_tool(Weather)],
        tool_choice="required",
        max_tokens=ROOM // 2,
        **GREEDY,
    ) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert "tool_calls.function.arguments.done" in kinds
    (call,) = final.choices[0].message.tool_calls or ()
    assert isinstance(call.function.parsed_arguments, Weather)


def test_asked_by_many_at_once_each_gets_its_own(chatting: Running, talker: str) -> None:
    async def ask() -> list[str]:
        async with openai.AsyncOpenAI(
            base_url=f"{chatting.url}/v1", api_key="none", max_retries=0
        ) as client:

            async def one(letter: str) -> str:
                stream = await client.chat.completions.create(
                    model=talker, messages=said(f"say {letter}"), stream=True, **GREEDY
                )
                return "".join(
                    [c.choices[0].delta.content or "" async for c in stream if c.choices]
                )

            return await asyncio.gather(*map(one, "abcabc"))

    assert asyncio.run(ask()) == ["one", "two", "three"] * 2


def test_what_is_thought_is_told_apart(chat: openai.OpenAI, talker: str) -> None:
    answer = chat.chat.completions.create(
        model=talker, messages=said("think a"), max_tokens=40, **GREEDY
    )
    message = answer.choices[0].message
    assert message.content and "think" not in message.content
    assert message.model_extra is not None and message.model_extra["reasoning_content"]
    details = answer.usage and answer.usage.completion_tokens_details
    assert details is not None and details.reasoning_tokens


@pytest.mark.parametrize("name", [n for n in bodies("", "") if not n.startswith("response")])
def test_streams_are_as_they_were(chatting: Running, talker: str, name: str) -> None:
    path, body = bodies(talker, "plain")[name]
    assert lines(chatting.url, path, body) == kept(name)


# --- stored ---------------------------------------------------------------------------------------


def test_stored_answers_are_read_labelled_listed_and_deleted(
    chat: openai.OpenAI, talker: str
) -> None:
    made = [
        chat.chat.completions.create(
            model=talker,
            messages=said("say a"),
            store=True,
            metadata={"n": str(n)},
            **GREEDY,
        )
        for n in range(3)
    ]
    stored = chat.chat.completions
    assert stored.retrieve(made[0].id).choices == made[0].choices
    assert [one.id for one in stored.list()] == [one.id for one in made]
    assert [one.id for one in stored.list(metadata={"n": "1"})] == [made[1].id]
    assert [one.id for one in stored.list(limit=1, order="desc")] == [o.id for o in made[::-1]]
    assert not stored.list(model="another").data
    assert stored.update(made[0].id, metadata={"x": "y"}).metadata == {"x": "y"}
    (message,) = stored.messages.list(made[0].id)
    assert (message.role, message.content) == ("user", "say a")
    for one in made:
        assert stored.delete(one.id).deleted
    with pytest.raises(openai.NotFoundError):
        stored.retrieve(made[0].id)


def test_an_answer_that_was_not_stored_is_not_there(chat: openai.OpenAI, talker: str) -> None:
    answer = chat.chat.completions.create(
        model=talker, messages=said("say a"), max_tokens=1, **GREEDY
    )
    with pytest.raises(openai.NotFoundError):
        chat.chat.completions.retrieve(answer.id)


# --- refusals -------------------------------------------------------------------------------------

IMAGE = [{"type": "image_url", "image_url": {"url": "https://x.example/a.png"}}]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"temperature": -1}, "temperature"),
        ({"top_p": 0}, "top_p"),
        ({"n": 10**9}, "n"),
        ({"seed": 2**70}, "seed"),
        ({"stop": ["x"] * 10_000}, "stop"),
        ({"logit_bias": {"99999999": 1}}, "logit_bias"),
        ({"logit_bias": {"1": 500}}, "logit_bias.1"),
        ({"logprobs": True, "top_logprobs": 10**6}, "top_logprobs"),
        ({"top_logprobs": 2}, "top_logprobs"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {"voice": "x", "format": "wav"}}, "audio"),
        ({"prediction": {"type": "content", "content": "x"}}, "prediction"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"moderation": {"model": "x"}}, "moderation"),
        ({"verbosity": "low"}, "verbosity"),
        ({"reasoning_effort": "high"}, "reasoning_effort"),
        ({"chat_template_kwargs": {"messages": []}}, "chat_template_kwargs.messages"),
        ({"tool_choice": "required"}, "tool_choice"),
        (
            {"tools": [TOOL], "tool_choice": {"type": "function", "function": {"name": "x"}}},
            "tool_choice",
        ),
        ({"tools": [TOOL, TOOL]}, "tools"),
        ({"messages": [{"role": "user", "content": IMAGE}]}, "messages.0.content.0.image_url"),
        ({"messages": [{"role": "user"}]}, "messages.0.content"),
        ({"messages": []}, "messages"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema"),
        ({"regex": "a", "grammar": "b"}, "grammar"),
        ({"store": True, "metadata": {"k": "v" * 600}}, "metadata.k"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(
    chat: openai.OpenAI, talker: str, body: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        chat.post(
            "/chat/completions",
            cast_to=object,
            body={"model": talker, "messages": SAID, **body},
        )
    assert error.value.param == param and error.value.type == "invalid_request_error"


@pytest.mark.parametrize("stream", [False, True])
def test_over_the_context_is_a_400_with_both_numbers(
    chat: openai.OpenAI, talker: str, stream: bool
) -> None:
    with pytest.raises(openai.BadRequestError, match=r"\d{3} tokens.*640") as error:
        chat.chat.completions.create(model=talker, messages=said("a" * 900), stream=stream)
    assert error.value.code == "context_length_exceeded"
    with pytest.raises(openai.BadRequestError, match="640") as error:
        chat.chat.completions.create(model=talker, messages=SAID, max_tokens=640, stream=stream)
    assert error.value.code == "context_length_exceeded"


def test_a_model_without_a_template_names_the_other_route(chat: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="/v1/completions") as error:
        chat.chat.completions.create(model="plain", messages=SAID)
    assert error.value.param == "model"


def test_a_broken_form_is_refused(chat: openai.OpenAI, talker: str) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        chat.chat.completions.create(model=talker, messages=SAID, extra_body={"regex": "("})
    assert (error.value.param, error.value.code) == ("regex", "invalid_regex")
    schema: Any = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "no"}}}
    with pytest.raises(openai.BadRequestError) as error:
        chat.chat.completions.create(model=talker, messages=SAID, response_format=schema)
    assert (error.value.param, error.value.code) == ("response_format", "invalid_schema")


def test_unknown_fields_are_accepted_and_told(chat: openai.OpenAI, talker: str) -> None:
    raw = chat.chat.completions.with_raw_response.create(
        model=talker, messages=SAID, max_tokens=1, user="me", extra_body={"flavour": 1}
    )
    assert raw.headers["x-genloom-ignored-fields"] == "flavour, user"
