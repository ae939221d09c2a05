"""What a completion's events add up to: texts with their log-probabilities, whole or in chunks.

Knows the events of the `complete` task and the object `text_completion`; no body and no engine.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from json.encoder import encode_basestring_ascii as quoted
from typing import Any

from genloom.server.call import Event
from genloom.server.routes.chat_answer import new_id
from genloom.server.sse import DONE, event, written

PIECE, ENDED = "text", "ended"  # kinds of events


@dataclass(kw_only=True)
class Text:
    """One sample so far. length: characters before what comes next."""

    parts: list[str] = field(default_factory=list)
    chances: list[Mapping[str, Any]] = field(default_factory=list)
    length: int = 0
    made: int = 0  # tokens
    finish: str | None = None

    def add(self, values: Mapping[str, Any]) -> int:
        """Take a piece; where its text begins."""
        begin, text = self.length, values.get("text") or ""
        self.parts.append(text)
        self.length += len(text)
        self.chances += values.get("logprobs") or ()
        return begin

    @property
    def mean(self) -> float:
        """Of the log-probabilities of its tokens."""
        told = [one["logprob"] for one in self.chances if one["logprob"] is not None]
        return sum(told) / len(told) if told else float("-inf")


class Answer:
    """All samples of all prompts. count: samples of a prompt; told: how many of the best of them
    are; logprobs: whether they are told."""

    def __init__(
        self, model: str, fingerprint: str, seed: int, *, count: int, told: int, logprobs: bool
    ) -> None:
        self.count, self.told, self.logprobs = count, told, logprobs
        self.texts: dict[tuple[int, int], Text] = {}
        self.usages: dict[int, Mapping[str, int]] = {}
        self.base = {
            "id": new_id("cmpl-"),
            "object": "text_completion",
            "created": int(time.time()),
            "model": model,
            "system_fingerprint": fingerprint,
        }
        self.seed = seed

    def add(self, prompt: int, event: Event) -> tuple[Text, int]:
        """Take an event; the sample that it tells of, and where its piece begins."""
        if event.kind == "done":
            self.usages[prompt] = event.values["usage"]
            return Text(), 0
        text = self.texts.setdefault((prompt, event.values["sample"]), Text())
        if event.kind == ENDED:
            text.finish, text.made = event.values["finish"], event.values.get("tokens", 0)
        return text, text.add(event.values) if event.kind == PIECE else text.length

    def usage(self) -> dict[str, Any]:
        def total(name: str) -> int:
            return sum(usage.get(name, 0) for usage in self.usages.values())

        asked, made = total("prompt_tokens"), total("completion_tokens")
        return {
            "prompt_tokens": asked,
            "completion_tokens": made,
            "total_tokens": asked + made,
            "prompt_tokens_details": {"cached_tokens": total("cached_tokens")},
        }

    def whole(self) -> dict[str, Any]:
        """The answer, the best samples of each prompt first where more were made than are told."""
        choices = []
        for prompt in range(1 + max((p for p, _ in self.texts), default=-1)):
            texts = [t for (p, _), t in sorted(self.texts.items()) if p == prompt]
            if self.told < self.count:
                texts = sorted(texts, key=lambda text: -text.mean)[: self.told]
            choices += [self._choice(text) for text in texts]
        numbered = [{"index": n, **choice} for n, choice in enumerate(choices)]
        return {**self.base, "choices": numbered, "usage": self.usage(), "seed": self.seed}

    def _choice(self, text: Text) -> dict[str, Any]:
        before = text.length - sum(len(one["token"]) for one in text.chances)
        told = chances(text.chances, max(0, before)) if self.logprobs else None
        return {"text": "".join(text.parts), "logprobs": told, "finish_reason": text.finish}


class TextChunks:
    """The chunks of a streamed completion; a piece of text costs microseconds."""

    def __init__(self, answer: Answer, *, usage: bool = False) -> None:
        self.answer, self.usage = answer, usage
        self._begin = f'data: {written(answer.base)[:-1]},"choices":[{{"index":'
        self._end = '],"usage":null}\n\n' if usage else "]}\n\n"

    def of(self, prompt: int, event: Event) -> bytes:
        text, begin = self.answer.add(prompt, event)
        if event.kind not in (PIECE, ENDED):
            return b""
        number = prompt * self.answer.count + event.values["sample"]
        if event.kind == ENDED:
            return self._chunk(number, "", "null", f'"{text.finish}"')
        some = event.values.get("logprobs") if self.answer.logprobs else None
        told = "null" if not some else written(chances(some, begin))
        return self._chunk(number, event.values["text"], told, "null")

    def _chunk(self, number: int, text: str, told: str, finish: str) -> bytes:
        body = f'"text":{quoted(text)},"logprobs":{told},"finish_reason":{finish}'
        return f"{self._begin}{number},{body}}}{self._end}".encode()

    def last(self) -> bytes:
        if not self.usage:
            return DONE
        return event({**self.answer.base, "choices": [], "usage": self.answer.usage()}) + DONE


def _top(one: Mapping[str, Any]) -> dict[str, float] | None:
    """Of tokens that are spelt alike the likeliest counts."""
    if one["top"] is None:
        return None
    return {other["token"]: other["logprob"] for other in reversed(one["top"])}


def chances(some: Sequence[Mapping[str, Any]], begin: int) -> dict[str, Any]:
    """As this route tells them: parallel lists, places counted in characters."""
    offsets, at = [], begin
    for one in some:
        offsets.append(at)
        at += len(one["token"])
    return {
        "tokens": [one["token"] for one in some],
        "token_logprobs": [one["logprob"] for one in some],
        "top_logprobs": [_top(one) for one in some],
        "text_offset": offsets,
    }
