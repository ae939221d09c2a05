"""The body of /v1/chat/completions: every documented field, and those of `extra_body`.

Knows names, types and ranges; what a field does is `chat_asked`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from genloom.server.routes.sampling import LONGEST, Drawn
from genloom.server.schema import Asked, Hinted

MOST_SAMPLES, MOST_MESSAGES, MOST_TOOLS = 128, 4096, 128

Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.:-]{1,128}$")]
Key = Annotated[str, Field(max_length=64)]
Metadata = Annotated[dict[Key, Annotated[str, Field(max_length=512)]], Field(max_length=16)]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
Level = Literal["low", "medium", "high"]


class Part(Asked):
    """A part of a message's content; what is no text is in the field that its type names."""

    type: str
    text: str | None = None
    refusal: str | None = None
    image_url: Any = None
    input_audio: Any = None
    file: Any = None
    prompt_cache_breakpoint: Hinted[Any] = None


class CalledFunction(Asked):
    name: str
    arguments: str | dict[str, Any] = "{}"


class CalledCustom(Asked):
    name: str
    input: str = ""


class ToolCall(Asked):
    id: str | None = None
    type: Literal["function", "custom"] = "function"
    function: CalledFunction | None = None
    custom: CalledCustom | None = None
    index: int | None = None


class Message(Asked):
    role: Literal["developer", "system", "user", "assistant", "tool", "function"]
    content: str | list[Part] | None = None
    name: str | None = None
    refusal: str | None = None
    audio: Any = None
    tool_calls: Annotated[list[ToolCall], Field(max_length=MOST_TOOLS)] | None = None
    tool_call_id: str | None = None
    function_call: CalledFunction | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    annotations: Any = None


class Function(Asked):
    name: Name
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class CustomGrammar(Asked):
    definition: str
    syntax: Literal["lark", "regex"]


class CustomFormat(Asked):
    type: Literal["text", "grammar"] = "text"
    grammar: CustomGrammar | None = None


class Custom(Asked):
    name: Name
    description: str | None = None
    format: CustomFormat | None = None


class Tool(Asked):
    type: Literal["function", "custom"]
    function: Function | None = None
    custom: Custom | None = None


class Named(Asked):
    name: str


class AllowedTools(Asked):
    mode: Literal["auto", "required"]
    tools: Annotated[list[dict[str, Any]], Field(min_length=1, max_length=MOST_TOOLS)]


class ToolChoice(Asked):
    type: Literal["function", "custom", "allowed_tools"]
    function: Named | None = None
    custom: Named | None = None
    allowed_tools: AllowedTools | None = None


class JsonSchema(Asked):
    name: Annotated[str, Field(pattern=r"^[a-zA-Z0-9_.-]{1,64}$")]
    description: str | None = None
    schema_: dict[str, Any] | bool | None = Field(default=None, alias="schema")
    strict: bool | None = None


class ResponseFormat(Asked):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class StreamOptions(Asked):
    include_usage: bool | None = None
    include_obfuscation: bool | None = None


class ChatBody(Drawn):
    """What OpenAI's reference names, then `extra_body`."""

    model: str
    messages: Annotated[list[Message], Field(min_length=1, max_length=MOST_MESSAGES)]
    n: Annotated[int, Field(ge=1, le=MOST_SAMPLES)] | None = None
    max_completion_tokens: Annotated[int, Field(ge=1, le=LONGEST)] | None = None
    max_tokens: Annotated[int, Field(ge=1, le=LONGEST)] | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Field(ge=0, le=20)] | None = None
    response_format: ResponseFormat | None = None
    tools: Annotated[list[Tool], Field(max_length=MOST_TOOLS)] | None = None
    tool_choice: Literal["none", "auto", "required"] | ToolChoice | None = None
    functions: Annotated[list[Function], Field(max_length=MOST_TOOLS)] | None = None
    function_call: Literal["none", "auto"] | Named | None = None
    parallel_tool_calls: bool | None = None
    reasoning_effort: Effort | None = None
    verbosity: Level | None = None
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    store: bool | None = None
    metadata: Metadata | None = None
    service_tier: Literal["auto", "default", "flex", "scale", "priority", "fast"] | None = None
    # accepted, and change nothing here
    user: Hinted[str] = None
    safety_identifier: Hinted[str] = None
    prompt_cache_key: Hinted[str] = None
    prompt_cache_retention: Hinted[str] = None
    prompt_cache_options: Hinted[Any] = None
    # refused where they are asked for
    audio: Any = None
    modalities: list[str] | None = None
    prediction: Any = None
    moderation: Any = None
    web_search_options: Any = None
    # extra_body
    chat_template_kwargs: dict[str, Any] | None = None
