"""The task of an assistant: messages in, its answer out as content, reasoning and calls of tools.

Knows how a choice of tools becomes a form of the answer; templates and markers are the codec's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from genloom.codec.chat.messages import checked_tools
from genloom.codec.chat.rendering import Prompt, Renderer
from genloom.codec.chat.thought_grammar import behind_thought
from genloom.codec.chat.tool_calls import Delta, Form, Parser
from genloom.codec.chat.tool_grammar import grammar, grammar_or, grammar_within
from genloom.engine.growing import Decode
from genloom.errors import OVER_CONTEXT, RequestError
from genloom.family.streams import Stream
from genloom.hosting import asked
from genloom.hosting.grown import Grown
from genloom.hosting.texts import Texts
from genloom.spec import Request

CHOICES = ("auto", "none", "required")


class Spoken:
    """An answer in its parts. alone: nothing is told behind its first call."""

    def __init__(self, renderer: Renderer, prompt: Prompt, alone: bool = False) -> None:
        self.alone = alone
        self._parser = Parser(renderer.markup, tools=prompt.tools, inside=prompt.inside)
        self._calls = 0

    def piece(self, text: str) -> dict[str, Any] | None:
        return self._told(self._parser.feed(text))

    def last(self) -> dict[str, Any] | None:
        return self._told(self._parser.finish())

    def nothing(self) -> dict[str, Any]:
        return {"content": "", "reasoning": "", "calls": []}

    def joined(self, first: dict[str, Any], rest: dict[str, Any]) -> dict[str, Any]:
        return {key: first[key] + rest[key] for key in first}

    def finish(self, why: str) -> str:
        return "tool_calls" if self._calls and why == "stop" else why

    @property
    def enough(self) -> bool:
        return self.alone and self._calls > 0

    def _told(self, delta: Delta) -> dict[str, Any] | None:
        if self.enough:
            return None
        if self.alone and delta.calls:
            delta = replace(delta, calls=delta.calls[:1])
        if not (delta.content or delta.reasoning or delta.calls):
            return None
        calls = []
        for call in delta.calls:
            arguments = json.dumps(call.arguments, ensure_ascii=False)
            told = {"index": self._calls, "id": f"call_{call.id}", "name": call.name}
            calls.append({**told, "arguments": arguments})
            self._calls += 1
        return {"content": delta.content, "reasoning": delta.reasoning, "calls": calls}


class Chat(Texts):
    """given: messages, tools, tool_choice, variables, parallel (false: one call at most), goes_on
    (the last message is an answer that was cut); and what every request has."""

    kind = "delta"

    def ask(self) -> Request:
        renderer, given = self.site.renderer, self.given
        tools, forced = _offered(given)
        if tools is not None and renderer.markup.form is None:
            told = "this model's template knows no calls of tools: leave tools out"
            raise RequestError(told, param="tools")
        variables = given.get("variables")
        if variables is not None and not isinstance(variables, Mapping):
            raise RequestError("variables: an object is expected", param="variables")
        self.prompt = renderer.prompt(
            given.get("messages"),
            tools=tools,
            variables=variables,
            goes_on=given.get("goes_on") is True,
        )
        room = renderer.spec.length - len(self.prompt.ids) - 1
        options = dict(given.get("options") or {})
        if forced is not None:
            options["grammar"] = self._form(renderer, forced, options)
        elif tools is not None:
            options |= _bound(renderer, tools, options)
        thought = renderer.markup.thought
        if self.prompt.inside and thought is not None:
            special = thought[1] in renderer.tokens.special.values()
            options = behind_thought(thought[1], options, special)
        wanted = options.get("max_tokens")
        if isinstance(wanted, int) and not isinstance(wanted, bool) and wanted > room:
            raise RequestError(
                f"this model's context is {renderer.spec.length} tokens: the messages have "
                f"{len(self.prompt.ids)} and {wanted} more are asked for",
                param="max_tokens",
                code=OVER_CONTEXT,
            )
        made = asked.options_of({"options": options}, max_tokens=room)
        return asked.request_of(given, self.blobs, made, ids=self.prompt.ids)

    def _form(self, renderer: Renderer, tools: Any, options: Mapping[str, Any]) -> str:
        others = {"schema", "regex", "grammar"} & {k for k, v in options.items() if v is not None}
        if others:
            raise RequestError(
                f"{sorted(others)[0]} and a tool that has to be called exclude each other",
                param="tool_choice",
            )
        return grammar(tools, _ended(renderer.markup.form, "a tool that has to be called"))

    def voice(self) -> Spoken:
        alone = self.given.get("parallel") is False
        return Spoken(self.site.renderer, self.prompt, alone)

    def grown(self, stream: Stream) -> Grown:
        return Grown(self._decode, (), self.prepared.request.options.stop)

    @property
    def _decode(self) -> Decode:
        renderer = self.site.renderer
        return partial(renderer.tokens.shown, kept=renderer.kept)

    def opening(self, sample: int) -> dict[str, Any] | None:
        return self.voice().nothing()


def _bound(renderer: Renderer, tools: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The form of an answer that may call: where a schema is asked for, the answer or calls; where
    tools are strict, calls as they say. RequestError where this cannot be held to."""
    strict = any(tool["function"].get("strict") for tool in tools)
    whole = [name for name in ("regex", "grammar") if options.get(name) is not None]
    if whole and strict:
        told = f"{whole[0]} and a strict tool exclude each other: leave one of them out"
        raise RequestError(told, param="tools")
    if options.get("schema") is not None:
        form = _ended(renderer.markup.form, "tools beside a schema")
        return {"schema": None, "grammar": grammar_or(tools, form, options["schema"])}
    if strict:
        return {"grammar": grammar_within(tools, _ended(renderer.markup.form, "a strict tool"))}
    return {}


def _ended(form: Form | None, asked: str) -> Form:
    """A form whose calls can be told from the text behind them."""
    if form is None or form.end is None:
        raise RequestError(
            f"{asked}: this model's calls have no marker at their end, so that no form holds them: "
            "leave it out, or choose a model whose template ends a call by one",
            param="tools",
        )
    return form


def _offered(given: Mapping[str, Any]) -> tuple[Any, Any]:
    """(the tools that are told to the model, those of which one has to be called)."""
    tools, choice = checked_tools(given.get("tools")), given.get("tool_choice")
    if choice is None or choice == "auto":
        return tools, None
    if choice == "none":
        return None, None
    if tools is None:
        raise RequestError("tool_choice without tools: give some", param="tool_choice")
    if choice == "required":
        return tools, tools
    name = _named(choice)
    meant = [one for one in tools if one["function"]["name"] == name]
    if not meant:
        told = f"no tool is called {name!r}" if name else f"use {', '.join(CHOICES)} or a function"
        raise RequestError(f"tool_choice: {told}", param="tool_choice")
    return tools, meant


def _named(choice: Any) -> str | None:
    """The function that is meant, as either of OpenAI's interfaces names it."""
    if not isinstance(choice, Mapping):
        return None
    inner = choice.get("function")
    name = inner.get("name") if isinstance(inner, Mapping) else choice.get("name")
    return name if isinstance(name, str) else None
