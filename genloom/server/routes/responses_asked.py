"""From the body of a response to the work of an engine: what is passed on, what is refused.

Knows the `chat` task's arguments and the fields of the body; no event, item store or answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from genloom.server.routes.chat_asked import (
    allowed_name,
    checked,
    effort,
    template_values,
    tool_given,
    tool_name,
)
from genloom.server.routes.chat_schema import Custom, CustomFormat, CustomGrammar, Function, Tool
from genloom.server.routes.responses_schema import (
    ResponseBody,
    ResponseChoice,
    ResponseTool,
    Said,
    TextFormat,
)
from genloom.server.routes.sampling import drawing
from genloom.server.schema import refused

LOGPROBS = "message.output_text.logprobs"
# Fields that change the answer and cannot be acted on.
_NEVER = {
    "prompt": "prompt templates are not kept here: send input and instructions",
    "moderation": "responses are not moderated here: ask /v1/moderations",
    "context_management": "contexts are not compacted here: shorten the input",
    "background_options": "work in the background has no options here",
    "access_programs": "there are no such programs here",
}
_KINDS = frozenset({"function", "custom"})


def refuse_never(body: ResponseBody) -> None:
    """Failure for what cannot be honoured, and for what excludes each other."""
    for field, why in _NEVER.items():
        if getattr(body, field) is not None:
            raise refused(field, why)
    if body.previous_response_id is not None and body.conversation is not None:
        raise refused("conversation", "a previous_response_id is given, too: one of them only")
    if body.background and body.store is False:
        raise refused("background", "what is made in the background has to be stored")
    if body.input is None and body.previous_response_id is None and body.conversation is None:
        raise refused("input", "a text or a list of items is expected")
    if body.text is not None and body.text.verbosity in ("low", "high"):
        raise refused("text.verbosity", "no model here can be told so by a field")
    thinking = body.reasoning
    if thinking is not None:
        summary = thinking.summary or thinking.generate_summary
        if summary not in (None, "auto"):
            raise refused("reasoning.summary", "reasoning is told as it is, not summed up")
        if thinking.context not in (None, "auto"):
            raise refused("reasoning.context", "the template decides on this: auto is meant")
        if thinking.mode not in (None, "standard"):
            raise refused("reasoning.mode", "there is one way of reasoning here: standard")


def tools_of(said: Said) -> tuple[list[Tool], str | dict[str, str]]:
    """The tools that the model is told of, and how it is to choose."""
    tools = [_tool(tool, f"tools.{n}") for n, tool in enumerate(said.tools or ())]
    choice = said.tool_choice
    if not isinstance(choice, ResponseChoice):
        return tools, checked(choice or "auto", tools, "tool_choice")
    if choice.tools is not None:
        names = list(map(allowed_name, choice.tools))
        kept = [tool for tool in tools if tool_name(tool) in names]
        if len(kept) < len(set(names)):
            raise refused("tool_choice.tools", "one of them is not among the tools")
        return kept, checked(choice.mode or "auto", kept, "tool_choice")
    if choice.type not in _KINDS or choice.name is None:
        raise refused("tool_choice.type", f"{choice.type[:40]!r} is no tool of this server")
    return tools, checked({"name": choice.name}, tools, "tool_choice")


def _tool(tool: ResponseTool, where: str) -> Tool:
    """As in a chat."""
    if tool.type not in _KINDS:
        raise refused(
            f"{where}.type", f"this server runs no tool {tool.type[:40]!r}: offer functions"
        )
    if tool.name is None:
        raise refused(f"{where}.name", "it is missing")
    if tool.type == "function":
        function = Function(
            name=tool.name,
            description=tool.description,
            parameters=tool.parameters,
            strict=tool.strict,
        )
        return Tool(type="function", function=function)
    form = _form(tool.format or {}, f"{where}.format")
    return Tool(
        type="custom", custom=Custom(name=tool.name, description=tool.description, format=form)
    )


def _form(form: Mapping[str, Any], where: str) -> CustomFormat | None:
    if form.get("type", "text") != "grammar":
        return None
    syntax, definition = form.get("syntax"), form.get("definition")
    if syntax not in ("lark", "regex") or not isinstance(definition, str):
        raise refused(where, "a definition in lark or regex is expected")
    return CustomFormat(type="grammar", grammar=CustomGrammar(definition=definition, syntax=syntax))


def response_given(
    body: ResponseBody, messages: Sequence[Mapping[str, Any]], about: Mapping[str, Any]
) -> dict[str, Any]:
    """The arguments of the `chat` task but for the seed."""
    tools, choice = tools_of(body)
    known = frozenset(about.get("variables") or ())
    told = template_values(body.chat_template_kwargs, known)
    asked = None if body.reasoning is None else body.reasoning.effort
    return {
        "messages": list(messages),
        "tools": [tool_given(tool, f"tools.{n}") for n, tool in enumerate(tools)] or None,
        "tool_choice": choice,
        "parallel": body.parallel_tool_calls is not False,
        "variables": {**effort(asked, known, "reasoning.effort"), **told},
        "count": 1,
        "options": options(body, about),
    }


def options(body: ResponseBody, about: Mapping[str, Any]) -> dict[str, Any]:
    out = drawing(body, about)
    if body.max_output_tokens is not None:
        out["max_tokens"] = body.max_output_tokens
    if body.top_logprobs or LOGPROBS in (body.include or ()):
        out["logprobs"] = body.top_logprobs or 0
    form = body.text.format if body.text is not None else None
    schema = None if form is None else _schema(form)
    if schema is not None:
        if "regex" in out or "grammar" in out:
            raise refused("text.format", "a regex or grammar is given, too: one form only")
        out["schema"] = schema
    return out


def _schema(form: TextFormat) -> Any:
    if form.type == "json_schema":
        if form.schema_ is None:
            raise refused("text.format.schema", "a schema is expected")
        return form.schema_
    return {"type": "object"} if form.type == "json_object" else None
