"""The one table name -> task, and making items: texts as they grow, everything else as files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from genloom import api
from genloom.errors import GenloomError
from genloom.hosting.task import News, Task, error_of
from genloom.spec import Options, Request


class Generate:
    """given: prompt, seed, count, where, options by name."""

    def __init__(
        self, number: int, engine: Any, given: Mapping[str, Any], blobs: Mapping[str, bytes]
    ) -> None:
        self.number, self.done = number, False
        asked = {k: v for k, v in given.items() if k in ("prompt", "seed", "count", "where")}
        options = Options(**given.get("options", {}))
        self.model: api.Model = engine.model
        self.request = Request(**asked, options=options)
        self.generation = engine.submit(self.request)
        self.generation.watch()

    def news(self) -> list[News]:
        try:
            told = [self._news(one) for one in self.generation.news() if one.item is not None]
        except GenloomError as error:
            self.done = True
            return [News(of=self.number, kind="error", values=error_of(error))]
        if self.generation.complete:
            self.done = True
            told.append(News(of=self.number, kind="done", values={"usage": self._usage()}))
        return told

    def _news(self, one: Any) -> News:
        kind = "ended" if one.finished else "text"
        ending = self.generation.endings.get(one.sample)
        finish = {"finish": ending.finish} if one.finished and ending is not None else {}
        values = {"sample": one.sample, "text": str(one.item), **finish}
        return News(of=self.number, kind=kind, values=values)

    def _usage(self) -> dict[str, int]:
        endings = self.generation.endings.values()
        return {
            "prompt_tokens": max((e.given for e in endings), default=0),
            "completion_tokens": sum(e.made for e in endings),
        }

    def cancel(self) -> None:
        self.generation.cancel()


TASKS: dict[str, Callable[..., Task]] = {"generate": Generate}
