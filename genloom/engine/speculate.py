"""Guesses at what comes next, checked many at a time: the text is the same, only sooner.

A sample's numbers are its own, so what would be drawn at each place is known; a guess is kept where
it is just that. No draw of the model is ever replaced by the guesser's (unlike Leviathan et al.
2023, where only the distribution is kept). Knows no words and no family.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from genloom.engine.paged import Held, Memory, PagedCache
from genloom.engine.requests import streams
from genloom.errors import UsageError
from genloom.family import streams as running
from genloom.family.streams import Stream, Streams
from genloom.model import Model
from genloom.net.pages import PAGE
from genloom.net.quantize import served
from genloom.spec import TokenSpec

LONGEST = 4  # ids that must recur for their sequel to be guessed
GUESSES = 4


class Guesser(Protocol):
    """Fills the drafts of streams before a step."""

    def guess(self, items: Sequence[Stream]) -> None: ...

    def forget(self, items: Sequence[Stream]) -> None:
        """These have ended."""


def able(stream: Stream) -> bool:
    """Whether guesses help: not while the prompt is read, nor where each draw changes the next
    one's chances by more than its id (penalties, a guide)."""
    options = stream.options
    changing = (options.repetition_penalty, options.frequency_penalty, options.presence_penalty)
    fixed = all(value in (None, 0.0, 1.0) for value in changing)
    return fixed and stream.guide is None and not stream.done


class Lookup:
    """What followed the last time these ids occurred (prompt look-up, Saxena 2023). The longest run
    that recurs decides; nothing is computed."""

    def __init__(self, count: int = GUESSES, longest: int = LONGEST) -> None:
        self.count, self.longest = count, longest
        self.places: dict[Stream, dict[tuple[int, ...], int]] = {}
        self.noted: dict[Stream, int] = {}

    def guess(self, items: Sequence[Stream]) -> None:
        for stream in items:
            if able(stream):
                self._note(stream)
                stream.draft = self._sequel(stream)

    def _note(self, stream: Stream) -> None:
        """Remember where each run of ids ended last, but for the run at the very end."""
        places, ids = self.places.setdefault(stream, {}), stream.ids
        for end in range(self.noted.get(stream, 1), len(ids)):
            for size in range(2, min(self.longest, end) + 1):
                places[tuple(ids[end - size : end])] = end
        self.noted[stream] = len(ids)

    def _sequel(self, stream: Stream) -> list[int]:
        ids = stream.ids
        for size in range(min(self.longest, len(ids) - 1), 1, -1):
            end = self.places[stream].get(tuple(ids[-size:]))
            if end is not None:
                return ids[end : end + self.count]
        return []

    def forget(self, items: Sequence[Stream]) -> None:
        for stream in items:
            self.places.pop(stream, None)
            self.noted.pop(stream, None)


@dataclass(eq=False)
class Shadow:
    """The small model's own copy of a stream, and its pages."""

    stream: Stream
    held: Held


class Draft:
    """A smaller model of the same vocabulary goes ahead, with the same random numbers: at any
    temperature it guesses what the large one draws where the two agree."""

    def __init__(self, model: Model, count: int = GUESSES, memory: int | None = None) -> None:
        net: Any = served(model.nets["net"])
        self.count, self.nets = count, {"net": net}
        spec = model.codec.spec
        assert isinstance(spec, TokenSpec)
        self.context = spec.length
        self.memory = Memory(net.layout(), self.context, memory)
        self.shadows: dict[Stream, Shadow] = {}
        self._passed: tuple[int, ...] = ()

    def guess(self, items: Sequence[Stream]) -> None:
        ready = [s for s in items if able(s) and s.length - s.offset + self.count < self.context]
        ahead = [self._follow(stream) for stream in ready]
        group = Streams([shadow.stream for shadow in ahead])
        cache, self._passed = PagedCache(self.memory, [shadow.held for shadow in ahead]), ()
        while self._goes_on(group, cache):
            running.step(self.nets, group, cache)
        for stream, shadow in zip(ready, ahead, strict=True):
            stream.draft = shadow.stream.ids[stream.length :]

    def _goes_on(self, group: Streams, cache: PagedCache) -> bool:
        """Whether any has guesses left to make, and the step before changed something: where memory
        is short some may have to do without."""
        passed = sum(s.length for s in group.items), *(held.fed for held in cache.held)
        moved, self._passed = passed != self._passed, passed
        return moved and not all(s.done for s in group.items)

    def _follow(self, stream: Stream) -> Shadow:
        """A copy that is as far as the stream; what it passed beyond the ids that held is passed
        anew."""
        shadow = self.shadows.get(stream)
        if shadow is None:
            shadow = self.shadows[stream] = Shadow(_copy(stream), self.memory.open())
        copy, held = shadow.stream, shadow.held
        same = min(_common(copy.ids, stream.ids), stream.length - 1) - stream.offset
        if copy.offset != stream.offset or len(held.nodes) * PAGE > same:
            self.memory.clear(held)
        held.fed = min(held.fed, max(0, same))
        copy.ids, copy.offset, copy.context = list(stream.ids), stream.offset, self.context
        copy.end, copy.done, copy.error = stream.length + self.count, False, None
        return shadow

    def forget(self, items: Sequence[Stream]) -> None:
        for stream in items:
            shadow = self.shadows.pop(stream, None)
            if shadow is not None:
                self.memory.close(shadow.held)


def _copy(stream: Stream) -> Stream:
    """The same with nothing passed yet, and nothing to tell."""
    options = replace(stream.options, logprobs=None)
    return replace(stream, ids=[], options=options, draft=[], chosen=[])


def _common(a: Sequence[int], b: Sequence[int]) -> int:
    """How many ids the two begin with alike."""
    least = min(len(a), len(b))
    if list(a[:least]) == list(b[:least]):
        return least
    return next(n for n in range(least) if a[n] != b[n])


def guesser_of(model: Model, how: Any) -> Guesser | None:
    """None, "lookup", or a model that drafts. UsageError where its vocabulary is another."""
    if how is None:
        return None
    if how == "lookup":
        return Lookup()
    if not isinstance(how, Model):
        raise UsageError(f'speculate is {how!r}: give None, "lookup" or a smaller model')
    ours, theirs = model.codec.spec, how.codec.spec
    if not streams(ours) or not streams(theirs):
        raise UsageError("guessing ahead is for models of texts: leave out speculate")
    if ours.vocab != theirs.vocab:
        raise UsageError(
            f"the drafting model has {theirs.vocab} ids and this one {ours.vocab}: both must have "
            "one vocabulary"
        )
    return Draft(how)
