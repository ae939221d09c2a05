"""The events of a response in their order, with their numbers, from the events of a chat.

Every item has the same id in each event and in the final object. Knows items and events; no engine,
store or connection.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from genloom.server.call import Event
from genloom.server.failure import Failure
from genloom.server.routes.chat_answer import Called, chance, thought
from genloom.server.routes.responses_items import item_id
from genloom.server.routes.responses_object import Response, broken, ended, usage

Told = dict[str, Any]


class Telling:
    """One response as it grows. custom: names of tools that take a text."""

    def __init__(self, response: Response, custom: frozenset[str] = frozenset()) -> None:
        self.response, self.custom = response, custom
        self.number = 0
        self._item: dict[str, Any] | None = None  # a message or reasoning that goes on
        self._text: list[str] = []
        self._chances: list[Any] = []
        self._calls: dict[int, tuple[int, Called]] = {}  # -> place in the output
        self._thought = 0
        self._finish = "stop"

    @property
    def output(self) -> list[dict[str, Any]]:
        out: list[dict[str, Any]] = self.response["output"]
        return out

    def _told(self, kind: str, **values: Any) -> Told:
        made = {"type": kind, "sequence_number": self.number, **values}
        self.number += 1
        return made

    def so_far(self) -> Response:
        """The response as it is now, what goes on with what it has."""
        output = [dict(item) for item in self.output]
        if self._item is not None:
            output[-1]["content"] = [self._part(self._item["type"])]
        for at, called in self._calls.values():
            field = "input" if called.name in self.custom else "arguments"
            output[at][field] = called.arguments
        return {**self.response, "output": output}

    def _whole(self, kind: str) -> Told:
        return self._told(f"response.{kind}", response=self.so_far())

    # --- the beginning and the end ----------------------------------------------------------------

    def created(self) -> Iterator[Told]:
        yield self._whole("created")
        if self.response["status"] == "queued":
            yield self._whole("queued")

    def started(self) -> Iterator[Told]:
        self.response["status"] = "in_progress"
        yield self._whole("in_progress")

    def failed(self, failure: Failure) -> Iterator[Told]:
        self.response = broken(self._cut(), failure)
        yield self._whole("failed")

    def _cut(self) -> Response:
        """The response with what was not finished said to be so."""
        now = self.so_far()
        self._item, self._calls = None, {}
        for item in now["output"]:
            if item.get("status") == "in_progress":
                item["status"] = "incomplete"
        return now

    def cancelled(self) -> Iterator[Told]:
        """No event of its own says it."""
        self.response = ended(self._cut(), "cancelled")
        yield self._told("error", code="response_cancelled", message="it was cancelled", param=None)

    def _ended(self, used: Mapping[str, int]) -> Iterator[Told]:
        if not self.output:
            yield from self._open("message")
        yield from self._close()
        told = usage(used, self._thought)
        if self._finish == "length":
            why = {"reason": "max_output_tokens"}
            self.response = ended(self.response, "incomplete", usage=told, incomplete_details=why)
            yield self._whole("incomplete")
            return
        self.response = ended(self.response, "completed", usage=told)
        yield self._whole("completed")

    # --- on the way -------------------------------------------------------------------------------

    def of(self, event: Event) -> Iterator[Told]:
        """The events that tell an event of the chat."""
        if event.kind == "delta":
            yield from self._delta(event.values)
        elif event.kind == "ended":
            self._finish = event.values["finish"]
        elif event.kind == "done":
            yield from self._ended(event.values["usage"])

    def _delta(self, values: Mapping[str, Any]) -> Iterator[Told]:
        chances = list(map(chance, values.get("logprobs") or ()))
        content = values.get("content")
        if reasoning := values.get("reasoning"):
            self._thought += thought(values)
            yield from self._grow("reasoning", reasoning, [])
        if content:
            yield from self._grow("message", content, chances)
        for piece in values.get("calls") or ():
            yield from self._call(piece)

    def _grow(self, kind: str, text: str, chances: list[Any]) -> Iterator[Told]:
        if self._item is None or self._item["type"] != kind:
            yield from self._close()
            yield from self._open(kind)
        self._text.append(text)
        self._chances += chances
        told = {"logprobs": chances} if kind == "message" else {}
        yield self._told(f"{_PART_EVENTS[kind]}.delta", **self._place(), delta=text, **told)

    def _place(self) -> dict[str, Any]:
        assert self._item is not None
        at = len(self.output) - 1
        return {"item_id": self._item["id"], "output_index": at, "content_index": 0}

    def _open(self, kind: str) -> Iterator[Told]:
        item: dict[str, Any] = {"id": item_id(kind), "type": kind, "status": "in_progress"}
        item |= {"role": "assistant"} if kind == "message" else {"summary": []}
        item["content"] = []
        self.output.append(item)
        self._item, self._text, self._chances = item, [], []
        at = len(self.output) - 1
        yield self._told("response.output_item.added", output_index=at, item=dict(item))
        yield self._told("response.content_part.added", **self._place(), part=self._part(kind))

    def _part(self, kind: str) -> dict[str, Any]:
        text = "".join(self._text)
        if kind != "message":
            return {"type": "reasoning_text", "text": text}
        return {"type": "output_text", "annotations": [], "logprobs": self._chances, "text": text}

    def _close(self) -> Iterator[Told]:
        """What was open is told whole; what is cut short says so."""
        item = self._item
        if item is not None:
            kind, place = item["type"], self._place()
            part = self._part(kind)
            told = {"logprobs": self._chances} if kind == "message" else {}
            yield self._told(f"{_PART_EVENTS[kind]}.done", **place, text=part["text"], **told)
            yield self._told("response.content_part.done", **place, part=part)
            item |= {"status": self._status(), "content": [part]}
            self._item = None
            yield self._told(
                "response.output_item.done", output_index=place["output_index"], item=dict(item)
            )
        for at, called in self._calls.values():
            yield from self._close_call(at, called)
        self._calls = {}

    def _status(self) -> str:
        return "incomplete" if self._finish == "length" else "completed"

    # --- calls ------------------------------------------------------------------------------------

    def _call(self, piece: Mapping[str, Any]) -> Iterator[Told]:
        if piece["index"] not in self._calls:
            yield from self._close()
            called = Called()
            called.add({**piece, "arguments": ""})
            self._calls[piece["index"]] = len(self.output), called
            self.output.append(self._call_item(called))
            at = len(self.output) - 1
            item = dict(self.output[-1])
            yield self._told("response.output_item.added", output_index=at, item=item)
        at, called = self._calls[piece["index"]]
        new = piece.get("arguments") or ""
        called.add({"arguments": new})
        if new and called.name not in self.custom:
            kind = "response.function_call_arguments.delta"
            yield self._told(kind, item_id=self.output[at]["id"], output_index=at, delta=new)

    def _call_item(self, called: Called) -> dict[str, Any]:
        custom = called.name in self.custom
        kind = "custom_tool_call" if custom else "function_call"
        item = {"id": item_id(kind), "type": kind, "call_id": called.id, "name": called.name}
        return {**item, "status": "in_progress", "input" if custom else "arguments": ""}

    def _close_call(self, at: int, called: Called) -> Iterator[Told]:
        item = self.output[at]
        place = {"item_id": item["id"], "output_index": at}
        if called.name in self.custom:
            text = called.input()
            text = called.arguments if text is None else text
            kind, field = "response.custom_tool_call_input", "input"
            if text:
                yield self._told(f"{kind}.delta", **place, delta=text)
        else:
            text, kind, field = called.arguments, "response.function_call_arguments", "arguments"
        yield self._told(f"{kind}.done", **place, name=called.name, **{field: text})
        item |= {"status": self._status(), field: text}
        yield self._told("response.output_item.done", output_index=at, item=dict(item))


_PART_EVENTS = {"message": "response.output_text", "reasoning": "response.reasoning_text"}
