"""Conversations -> ids by a model's own template: one renderer for training and for serving.

Joins messages, template and tokens; says which ids are the assistant's, and reads an answer back
into content, reasoning and calls. Knows no file of conversations, engine or screen.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from tokenizers import Tokenizer

from genloom.codec.chat.messages import Message, checked, checked_tools, plain
from genloom.codec.chat.template import NONCHARACTERS, Template
from genloom.codec.chat.tokens import ChatTokens, Shield, texts_in, walked
from genloom.codec.chat.tool_calls import Delta, Markup, Parser
from genloom.codec.text.tokenizer import PublishedTokenizer
from genloom.errors import OVER_CONTEXT, ModelError, RequestError
from genloom.spec import TokenSpec

_GENERATION = re.compile(r"\{%-?\+?\s*generation\s*[-+]?%\}")
_WITH_TOOLS = "tool_use"  # the name of the template that some models have for them
_SPEAKS = "assistant"
_NONCHARACTER = re.compile(r"[\ufdd0-\ufdef]|\\ufd[de]")
_OTHERS = frozenset({"user", "tool"})  # roles whose texts the model's maker did not write


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A conversation up to where the assistant is to speak. ids: without a bos that the spec puts
    before them anyway. inside: the template has opened the reasoning. tools: some were offered."""

    ids: tuple[int, ...]
    inside: bool = False
    tools: bool = False


@dataclass(frozen=True, kw_only=True)
class _Rendered:
    """text: with `shield` before what is no control token. spans: of the text, the assistant's.
    lost: turns whose place in the text cannot be told. inside: it ends within reasoning."""

    text: str
    shield: str
    spans: tuple[tuple[int, int], ...] = ()
    lost: int = 0
    inside: bool = False


@dataclass(frozen=True, kw_only=True)
class Weighted:
    """A whole conversation: ids, and of each how much it counts as a target. lost: turns of the
    assistant that are no target, because the template writes them anew once others follow."""

    ids: list[int]
    weights: list[float]
    lost: int = 0


