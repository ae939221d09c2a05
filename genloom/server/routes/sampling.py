"""How a text is drawn: the fields that chats and completions share, and their way into options.

Knows names and ranges, and which combinations make no sense; no prompt, message or answer.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Annotated, Any

from pydantic import Field

from genloom.server.call import Event
from genloom.server.failure import Failure
from genloom.server.schema import Asked, refused

MOST_STOPS, MOST_BIASES, MOST_STOP_CHARACTERS = 16, 1024, 512
LARGEST_SEED = (1 << 63) - 1
LONGEST = 1_000_000  # tokens

Stop = Annotated[str, Field(min_length=1, max_length=MOST_STOP_CHARACTERS)]
Bias = Annotated[float, Field(ge=-100, le=100)]
# Fields that have one name here and in the options of a request.
_SAME = (
    *("temperature", "top_p", "min_p", "repetition_penalty", "frequency_penalty"),
    *("presence_penalty", "min_tokens", "ignore_eos", "regex", "grammar"),
)


class Drawn(Asked):
    """top_k and what follows it are given as `extra_body` by clients of the official library."""

    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    frequency_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    presence_penalty: Annotated[float, Field(ge=-2, le=2)] | None = None
    logit_bias: Annotated[dict[str, Bias], Field(max_length=MOST_BIASES)] | None = None
    seed: Annotated[int, Field(ge=0, le=LARGEST_SEED)] | None = None
    stop: Stop | Annotated[list[Stop], Field(max_length=MOST_STOPS)] | None = None
    top_k: Annotated[int, Field(ge=-1, le=1_000_000_000)] | None = None
    min_p: Annotated[float, Field(ge=0, le=1)] | None = None
    repetition_penalty: Annotated[float, Field(ge=0.01, le=100)] | None = None
    min_tokens: Annotated[int, Field(ge=0, le=LONGEST)] | None = None
    ignore_eos: bool | None = None
    stop_token_ids: Annotated[list[Annotated[int, Field(ge=0)]], Field(max_length=64)] | None = None
    regex: str | None = None
    grammar: str | None = None
    adapter: Annotated[str, Field(max_length=200)] | None = None


def beside(body: Drawn) -> dict[str, str]:
    """The adapter that is to stand beside the model's weights, where one is asked for."""
    return {} if body.adapter is None else {"adapter": body.adapter}


def drawing(body: Drawn, about: Mapping[str, Any]) -> dict[str, Any]:
    """Options of a request, only what was asked for. Failure names the field that cannot be."""
    given = {name: getattr(body, name) for name in _SAME}
    given["top_k"] = body.top_k if (body.top_k or 0) > 0 else None
    given["stop"] = [body.stop] if isinstance(body.stop, str) else body.stop
    given["stop_ids"] = body.stop_token_ids
    given["logit_bias"] = body.logit_bias
    check_ids(body, about)
    shapes = [name for name in ("regex", "grammar") if given[name] is not None]
    if len(shapes) > 1:
        raise refused("grammar", "a regex is given, too: one form of the text is expected")
    return {name: value for name, value in given.items() if value not in (None, [], {})}


def check_ids(body: Drawn, about: Mapping[str, Any]) -> None:
    """Failure where an id is none of the model's."""
    vocab = about.get("vocab") or 0
    named = {"logit_bias": body.logit_bias or (), "stop_token_ids": body.stop_token_ids or ()}
    for field, ids in named.items():
        for one in ids:
            written = str(one)
            if not (written.isascii() and written.isdigit() and int(written[:11]) < vocab):
                raise Failure(
                    400,
                    f"{field} names {written[:40]!r}, but the ids of this model are "
                    f"0 to {vocab - 1}",
                    code="invalid_value",
                    param=field,
                )


async def renamed(
    events: AsyncGenerator[Event, None], names: Mapping[str, str]
) -> AsyncGenerator[Event, None]:
    """The same events; a failure names the field as this route's clients know it."""
    try:
        async with aclosing(events):
            async for event in events:
                yield event
    except Failure as failure:
        failure.param = names.get(failure.param or "", failure.param)
        raise


def seed_of(body: Drawn) -> int:
    """The seed that was asked for, or a new one, which the answer tells."""
    return secrets.randbelow(1 << 31) if body.seed is None else body.seed


def fingerprint(about: Mapping[str, Any]) -> str:
    """What answers with one seed depend on besides it: the weights."""
    return f"fp_{str(about['weights'])[:12]}"


def seed_header(seed: int) -> dict[str, str]:
    return {"x-genloom-seed": str(seed)}
