"""Texts that are kept: each finished one is a file with its record, too.

Knows that files are written aside, so that what others make goes on; how texts grow is texts.py's.
"""

from __future__ import annotations

from typing import Any

from torch import Tensor

from genloom.engine.generation import Generation
from genloom.errors import GenloomError
from genloom.hosting.assets import Asset, asset_of, finished, record_of
from genloom.hosting.task import News
from genloom.hosting.texts import Complete


class KeptTexts(Complete):
    """given: what `Complete` is given. The file holds the whole text, what was given included."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._aside = 0  # files that are being written
        self._ready: list[News] = []
        self._last: News | None = None  # goes out behind the files
        self._error: GenloomError | None = None

    def prepare(self) -> None:
        super().prepare()
        self.record = record_of(self.site, self.prepared.request)

    def news(self, now: float) -> list[News]:
        if self._error is not None:
            self.cancel()
            raise self._error
        told = [] if self._last is not None else super().news(now)
        if self.generation is not None:
            self._land(self.generation)
        if told and told[-1].kind == "done":
            self._last, self.done = told.pop(), False
        ready, self._ready = self._ready, []
        told += ready
        if self._last is not None and not self._aside:
            self.done = True
            told.append(self._last)
        return told

    def _land(self, generation: Generation) -> None:
        if generation.request.options.beams is None:  # else they are told by `_found_one`
            for slot, x in generation.landed():
                self._keep(generation, slot, x)

    def _found_one(self, generation: Generation, slot: int, x: Tensor) -> list[News]:
        self._keep(generation, slot, x)
        return super()._found_one(generation, slot, x)

    def _keep(self, generation: Generation, slot: int, x: Tensor) -> None:
        codec: Any = self.site.model.codec
        number = generation.request.first + slot

        def write() -> Asset:
            text = generation.decode([x])[0]
            return asset_of(codec, text, number, self.record, codec.suffix)

        self._aside += 1
        self.site.side.submit(write, lambda made, error: self._written(slot, made, error))

    def _written(self, slot: int, made: Asset | None, error: BaseException | None) -> None:
        self._aside -= 1
        if isinstance(error, GenloomError):
            self._error = error
        elif error is not None:
            raise error
        elif made is not None:
            self._ready.append(self.tell("asset", made.data, **finished(slot, made)))
