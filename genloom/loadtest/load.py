"""What is asked of a server and how often, as a value. Knows no clock and no socket."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from genloom.errors import UsageError

Endpoint = Literal["completions", "chat"]
# endpoint -> its path, and how a body holds a prompt
ENDPOINTS: dict[str, tuple[str, Callable[[str], dict[str, Any]]]] = {
    "completions": ("/completions", lambda prompt: {"prompt": prompt}),
    "chat": (
        "/chat/completions",
        lambda prompt: {"messages": [{"role": "user", "content": prompt}]},
    ),
}
VERSION = "/v1"


@dataclass(frozen=True, kw_only=True)
class Target:
    """A server and what is asked of it. url: with or without /v1; extra: more fields of a body."""

    url: str
    model: str
    key: str | None = None
    endpoint: Endpoint = "completions"
    max_tokens: int = 64
    temperature: float = 0.0
    ignore_eos: bool = False
    timeout: float = 120.0
    extra: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"{self.url!r} is no address: give one such as http://127.0.0.1:8000")
        if self.endpoint not in ENDPOINTS:
            raise UsageError(f"no endpoint {self.endpoint!r}: {' or '.join(ENDPOINTS)}")
        if self.max_tokens < 1 or self.timeout <= 0:
            raise UsageError("max_tokens is at least 1, and the timeout above 0 seconds")

    @property
    def base(self) -> str:
        """The path before an endpoint's own, such as /v1."""
        path = urlsplit(self.url).path.rstrip("/")
        return path if path.endswith(VERSION) else path + VERSION

    @property
    def path(self) -> str:
        return self.base + ENDPOINTS[self.endpoint][0]

    def body(self, prompt: str, seed: int) -> dict[str, Any]:
        """A request for a stream, its usage told at the end."""
        asked: dict[str, Any] = {
            "model": self.model,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "seed": seed,
            "stream": True,
            "stream_options": {"include_usage": True},
            **self.extra,
            **ENDPOINTS[self.endpoint][1](prompt),
        }
        return {**asked, "ignore_eos": True} if self.ignore_eos else asked


@dataclass(frozen=True, kw_only=True)
class Load:
    """rate: requests a second, Poisson; or concurrency: so many at all times. Measured for
    `seconds` after `warmup` seconds of the same. most: open at once, past which arrivals are
    counted as not sent. ttft, itl: the targets of goodput in seconds."""

    rate: float | None = None
    concurrency: int | None = None
    seconds: float = 30.0
    warmup: float = 3.0
    seed: int = 0
    most: int = 2048
    ttft: float = 1.0
    itl: float = 0.1

    def __post_init__(self) -> None:
        if (self.rate is None) == (self.concurrency is None):
            raise UsageError("give a rate of arrivals or a concurrency: one of the two")
        numbers = (self.rate or self.concurrency or 0, self.seconds, self.most, self.ttft, self.itl)
        if min(numbers) <= 0 or self.warmup < 0:
            raise UsageError("rate, concurrency, seconds and targets must be above 0")
