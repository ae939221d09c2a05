"""A conversation under way: messages, settings, and one turn after another on one engine.

Knows the renderer and the engine; no screen, key or file. The engine stays open across turns, so
that what a conversation shares with its last turn is computed once.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from genloom.errors import RequestError

if TYPE_CHECKING:
    from genloom.api import Model
    from genloom.codec.chat.rendering import Prompt, Renderer
    from genloom.codec.chat.tool_calls import Delta

TOKENS = 1024  # of an answer, unless said or the context leaves fewer


@dataclass(kw_only=True)
class Settings:
    """How answers are drawn. None leaves the choice to the model."""

    seed: int = 0
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None


@dataclass(kw_only=True)
class Turn:
    """An answer in the making: iterate for what is new of it."""

    session: Session
    messages: list[dict[str, Any]]
    prompt: Prompt
    retry: int = 0
    tokens: int = 0
    seconds: float = 0.0
    stopped: bool = False
    room: int = 0  # tokens that the context left
    _answer: Any = None

    def run(self, stop: Callable[[], bool] = lambda: False) -> Iterator[Delta]:
        """Deltas to the end, or until `stop` says true; then the turn joins the conversation."""
        session = self.session
        self._answer = session.renderer.answer(self.prompt)
        generation = session.engine.submit(session.request(self))
        begun = first = time.perf_counter()
        try:
            for progress in generation:
                ids = progress.ids.tolist()
                first = time.perf_counter() if not self.tokens else first
                self.tokens = len(ids)
                yield self._answer.feed(ids)
                if stop():
                    self.stopped = True
                    break
        finally:
            if not generation.complete:
                generation.cancel()
        yield self._answer.finish()
        now = time.perf_counter()
        self.seconds = (
            now - begun if self.tokens < 2 else (now - first) * self.tokens / (self.tokens - 1)
        )
        session.keep(self)

    @property
    def whole(self) -> Delta:
        """The answer so far."""
        whole: Delta = self._answer.whole
        return whole

    @property
    def message(self) -> dict[str, Any]:
        told: dict[str, Any] = self._answer.message()
        return told

    @property
    def speed(self) -> float:
        """Tokens a second, the reading of the prompt left out."""
        return self.tokens / self.seconds if self.seconds else 0.0

    @property
    def full(self) -> bool:
        """The context ended the answer."""
        return self.tokens >= self.room


@dataclass(kw_only=True)
class Session:
    """messages: what was said, the system's first."""

    name: str
    model: Model
    renderer: Renderer
    engine: Any
    settings: Settings = field(default_factory=Settings)
    messages: list[dict[str, Any]] = field(default_factory=list)
    retries: int = 0

    @property
    def system(self) -> str | None:
        first = self.messages[0] if self.messages else {}
        return first["content"] if first.get("role") == "system" else None

    @system.setter
    def system(self, text: str | None) -> None:
        rest = self.messages[1:] if self.system is not None else self.messages
        self.messages = [*([{"role": "system", "content": text}] if text else []), *rest]

    def clear(self) -> None:
        """Forget all but the system's message."""
        self.messages = self.messages[:1] if self.system is not None else []
        self.retries = 0

    def ask(self, text: str) -> Turn:
        """A turn for what the user says. RequestError where it does not fit; nothing is lost."""
        return self._turn([*self.messages, {"role": "user", "content": text}], 0)

    def again(self) -> Turn:
        """Another answer to what the user said last."""
        last = max((n for n, m in enumerate(self.messages) if m["role"] == "user"), default=None)
        if last is None:
            raise RequestError("there is nothing to answer again: say something first")
        return self._turn(self.messages[: last + 1], self.retries + 1)

    def _turn(self, messages: list[dict[str, Any]], retry: int) -> Turn:
        prompt = self.renderer.prompt(messages)
        room = self.renderer.spec.length - len(prompt.ids)
        return Turn(session=self, messages=messages, prompt=prompt, retry=retry, room=room)

    def request(self, turn: Turn) -> Any:
        from genloom.spec import Options, Request

        s = self.settings
        options = Options(
            temperature=s.temperature,
            top_p=s.top_p,
            max_tokens=max(1, min(s.max_tokens or TOKENS, turn.room)),
        )
        return Request(ids=turn.prompt.ids, seed=s.seed, first=turn.retry, options=options)

    def keep(self, turn: Turn) -> None:
        self.messages = [*turn.messages, turn.message]
        self.retries = turn.retry
