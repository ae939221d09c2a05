"""How a server is run, as a value: every limit and place in one frozen dataclass."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Settings:
    """models: names or paths that are offered; empty: all in this user's data folder."""

    host: str = "127.0.0.1"
    port: int = 8000
    models: tuple[str, ...] = ()
