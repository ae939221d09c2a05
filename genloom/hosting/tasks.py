"""The one table of what a host can be asked: name -> task."""

from __future__ import annotations

from collections.abc import Mapping

from genloom.errors import RequestError
from genloom.hosting.answers import Count, Verify
from genloom.hosting.chats import Chat
from genloom.hosting.hearing import Hear
from genloom.hosting.items import Items
from genloom.hosting.kept_texts import KeptTexts
from genloom.hosting.nearest import Nearest
from genloom.hosting.reads import Embed, Rank, Score
from genloom.hosting.says import Says
from genloom.hosting.site import Site
from genloom.hosting.task import Task
from genloom.hosting.texts import Complete

TASKS: dict[str, type[Task]] = {
    "complete": Complete,
    "chat": Chat,
    "embed": Embed,
    "rank": Rank,
    "score": Score,
    "count": Count,
    "hear": Hear,
    "verify": Verify,
    "neighbours": Nearest,
}
GENERATE = "generate"  # whatever the model makes


def task_of(
    name: str, number: int, site: Site, given: Mapping[str, object], blobs: Mapping[str, bytes]
) -> Task:
    """A new task. RequestError for one that does not exist."""
    made = TASKS.get(name)
    if name == GENERATE:
        texts = KeptTexts if given.get("keep") else Complete
        made = texts if site.texts else Says if site.says else Items
    if made is None:
        known = ", ".join((GENERATE, *TASKS))
        raise RequestError(f"no task is called {str(name)[:40]!r}: known are {known}")
    if not isinstance(given.get("options") or {}, Mapping):
        raise RequestError("options: an object is expected", param="options")
    return made(number, site, given, blobs)
