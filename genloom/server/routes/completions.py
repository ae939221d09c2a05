"""/v1/completions: texts that go on from prompts, whole or in chunks.

Joins the body, the engines and the answer. Prompt number i of a list has the seed and i.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from functools import partial
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from genloom.server.access import ForInference
from genloom.server.call import Call, Event
from genloom.server.caller import Caller
from genloom.server.failure import Failure
from genloom.server.merging import merged
from genloom.server.routes.completions_answer import Answer, TextChunks
from genloom.server.routes.completions_schema import MOST_CHOICES, CompletionBody
from genloom.server.routes.delivering import delivered
from genloom.server.routes.sampling import (
    LARGEST_SEED,
    beside,
    drawing,
    fingerprint,
    renamed,
    seed_of,
)
from genloom.server.schema import refused
from genloom.server.service import Here, Service
from genloom.server.sse import Pieces

Given = Mapping[str, Any]
NAMES = {"ids": "prompt", "texts": "prompt", "stop_ids": "stop_token_ids"}  # of the task's -> ours
USUAL = 16  # tokens, as the reference of this route has it

router = APIRouter()


@router.post("/v1/completions")
async def complete(
    body: CompletionBody,
    request: Request,
    service: Here,
    caller: ForInference,
) -> Response:
    """Texts that go on from the prompts."""
    return await delivered(request, Asking(body, service, caller), body.stream)


class Asking:
    """One request on its way."""

    def __init__(self, body: CompletionBody, service: Service, caller: Caller) -> None:
        self.body, self.service, self.caller = body, service, caller
        self.seed = seed_of(body)
        self.count = max(body.best_of or 1, body.n or 1)
        self.prompts = prompts_of(body)

    async def whole(self) -> dict[str, Any]:
        answer, starts = await self.begin()
        async with aclosing(merged(starts)) as events:
            async for prompt, event in events:
                answer.add(prompt, event)
        return answer.whole()

    async def chunks(self) -> Pieces:
        answer, starts = await self.begin()
        asked = self.body.stream_options
        chunks = TextChunks(answer, usage=asked is not None and asked.include_usage is True)
        async with aclosing(merged(starts)) as events:
            async for prompt, event in events:
                if piece := chunks.of(prompt, event):
                    yield piece
        yield chunks.last()

    async def begin(self) -> tuple[Answer, list[Callable[[], AsyncGenerator[Event, None]]]]:
        body = self.body
        self.check()
        about = await self.service.engines.about(body.model)
        if not about.get("texts"):
            why = f"the model {body.model!r} makes no texts: ask /v1/generate for what it makes"
            raise Failure(400, why, code="no_texts", param="model")
        check_ids(self.prompts, about)
        options = self.options(about)
        answer = Answer(
            body.model,
            fingerprint(about),
            self.seed,
            count=self.count,
            told=body.n or 1,
            logprobs=body.logprobs is not None,
        )
        of = self.read if body.echo and body.logprobs is not None else self.made
        asked = enumerate(self.prompts)
        return answer, [partial(of, n, prompt, options) for n, prompt in asked]

    def check(self) -> None:
        """Failure for combinations that make no sense or are not told."""
        body = self.body
        if body.best_of is not None and body.best_of < (body.n or 1):
            raise refused("best_of", f"n is {body.n}: at least as many are expected")
        if body.stream and self.count > (body.n or 1):
            raise refused("best_of", "which is best is known at the end: leave out stream")
        if len(self.prompts) * self.count > MOST_CHOICES:
            many = f"{len(self.prompts)} prompts times {self.count}"
            raise refused("n", f"{many} texts: at most {MOST_CHOICES} at once")
        if body.max_tokens == 0 and not (body.echo and body.logprobs is not None):
            raise refused("max_tokens", "at least one token is made, unless a prompt is read")

    def options(self, about: Mapping[str, Any]) -> dict[str, Any]:
        body = self.body
        out = {**drawing(body, about), "max_tokens": body.max_tokens or USUAL}
        if body.suffix is not None:
            out["suffix"] = body.suffix
        if body.logprobs is not None or self.count > (body.n or 1):
            out["logprobs"] = body.logprobs or 0
        return out

    def run(self, task: str, given: Mapping[str, Any]) -> AsyncGenerator[Event, None]:
        owner = self.caller.owner
        call = Call(model=self.body.model, task=task, given=given, owner=owner)
        events: Any = self.service.engines.run(call)
        return renamed(events, NAMES)

    def made(
        self, number: int, prompt: Given, options: Given, echo: bool | None = None
    ) -> AsyncGenerator[Event, None]:
        """What goes on from a prompt."""
        given = {
            **prompt,
            **beside(self.body),
            "seed": (self.seed + number) & LARGEST_SEED,
            "count": self.count,
            "echo": bool(self.body.echo) if echo is None else echo,
            "options": options,
        }
        return self.run("complete", given)

    async def read(self, number: int, prompt: Given, options: Given) -> AsyncGenerator[Event, None]:
        """The same behind the prompt itself with the log-probabilities of its tokens."""
        given = {"top": self.body.logprobs}
        given |= (
            {"ids": prompt["ids"]} if "ids" in prompt else {"texts": [prompt.get("prompt", "")]}
        )
        async with aclosing(self.run("score", given)) as reading:
            read = [event async for event in reading]
        (score,) = next(event.values["scores"] for event in read if event.kind == "values")
        for sample in range(self.count):
            yield prompt_read(sample, prompt, score)
        if self.body.max_tokens == 0:
            for sample in range(self.count):
                yield Event(kind="ended", values={"sample": sample, "finish": "length"})
            yield read[-1]
            return
        async with aclosing(self.made(number, prompt, options, echo=False)) as events:
            async for event in events:
                yield event


def prompt_read(sample: int, prompt: Given, score: Mapping[str, Any]) -> Event:
    """The prompt as the first piece of a text; nothing is known of what nothing is before."""
    told = score["chances"]
    spelt = b"".join(bytes(one["bytes"]) for one in told).decode("utf-8", "replace")
    text = prompt.get("prompt", spelt)
    if len(told) < len(score["ids"]):
        first = text[: len(text) - len(spelt)]
        told = [{"token": first, "logprob": None, "top": None}, *told]
    return Event(kind="text", values={"sample": sample, "text": text, "logprobs": told})


def prompts_of(body: CompletionBody) -> list[dict[str, Any]]:
    """Each as the task takes it: a text, ids, or nothing."""
    given = body.prompt
    if given is None:
        return [{}]
    if isinstance(given, str):
        return [{"prompt": given}]
    if isinstance(given[0], int):
        return [{"ids": given}]
    return [{"prompt": one} if isinstance(one, str) else {"ids": one} for one in given]


def check_ids(prompts: list[dict[str, Any]], about: Mapping[str, Any]) -> None:
    vocab = about.get("vocab") or 0
    for prompt in prompts:
        if max(prompt.get("ids") or (0,)) >= vocab:
            why = f"the ids of this model are 0 to {vocab - 1}"
            raise Failure(400, f"prompt: {why}", code="invalid_value", param="prompt")
