"""What is told of samples in the making: texts as they grow, where a string ends them; other runs
of ids as drafts, decoded now and then."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from genloom.engine.generation import Generation, Progress
from genloom.engine.grammar import pairs_of
from genloom.engine.growing import Growing, stopped
from genloom.family.streams import Stream
from genloom.spec import Request


@dataclass
class Told:
    """A text so far. begin: where what was drawn begins in it; shown: what is told begins, behind
    the text `before`, and in the end before the text `after`."""

    growing: Growing
    begin: int
    shown: int
    before: str = ""
    after: str = ""
    cut: bool = False

    def text(self, finished: bool) -> str:
        return self.before + self.growing.text[self.shown :] + (self.after if finished else "")


@dataclass
class Tail:
    """The last bytes of a run of ids: enough to see that no stop string can have come. at: ids
    taken. blind: a stop string may stand for bytes that are no text."""

    stops: tuple[bytes, ...]
    longest: int
    at: int
    blind: bool
    data: bytes = b""

    @classmethod
    def of(cls, stops: Sequence[str], at: int) -> Tail:
        spelt = tuple(stop.encode("utf-8", "surrogatepass") for stop in stops)
        return cls(spelt, max(map(len, spelt)), at, any("\ufffd" in stop for stop in stops))

    def may_end(self, ids: Sequence[int], pieces: Sequence[bytes]) -> bool:
        """Take the ids that came since; whether a stop string may be among them."""
        size = len(pieces)
        data = self.data + b"".join([pieces[i] for i in ids[self.at :] if i < size])
        self.at, self.data = len(ids), data[-self.longest :]
        return any(stop in data for stop in self.stops)


class Words:
    """The texts of those who watch, or whose request has stop strings."""

    steps = 0  # nobody knows how long a text becomes

    def __init__(self, codec: Any) -> None:
        self.codec = codec
        self.told: dict[tuple[int, int], Told] = {}
        self.tails: dict[tuple[int, int], Tail] = {}
        pairs = pairs_of(codec)
        self.pieces: Sequence[bytes] = () if pairs is None else pairs.pieces

    def needed(self, generation: Generation) -> bool:
        return generation.watched or bool(generation.request.options.stop)

    def _decode(self, ids: Sequence[int]) -> str:
        text: str = self.codec.decode([torch.tensor(ids, dtype=torch.long)])[0]
        return text

    def grow(self, generation: Generation, slot: int, stream: Stream) -> Told:
        """Take note of what was drawn since; ends the stream at its first stop string."""
        told = self.told.get((generation.number, slot))
        if told is None:
            growing = Growing(self._decode, stream.ids[stream.lead : stream.prefix])
            begin = len(growing.text)
            told = self._begin(generation.request, growing, begin)
            self.told[generation.number, slot] = told
        if told.cut:
            return told
        last = stream.length - (1 if stream.done and stream.ids[-1] in stream.ends else 0)
        fresh = told.growing.add(stream.ids[stream.lead + len(told.growing.ids) : last])
        text = told.growing.text[told.begin :]
        place = stopped(text, fresh, generation.request.options.stop)
        if place is not None:
            told.growing.text = told.growing.text[: told.begin + place]
            told.cut = True
            stream.stop("stop")
        return told

    def check(self, generation: Generation, slot: int, stream: Stream) -> None:
        """End the stream at its first stop string. Texts are decoded only where the bytes of the
        ids say that one may have come, which costs 1 us a step instead of 20."""
        key = generation.number, slot
        tail = self.tails.get(key)
        if tail is None:
            tail = Tail.of(generation.request.options.stop, stream.prefix)
            self.tails[key] = tail
        if not self.pieces or tail.blind or tail.may_end(stream.ids, self.pieces):
            self.grow(generation, slot, stream)

    def _begin(self, request: Request, growing: Growing, begin: int) -> Told:
        """By ids, only what was added is told; of a gap, what stands around it as it was given."""
        if request.options.suffix is not None:
            return Told(growing, begin, begin, request.prompt or "", request.options.suffix)
        return Told(growing, begin, begin if request.ids is not None else 0)

    def cut(self, generation: Generation, slot: int, x: Tensor, known: int) -> Tensor:
        """x without what follows a stop string, and the string itself."""
        told = self.told.get((generation.number, slot))
        if told is None or not told.cut:
            return x
        kept = self.codec.encode([told.growing.text[told.begin :]])[0]
        return torch.cat((x[:known], kept.to(x.device)))

    def so_far(self, generation: Generation, slot: int, stream: Stream) -> str | None:
        """The text that is told; stops it where it should end."""
        return self.grow(generation, slot, stream).text(False)

    def finished(self, generation: Generation, slot: int, x: Tensor) -> str | None:
        """The whole text, where it was told before."""
        told = self.told.pop((generation.number, slot), None)
        self.tails.pop((generation.number, slot), None)
        return None if told is None else told.text(True)

    def forget(self, number: int) -> None:
        self.told = {key: told for key, told in self.told.items() if key[0] != number}
        self.tails = {key: tail for key, tail in self.tails.items() if key[0] != number}


class Drafts:
    """Items that are no texts, for those who watch: what is there, decoded a few times on the
    way."""

    TIMES = 16

    def __init__(self, codec: Any) -> None:
        self.codec = codec
        self.steps: int = getattr(codec, "whole", 0)

    def needed(self, generation: Generation) -> bool:
        return generation.watched

    def so_far(self, generation: Generation, slot: int, stream: Stream) -> Any:
        every = max(1, (stream.end - stream.prefix) // self.TIMES)
        if (stream.length - stream.prefix) % every:
            return None
        return self.codec.decode([torch.tensor(stream.ids[stream.lead :])])[0]

    def check(self, generation: Generation, slot: int, stream: Stream) -> None:
        """No string ends such an item."""

    def cut(self, generation: Generation, slot: int, x: Tensor, known: int) -> Tensor:
        """No string ends such an item."""
        return x

    def finished(self, generation: Generation, slot: int, x: Tensor) -> Any:
        return self.codec.decode([x])[0] if generation.watched else None

    def forget(self, number: int) -> None:
        """Nothing is remembered."""


def teller(codec: Any) -> Words | Drafts:
    """What tells of this codec's runs of ids."""
    return Words(codec) if hasattr(codec, "stable_prefix") else Drafts(codec)


def news(
    generation: Generation, slot: int, item: Any, finished: bool, ids: Tensor | None = None
) -> Progress:
    count = generation.request.count
    return Progress(
        done=generation.made, count=count, sample=slot, item=item, finished=finished, ids=ids
    )
