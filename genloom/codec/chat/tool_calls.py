"""What an assistant's text holds besides text: calls of tools and reasoning, found as it streams.

Knows the markers of published formats, chosen by what a model's template writes. Knows no model,
token or template language. What is malformed stays text and is flagged; nothing here fails.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Call:
    """A tool that the assistant wants called. id: what its result is to name, nine characters."""

    name: str
    arguments: dict[str, Any] = field(default_factory=dict)
    id: str = field(default="", compare=False)


@dataclass(frozen=True, kw_only=True)
class Delta:
    """What is new. malformed: a call that could not be read is in the content as it was."""

    content: str = ""
    reasoning: str = ""
    calls: tuple[Call, ...] = ()
    malformed: bool = False

    def __add__(self, other: Delta) -> Delta:
        return Delta(
            content=self.content + other.content,
            reasoning=self.reasoning + other.reasoning,
            calls=self.calls + other.calls,
            malformed=self.malformed or other.malformed,
        )


@dataclass(frozen=True, kw_only=True)
class Form:
    """How a family of models writes calls.

    begin, end  the markers around one; end None: up to the end of the text
    bare        a text that is JSON from its first letter on may be a call, too
    """

    name: str
    begin: str
    end: str | None
    bare: bool = False

    @property
    def markers(self) -> tuple[str, ...]:
        return (self.begin,) if self.end is None else (self.begin, self.end)


# The first whose `begin` stands in a template is the template's. Hermes's form is that of Qwen;
# Qwen3-Coder writes <function=...> between the same markers.
FORMS = (
    Form(name="nemotron", begin="<TOOLCALL>", end="</TOOLCALL>"),
    Form(name="mistral", begin="[TOOL_CALLS]", end=None),
    Form(name="hermes", begin="<tool_call>", end="</tool_call>"),
    Form(name="llama3", begin="<|python_tag|>", end=None, bare=True),
)
THOUGHTS = (("<think>", "</think>"), ("[THINK]", "[/THINK]"))


@dataclass(frozen=True, kw_only=True)
class Markup:
    """What one template's assistant writes: the form of calls and the markers of reasoning."""

    form: Form | None = None
    thought: tuple[str, str] | None = None

    @classmethod
    def of(cls, template: str) -> Markup:
        """By the markers that stand in the template."""
        form = next((form for form in FORMS if form.begin in template), None)
        if form is None and '"parameters"' in template and "<|start_header_id|>" in template:
            form = FORMS[-1]
        thought = next((t for t in THOUGHTS if t[1] in template), None)
        return cls(form=form, thought=thought)

    @property
    def markers(self) -> frozenset[str]:
        return frozenset((*(self.form.markers if self.form else ()), *(self.thought or ())))

    def begins_inside(self, prompt: str) -> bool:
        """Whether the prompt has opened the reasoning already."""
        return self.thought is not None and prompt.rstrip().endswith(self.thought[0])


