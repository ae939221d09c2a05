"""The bodies of /v1/chats, and what a chat and a turn look like to clients.

Knows names, types and bounds; what settings mean is the chat body's, whose fields they are.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from genloom.server.records.chats import MOST_TURNS, Chat, Turn
from genloom.server.routes.chat_schema import MOST_TOOLS, Tool
from genloom.server.schema import Asked

LONGEST_TEXT, LONGEST_SYSTEM = 8 << 20, 1 << 18  # characters
MOST_SAID, MOST_SETTINGS = 64, 64
# What is not set here: the server says it itself.
OWN = frozenset({"model", "messages", "tools", "stream", "stream_options", "n", "store"})

Text = Annotated[str, Field(max_length=LONGEST_TEXT)]
Id = Annotated[str, Field(max_length=128)]
Name = Annotated[str, Field(max_length=255)]


class ChatFields(Asked):
    """What can be edited. settings: fields of /v1/chat/completions."""

    title: Annotated[str, Field(max_length=200)] | None = None
    model: Name | None = None
    system: Annotated[str, Field(max_length=LONGEST_SYSTEM)] | None = None
    settings: Annotated[dict[str, Any], Field(max_length=MOST_SETTINGS)] | None = None
    tools: Annotated[list[Tool], Field(max_length=MOST_TOOLS)] | None = None

    def given(self) -> dict[str, Any]:
        """Those that were given, as they are stored."""
        out = {
            name: value
            for name in ("title", "model", "system", "settings")
            if (value := getattr(self, name)) is not None
        }
        if self.settings is not None:
            out["settings"] = {k: v for k, v in self.settings.items() if k not in OWN}
        if self.tools is not None:
            out["tools"] = [tool.model_dump(exclude_none=True) for tool in self.tools]
        return out


class Call(Asked):
    id: Id
    name: Name
    arguments: Text


class GivenTurn(Asked):
    """A turn as an export has it."""

    id: Id
    parent: Id | None = None
    role: Literal["user", "assistant", "tool"]
    text: Text = ""
    status: Literal["in_progress", "completed", "incomplete", "failed"] = "completed"
    reasoning: Text | None = None
    calls: Annotated[list[Call], Field(max_length=MOST_TOOLS)] | None = None
    call_id: Id | None = None
    reason: Name | None = None
    model: Name | None = None
    weights: Name | None = None
    seed: int | None = None
    usage: dict[str, int] | None = None
    timing: dict[str, float] | None = None


class NewChat(ChatFields):
    turns: Annotated[list[GivenTurn], Field(max_length=MOST_TURNS)] | None = None


class ChangedChat(ChatFields):
    """version: of the chat that the changes were made on."""

    version: Annotated[int, Field(ge=1)]


class Shown(Asked):
    head: Id | None


class Looked(Asked):
    """In a body, so that what is looked for stands in no address and no log."""

    query: Annotated[str, Field(max_length=400)] = ""
    after: Id | None = None
    limit: Annotated[int, Field(ge=1, le=100)] = 50


class Said(Asked):
    """call_id: of the call that a tool's text answers."""

    role: Literal["user", "tool"]
    text: Text
    call_id: Id | None = None


class Answered(Asked):
    """said: behind `parent`; the model's turn follows. Nothing: another answer to `parent`."""

    parent: Id | None = None
    said: Annotated[list[Said], Field(max_length=MOST_SAID)] = Field(default_factory=list)


_ABOUT = ("model", "system", "settings", "tools", "head")


def chat_told(chat: Chat) -> dict[str, Any]:
    empty: dict[str, Any] = {"model": None, "system": "", "settings": {}, "tools": [], "head": None}
    return {
        "id": chat.id,
        "object": "chat",
        "title": chat.title,
        **{name: chat.about.get(name, empty[name]) for name in _ABOUT},
        "version": chat.version,
        "count": chat.turns,
        "excerpt": chat.excerpt,
        "created_at": int(chat.created),
        "changed_at": int(chat.changed),
    }


def turn_told(turn: Turn) -> dict[str, Any]:
    return {
        **turn.about,
        "id": turn.id,
        "object": "chat.turn",
        "parent": turn.parent,
        "role": turn.role,
        "status": turn.status,
        "text": turn.text,
        "created_at": int(turn.created),
    }
