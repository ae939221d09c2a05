"""The one thing about a server that changes: whether it drains, and what is under way."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Life:
    """draining: nothing new is taken, and the server ends once `active` answers are out."""

    draining: bool = False
    active: int = 0
    began: float = field(default_factory=time.time)
