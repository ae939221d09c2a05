"""What streams look like: events on a line each, with ids numbered, texts and numbers blanked, and
pieces of one text told once. `python transcripts.py URL MODEL PLAIN` writes the golden files anew.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

GOLDEN = Path(__file__).parent / "golden"
# What stands in a transcript as it is; every other text is blanked.
KEPT = frozenset(
    {
        *("type", "object", "role", "status", "finish_reason", "name", "tool_choice", "reason"),
        *("service_tier", "truncation", "arguments", "verbosity", "code"),
    }
)
ID = re.compile(r"(chatcmpl-|cmpl-|resp_|msg_|rs_|fc_|ctc_|call_|conv_|fp_)[0-9a-f]+")
WEATHER = {
    "type": "object",
    "properties": {"days": {"enum": [1]}},
    "required": ["days"],
    "additionalProperties": False,
}
FUNCTION = {"name": "weather", "parameters": WEATHER}
SAID = [{"role": "user", "content": "say a"}]
SHORT = {"temperature": 0, "seed": 1, "stream": True}


def bodies(model: str, plain: str) -> dict[str, tuple[str, dict[str, Any]]]:
    """Name of a transcript -> path and body."""
    chat = {"model": model, "messages": SAID, **SHORT, "max_tokens": 8}
    response = {"model": model, "input": "say a", **SHORT, "max_output_tokens": 200}
    tool = {"type": "function", "function": FUNCTION}
    schema = {"type": "json_schema", "name": "x", "schema": WEATHER}
    text = {"model": plain, "prompt": "the cat", **SHORT, "max_tokens": 4}
    usage = {"stream_options": {"include_usage": True}}
    chats, responses, completions = "chat/completions", "responses", "completions"
    calls = {"tools": [tool], "tool_choice": "required", "max_tokens": 200}
    flat = {"tools": [{"type": "function", **FUNCTION}], "tool_choice": "required"}
    return {
        "chat": (chats, {**chat, "max_tokens": 200}),
        "chat_usage": (chats, {**chat, **usage}),
        "chat_tool": (chats, {**chat, **calls}),
        "chat_logprobs": (chats, {**chat, "logprobs": True, "top_logprobs": 1, "max_tokens": 1}),
        "completion": (completions, text),
        "completion_usage": (completions, {**text, **usage}),
        "response": (responses, response),
        "response_short": (responses, {**response, "max_output_tokens": 1}),
        "response_json": (responses, {**response, "text": {"format": schema}}),
        "response_tool": (responses, {**response, **flat}),
        "response_background": (responses, {**response, "background": True}),
    }


def lines(url: str, path: str, body: Mapping[str, Any]) -> list[str]:
    """A transcript of what a server answers."""
    data = json.dumps(body).encode()
    asked = Request(f"{url}/v1/{path}", data, {"content-type": "application/json"})
    with urlopen(asked, timeout=60) as answer:
        told = answer.read().decode()
    return list(transcript(told))


def transcript(told: str) -> Iterator[str]:
    """Of a whole stream."""
    known: dict[str, str] = {}
    before = ""
    for block in told.split("\n\n"):
        if not block or block.startswith(":"):
            continue
        fields = dict(line.split(": ", 1) for line in block.split("\n"))
        name, data = fields.get("event", "-"), fields["data"]
        shown = data if data == "[DONE]" else shape(json.loads(data), known)
        line = f"{name} {shown}"
        if line != before:  # the pieces of one text
            yield line
        before = line


def shape(value: Any, known: dict[str, str]) -> str:
    return json.dumps(_blanked(value, known, ""), sort_keys=True)


def _blanked(value: Any, known: dict[str, str], key: str) -> Any:
    if isinstance(value, Mapping):
        if key == "top_logprobs" and "token" not in value:
            return "..."
        return {name: _blanked(one, known, name) for name, one in value.items()}
    if isinstance(value, list):
        some = [_blanked(one, known, key) for one in value]
        return ["..."] if key in ("bytes",) else some
    if isinstance(value, str):
        found = ID.fullmatch(value)
        if found:
            many = sum(one.startswith(found[1]) for one in known.values()) + 1
            return known.setdefault(value, f"{found[1]}{many}")
        return value if key in KEPT else "..." if value else ""
    if isinstance(value, bool) or value is None or key.endswith("index"):
        return value
    return "#"


def written(name: str, found: Iterable[str]) -> None:
    (GOLDEN / f"{name}.txt").write_text("\n".join(found) + "\n", encoding="utf-8")


def kept(name: str) -> list[str]:
    return (GOLDEN / f"{name}.txt").read_text(encoding="utf-8").splitlines()


if __name__ == "__main__":
    for one, (where, asked) in bodies(*sys.argv[2:4]).items():
        written(one, lines(sys.argv[1], where, asked))
