"""From the body of a chat to the work of an engine: what is passed on, what is refused.

Knows the `chat` task's arguments and the fields of the body; no event, chunk or answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from genloom.server.failure import Failure
from genloom.server.routes.chat_schema import ChatBody, Message, Part, Tool, ToolChoice
from genloom.server.routes.sampling import drawing
from genloom.server.schema import refused

# Fields that change the answer and cannot be acted on.
_NEVER = {
    "audio": "no model here speaks in a chat: /v1/audio/speech does",
    "prediction": "predicted outputs are not taken: leave it out",
    "moderation": "chats are not moderated here: ask /v1/moderations",
    "web_search_options": "this server searches nothing: offer a tool of your own",
}
_TEXTS = frozenset({"text", "input_text", "output_text"})
_FIELDS = {"image_url": "image_url", "input_audio": "input_audio", "file": "file"}
_SILENT = frozenset({"none", "minimal"})
# What templates of published models call thinking, and what they may be told besides.
_THINKING = ("enable_thinking", "thinking")
_EFFORT = "reasoning_effort"
INPUT = "input"  # the one argument by which a template knows a custom tool


def chat_given(body: ChatBody, about: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of the `chat` task but for the seed. Failure names the field at fault."""
    refuse_never(body)
    needs_template(body.model, about)
    tools, choice = offered(body)
    return {
        "messages": [message_given(m, f"messages.{n}") for n, m in enumerate(body.messages)],
        "tools": [tool_given(tool, f"tools.{n}") for n, tool in enumerate(tools)] or None,
        "tool_choice": choice,
        "parallel": body.parallel_tool_calls is not False and body.functions is None,
        "variables": variables(body, about),
        "count": body.n or 1,
        "options": options(body, about),
    }


def refuse_never(body: ChatBody) -> None:
    for field, why in _NEVER.items():
        if getattr(body, field) is not None:
            raise refused(field, why)
    if set(body.modalities or ()) - _TEXTS:
        raise refused("modalities", 'the models of this server answer in text: ask for ["text"]')
    if body.verbosity in ("low", "high"):
        raise refused("verbosity", "no model here can be told so by a field: say it in a message")


def needs_template(model: str, about: Mapping[str, Any]) -> None:
    if not about.get("chats"):
        raise Failure(
            400,
            f"the model {model!r} has no chat template, so it cannot take messages: send a prompt "
            "to /v1/completions, or choose a model that was trained for chat",
            code="no_chat_template",
            param="model",
        )


# --- messages -------------------------------------------------------------------------------------


def message_given(message: Message, where: str) -> dict[str, Any]:
    """As the template's renderer takes it."""
    out: dict[str, Any] = {"role": message.role, "content": _content(message, where)}
    for name in ("name", "tool_call_id", "reasoning_content", "reasoning"):
        if getattr(message, name) is not None:
            out[name] = getattr(message, name)
    if message.audio is not None:
        raise refused(f"{where}.audio", "this model reads text only")
    calls = [
        call_given(c, f"{where}.tool_calls.{n}") for n, c in enumerate(message.tool_calls or ())
    ]
    if message.function_call is not None:
        calls.append({"type": "function", "function": message.function_call.model_dump()})
    return {**out, "tool_calls": calls} if calls else out


def _content(message: Message, where: str) -> str | None:
    if isinstance(message.content, list):
        parts = enumerate(message.content)
        return "".join(part_text(part, f"{where}.content.{n}") for n, part in parts)
    if message.content is None and not (message.tool_calls or message.function_call):
        if message.refusal is not None:
            return message.refusal
        raise refused(f"{where}.content", "a text or a list of parts is expected")
    return message.content


def part_text(part: Part, where: str) -> str:
    """Failure names a part that is no text."""
    if part.type in _TEXTS:
        if part.text is None:
            raise refused(f"{where}.text", "a text is expected")
        return part.text
    if part.type == "refusal" and part.refusal is not None:
        return part.refusal
    if part.type in _FIELDS:
        raise refused(
            f"{where}.{_FIELDS[part.type]}", "this model reads text only: leave the part out"
        )
    raise refused(f"{where}.type", f"{part.type[:40]!r} is no part of a message")


def call_given(call: Any, where: str) -> dict[str, Any]:
    told = {} if call.id is None else {"id": call.id}
    if call.function is not None:
        function = {"name": call.function.name, "arguments": call.function.arguments}
        return {**told, "type": "function", "function": function}
    if call.custom is None:
        raise refused(where, "a function or a custom tool is expected to be named")
    arguments = {INPUT: call.custom.input}
    return {
        **told,
        "type": "function",
        "function": {"name": call.custom.name, "arguments": arguments},
    }


# --- tools ----------------------------------------------------------------------------------------