class Renderer:
    """A template and a tokenizer at work.

    template  the Jinja text; others: further templates by name ("tool_use" is taken for tools)
    names     bos_token, eos_token ... as templates know them
    """

    def __init__(
        self,
        template: str,
        tokens: ChatTokens,
        spec: TokenSpec,
        *,
        names: Mapping[str, str] | None = None,
        others: Mapping[str, str] | None = None,
        name: str = "the chat template",
    ) -> None:
        self.tokens, self.spec, self.name = tokens, spec, name
        self.names = dict(names or {})
        self.markup = Markup.of(template + "".join((others or {}).values()))
        self.template = Template(template, name=name)
        able = (others or {}).get(_WITH_TOOLS)
        self.with_tools = self.template if able is None else Template(able, name=name)
        self._shields = tokens.controls(template + (able or ""))

    def close(self) -> None:
        """End the processes that templates run in; rendering starts them again."""
        self.template.close()
        self.with_tools.close()

    # --- serving --------------------------------------------------------------------------------

    def text(
        self,
        messages: Any,
        *,
        tools: Any = None,
        reply: bool = True,
        variables: Mapping[str, Any] | None = None,
    ) -> str:
        """What the template writes. reply: up to where the assistant is to speak. variables: what
        the template itself knows, such as enable_thinking."""
        rendered = self._rendered(checked(messages), checked_tools(tools), reply, variables or {})
        return _without(rendered)

    def prompt(
        self,
        messages: Any,
        *,
        tools: Any = None,
        variables: Mapping[str, Any] | None = None,
        goes_on: bool = False,
    ) -> Prompt:
        """Ids for `Request.ids`. goes_on: the last message is an answer that was cut, and what
        follows is the rest of it. RequestError where they are over the context."""
        offered, said = checked_tools(tools), checked(messages)
        begun = _begun(said) if goes_on else None
        rendered = self._rendered(said, offered, True, variables or {}, begun=begun)
        ids = self.tokens.encode(rendered.text, rendered.shield).ids
        if self.spec.leads and ids[:1] == [self.spec.bos]:
            del ids[0]
        most = self.spec.length - 1
        if len(ids) > most:
            raise RequestError(
                f"the conversation has {len(ids)} tokens, but at most {most} fit into the context "
                f"of this model ({self.spec.length}): shorten it or begin anew",
                param="messages",
                code=OVER_CONTEXT,
            )
        inside = self.markup.begins_inside(_without(rendered)) or rendered.inside
        return Prompt(ids=tuple(ids), inside=inside, tools=offered is not None)

    def answer(self, prompt: Prompt) -> Answer:
        """A reader of the answer to this prompt."""
        return Answer(self, prompt)

    # --- training -------------------------------------------------------------------------------

    def weighted(self, messages: Any, *, tools: Any = None) -> Weighted:
        """Ids of a whole conversation and their weights: 1 where the assistant speaks, its end of
        turn included. ModelError where the template does not let them be told apart."""
        rendered = self._spoken(checked(messages), checked_tools(tools))
        piece = self.tokens.encode(rendered.text, rendered.shield)
        begins = [begin for begin, _ in rendered.spans]
        weights = []
        for start in piece.starts:
            place = bisect_right(begins, start) - 1
            weights.append(float(place >= 0 and start < rendered.spans[place][1]))
        ids, lead = piece.ids, int(self.spec.leads and piece.ids[:1] == [self.spec.bos])
        return Weighted(ids=ids[lead:], weights=weights[lead:], lost=rendered.lost)

    def _spoken(self, messages: list[Message], tools: list[dict[str, Any]] | None) -> _Rendered:
        template = self.template if tools is None else self.with_tools
        if _GENERATION.search(template.text):
            return self._rendered(messages, tools, False, {}, marked=True)
        return self._by_prefixes(messages, tools)

    def _by_prefixes(
        self, messages: list[Message], tools: list[dict[str, Any]] | None
    ) -> _Rendered:
        """A turn is what is added between the prompt for it and the rendering that ends in it."""
        whole = self._rendered(messages, tools, False, {})
        taken = self._free(messages, tools)
        spans, anew = [], []
        for n, message in enumerate(messages):
            if message["role"] != _SPEAKS or not n:  # a turn that nobody asked for
                continue
            before = self._filled(messages[:n], tools, True, {}, taken)
            upto = self._filled(messages[: n + 1], tools, False, {}, taken)
            if whole.text.startswith(upto) and upto.startswith(before):
                end = len(before) + len(self._turn(upto[len(before) :]))
                spans.append((len(before), end))
            else:
                anew.append(n)
        spans += self._by_marks(messages, tools, anew, taken, whole.text) if anew else []
        told = sum(m["role"] == _SPEAKS for m in messages[1:])
        if anew and not spans:
            raise ModelError(
                f"{self.name} writes message {anew[0] + 1} in another way once others follow, so "
                "that its tokens cannot be told: mark them with {% generation %} in it"
            )
        return replace(whole, spans=tuple(sorted(spans)), lost=told - len(spans))

    def _by_marks(
        self,
        messages: list[Message],
        tools: list[dict[str, Any]] | None,
        numbers: list[int],
        free: tuple[str, str, str],
        whole: str,
    ) -> list[tuple[int, int]]:
        """Turns that are written anew, by marks around their contents; what else they said once
        (reasoning, calls) is not in the text any more, and such turns are left out."""
        plain = frozenset(
            n for n in numbers if not {"reasoning_content", "tool_calls"} & set(messages[n])
        )
        marked = self._filled(messages, tools, False, {}, free, plain)
        text, spans = _unmarked(marked, free[1], free[2])
        if text != whole:
            return []
        # a blank before the content belongs to its first token
        return [(b - (text[b - 1 : b] == " "), self._closed(text, e)) for b, e in spans]

    def _closed(self, text: str, end: int) -> int:
        """Where a turn ends whose content ends at `end`: after the control token that follows."""
        for token in self.tokens.special.values():
            if text.startswith(token, end):
                return end + len(token)
        return end

    def _turn(self, text: str) -> str:
        """Without blanks after the control token that ends it."""
        bare = text.rstrip()
        ends = bare.endswith(tuple(self.tokens.special.values()))
        return bare if ends else text

    # --- the template ---------------------------------------------------------------------------

    def _rendered(
        self,
        messages: list[Message],
        tools: list[dict[str, Any]] | None,
        reply: bool,
        variables: Mapping[str, Any],
        marked: bool = False,
        begun: Message | None = None,
    ) -> _Rendered:
        free = self._free(messages if begun is None else [*messages, begun], tools)
        text = self._filled(messages, tools, reply, variables, free)
        text, spans = _unmarked(text, free[1], free[2])
        made = _Rendered(text=text, shield=free[0], spans=spans if marked else ())
        return made if begun is None else self._with(made, self._shielded(begun, free))

    def _with(self, rendered: _Rendered, begun: Message) -> _Rendered:
        """With the beginning of the answer behind it, as the model wrote it."""
        content, thought = begun["content"], begun.get("reasoning_content")
        marks = self.markup.thought
        if not thought or marks is None:
            return replace(rendered, text=rendered.text + content)
        opened = "" if self.markup.begins_inside(_without(rendered)) else marks[0]
        closed = f"{marks[1]}{content}" if content else ""
        return replace(
            rendered, text=f"{rendered.text}{opened}{thought}{closed}", inside=not content
        )

    def _free(self, messages: list[Message], tools: Any) -> tuple[str, str, str]:
        """Three characters that stand nowhere: the shield and both marks of a span."""
        texts = [t for t in texts_in([messages, tools]) if _NONCHARACTER.search(t)]
        free = [c for c in NONCHARACTERS if not any(c in t or _escaped(c) in t for t in texts)]
        if len(free) < 3:
            raise RequestError("the messages hold every noncharacter of Unicode: leave them out")
        return free[0], free[1], free[2]

    def _filled(
        self,
        messages: list[Message],
        tools: list[dict[str, Any]] | None,
        reply: bool,
        variables: Mapping[str, Any],
        free: tuple[str, str, str],
        marked: frozenset[int] = frozenset(),
    ) -> str:
        """marked: numbers of messages whose contents are put between the two marks."""
        shield = free[0]
        template = self.template if tools is None else self.with_tools
        values = {
            **self.names,
            **walked(
                plain(variables, "the template's variables"),
                lambda text: self._shields[1](text, shield),
            ),
            "messages": [self._shielded(m, free, n in marked) for n, m in enumerate(messages)],
            "tools": walked(tools, lambda text: self._shields[0](text, shield)),
            "documents": None,
            "add_generation_prompt": reply,
        }
        text = template.render(values, (free[1], free[2]))
        return text.replace(_escaped(shield), shield)

    def _shielded(
        self, message: Message, free: tuple[str, str, str], marked: bool = False
    ) -> Message:
        shield = free[0]
        own: Shield = self._shields[message["role"] in _OTHERS]
        inner = {k: v for k, v in message.items() if k != "role"}
        if "reasoning_content" in inner:
            inner["thinking"] = inner["reasoning_content"]  # as some templates call it
        out = {"role": message["role"], **walked(inner, lambda text: own(text, shield))}
        return _marked(out, free) if marked else out

    @cached_property
    def kept(self) -> frozenset[str]:
        """Special tokens that mean something within an answer."""
        return self.markup.markers | {"[ARGS]", "[CALL_ID]"}


