"""A conversation as an item: it reads as a text and keeps its messages.

Knows no token, template or file.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

from genloom.codec.chat.messages import Message


class Conversation(str):
    """Messages, and as a text their transcript: or, where it is an answer, the answer alone.

    messages is empty for a text that is no conversation; tools are those offered, or None.
    """

    messages: tuple[Message, ...]
    tools: list[dict[str, Any]] | None

    def __new__(
        cls,
        text: str,
        messages: Sequence[Message] = (),
        tools: list[dict[str, Any]] | None = None,
    ) -> Self:
        made = super().__new__(cls, text)
        made.messages, made.tools = tuple(messages), tools
        return made

    @classmethod
    def of(cls, messages: Sequence[Message], tools: list[dict[str, Any]] | None = None) -> Self:
        return cls(transcript(messages), messages, tools)

    def said(self, role: str) -> list[str]:
        """What the messages of a role say."""
        return [m["content"] for m in self.messages if m["role"] == role]


def transcript(messages: Sequence[Message]) -> str:
    """Role: content, a blank line between two."""
    return "\n\n".join(f"{m['role']}: {_told(m)}" for m in messages)


def _told(message: Message) -> str:
    names = [call["function"]["name"] for call in message.get("tool_calls", ())]
    calls = [f"[calls {', '.join(names)}]"] if names else []
    return " ".join([*([message["content"]] if message["content"] else []), *calls])
