"""What changes about a server: whether it drains, what is under way, whether it keeps up."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Life:
    """draining: nothing new is taken, and the server ends once `active` answers are out.
    late: seconds by which the loop runs behind."""

    draining: bool = False
    active: int = 0
    late: float = 0.0
    began: float = field(default_factory=time.time)
