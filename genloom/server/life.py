"""The one thing about a server that changes: whether it drains, and what is under way."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(kw_only=True)
class Life:
    """draining: nothing new is taken, and the server ends once `active` answers are out."""

    draining: bool = False
    active: int = 0
