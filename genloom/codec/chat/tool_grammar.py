"""The form of a call of one of the tools that were offered: as a grammar, and as a check.

Knows function definitions with flat parameters (types, choices, what is required) as clients give
them, and the markers around a call. Knows no token or model; compiles nothing.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from genloom.codec.chat.messages import checked_tools
from genloom.codec.chat.tool_calls import Call, Form
from genloom.errors import RequestError

# JSON as templates write it: nobody is left to wander among blanks.
WRITTEN = {
    "x-guidance": {
        "whitespace_flexible": False,
        "item_separator": ", ",
        "key_separator": ": ",
    }
}
_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
    "array": list,
    "object": dict,
}


def grammar(tools: Any, form: Form) -> str:
    """Lark, as llguidance reads it, of exactly one call: known names, arguments as their schemas
    have them. RequestError where no tools are given, or the form ends a call by no marker."""
    return f"start: {json.dumps(form.begin)} call\n{_calls(tools, form)}"


def grammar_within(tools: Any, form: Form) -> str:
    """Of any text in which whatever is called is called as in `grammar`."""
    begin = f"before[lazy]: REST {json.dumps(form.begin)}\nREST: /(.|\\n)*/\n"
    return f"start: told* REST\ntold: before call\n{begin}{_calls(tools, form)}"


def grammar_or(tools: Any, form: Form, schema: Any) -> str:
    """Of one or several calls, or of an answer that meets a JSON schema."""
    known = {**schema, **WRITTEN} if isinstance(schema, Mapping) else schema
    begin, answer = json.dumps(form.begin), json.dumps(known)
    start = f'start: told ("\\n"? told)* | answer\ntold: {begin} call\n'
    return f"{start}answer: %json {answer}\n{_calls(tools, form)}"


def _calls(tools: Any, form: Form) -> str:
    """The rule `call`: what stands behind the marker that begins one. Each schema is a rule of its
    own, since what it refers to begins at its root."""
    functions = _functions(tools)
    if form.end is None:
        raise RequestError(f"calls of the form {form.name} have no end: they cannot be told apart")
    rules = [f"call: {' | '.join(f'call_{n}' for n in range(len(functions)))}\n"]
    for n, one in enumerate(functions):
        head = json.dumps(f'{{"name": {json.dumps(one["name"])}, "arguments": ')
        schema = json.dumps({**_parameters(one), **WRITTEN})
        rules.append(f'call_{n}: {head} %json {schema} "}}" {json.dumps(form.end)}\n')
    return "".join(rules)


def fault(call: Call, tools: Any) -> str:
    """What is wrong with a call, "" where nothing is: its name, or the first argument that is
    unknown, missing or of another type than its schema says."""
    functions = {one["name"]: one for one in _functions(tools)}
    if call.name not in functions:
        return f"no tool is called {call.name!r}"
    schema = _parameters(functions[call.name])
    known = schema["properties"]
    for key, value in call.arguments.items():
        if key not in known:
            return f"{call.name} has no parameter {key!r}"
        if not _fits(value, known[key]):
            return f"{key} is {value!r}: {json.dumps(known[key])} is expected"
    missing = [key for key in schema["required"] if key not in call.arguments]
    return f"{call.name} lacks {missing[0]!r}" if missing else ""


def _functions(tools: Any) -> list[Mapping[str, Any]]:
    offered = checked_tools(tools)
    if offered is None:
        raise RequestError("no tools are offered: give at least one function")
    return [one["function"] for one in offered]


def _parameters(function: Mapping[str, Any]) -> dict[str, Any]:
    told = function.get("parameters") or {}
    return {
        "additionalProperties": False,
        **told,
        "type": "object",
        "properties": dict(told.get("properties") or {}),
        "required": list(told.get("required") or ()),
    }


def _fits(value: Any, schema: Mapping[str, Any]) -> bool:
    choices: Sequence[Any] | None = schema.get("enum")
    if choices is not None:
        return value in choices
    kind = _TYPES.get(str(schema.get("type")))
    number = kind in (int, (int, float))
    return kind is None or (isinstance(value, kind) and not (number and isinstance(value, bool)))
