"""Forms of answers that begin within the reasoning: whatever is thought, then what the form says.

Knows Lark as llguidance reads it, and the marker that ends the reasoning. Compiles nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from genloom.codec.chat.tool_grammar import WRITTEN
from genloom.errors import RequestError

_BETWEEN = r"/[ \n]{0,4}/"  # the reasoning and the answer


def behind_thought(end: str, options: Mapping[str, Any], special: bool = False) -> dict[str, Any]:
    """The options with a grammar in place of the schema, the regular expression or the call (a
    grammar that begins with its start) that is asked for. end: the marker of the reasoning's end;
    special: whether it is a token of its own, which no text spells."""
    asked = {k: v for k in ("schema", "regex", "grammar") if (v := options.get(k)) is not None}
    if not asked:
        return dict(options)
    if len(asked) > 1:
        raise RequestError(f"{' and '.join(asked)} are given: one form of the text is expected")
    ((name, given),) = asked.items()
    body = {"schema": _schema, "regex": _regex, "grammar": _call}[name](given)
    thought = f"/(.|\\n)*/ {end}" if special else "/(.|\\n)*/"
    mark = "" if special else f"[suffix={json.dumps(end)}]"
    text = f"start: thought {_BETWEEN} form\nthought{mark}: {thought}\nform: {body}\n"
    return {**{k: v for k, v in options.items() if k != name}, "grammar": text}


def _schema(given: Any) -> str:
    try:
        schema = json.loads(given) if isinstance(given, str) else given
    except ValueError:
        raise RequestError("schema is no JSON: give an object", param="schema") from None
    if isinstance(schema, Mapping):
        schema = {**schema, **WRITTEN}
    return f"%json {json.dumps(schema)}"


def _regex(given: Any) -> str:
    if not isinstance(given, str):
        raise RequestError("regex: a text is expected", param="regex")
    inner = given.removeprefix("^").replace("\n", r"\n")
    escaped = re.sub(r"(?<!\\)/", r"\/", inner)
    return f"/{escaped}/"


def _call(given: Any) -> str:
    if not isinstance(given, str) or not given.startswith("start: "):
        raise RequestError(
            "this model thinks before it answers: give a schema or a regular expression instead "
            "of a grammar",
            param="grammar",
        )
    return given.removeprefix("start: ").rstrip("\n")
