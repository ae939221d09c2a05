"""The task of making whatever is no text: pictures, tables ... each finished item is a file.

Asks the codec's collection whether it is a list of items or one thing as a whole; knows no medium.
Decoding and writing happen aside, so that what others make goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from genloom.engine.choosing import Choosing, needs_choosing
from genloom.engine.generation import Generation, Progress
from genloom.engine.keeping import Keeping, needs_keeping
from genloom.engine.requests import streams
from genloom.engine.sharing import Sharing, needs_sharing
from genloom.errors import GenloomError, RequestError
from genloom.hosting import asked
from genloom.hosting.assets import Asset, asset_of, bare, finished, record_of, suffix_of
from genloom.hosting.task import News, Task

TOGETHER = 8192  # candidates that are drawn at once where conditions decide
EVERY = 0.1  # seconds between two words on how far it is
MOST_PREVIEWS = 8


class Items(Task):
    """given: prompt, where, previews (so many of each item), suffix; and what all requests have."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.generation: Generation | None = None
        self.keeping: Keeping | Choosing | Sharing | None = None
        self.ready: list[News] = []
        self.error: GenloomError | None = None
        self.aside = 0  # pieces of work beside the loop
        self.made = 0  # items that are told
        self.gone = False
        self._whole: bool | None = None
        self._told = 0.0

    # --- before

    def prepare(self) -> None:
        self._ask()
        site, codec = self.site, self.site.model.codec
        if needs_sharing(self.request):
            self.keeping = Sharing(site.model, self.request, TOGETHER)
        elif needs_keeping(codec, self.request):
            self.keeping = Keeping(codec, self.request, TOGETHER)
        elif needs_choosing(site.model, self.request):
            self.keeping = Choosing(site.model, self.request)
        wanted = self.request if self.keeping is None else self.keeping.next()
        self.prepared = site.engine.prepare(wanted)

    def _ask(self) -> None:
        """The request, its record, and what of it is told on the way."""
        site, given = self.site, self.given
        codec: Any = site.model.codec
        self.suffix = suffix_of(codec, given.get("suffix"))
        self.previews = given.get("previews") or 0
        if type(self.previews) is not int or not 0 <= self.previews <= MOST_PREVIEWS:
            raise RequestError(f"previews: 0 to {MOST_PREVIEWS} is expected", param="previews")
        prompt = asked.text_in(given, "prompt")
        options = asked.options_of(given)
        more = {"prompt": prompt, "where": given.get("where")}
        self.request = asked.request_of(given, self.blobs, options, **more)
        self.record = record_of(site, self.request)

    def begin(self) -> None:
        self.generation = self.site.engine.submit(self.prepared)
        if self.keeping is None:
            self.generation.watch()
            self.generation.finals = False
            self.generation.shown = self.previews > 0
            self.generation.previews = max(1, self.previews)

    def cancel(self) -> None:
        self.gone = True
        if self.generation is not None and not self.generation.complete:
            self.generation.cancel()

    # --- on the way

    def news(self, now: float) -> list[News]:
        generation = self.generation
        if generation is None:
            return []
        if self.error is not None or generation.error is not None:
            self.cancel()
            raise self.error or generation.error or RequestError("nothing was made")
        self._progress(now)
        told, self.ready = self.ready, []
        if self.made >= self._expected():
            told.append(self.finish())
        return told

    def _progress(self, now: float) -> None:
        """Take what the engine has made."""
        generation = self.generation
        assert generation is not None
        if self.keeping is not None:
            self._keep(generation, self.keeping)
        else:
            self._watch(generation, now)
            self._land(generation)

    def _expected(self) -> int:
        whole = self._whole if self.keeping is None else self.keeping.whole
        return 1 if whole else self.request.count

    def _aside(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        """Do it aside; whatever it raises ends this request."""
        self.aside += 1

        def after(result: Any, error: BaseException | None) -> None:
            self.aside -= 1
            if self.gone:
                return
            if error is None:
                then(result)
            elif isinstance(error, GenloomError):
                self.error = error
            else:
                raise error

        self.site.side.submit(work, after)

    def _keep(self, generation: Generation, keeping: Keeping | Choosing | Sharing) -> None:
        """The next candidates once the last are judged."""
        if not generation.complete or self.aside or self.made:
            return

        def judge() -> Any:
            keeping.take(generation)
            if keeping.done and keeping.whole:
                return [self._asset(keeping.items(), None)]
            if keeping.done:
                first = self.request.first
                return [self._asset(one, first + n) for n, one in enumerate(keeping.items())]
            return self.site.engine.prepare(keeping.next())

        def go_on(result: Any) -> None:
            if isinstance(result, list):
                for slot, made in enumerate(result):
                    self._finished(slot, made)
            else:
                self.generation = self.site.engine.submit(result)

        self._aside(judge, go_on)

    def _watch(self, generation: Generation, now: float) -> None:
        """Previews, and how far the samples are."""
        for one in generation.news():
            if one.finished or one.sample is None:
                continue
            if one.item is not None:
                self._preview(one)
            elif one.steps and now - self._told >= EVERY:
                self._told = now
                values = {"sample": one.sample, "step": one.step, "steps": one.steps}
                self.ready.append(self.tell("preview", **values))

    def _preview(self, one: Progress) -> None:
        codec = self.site.model.codec
        values = {"sample": one.sample, "step": one.step, "steps": one.steps, "media": codec.media}
        if not self.previews:
            return
        self._aside(
            lambda: bare(codec, one.item, codec.suffix),
            lambda data: self.ready.append(self.tell("preview", data, **values)),
        )

    def _land(self, generation: Generation) -> None:
        """Finished samples become files: each by itself, or all together as one."""
        if self._whole:
            if generation.complete and not self.aside and not self.made:
                self._aside(
                    lambda: self._asset(generation.items(), None), lambda a: self._finished(0, a)
                )
            return
        for slot, x in generation.landed():
            if self._whole is None:
                first = generation.decode(self._alone(x))
                self._whole = not isinstance(first, list | tuple)
                if self._whole:
                    return
            self._aside(
                lambda x=x, slot=slot: self._asset(
                    generation.decode(self._alone(x))[0], self.request.first + slot
                ),
                lambda made, slot=slot: self._finished(slot, made),
            )

    def _alone(self, x: torch.Tensor) -> Any:
        """One item's tensor as a collection of one."""
        return [x] if streams(self.site.model.codec.spec) else x[None]

    def _asset(self, item: Any, number: int | None) -> Asset:
        record = {**self.record, **getattr(item, "attrs", {})}
        return asset_of(self.site.model.codec, item, number, record, self.suffix)

    def _finished(self, slot: int, made: Asset) -> None:
        self.ready.append(self.tell("asset", made.data, **finished(slot, made)))
        generation = self.generation
        ending = None if generation is None else generation.endings.get(slot)
        told = {"finish": "stop", "tokens": ending.made if ending else 0, "reused": 0}
        self.ready.append(self.tell("ended", sample=slot, **told))
        self.made += 1
