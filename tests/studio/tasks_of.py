"""What the page's own thread did while a block ran: its tasks, in the thread's own time, so that a
busy machine does not make them longer."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

CATEGORIES = ["toplevel"]


@dataclass
class Tasks:
    """Milliseconds of each, in their order."""

    took: list[float] = field(default_factory=list)

    @property
    def longest(self) -> float:
        return max(self.took, default=0.0)


@contextmanager
def tasks_of(page: Any) -> Iterator[Tasks]:
    """One at a time in a browser."""
    found = Tasks()
    browser = page.context.browser
    browser.start_tracing(page=page, categories=CATEGORIES)
    try:
        yield found
    finally:
        events = json.loads(browser.stop_tracing())["traceEvents"]
        named = (e for e in events if e["name"] == "thread_name")
        mains = {(e["pid"], e["tid"]) for e in named if e["args"]["name"] == "CrRendererMain"}
        tasks = (e for e in events if e["name"].endswith("RunTask") and e["ph"] == "X")
        found.took += [e.get("tdur", 0) / 1e3 for e in tasks if (e["pid"], e["tid"]) in mains]
