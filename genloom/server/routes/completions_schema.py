"""The body of /v1/completions: every documented field, and those of `extra_body`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from genloom.server.routes.chat_schema import StreamOptions
from genloom.server.routes.sampling import LONGEST, Drawn
from genloom.server.schema import Hinted

MOST_PROMPTS, MOST_SAMPLES, MOST_BEST, MOST_CHOICES = 128, 128, 20, 256
MOST_IDS = 1_000_000

Ids = Annotated[list[Annotated[int, Field(ge=0)]], Field(min_length=1, max_length=MOST_IDS)]
Texts = Annotated[list[str], Field(min_length=1, max_length=MOST_PROMPTS)]
Runs = Annotated[list[Ids], Field(min_length=1, max_length=MOST_PROMPTS)]


class CompletionBody(Drawn):
    """prompt: a text, several, a run of ids, or several."""

    model: str
    prompt: str | Texts | Ids | Runs | None = None
    suffix: str | None = None
    max_tokens: Annotated[int, Field(ge=0, le=LONGEST)] | None = None
    n: Annotated[int, Field(ge=1, le=MOST_SAMPLES)] | None = None
    best_of: Annotated[int, Field(ge=1, le=MOST_BEST)] | None = None
    echo: bool | None = None
    logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    user: Hinted[str] = None
