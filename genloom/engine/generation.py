"""A request under way: what it has told, what is finished, and how each sample ended."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from genloom.errors import GenloomError
from genloom.family.streams import Stream
from genloom.spec import Request

PREVIEWS = 8  # of each sample of arrays, while it is made and watched


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a generation tells while it is made.

    done: samples finished, of count. sample: the number of the sample that `item` belongs to;
    item: that sample so far (a text, a preview) or finished; of a request by ids only what was
    added to them. ids: the added ids themselves, long [L], of a request by ids, else None. step,
    of steps: how far the sample is, where it is made in steps; not every step has an item.
    """

    done: int
    count: int
    sample: int | None = None
    item: Any = None
    finished: bool = False
    ids: Tensor | None = None
    step: int = 0
    steps: int = 0


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How one sample ended. finish: "stop" (an end, a stop string), "length", or "". given, reused
    and made: ids of the prompt, how many of them were computed before, ids drawn. logprobs: of each
    drawn id, where asked for. score: of a beam, its log-probability a token."""

    finish: str = ""
    given: int = 0
    reused: int = 0
    made: int = 0
    logprobs: tuple[Any, ...] = ()
    score: float | None = None


class Steps(Protocol):
    """What a generation needs of its engine."""

    def tick(self) -> None: ...
    def drop(self, generation: Generation) -> None: ...


@dataclass(eq=False)
class Generation:
    """A request under way. Iterate for progress, or call `result`. shown: whether arrays in the
    making are decoded for those who iterate, `previews` times each at most; where not, progress
    counts their steps alone. finals: whether finished ones are, too. streams: runs of ids in the
    making, by sample, for those who read them as they like. told: what the family knows of finished
    samples besides themselves, by sample (`Family.told`)."""

    engine: Steps
    request: Request
    number: int
    decode: Callable[[Any], Any]
    made: int = 0
    cancelled: bool = False
    ended: bool = False  # with fewer than were asked for
    error: GenloomError | None = None
    shown: bool = True
    previews: int = PREVIEWS
    finals: bool = True
    streams: dict[int, Stream] = field(default_factory=dict)
    told: dict[int, dict[str, Tensor]] = field(default_factory=dict)
    endings: dict[int, Ending] = field(default_factory=dict)
    _slots: list[Tensor] = field(default_factory=list)
    _parts: list[Any] = field(default_factory=list)
    _mass: list[Tensor] = field(default_factory=list)
    _told: list[Progress] = field(default_factory=list)
    _watched: bool = False
    _landed: int = 0

    @property
    def complete(self) -> bool:
        return self.cancelled or self.ended or self.made >= self.request.count

    @property
    def watched(self) -> bool:
        return self._watched

    def result(self) -> Any:
        """The finished items in the medium's own collection, in the order of their numbers. The
        error that ended one of them, where one did."""
        self.finish()
        return self.items()

    def finish(self) -> None:
        """Tick until all are made. The error that ended one of them, where one did."""
        while not self.complete:
            self.engine.tick()
        if self.error is not None:
            raise self.error

    def items(self) -> Any:
        """What is finished so far."""
        return self.decode(self.tensors())

    def tensors(self) -> Any:
        """What is finished so far, before decoding: stacked where all have one shape."""
        if not self._slots:
            return []
        order = torch.cat(self._slots).argsort()
        if isinstance(self._parts[0], Tensor):
            return torch.cat(self._parts)[order]
        flat = [x for part in self._parts for x in part]
        return [flat[n] for n in order.tolist()]

    def landed(self) -> list[tuple[int, Any]]:
        """(sample, what it is before decoding) of those that finished since it was asked last."""
        first, self._landed = self._landed, len(self._slots)
        pairs = zip(self._slots[first:], self._parts[first:], strict=True)
        return [
            (slot, x) for slots, part in pairs for slot, x in zip(slots.tolist(), part, strict=True)
        ]

    def keep_chance(self) -> Tensor:
        """float [N]: with what chance each finished sample is to be kept (1 but for samples drawn
        under several restrictions, see Samples)."""
        if not self._mass:
            return torch.ones(self.made)
        return torch.cat(self._mass)[torch.cat(self._slots).argsort()].exp()

    def add(self, slots: Tensor, results: Any, mass: Tensor | None = None) -> None:
        """Keep finished samples: stacked [b, ...] or a list."""
        self._slots.append(slots)
        self._parts.append(results)
        if mass is not None:
            self._mass.append(mass)
        self.made += len(slots)

    def tell(self, progress: Progress) -> None:
        self._told.append(progress)

    def __iter__(self) -> Iterator[Progress]:
        self.watch()
        while not self.complete:
            self.engine.tick()
            yield from self._taken()
        yield from self._taken()  # what another's tick finished
        if self.error is not None:
            raise self.error

    def watch(self) -> None:
        """Have progress told, for one who ticks the engine himself and asks for `news`."""
        self._watched = True

    def news(self) -> list[Progress]:
        """What was told since it was asked last. The error that ended a sample, where one did and
        all else is told."""
        told = self._taken()
        if not told and self.complete and self.error is not None:
            raise self.error
        return told

    def _taken(self) -> list[Progress]:
        told, self._told = self._told, []
        return told

    def cancel(self) -> None:
        """Give up what is not finished; what it kept in memory is free at once."""
        self.cancelled = True
        self.engine.drop(self)