class Parser:
    """Text in pieces, however cut; what it is, as soon as that is certain.

    tools: whether calls are looked for. inside: the text begins within the reasoning.
    """

    def __init__(self, markup: Markup, *, tools: bool = True, inside: bool = False) -> None:
        self.form = markup.form if tools else None
        self.thought = markup.thought
        self._rest = ""
        self._step: Callable[[], Delta | None] = self._content
        self._white: str | None = ""  # blanks not told yet: what follows them decides
        self._after = False  # a call or a thought went before
        self._calls = 0
        if inside and self.thought:
            self._enter(self._reasoning)

    def feed(self, text: str) -> Delta:
        """What the text so far makes certain, less what was told."""
        self._rest += text
        told = Delta()
        while (new := self._step()) is not None:
            told += new
        return told

    def finish(self) -> Delta:
        """The rest; what was begun and never ended is text."""
        told, rest, self._rest = self.feed(""), self._rest, ""
        if self._step == self._reasoning:
            return told + Delta(reasoning=rest.rstrip())
        if self._step == self._content:
            blanks = "" if self._after else self._white or ""
            said = self._say(rest).content
            return told + Delta(content=said or blanks)
        bare = self._step == self._bare
        return told + self._read(rest, "", bare)

    def _enter(self, step: Callable[[], Delta | None]) -> None:
        self._step, self._white = step, ""

    # --- a step: what is certain, or None where more text is needed

    def _content(self) -> Delta | None:
        if self._may_be_bare() and self._rest.lstrip().startswith("{"):
            self._enter(self._bare)
            return Delta()
        openers = [*(self.thought or ()), *([self.form.begin] if self.form else ())]
        place, marker = first_of(self._rest, openers)
        if marker:
            told = self._say(self._rest[:place])
            self._rest = self._rest[place + len(marker) :]
            inner = self._call if self.form and marker == self.form.begin else self._reasoning
            ends = self.thought is not None and marker == self.thought[1]  # it was never opened
            self._enter(self._content if ends else inner)
            self._after = True
            return told
        return self._up_to(len(self._rest) - held(self._rest, openers))

    def _may_be_bare(self) -> bool:
        """Nothing but blanks came yet, and JSON may be a call."""
        bare = self.form is not None and self.form.bare
        return bare and not self._after and self._white is not None

    def _up_to(self, size: int) -> Delta | None:
        if not size:
            return None
        told, self._rest = self._say(self._rest[:size]), self._rest[size:]
        return told

    def _say(self, text: str) -> Delta:
        """Content; blanks before it are kept only where nothing went before them."""
        if self._white is not None:
            self._white += text
            if not self._white.strip():
                return Delta()
            text = self._white.lstrip() if self._after else self._white
            self._white = None
        return Delta(content=text)

    def _reasoning(self) -> Delta | None:
        assert self.thought is not None
        end = self.thought[1]
        if self._white is not None:  # at its beginning
            self._rest = self._rest.lstrip()
            if self._rest:
                self._white = None
        place = self._rest.find(end)
        if place >= 0:
            told = Delta(reasoning=self._rest[:place].rstrip())
            self._rest = self._rest[place + len(end) :]
            self._after = True
            self._enter(self._content)
            return told
        certain = self._rest[: len(self._rest) - held(self._rest, [end])].rstrip()
        self._rest = self._rest[len(certain) :]
        return Delta(reasoning=certain) if certain else None

    def _call(self) -> Delta | None:
        assert self.form is not None
        end = self.form.end
        place = self._rest.find(end) if end else -1
        if end is None or place < 0:
            return None
        body, self._rest = self._rest[:place], self._rest[place + len(end) :]
        told = self._read(body, end)
        self._enter(self._content)
        if told.malformed:
            self._white = None  # it is text, and so is what follows
        return told

    def _bare(self) -> Delta | None:
        return None

    def _read(self, body: str, end: str, bare: bool = False) -> Delta:
        assert self.form is not None
        calls, rest = calls_in(body)
        if calls and not (rest and (end or bare)):
            return Delta(calls=tuple(map(self._numbered, calls)), content=rest)
        lead = "" if bare else self.form.begin
        odd = not bare or body.lstrip().startswith('{"name"')
        return Delta(content=f"{lead}{body}{end}", malformed=odd)

    def _numbered(self, call: Call) -> Call:
        """With an id: the same for the same call in the same place."""
        self._calls += 1
        known = f"{self._calls} {call.name} {sorted(call.arguments.items(), key=str)}"
        return replace(call, id=hashlib.sha256(known.encode("utf-8", "replace")).hexdigest()[:9])


def parse(text: str, markup: Markup, *, tools: bool = True, inside: bool = False) -> Delta:
    """A whole text at once. Reasoning that ends without having begun began with the text."""
    if markup.thought and not inside:
        begin, end = markup.thought
        inside = end in text and begin not in text[: text.index(end)]
    parser = Parser(markup, tools=tools, inside=inside)
    return parser.feed(text) + parser.finish()