class Answer:
    """An answer as it grows: all its ids so far in, what is new of it out."""

    def __init__(self, renderer: Renderer, prompt: Prompt) -> None:
        self.renderer = renderer
        self.parser = Parser(renderer.markup, tools=prompt.tools, inside=prompt.inside)
        self.told = 0  # characters
        self.whole = Delta()

    def feed(self, ids: Sequence[int]) -> Delta:
        """What `ids`, all that were generated so far, add."""
        text = self.renderer.tokens.shown(ids, self.renderer.kept)
        new, self.told = text[self.told :], max(self.told, len(text))
        return self._add(self.parser.feed(new))

    def finish(self) -> Delta:
        """What was held back."""
        return self._add(self.parser.finish())

    def _add(self, delta: Delta) -> Delta:
        self.whole += delta
        return delta

    def message(self) -> Message:
        """The turn, as it goes into the conversation."""
        whole = self.whole
        out: Message = {"role": "assistant", "content": whole.content}
        if whole.reasoning:
            out["reasoning_content"] = whole.reasoning
        if whole.calls:
            out["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in whole.calls
            ]
        return out


def _begun(messages: list[Message]) -> Message:
    """The last message, taken away."""
    last = messages.pop()
    if last["role"] != _SPEAKS or last.get("tool_calls") or not messages:
        raise RequestError("there is no answer to go on with: the last message is none")
    return last


def _marked(message: Message, free: tuple[str, str, str]) -> Message:
    """With its content between marks, blanks around it left outside."""
    content: str = message["content"]
    core = content.strip()
    begin = content.index(core)
    end = begin + len(core)
    return {**message, "content": content[:begin] + free[1] + core + free[2] + content[end:]}


def _escaped(character: str) -> str:
    """As JSON may write it."""
    return f"\\u{ord(character):04x}"


def _without(rendered: _Rendered) -> str:
    return rendered.text.replace(rendered.shield, "")


def _unmarked(text: str, begin: str, end: str) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The text without marks, and what stood between them."""
    parts, spans, place, open_ = [], [], 0, -1
    for part in re.split(f"([{begin}{end}])", text):
        if part == begin:
            open_ = place
        elif part == end:
            spans.append((open_, place))
        else:
            parts.append(part)
            place += len(part)
    return "".join(parts), tuple(spans)


def of(model: Any) -> Renderer:
    """The renderer of a model: of a codec made for chat, or of the template that an imported model
    came with. RequestError where there is none."""
    codec = model.codec
    if hasattr(codec, "renderer"):
        made: Renderer = codec.renderer
        return made
    pairs: Any = getattr(codec, "pairs", None)
    policy = getattr(pairs, "policy", None)
    if policy is None or policy.template is None:
        raise RequestError(
            f"model {model.recipe.name!r} has no chat template: continue texts with  genloom "
            "generate, or train one with  genloom train chat"
        )
    return published(pairs, codec.spec, name=f"the chat template of {model.recipe.name}")


def published(pairs: PublishedTokenizer, spec: TokenSpec, *, name: str) -> Renderer:
    """The renderer of a published tokenizer that came with a chat template."""
    policy = pairs.policy
    assert policy.template is not None
    tokenizer = Tokenizer.from_str(pairs.text)
    tokenizer.no_truncation()
    tokenizer.no_padding()
    tokens = ChatTokens(tokenizer, policy.size, lambda ids: pairs.decode(ids, special=True))
    return Renderer(
        policy.template, tokens, spec, names=policy.tokens, others=policy.templates, name=name
    )
