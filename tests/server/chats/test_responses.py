"""/v1/responses and /v1/conversations as the official library uses them."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from pydantic import BaseModel
from small_server import Running
from transcripts import FUNCTION, bodies, kept, lines

GREEDY: dict[str, Any] = {"temperature": 0, "extra_body": {"seed": 1}}
TOOL: Any = {"type": "function", **FUNCTION, "strict": True}
LONG: dict[str, Any] = {"extra_body": {"seed": 1, "ignore_eos": True}, "max_output_tokens": 600}


class Weather(BaseModel):
    """What the weather is asked for."""

    days: bool


def test_a_response_says_what_was_learnt(chat: openai.OpenAI, talker: str) -> None:
    response = chat.responses.create(model=talker, input="say b", **GREEDY)
    assert response.output_text == "two" and response.status == "completed"
    assert response.object == "response" and response.id.startswith("resp_")
    assert response.usage is not None and response.usage.output_tokens > 0
    assert response.error is None and response.completed_at is not None


@pytest.mark.parametrize("name", [n for n in bodies("", "") if n.startswith("response")])
def test_event_transcripts_are_as_they_were(chatting: Running, talker: str, name: str) -> None:
    path, body = bodies(talker, "plain")[name]
    assert lines(chatting.url, path, body) == kept(name)


def test_the_librarys_own_stream_adds_up_to_the_final_response(
    chat: openai.OpenAI, talker: str
) -> None:
    with chat.responses.stream(model=talker, input="say c", **GREEDY) as stream:
        events = list(stream)
        final = stream.get_final_response()
    assert [event.sequence_number for event in events] == list(range(len(events)))
    text = "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert text == final.output_text == "three"
    assert {e.item.id for e in events if e.type == "response.output_item.added"} == {
        item.id for item in final.output
    }
    assert chat.responses.retrieve(final.id).output_text == "three"


def test_a_response_is_parsed(chat: openai.OpenAI, talker: str) -> None:
    response = chat.responses.parse(
        model=talker, input="say a", text_format=Weather, max_output_tokens=300, **GREEDY
    )
    assert isinstance(response.output_parsed, Weather)


def test_a_call_and_its_result_go_on(chat: openai.OpenAI, talker: str) -> None:
    asked: dict[str, Any] = {"model": talker, "max_output_tokens": 100, **GREEDY}
    called = chat.responses.create(input="say a", tools=[TOOL], tool_choice="required", **asked)
    (call,) = called.output
    assert call.type == "function_call" and json.loads(call.arguments) == {"days": 1}
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "one"}
    stored = chat.responses.create(
        input=[result], previous_response_id=called.id, **{**asked, "max_output_tokens": 2}
    )
    again: Any = [{"role": "user", "content": "say a"}, call.to_dict(), result]
    stateless = chat.responses.create(input=again, store=False, **{**asked, "max_output_tokens": 2})
    assert stored.output_text == stateless.output_text
    assert stored.usage and stateless.usage
    assert stored.usage.input_tokens == stateless.usage.input_tokens


def test_what_went_before_is_part_of_the_prompt_and_instructions_are_not_handed_on(
    chat: openai.OpenAI, talker: str
) -> None:
    short: dict[str, Any] = {"model": talker, "max_output_tokens": 1, **GREEDY}
    first = chat.responses.create(input="say a", instructions="be kind", **short)
    second = chat.responses.create(input="say b", previous_response_id=first.id, **short)
    turns = [
        {"role": "user", "content": "say a"},
        {"role": "assistant", "content": first.output_text},
        {"role": "user", "content": "say b"},
    ]
    flat = chat.responses.create(input=turns, store=False, **short)
    assert second.usage and flat.usage
    assert second.usage.input_tokens == flat.usage.input_tokens
    items = chat.responses.input_items.list(second.id, order="asc").data
    assert [item.role for item in items] == ["user", "assistant", "user"]
    with pytest.raises(openai.NotFoundError):
        chat.responses.retrieve(flat.id)


def test_a_wrong_previous_response_fails_loudly(chat: openai.OpenAI, talker: str) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        chat.responses.create(model=talker, input="a", previous_response_id="resp_0")
    assert error.value.code == "previous_response_not_found"
    assert error.value.param == "previous_response_id"
    first = chat.responses.create(model=talker, input="say a", **GREEDY)
    second = chat.responses.create(
        model=talker, input="say a", previous_response_id=first.id, **GREEDY
    )
    chat.responses.delete(first.id)
    with pytest.raises(openai.BadRequestError) as error:  # a link is missing
        chat.responses.create(model=talker, input="a", previous_response_id=second.id)
    assert error.value.code == "previous_response_not_found"


def test_a_response_in_the_background_is_followed_and_read_again(
    chat: openai.OpenAI, talker: str
) -> None:
    made = chat.responses.create(model=talker, input="say a", background=True, **GREEDY)
    assert made.status == "queued" and made.output == []
    events = list(chat.responses.retrieve(made.id, stream=True))
    assert events[0].type == "response.created" and events[-1].type == "response.completed"
    final = chat.responses.retrieve(made.id)
    assert final.status == "completed" and final.output_text == "one"
    rest = list(chat.responses.retrieve(made.id, stream=True, starting_after=3))
    assert [e.to_json() for e in rest] == [e.to_json() for e in events[4:]]
    assert chat.responses.cancel(made.id).status == "completed"


def test_what_is_made_in_the_background_outlives_its_stream(
    chat: openai.OpenAI, talker: str
) -> None:
    with chat.responses.create(
        model=talker, input="say a", background=True, stream=True, **GREEDY
    ) as stream:
        first = next(iter(stream))
    assert first.type == "response.created"
    events = list(chat.responses.retrieve(first.response.id, stream=True))
    assert events[-1].type == "response.completed"


def test_cancelling_ends_the_work_and_may_be_said_twice(chat: openai.OpenAI, talker: str) -> None:
    made = chat.responses.create(model=talker, input="say a", background=True, **LONG)
    cancelled = chat.responses.cancel(made.id)
    assert cancelled.status == "cancelled"
    assert chat.responses.cancel(made.id).status == "cancelled"
    (*_, last) = chat.responses.retrieve(made.id, stream=True)
    assert last.type == "error" and last.code == "response_cancelled"
    with pytest.raises(openai.BadRequestError, match="cancelled"):
        chat.responses.create(model=talker, input="a", previous_response_id=made.id)
    with pytest.raises(openai.NotFoundError):
        chat.responses.cancel("resp_0")


def test_deleting_ends_what_is_still_made(chat: openai.OpenAI, talker: str) -> None:
    made = chat.responses.create(model=talker, input="say a", background=True, **LONG)
    chat.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        chat.responses.retrieve(made.id)
    at_once = chat.responses.create(model=talker, input="say a", **GREEDY)
    with pytest.raises(openai.BadRequestError):
        chat.responses.cancel(at_once.id)


def test_tokens_are_counted_before_anything_is_made(chat: openai.OpenAI, talker: str) -> None:
    counted = chat.responses.input_tokens.count(
        model=talker, input="say a", instructions="be kind", tools=[TOOL]
    )
    made = chat.responses.create(
        model=talker,
        input="say a",
        instructions="be kind",
        tools=[TOOL],
        max_output_tokens=1,
        **GREEDY,
    )
    assert made.usage and counted.input_tokens == made.usage.input_tokens


def test_the_oldest_turns_are_left_out_only_where_that_is_asked_for(
    chat: openai.OpenAI, talker: str
) -> None:
    turns: Any = [{"role": "user", "content": "a" * 400}, {"role": "user", "content": "say b"}]
    turns.insert(0, {"role": "user", "content": "b" * 400})
    turns.insert(1, {"role": "assistant", "content": "c"})
    with pytest.raises(openai.BadRequestError) as error:
        chat.responses.create(model=talker, input=turns, **GREEDY)
    assert error.value.code == "context_length_exceeded"
    made = chat.responses.create(
        model=talker, input=turns, truncation="auto", max_output_tokens=1, **GREEDY
    )
    assert made.usage and 400 < made.usage.input_tokens < 640


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"tools": [{"type": "web_search"}]}, "tools.0.type"),
        ({"tools": [{"type": "function"}]}, "tools.0.name"),
        ({"conversation": "conv_x", "previous_response_id": "resp_x"}, "conversation"),
        ({"background": True, "store": False}, "background"),
        ({"prompt": {"id": "x"}}, "prompt"),
        ({"text": {"verbosity": "low"}}, "text.verbosity"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
        ({"reasoning": {"effort": "high"}}, "reasoning.effort"),
        ({"reasoning": {"summary": "detailed"}}, "reasoning.summary"),
        ({"input": [{"type": "computer_call"}]}, "input.0.type"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(
    chat: openai.OpenAI, talker: str, body: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as error:
        chat.post("/responses", cast_to=object, body={"model": talker, "input": "a", **body})
    assert error.value.param == param


# --- conversations --------------------------------------------------------------------------------


def test_a_conversation_grows_with_its_responses(chat: openai.OpenAI, talker: str) -> None:
    talk = chat.conversations.create(
        items=[{"type": "message", "role": "user", "content": "say a"}], metadata={"k": "v"}
    )
    assert talk.id.startswith("conv_") and talk.metadata == {"k": "v"}
    first = chat.responses.create(model=talker, input="say b", conversation=talk.id, **GREEDY)
    assert first.conversation is not None and first.conversation.id == talk.id
    items = chat.conversations.items.list(talk.id, order="asc").data
    assert [item.role for item in items] == ["user", "user", "assistant"]
    assert items[-1].id == first.output[0].id
    second = chat.responses.create(model=talker, input="say c", conversation=talk.id, **GREEDY)
    assert second.usage and first.usage
    assert second.usage.input_tokens > first.usage.input_tokens
    assert len(chat.conversations.items.list(talk.id).data) == 5


def test_items_are_added_read_and_removed(chat: openai.OpenAI) -> None:
    talk = chat.conversations.create()
    added = chat.conversations.items.create(
        talk.id, items=[{"role": "user", "content": text} for text in "abc"]
    )
    ids = [item.id for item in added.data]
    assert [i.id for i in chat.conversations.items.list(talk.id, limit=2)] == ids[::-1]
    one = chat.conversations.items.retrieve(ids[0], conversation_id=talk.id)
    assert one.content[0].text == "a"
    chat.conversations.items.delete(ids[0], conversation_id=talk.id)
    with pytest.raises(openai.NotFoundError):
        chat.conversations.items.retrieve(ids[0], conversation_id=talk.id)
    assert chat.conversations.update(talk.id, metadata={"x": "y"}).metadata == {"x": "y"}
    assert chat.conversations.delete(talk.id).deleted
    with pytest.raises(openai.NotFoundError):
        chat.conversations.retrieve(talk.id)


def test_a_conversation_that_is_not_there_is_told(chat: openai.OpenAI, talker: str) -> None:
    with pytest.raises(openai.NotFoundError):
        chat.responses.create(model=talker, input="a", conversation="conv_0")