def offered(body: ChatBody) -> tuple[list[Tool], str | dict[str, str]]:
    """The tools that the model is told of, and how it is to choose: "none", "auto", "required" or
    {"name": ...}. Those that are not allowed are not told."""
    if body.functions is not None:
        tools = [Tool(type="function", function=function) for function in body.functions]
        named = getattr(body.function_call, "name", None)
        choice: Any = {"name": named} if named else body.function_call or "auto"
        return tools, checked(choice, tools, "function_call")
    tools = list(body.tools or ())
    asked = body.tool_choice
    if not isinstance(asked, ToolChoice):
        return tools, checked(asked or "auto", tools, "tool_choice")
    if asked.allowed_tools is not None:
        names = list(map(allowed_name, asked.allowed_tools.tools))
        for n, name in enumerate(names):
            if name not in map(tool_name, tools):
                raise refused(f"tool_choice.allowed_tools.tools.{n}", f"no tool is called {name!r}")
        kept = [tool for tool in tools if tool_name(tool) in names]
        return kept, checked(asked.allowed_tools.mode, kept, "tool_choice")
    named = asked.function or asked.custom
    if named is None:
        raise refused("tool_choice", f"a {asked.type} is expected to be named")
    return tools, checked({"name": named.name}, tools, "tool_choice")


def checked(
    choice: str | dict[str, str], tools: Sequence[Tool], field: str
) -> str | dict[str, str]:
    """Failure where what has to be called is not offered."""
    names = list(map(tool_name, tools))
    if len(set(names)) < len(names):
        raise refused("tools", "two tools have one name")
    if isinstance(choice, dict) and choice["name"] not in names:
        raise refused(field, f"no tool is called {choice['name'][:80]!r}")
    if choice == "required" and not names:
        raise refused(field, "no tools are offered")
    return choice


def tool_name(tool: Tool) -> str:
    named = tool.function or tool.custom
    return "" if named is None else named.name


def allowed_name(tool: Mapping[str, Any]) -> str:
    """Of one of those that are allowed: {"type": "function", "function": {"name": ...}} or flat."""
    inner = tool.get("function") or tool.get("custom") or tool
    return str(inner.get("name")) if isinstance(inner, Mapping) else ""


def tool_given(tool: Tool, where: str) -> dict[str, Any]:
    """As a function: a custom tool is one with a single text for an argument."""
    if tool.function is not None:
        values = tool.function.model_dump(exclude_none=True)
        return {
            "type": "function",
            "function": {"parameters": {"type": "object", "properties": {}}} | values,
        }
    if tool.custom is None:
        raise refused(where, f"a {tool.type} is expected to be described")
    schema: dict[str, Any] = {"type": "string"}
    form = tool.custom.format
    if form is not None and form.grammar is not None:
        if form.grammar.syntax == "lark":
            raise refused(
                f"{where}.custom.format", "a grammar cannot be met inside a call: give a regex"
            )
        schema["pattern"] = f"^(?:{form.grammar.definition})$"
    function: dict[str, Any] = {
        "name": tool.custom.name,
        "parameters": {"type": "object", "properties": {INPUT: schema}, "required": [INPUT]},
    }
    if tool.custom.description is not None:
        function["description"] = tool.custom.description
    return {"type": "function", "function": function}


def custom_names(tools: Iterable[Tool]) -> frozenset[str]:
    return frozenset(tool.custom.name for tool in tools if tool.custom is not None)


# --- what a template knows ------------------------------------------------------------------------


def variables(body: ChatBody, about: Mapping[str, Any]) -> dict[str, Any]:
    """What the model's template is told: of `chat_template_kwargs` what it knows, and the effort
    under the name that it has there."""
    known = frozenset(about.get("variables") or ())
    told = template_values(body.chat_template_kwargs, known)
    return {**effort(body.reasoning_effort, known, "reasoning_effort"), **told}


def template_values(given: Mapping[str, Any] | None, known: frozenset[str]) -> dict[str, Any]:
    """Failure for what the template does not know."""
    for name, value in (given or {}).items():
        field = f"chat_template_kwargs.{name[:80]}"
        if name not in known:
            raise refused(field, f"this template knows {', '.join(sorted(known)) or 'none'}")
        if not isinstance(value, str | int | float | bool | None):
            raise refused(field, "a text, a number, true or false is expected")
    return dict(given or {})


def effort(asked: str | None, known: frozenset[str], field: str) -> dict[str, Any]:
    """Failure where the model cannot be told to think more or less."""
    if asked is None:
        return {}
    if _EFFORT in known:
        return {_EFFORT: asked}
    for name in _THINKING:
        if name in known:
            return {name: asked not in _SILENT}
    if asked in _SILENT:
        return {}
    raise refused(field, "this model does not reason before it answers: leave it out")


# --- how it is drawn ------------------------------------------------------------------------------


def options(body: ChatBody, about: Mapping[str, Any]) -> dict[str, Any]:
    out = drawing(body, about)
    longest = body.max_completion_tokens or body.max_tokens
    if longest is not None:
        out["max_tokens"] = longest
    if body.top_logprobs is not None and not body.logprobs:
        raise refused("top_logprobs", "logprobs has to be true for it")
    if body.logprobs:
        out["logprobs"] = body.top_logprobs or 0
    schema = schema_of(body)
    if schema is not None:
        if "regex" in out or "grammar" in out:
            raise refused("response_format", "a regex or grammar is given, too: one form only")
        out["schema"] = schema
    return out


def schema_of(body: ChatBody) -> Any:
    """The JSON schema that the answer has to meet, None for a free text."""
    form = body.response_format
    if form is None:
        return None
    if form.type == "json_schema":
        if form.json_schema is None:
            raise refused("response_format.json_schema", "a schema is expected")
        given = form.json_schema.schema_
        return {} if given is None else given
    return {"type": "object"} if form.type == "json_object" else None
