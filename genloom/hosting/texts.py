"""Tasks that write: a text that goes on, told piece by piece as it grows.

Knows when a piece is told (soon at first, then now and then) and what of it; the engine knows how
it is made. What a piece looks like is a voice's matter.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Protocol

from torch import Tensor

from genloom.engine.generation import Generation
from genloom.engine.growing import Decode
from genloom.errors import RequestError
from genloom.family.streams import Stream
from genloom.hosting import asked
from genloom.hosting.chances import chances, within
from genloom.hosting.grown import Grown
from genloom.hosting.task import QUICK, News, Task
from genloom.spec import Request

EVERY, SHARE, LONGEST = 0.05, 0.001, 0.2  # seconds; each further open text adds SHARE
FORMS = frozenset({"schema", "regex", "grammar"})  # take long to compile


class Voice(Protocol):
    """How the pieces of one sample are told."""

    def piece(self, text: str) -> dict[str, Any] | None:
        """What the text adds, None where that is nothing yet."""

    def last(self) -> dict[str, Any] | None:
        """What was held back."""

    def nothing(self) -> dict[str, Any]:
        """A piece without text."""

    def finish(self, why: str) -> str:
        """Why it ended, in the words of its clients."""

    @property
    def enough(self) -> bool:
        """Whether nothing more is wanted of it."""


class Plain:
    """Texts as they are."""

    kind = "text"

    def piece(self, text: str) -> dict[str, Any] | None:
        return {"text": text} if text else None

    def last(self) -> dict[str, Any] | None:
        return None

    def nothing(self) -> dict[str, Any]:
        return {"text": ""}

    def finish(self, why: str) -> str:
        return why

    @property
    def enough(self) -> bool:
        return False


class Sample:
    """One text of a request on its way out."""

    def __init__(self, grown: Grown, voice: Any) -> None:
        self.grown, self.voice = grown, voice
        self.tokens = 0  # told
        self.ended = False


class Texts(Task, ABC):
    """Subclasses make the request (`ask`) and choose the voice."""

    kind = "text"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.generation: Generation | None = None
        self.samples: dict[int, Sample] = {}
        self.due = 0.0
        self._ended = self._lead = 0

    # --- before

    @property
    def slow(self) -> bool:
        return bool(FORMS & set(self.given.get("options") or {}))

    @abstractmethod
    def ask(self) -> Request:
        """The request. GenloomError where it cannot be acted on."""

    def prepare(self) -> None:
        if not self.site.texts:
            raise RequestError("this model makes no texts: use generate", param="model")
        self.prepared = self.site.engine.prepare(self.ask())

    def begin(self) -> None:
        self.generation = self.site.engine.submit(self.prepared)

    def cancel(self) -> None:
        if self.generation is not None and not self.generation.complete:
            self.generation.cancel()

    # --- how it is told

    def voice(self) -> Any:
        return Plain()

    def grown(self, stream: Stream) -> Grown:
        before = stream.ids[stream.lead : stream.prefix]
        return Grown(self._decode, before, self.prepared.request.options.stop)

    @property
    def _decode(self) -> Decode:
        """How ids become text. Holds the codec, not the task: a task that its own samples held
        would stay in memory, with its tensors, until the collector comes by."""
        codec: Any = self.site.model.codec
        decode: Decode = codec.stable_prefix
        return decode

    def opening(self, sample: int) -> dict[str, Any] | None:
        """What is told before the first piece."""
        return None

    def news(self, now: float) -> list[News]:
        generation = self.generation
        if generation is None:
            return []
        complete = generation.complete
        if now < self.due and not complete and not self._urgent(generation):
            return []
        if generation.error is not None:
            self.cancel()
            raise generation.error
        told: list[News] = []
        for slot, stream in list(generation.streams.items()):
            told += self._of(generation, slot, stream)
        if generation.request.options.beams is not None and complete:
            told += self._found(generation)
        if told:
            self.due = now + min(LONGEST, EVERY + SHARE * len(self.site.engine.open))
        self._ended = len(generation.endings)
        if complete:
            told.append(self._finish(generation))
        return told

    def _urgent(self, generation: Generation) -> bool:
        """Whether a sample has begun or ended since it was told last."""
        if len(generation.endings) != self._ended:
            return True
        if len(self.samples) == generation.request.count:
            return False
        streams = generation.streams.items()
        return any(s.length > s.prefix for slot, s in streams if slot not in self.samples)

    def _of(self, generation: Generation, slot: int, stream: Stream) -> list[News]:
        """The news of one sample; one that has ended and is told is forgotten."""
        if stream.length == stream.prefix and not stream.done:
            return []
        sample = self.samples.get(slot)
        told, self._lead = [], stream.lead
        if sample is None:
            sample = self.samples[slot] = Sample(self.grown(stream), self.voice())
            if (opening := self.opening(slot)) is not None:
                told.append(self.tell(self.kind, sample=slot, tokens=0, **opening))
        over = slot in generation.endings
        text = sample.grown.take(stream)
        values = sample.voice.piece(text) if text else None
        if sample.voice.enough and not over:
            stream.stop("stop")
        if over and (rest := sample.voice.last()) is not None:
            values = rest if values is None else sample.voice.joined(values, rest)
        if values is None and over and stream.options.logprobs is not None:
            values = sample.voice.nothing()
        if values is not None:
            told.append(self._piece(slot, sample, stream, values))
        if over:
            del generation.streams[slot]
            told.append(self._over(generation, slot, sample))
        return told

    def _piece(self, slot: int, sample: Sample, stream: Stream, values: dict[str, Any]) -> News:
        made = stream.length - stream.prefix
        first, sample.tokens = sample.tokens, made
        if stream.options.logprobs is not None:
            room = sample.grown.bytes if sample.grown.cut else None
            some = within(self.site.pieces, stream.chosen[:made], room)[first:]
            values = {**values, "logprobs": chances(self.site.pieces, some, stream.ends)}
        return self.tell(self.kind, sample=slot, tokens=made - first, **values)

    def _over(self, generation: Generation, slot: int, sample: Sample) -> News:
        ending = generation.endings[slot]
        finish = sample.voice.finish(ending.finish or "stop")
        values = {"finish": finish, "tokens": ending.made, "reused": ending.reused}
        return self.tell("ended", sample=slot, **values)

    def _found(self, generation: Generation) -> list[News]:
        """What a search found is told as a whole."""
        told: list[News] = []
        for slot, x in generation.landed():
            told += self._found_one(generation, slot, x)
        return told

    def _found_one(self, generation: Generation, slot: int, x: Tensor) -> list[News]:
        ending, voice, told = generation.endings[slot], self.voice(), list[News]()
        if (opening := self.opening(slot)) is not None:
            told.append(self.tell(self.kind, sample=slot, tokens=0, **opening))
        values = voice.piece(self._behind(generation.request, x.tolist())) or voice.nothing()
        told.append(self.tell(self.kind, sample=slot, tokens=ending.made, **values))
        told.append(self._over(generation, slot, Sample(Grown(self._decode, (), ()), voice)))
        return told

    def _behind(self, request: Request, ids: list[int]) -> str:
        """The text of a whole item without what was given of it."""
        if request.ids is not None:
            return self._decode(ids[len(request.ids) :])
        text = self._decode(ids).removeprefix(request.prompt or "")
        return text.removesuffix(request.options.suffix or "")

    def _finish(self, generation: Generation) -> News:
        endings = generation.endings.values()
        given = max((e.given for e in endings), default=0) - self._lead
        return self.finish(
            prompt_tokens=given,
            completion_tokens=sum(e.made for e in endings),
            cached_tokens=min(given, max((e.reused for e in endings), default=0)),
        )


class Complete(Texts):
    """given: prompt or ids, echo; and what every request has."""

    @property
    def quick(self) -> bool:
        given = (self.given.get("prompt"), self.given.get("ids"))
        short = all(len(one) < QUICK for one in given if isinstance(one, str | list))
        return short and not self.slow

    def ask(self) -> Request:
        codec: Any = self.site.model.codec
        options = asked.options_of(self.given)
        prompt = asked.text_in(self.given, "prompt")
        ids = self.given.get("ids")
        if ids is None:
            where = self.given.get("where")
            return asked.request_of(self.given, self.blobs, options, prompt=prompt, where=where)
        if prompt is not None or self.given.get("where") is not None:
            raise RequestError("a prompt is given both as a text and in ids", param="ids")
        known = asked.ids_in(ids, "ids", codec.spec.vocab)
        asked.check_room(len(known), codec.spec.length, "prompt")
        return asked.request_of(self.given, self.blobs, options, ids=known)

    def opening(self, sample: int) -> dict[str, Any] | None:
        if not self.given.get("echo"):
            return None
        request = self.prepared.request
        text = request.prompt if request.ids is None else self._decode(request.ids)
        return {"text": text or ""}