def first_of(text: str, markers: Sequence[str]) -> tuple[int, str]:
    """Where the first of the markers stands, and which it is; "" where none does."""
    found = [(place, marker) for marker in markers if (place := text.find(marker)) >= 0]
    return min(found, key=lambda pair: (pair[0], -len(pair[1])), default=(-1, ""))


def held(text: str, markers: Sequence[str]) -> int:
    """Characters at the text's end that may be the beginning of a marker."""
    for size in range(min(len(text), max(map(len, markers), default=1) - 1), 0, -1):
        if any(len(m) > size and m.startswith(text[-size:]) for m in markers):
            return size
    return 0


# --- what stands between the markers ------------------------------------------------------------


def calls_in(body: str) -> tuple[list[Call], str]:
    """The calls at the beginning of a text and what follows them; none where it is malformed."""
    body = body.strip()
    if body.startswith("<function="):
        return _tagged(body)
    if "[ARGS]" in body:
        return _argued(body)
    calls: list[Call] = []
    while body:
        value, rest = _json(body)
        made = _made(value)
        if made is None:
            return (calls, body) if calls else ([], body)
        calls += made
        body = rest.lstrip(" \t\r\n;,")
    return calls, body


def _json(text: str) -> tuple[Any, str]:
    """A JSON value at the beginning of a text, and the rest; None where there is none."""
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return None, text
    return value, text[end:]


def _made(value: Any) -> list[Call] | None:
    """The calls that a JSON value stands for."""
    if isinstance(value, list):
        parts = [_made(one) for one in value]
        return None if None in parts or not parts else [c for part in parts for c in part or ()]
    if not isinstance(value, Mapping):
        return None
    if isinstance(value.get("function"), Mapping):
        value = value["function"]
    name, arguments = value.get("name"), value.get("arguments", value.get("parameters", {}))
    if isinstance(arguments, str):
        arguments, rest = _json(arguments.strip() or "{}")
        arguments = None if rest.strip() else arguments
    if not isinstance(name, str) or not name or not isinstance(arguments, Mapping):
        return None
    return [Call(name=name, arguments=dict(arguments))]


def _argued(body: str) -> tuple[list[Call], str]:
    """name[ARGS]{...}, one after another, an id of the call perhaps before [ARGS]."""
    calls: list[Call] = []
    while "[ARGS]" in body:
        head, _, tail = body.partition("[ARGS]")
        name = head.removeprefix("[TOOL_CALLS]").partition("[CALL_ID]")[0].strip()
        arguments, rest = _json(tail.lstrip())
        made = _made({"name": name, "arguments": arguments})
        if made is None:
            break
        calls += made
        body = rest.strip()
    return calls, body


def _tagged(body: str) -> tuple[list[Call], str]:
    """<function=name> <parameter=key> value </parameter> </function>, one after another."""
    calls: list[Call] = []
    while body.startswith("<function="):
        name, sign, inner = body.removeprefix("<function=").partition(">")
        inner, closed, rest = inner.partition("</function>")
        if not (sign and closed and name.strip()):
            break
        arguments = _parameters(inner)
        if arguments is None:
            break
        calls.append(Call(name=name.strip(), arguments=arguments))
        body = rest.strip()
    return calls, body


def _parameters(inner: str) -> dict[str, Any] | None:
    out: dict[str, Any] = {}
    inner = inner.strip()
    while inner:
        key, sign, tail = inner.removeprefix("<parameter=").partition(">")
        value, closed, rest = tail.partition("</parameter>")
        if not (inner.startswith("<parameter=") and sign and closed):
            return None
        text = value.removeprefix("\n").removesuffix("\n")
        told, after = _json(text.strip())
        whole = not after.strip() and not isinstance(told, str) and told is not None
        out[key.strip()] = told if whole else text
        inner = rest.strip()
    return out
