"""The bodies of /v1/responses: every documented field, and those of `extra_body`.

Knows names, types and ranges; what a field does is `responses_asked`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from genloom.server.routes.chat_schema import (
    MOST_MESSAGES,
    MOST_TOOLS,
    Effort,
    Level,
    Metadata,
    Name,
    Part,
)
from genloom.server.routes.sampling import LONGEST, Drawn
from genloom.server.schema import Asked, Hinted

Choice = Literal["none", "auto", "required"]
Truncation = Literal["auto", "disabled"]


class Content(Part):
    """A part of an item, as clients send it and as they got it."""

    annotations: Any = None
    logprobs: Any = None
    image_url: Any = None
    file_id: Any = None
    detail: Any = None


class Item(Asked):
    """One thing that was said, called or found; its type says which of the fields it has."""

    type: str | None = None
    id: Annotated[str, Field(max_length=128)] | None = None
    status: Literal["in_progress", "completed", "incomplete"] | None = None
    role: Literal["user", "assistant", "system", "developer"] | None = None
    content: str | list[Content] | None = None
    phase: Hinted[str] = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    output: str | list[Content] | None = None
    summary: list[Content] | None = None
    encrypted_content: Hinted[str] = None
    namespace: Hinted[str] = None
    caller: Any = None


class ResponseTool(Asked):
    type: str
    name: Name | None = None
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None
    format: dict[str, Any] | None = None


class ResponseChoice(Asked):
    type: str
    name: str | None = None
    mode: Literal["auto", "required"] | None = None
    tools: Annotated[list[dict[str, Any]], Field(max_length=MOST_TOOLS)] | None = None


class TextFormat(Asked):
    type: Literal["text", "json_object", "json_schema"] = "text"
    name: str | None = None
    description: str | None = None
    schema_: dict[str, Any] | bool | None = Field(default=None, alias="schema")
    strict: bool | None = None


class TextConfig(Asked):
    format: TextFormat | None = None
    verbosity: Level | None = None


class Reasoning(Asked):
    effort: Effort | None = None
    summary: Literal["auto", "concise", "detailed"] | None = None
    generate_summary: Literal["auto", "concise", "detailed"] | None = None
    context: Literal["auto", "current_turn", "all_turns"] | None = None
    mode: str | None = None


class Conversation(Asked):
    id: str


class StreamOptions(Asked):
    include_obfuscation: Hinted[bool] = None


Input = str | Annotated[list[Item], Field(max_length=MOST_MESSAGES)]
Tools = Annotated[list[ResponseTool], Field(max_length=MOST_TOOLS)]


class Said(Asked):
    """What a response goes on from: its own body and that of counting its tokens share it."""

    input: Input | None = None
    instructions: str | None = None
    previous_response_id: str | None = None
    conversation: str | Conversation | None = None
    tools: Tools | None = None
    tool_choice: Choice | ResponseChoice | None = None
    parallel_tool_calls: bool | None = None
    reasoning: Reasoning | None = None
    text: TextConfig | None = None
    truncation: Truncation | None = None


class CountBody(Said):
    model: str
    personality: Hinted[Any] = None


class ResponseBody(Said, Drawn):
    model: str
    max_output_tokens: Annotated[int, Field(ge=1, le=LONGEST)] | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    include: list[str] | None = None
    metadata: Metadata | None = None
    store: bool | None = None
    background: bool | None = None
    stream: bool | None = None
    stream_options: Hinted[StreamOptions] = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = None
    # accepted, and change nothing here
    max_tool_calls: Annotated[int, Field(ge=1)] | None = None
    user: Hinted[str] = None
    safety_identifier: Hinted[str] = None
    prompt_cache_key: Hinted[str] = None
    prompt_cache_retention: Hinted[str] = None
    prompt_cache_options: Hinted[Any] = None
    image: Hinted[Any] = None
    # refused where they are asked for
    prompt: Any = None
    moderation: Any = None
    context_management: Any = None
    background_options: Any = None
    access_programs: Any = None
    # extra_body
    chat_template_kwargs: dict[str, Any] | None = None
