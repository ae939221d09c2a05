"""Bodies of the routes for keys, users and models at work."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from genloom.server.schema import Asked

Role = Literal["member", "admin"]


class KeyAsked(Asked):
    """user: a name or an id. scopes: none means those of the role. quotas: of a day, in requests,
    tokens, images, seconds."""

    name: str
    role: Role = "member"
    scopes: list[str] = Field(default_factory=list, max_length=16)
    quotas: dict[str, float] = Field(default_factory=dict, max_length=8)
    user: str | None = None
    expires_after_days: float | None = None


class UserAsked(Asked):
    name: str
    role: Role = "member"
    quotas: dict[str, float] = Field(default_factory=dict, max_length=8)


class UserChanged(Asked):
    """What is left out stays. disabled: keys of the user open nothing."""

    role: Role | None = None
    quotas: dict[str, float] | None = None
    disabled: bool | None = None


class ModelAsked(Asked):
    model: str
