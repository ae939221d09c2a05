"""The words of a chat: its vocabulary, its template, and how ids are read back into turns.

`OwnWords` are those of a chat model that is trained here, the text codec's and a few control tokens
after them. `GivenWords` came with another model: a published tokenizer and its template. Knows no
file of conversations and no family.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any, Protocol

from tokenizers import AddedToken, Tokenizer

from genloom.codec.chat.conversation import Conversation
from genloom.codec.chat.rendering import Renderer, published
from genloom.codec.chat.templates import BEGIN, CONTROLS, END_OF_TURN, MARKERS, PLAIN, TEMPLATE
from genloom.codec.chat.tokens import ChatTokens
from genloom.codec.text.byte_pairs import END, PAD, BytePairs
from genloom.codec.text.codec import TextCodec
from genloom.codec.text.tokenizer import Policy, PublishedTokenizer
from genloom.errors import RequestError
from genloom.spec import TokenSpec


class Words(Protocol):
    """text: the codec of plain texts within."""

    text: TextCodec

    @property
    def spec(self) -> TokenSpec: ...

    @property
    def renderer(self) -> Renderer: ...

    def spelt(self, ids: Sequence[int]) -> str:
        """The text of ids, control tokens spelt out, an incomplete last character left out."""

    def talk(self, ids: list[int]) -> Conversation:
        """The conversation; an answer that is not ended yet stands alone as its text."""

    def given(self) -> PublishedTokenizer:
        """All of it as a published tokenizer: vocabulary, control tokens, template."""


class OwnWords:
    """Those of a model that is trained here. text: learnt, or about to be."""

    def __init__(self, text: TextCodec, template: str = TEMPLATE) -> None:
        self.text, self.template = text, template

    @property
    def spec(self) -> TokenSpec:
        base = len(self.text.pairs)
        return TokenSpec(
            vocab=base + len(CONTROLS) + len(MARKERS),
            length=self.text.length,
            bos=END,
            eos=END,
            pad=PAD,
            ends=(base + CONTROLS.index(END_OF_TURN),),
        )

    @cached_property
    def renderer(self) -> Renderer:
        tokens = ChatTokens(self.tokenizer(), self.spec.vocab, self.spelt)
        return Renderer(self.template, tokens, self.spec)

    def tokenizer(self) -> Tokenizer:
        pairs: Any = self.text.pairs  # ours, never a published model's
        made = Tokenizer.from_str(pairs.to_json())
        special = [AddedToken(name, special=True, normalized=False) for name in CONTROLS]
        made.add_special_tokens(special)
        made.add_tokens([AddedToken(name, normalized=False) for name in MARKERS])
        return made

    def spelt(self, ids: Sequence[int]) -> str:
        pairs: Any = self.text.pairs
        base, names = len(pairs), (*CONTROLS, *MARKERS)
        parts = []
        for one in ids:
            if 0 <= one < base:
                parts.append(pairs.pieces[one])
            elif one - base < len(names):
                parts.append(names[one - base].encode())
        return codecs.getincrementaldecoder("utf-8")("replace").decode(b"".join(parts))

    def talk(self, ids: list[int]) -> Conversation:
        begin, end = (len(self.text.pairs) + CONTROLS.index(c) for c in (BEGIN, END_OF_TURN))
        start = 1 if ids[:1] == [END] else 0
        ids = ids[start : ids.index(END, start) if END in ids[start:] else len(ids)]
        messages, rest, closed = [], ids, True
        while begin in rest:
            rest = rest[rest.index(begin) + 1 :]
            stops = [rest.index(sign) for sign in (begin, end) if sign in rest]
            stop = min(stops, default=len(rest))
            role, _, content = self.spelt(rest[:stop]).partition("\n")
            messages.append({"role": role, "content": content})
            closed, rest = stop < len(rest), rest[stop:]
        if not messages:
            return Conversation(self.spelt([i for i in rest if i != end]))
        if closed:
            return Conversation.of(messages)
        return Conversation(messages[-1]["content"], messages)

    def given(self) -> PublishedTokenizer:
        spec, made = self.spec, self.tokenizer()
        names = {"bos": spec.bos, "eos": spec.ends[0], "pad": spec.pad}
        policy = Policy(
            size=spec.vocab,
            bos=spec.bos,
            eos=END,
            pad=spec.pad,
            leads=spec.leads,
            ends=spec.ends,
            tokens={f"{key}_token": str(made.id_to_token(n)) for key, n in names.items()},
            template=self.template,
        )
        return PublishedTokenizer(made.to_str(), policy)


class GivenWords:
    """Those of another model. text: with a published tokenizer that has a template."""

    def __init__(self, text: TextCodec) -> None:
        self.text = text

    @classmethod
    def of(cls, text: TextCodec) -> GivenWords:
        """Of a model of texts: a template of plain words where it has none of its own, and the
        token that ends a turn among those that end an answer."""
        pairs = _named(text)
        if pairs.policy.template is None:
            pairs = PublishedTokenizer(pairs.text, replace(pairs.policy, template=PLAIN))
        made = cls(TextCodec.of(pairs, text.length))
        end = made._end_of_turn()
        if end is None or end in (pairs.policy.eos, *pairs.policy.ends):
            return made
        policy = replace(pairs.policy, ends=(*pairs.policy.ends, end))
        made.renderer.close()
        return cls(TextCodec.of(PublishedTokenizer(pairs.text, policy), text.length))

    @property
    def spec(self) -> TokenSpec:
        return self.text.spec

    @cached_property
    def renderer(self) -> Renderer:
        return published(self.given(), self.spec, name="the chat template")

    def given(self) -> PublishedTokenizer:
        pairs: Any = self.text.pairs
        told: PublishedTokenizer = pairs
        return told

    def spelt(self, ids: Sequence[int]) -> str:
        return self.given().decode(ids, special=True)

    def talk(self, ids: list[int]) -> Conversation:
        before, between = self._frame
        ids = ids[1:] if self.spec.leads and ids[:1] == [self.spec.bos] else ids
        place = _last(ids, between)
        if place is None:
            return Conversation(self.text.stable_prefix(self._upto_end(ids)))
        answer = self._upto_end(ids[place + len(between) :])
        said = {"role": "assistant", "content": self.text.stable_prefix(answer)}
        asked = ids[len(before) : place]
        if ids[: len(before)] != before or _last(asked, between) is not None:
            return Conversation(said["content"], [said])  # more went before than one question
        question = {"role": "user", "content": self.text.stable_prefix(asked)}
        closed = len(answer) < len(ids) - place - len(between)
        if closed:
            return Conversation.of([question, said])
        return Conversation(said["content"], [question, said])

    def _upto_end(self, ids: list[int]) -> list[int]:
        ends = {self.spec.eos, *self.spec.ends}
        return ids[: next((n for n, one in enumerate(ids) if one in ends), len(ids))]

    @cached_property
    def _frame(self) -> tuple[list[int], list[int]]:
        """Ids before a question, and between it and its answer."""
        first, second = (
            list(self.renderer.prompt([{"role": "user", "content": text}]).ids) for text in "ax"
        )
        return _shared(first, second), _shared(first[::-1], second[::-1])[::-1]

    def _end_of_turn(self) -> int | None:
        """The control token that the template writes after an answer."""
        asked = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
        done = self.renderer.weighted(asked)
        spoken = [one for one, weight in zip(done.ids, done.weights, strict=True) if weight]
        special = self.renderer.tokens.special
        return spoken[-1] if spoken and spoken[-1] in special else None


def _named(text: TextCodec) -> PublishedTokenizer:
    """The vocabulary of a text codec as a published tokenizer whose eos has a name."""
    pairs = text.pairs
    if isinstance(pairs, BytePairs):
        word = pairs.tokenizer.id_to_token
        policy = Policy(
            size=len(pairs),
            bos=END,
            eos=END,
            pad=PAD,
            leads=True,
            tokens={f"{k}_token": str(word(n)) for k, n in (("bos", END), ("eos", END))},
        )
        return PublishedTokenizer(pairs.to_json(), policy)
    policy = pairs.policy
    eos = pairs.tokenizer.id_to_token(policy.eos)
    if policy.template is None and policy.eos not in pairs.special:
        raise RequestError(
            f"this model has no chat template, and its end of text ({eos!r}) is no control token: "
            "start from a model that has a template"
        )
    tokens = {"eos_token": str(eos), **policy.tokens}
    return PublishedTokenizer(pairs.text, replace(policy, tokens=tokens))


def _shared(first: list[int], second: list[int]) -> list[int]:
    """What both begin with."""
    pairs = enumerate(zip(first, second, strict=False))
    return first[: next((n for n, (a, b) in pairs if a != b), min(len(first), len(second)))]


def _last(ids: Sequence[int], part: Sequence[int]) -> int | None:
    """Where `part` stands last in `ids`."""
    size = len(part)
    if not size:
        return None
    places = range(len(ids) - size, -1, -1)
    return next((n for n in places if ids[n] == part[0] and list(ids[n : n + size]) == part), None)
