"""What events of a chat become, by hand: chunks, whole answers, events of responses, messages."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest
from transcripts import kept, transcript

from genloom.server.call import Event
from genloom.server.failure import Failure
from genloom.server.routes.chat_answer import Gathered, Head, completion
from genloom.server.routes.chat_chunks import Chunks
from genloom.server.routes.responses_events import Telling
from genloom.server.routes.responses_items import messages, stored
from genloom.server.routes.responses_object import response_of
from genloom.server.routes.responses_schema import Item, ResponseBody
from genloom.server.sse import event

USAGE = {"prompt_tokens": 7, "completion_tokens": 9, "cached_tokens": 4}


def delta(sample: int = 0, **values: Any) -> Event:
    return Event(kind="delta", values={"sample": sample, "tokens": 1, **values})


def call(index: int, name: str, arguments: str) -> dict[str, Any]:
    return {"index": index, "id": f"call_{index}", "name": name, "arguments": arguments}


def ending(finish: str, sample: int = 0) -> Event:
    return Event(kind="ended", values={"sample": sample, "finish": finish, "tokens": 9})


DONE = Event(kind="done", values={"usage": USAGE})
THOUGHT = [
    delta(content="", reasoning="", calls=[]),
    delta(reasoning="let me "),
    delta(reasoning="see"),
    delta(content="I call "),
    delta(content="two"),
    delta(calls=[call(0, "f", '{"x": 1}'), call(1, "say", '{"input": "a \\"b\\""}')]),
    ending("tool_calls"),
    DONE,
]


def chunks_of(events: Iterable[Event], **how: Any) -> list[dict[str, Any]]:
    head = Head(model="m", fingerprint="fp_1", seed=3, custom=frozenset({"say"}))
    made = Chunks(head, **how)
    told = b"".join(map(made.of, events)).decode()
    blocks = [block.removeprefix("data: ") for block in told.split("\n\n") if block]
    assert blocks[-1] == "[DONE]"
    return [json.loads(block) for block in blocks[:-1]]


def test_the_role_comes_first_and_once_a_name_once_and_every_call_has_its_index() -> None:
    told = chunks_of(THOUGHT, usage=True)
    deltas = [one["choices"][0]["delta"] for one in told[:-1]]
    assert deltas[0] == {"role": "assistant", "content": "", "refusal": None}
    assert not any("role" in one for one in deltas[1:])
    assert [one.get("reasoning_content") for one in deltas[1:3]] == ["let me ", "see"]
    assert [one.get("content") for one in deltas[3:5]] == ["I call ", "two"]
    first, second = deltas[5]["tool_calls"][0], deltas[6]["tool_calls"][0]
    assert (first["index"], first["id"], first["type"]) == (0, "call_0", "function")
    assert first["function"] == {"name": "f", "arguments": '{"x": 1}'}
    assert (second["index"], second["type"]) == (1, "custom")
    assert second["custom"] == {"name": "say", "input": 'a "b"'}
    assert told[-2]["choices"][0] == {
        "index": 0,
        "delta": {},
        "logprobs": None,
        "finish_reason": "tool_calls",
    }
    assert all(one["usage"] is None for one in told[:-1])
    assert told[-1]["choices"] == [] and told[-1]["usage"]["total_tokens"] == 16
    details = told[-1]["usage"]
    assert details["completion_tokens_details"]["reasoning_tokens"] == 2
    assert details["prompt_tokens_details"]["cached_tokens"] == 4


def test_arguments_in_pieces_go_out_as_they_come() -> None:
    pieces = [
        delta(calls=[{"index": 0, "id": "call_0", "name": "f", "arguments": '{"x"'}]),
        delta(calls=[{"index": 0, "arguments": ": 1}"}]),
        delta(calls=[{"index": 1, "id": "call_1", "name": "say", "arguments": '{"input": '}]),
        delta(calls=[{"index": 1, "arguments": '"a"}'}]),
    ]
    told = chunks_of([*pieces, ending("tool_calls"), DONE])
    calls = [one["choices"][0]["delta"]["tool_calls"][0] for one in told[1:-1]]
    assert [one.get("function") for one in calls] == [
        {"name": "f", "arguments": '{"x"'},
        {"arguments": ": 1}"},
        None,
    ]
    assert calls[2]["custom"] == {"name": "say", "input": "a"}  # told whole, once it is
    assert "usage" not in told[0]


def test_samples_are_told_apart_and_each_begins_with_its_role() -> None:
    events = [delta(1, content="b"), delta(0, content="a"), ending("stop", 1), ending("length")]
    told = [one["choices"][0] for one in chunks_of([*events, DONE])]
    roles = [one["index"] for one in told if "role" in one["delta"]]
    ends = {one["index"]: one["finish_reason"] for one in told if one["finish_reason"]}
    assert roles == [1, 0] and ends == {0: "length", 1: "stop"}


def test_padding_hides_how_long_a_piece_is() -> None:
    told = chunks_of(
        [delta(content="a"), delta(content="a longer one"), ending("stop"), DONE], padded=True
    )
    sizes = {
        len(json.dumps(one["choices"][0]["delta"]["content"])) + len(one["obfuscation"])
        for one in told[1:3]
    }
    assert sizes == {32}


def test_the_whole_answer_says_what_the_chunks_say() -> None:
    gathered = Gathered()
    for one in THOUGHT:
        gathered.add(one)
    head = Head(model="m", fingerprint="fp_1", seed=3, custom=frozenset({"say"}))
    message = completion(head, gathered)["choices"][0]["message"]
    assert message["content"] == "I call two" and message["reasoning_content"] == "let me see"
    assert message["tool_calls"][0]["function"] == {"name": "f", "arguments": '{"x": 1}'}
    assert message["tool_calls"][1]["custom"] == {"name": "say", "input": 'a "b"'}


# --- responses ------------------------------------------------------------------------------------


def telling(**body: Any) -> Telling:
    made = ResponseBody.model_validate({"model": "m", "input": "x", **body})
    return Telling(response_of(made, 3), frozenset({"say"}))


def test_events_of_a_response_in_their_order_and_with_one_id_for_each_item() -> None:
    made = telling()
    told = [*made.created(), *made.started()]
    for one in THOUGHT:
        told += made.of(one)
    assert [one["sequence_number"] for one in told] == list(range(len(told)))
    stream = b"".join(event(one, one["type"]) for one in told).decode()
    assert list(transcript(stream)) == kept("response_thought")
    final = told[-1]["response"]
    assert [item["type"] for item in final["output"]] == [
        "reasoning",
        "message",
        "function_call",
        "custom_tool_call",
    ]
    for place, item in enumerate(final["output"]):
        ids = {
            one.get("item_id") or one["item"]["id"]
            for one in told
            if one.get("output_index") == place
        }
        assert ids == {item["id"]}
    assert final["usage"]["output_tokens_details"] == {"reasoning_tokens": 2}


def test_what_the_length_cuts_is_incomplete() -> None:
    made = telling()
    told = [*made.of(delta(content="a")), *made.of(ending("length")), *made.of(DONE)]
    final = told[-1]["response"]
    assert told[-1]["type"] == "response.incomplete" and final["status"] == "incomplete"
    assert final["incomplete_details"] == {"reason": "max_output_tokens"}
    assert final["output"][0]["status"] == "incomplete"


def test_nothing_said_is_an_empty_message() -> None:
    made = telling()
    told = [*made.of(ending("stop")), *made.of(DONE)]
    assert [one["type"] for one in told][:2] == [
        "response.output_item.added",
        "response.content_part.added",
    ]
    assert told[-1]["response"]["output"][0]["content"][0]["text"] == ""


@pytest.mark.parametrize("events", [[delta(content="ab")], [delta(calls=[call(0, "f", "{")])]])
def test_a_failure_in_the_middle_keeps_what_was_said(events: list[Event]) -> None:
    made = telling()
    for one in events:
        list(made.of(one))
    (last,) = made.failed(Failure(500, "gone", code="engine_restarted"))
    response = last["response"]
    assert (last["type"], response["status"]) == ("response.failed", "failed")
    assert response["error"]["code"] == "server_error"
    assert response["error"]["type"] == "engine_restarted"
    item = response["output"][0]
    assert item["status"] == "incomplete"
    said = item["arguments"] if "arguments" in item else item["content"][0]["text"]
    assert said in ("ab", "{")


# --- items ----------------------------------------------------------------------------------------


def test_one_turn_of_the_assistant_is_one_message() -> None:
    given = [
        Item(role="developer", content="be kind"),
        Item(role="user", content="say a"),
        Item(
            type="reasoning",
            id="rs_1",
            summary=[],
            content=[{"type": "reasoning_text", "text": "hm"}],
        ),
        Item(role="assistant", content="I look"),
        Item(type="function_call", call_id="c1", name="f", arguments='{"x": 1}'),
        Item(type="custom_tool_call", call_id="c2", name="say", input="b"),
        Item(type="function_call_output", call_id="c1", output="1"),
        Item(
            type="custom_tool_call_output",
            call_id="c2",
            output=[{"type": "input_text", "text": "2"}],
        ),
        Item(role="assistant", content="done"),
        Item(role="assistant", content="really"),
    ]
    told = messages(stored(given), "a rule")
    assert [one["role"] for one in told] == [
        *("system", "developer", "user", "assistant", "tool", "tool", "assistant", "assistant")
    ]
    turn = told[3]
    assert turn["content"] == "I look" and turn["reasoning_content"] == "hm"
    assert [one["function"]["arguments"] for one in turn["tool_calls"]] == [
        '{"x": 1}',
        {"input": "b"},
    ]
    assert [one["content"] for one in told[4:]] == ["1", "2", "done", "really"]


@pytest.mark.parametrize(
    ("item", "param"),
    [
        ({"type": "computer_call"}, "input.0.type"),
        ({"role": "user"}, "input.0.content"),
        (
            {"role": "user", "content": [{"type": "input_image", "image_url": "x"}]},
            "input.0.content.0",
        ),
        ({"type": "function_call", "name": "f", "arguments": "{}"}, "input.0.call_id"),
        ({"type": "item_reference", "id": "msg_x"}, "input.0.id"),
    ],
)
def test_an_item_that_cannot_be_taken_is_named(item: dict[str, Any], param: str) -> None:
    with pytest.raises(Failure) as error:
        stored([Item.model_validate(item)])
    assert (error.value.status, error.value.param) == (400, param)
