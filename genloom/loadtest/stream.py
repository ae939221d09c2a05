"""One request and what was seen of its stream: when pieces came, what they held, how it ended.

Knows server-sent events in OpenAI's shape for completions and chats.
"""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any

from genloom.loadtest.exchange import Broken, Client, Connection
from genloom.loadtest.load import Target

MOST_ERROR = 1 << 16


@dataclass
class Seen:
    """Moments are of time.perf_counter. due: when it was to be sent; came: of each piece that held
    something; tokens: as the server counted them, else the number of pieces."""

    due: float
    sent: float = 0.0
    ended: float = 0.0
    came: list[float] = field(default_factory=list)
    text: list[str] = field(default_factory=list)
    thought: list[str] = field(default_factory=list)  # the reasoning of a chat
    counted: int | None = None
    prompt_tokens: int | None = None
    finish: str | None = None
    error: str | None = None

    @property
    def tokens(self) -> int:
        return len(self.came) if self.counted is None else self.counted

    @property
    def ttft(self) -> float | None:
        return self.came[0] - self.sent if self.came else None

    @property
    def itl(self) -> float | None:
        """The mean time from a token to the next, of a stream of two tokens or more."""
        if len(self.came) < 2 or self.tokens < 2:
            return None
        return (self.came[-1] - self.came[0]) / (self.tokens - 1)

    @property
    def gaps(self) -> list[float]:
        return [b - a for a, b in zip(self.came, self.came[1:], strict=False)]

    @property
    def seconds(self) -> float:
        return self.ended - self.sent


async def take(client: Client, target: Target, prompt: str, seed: int, due: float) -> Seen:
    """Send one request and read it to its end. Whatever goes wrong is its `error`."""
    seen = Seen(due=due)
    body = json.dumps(target.body(prompt, seed)).encode()
    reading = _Reading(seen)
    seen.sent = time.perf_counter()
    try:
        async with asyncio.timeout(target.timeout):
            status = await client.ask("POST", target.path, body, reading.heard, watch=reading.watch)
        reading.end(status)
    except TimeoutError:
        seen.error = "timeout"
    except Broken:
        seen.error = "cut off"
    except OSError as error:
        seen.error = f"no connection ({type(error).__name__})"
    seen.ended = time.perf_counter()
    return seen


class _Reading:
    """Bytes of an answer as they come: events where it is a stream, else the words of an error."""

    def __init__(self, seen: Seen) -> None:
        self.seen, self.held, self.whole = seen, b"", False
        self.connection: Connection | None = None

    def watch(self, connection: Connection) -> None:
        self.connection, self.held = connection, b""

    def heard(self, data: bytes, now: float) -> None:
        self.held += data
        if self.connection is None or self.connection.status != 200:
            self.held = self.held[:MOST_ERROR]
            return
        *lines, self.held = self.held.split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                self._event(line[5:].strip(), now)

    def _event(self, data: bytes, now: float) -> None:
        if data == b"[DONE]":
            self.whole = True
            return
        try:
            told = json.loads(data)
            self._read(told, now)
        except (ValueError, AttributeError, TypeError, KeyError, IndexError):
            self.seen.error = "not an event"

    def _read(self, told: dict[str, Any], now: float) -> None:
        if told.get("error"):
            self.seen.error = name_of(told)
            return
        usage = told.get("usage")
        if usage:
            self.seen.counted = usage.get("completion_tokens")
            self.seen.prompt_tokens = usage.get("prompt_tokens")
        for choice in told.get("choices") or ():
            text, thought = text_of(choice)
            if text or thought:
                self.seen.came.append(now)
                self.seen.text.append(text)
                self.seen.thought.append(thought)
            self.seen.finish = choice.get("finish_reason") or self.seen.finish

    def end(self, status: int) -> None:
        """Say what is wrong with a whole answer, if something is."""
        if status != 200:
            self.seen.error = f"{status} {_code(self.held)}".strip()
        elif self.seen.error is None and not (self.whole or self.seen.finish):
            self.seen.error = "ended without a word"


def text_of(choice: dict[str, Any]) -> tuple[str, str]:
    """What a piece of a completion or of a chat says, and what it thinks; calls of tools are said,
    as their arguments."""
    delta = choice.get("delta")
    if delta is None:
        return choice.get("text") or "", ""
    said = delta.get("content") or ""
    for call in delta.get("tool_calls") or ():
        function = call.get("function") or {}
        said += (function.get("name") or "") + (function.get("arguments") or "")
    return said, delta.get("reasoning_content") or delta.get("reasoning") or ""


def name_of(told: dict[str, Any]) -> str:
    """A short name of an error in OpenAI's shape, or of what is near it."""
    error = told.get("error")
    if isinstance(error, dict):
        return str(error.get("code") or error.get("type") or "error")
    return "error"


def _code(body: bytes) -> str:
    try:
        told = json.loads(body)
    except ValueError:
        return ""
    return name_of(told) if isinstance(told, dict) else ""
