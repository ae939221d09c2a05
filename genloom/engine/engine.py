"""A model at work: many requests, samples of any family, one loop.

Each tick lets waiting samples join, steps every flight once, and lets finished samples leave. A
sample's result does not depend on who flies with it. Knows no medium: codecs turn prompts into
tensors and tensors into items.
Shape legend: B samples of a flight.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, Self

import torch
from torch import Tensor

from genloom import adapted, heap
from genloom.engine.beaming import Beams
from genloom.engine.generation import Ending, Generation, Progress
from genloom.engine.given import finishing
from genloom.engine.guiding import guiding
from genloom.engine.paged import SMALLEST, Memory, PagedCache
from genloom.engine.requests import Encoder, streams
from genloom.engine.scheduler import Flight, Queue, most_rows, weigh
from genloom.engine.speculate import guesser_of
from genloom.engine.telling import news, teller
from genloom.errors import GenloomError, RequestError, ResourceError, UsageError
from genloom.family.base import Making, Nets, Samples
from genloom.family.streams import Stream, Streams
from genloom.model import Model
from genloom.net import layers
from genloom.net.lora import LowRank
from genloom.net.lora_rows import serving
from genloom.net.precision import rounded
from genloom.net.quantize import at_work, served
from genloom.spec import ArraySpec, Encoded, Request, TokenSpec

__all__ = ["Engine", "Generation", "Prepared", "Progress"]


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A request with all that takes long before it may join: on any thread, see `prepare`."""

    request: Request
    encoded: Encoded
    decode: Callable[[Any], Any]


class Engine:
    """Steps a model for any number of requests. Use as a context manager, or call `close`.

    rows: samples in flight at most. memory: bytes for keys and values of texts, a quarter of what
    is free unless given. speculate: "lookup", or a smaller model of the same vocabulary, guesses
    ahead for texts, which changes how soon they come and nothing else. steady: on a GPU, too, a
    sample is the same to the last bit whatever shares its batch, at some cost in speed. adapters:
    by the names under which requests ask for them, each a folder (PEFT's, or a model trained as
    one), or what `genloom.adapted.read` made of one; they are served together. guide: a weaker
    model of the same items, that guidance leads away from in place of the empty prompt.
    """

    def __init__(
        self,
        model: Model,
        rows: int | None = None,
        memory: int | None = None,
        speculate: Literal["lookup"] | Model | None = None,
        steady: bool = False,
        adapters: Mapping[str, str | Path | Mapping[str, LowRank]] | None = None,
        guide: Model | None = None,
    ) -> None:
        self.model = model
        self.family, self.spec = model.family, model.codec.spec
        if rows is not None and rows < 1:
            raise UsageError(f"rows is {rows}: give how many samples to keep in flight, 1 or more")
        model.nets.eval()
        self.nets: Nets = dict(model.nets.items()) | guiding(model, guide)
        self.memory: Memory | None = None
        spec = model.codec.spec
        if streams(spec):
            net: Any = served(model.nets["net"])
            if adapters:
                net = serving(net, _read(model, adapters))
            self.nets = {"net": net}
            self.memory = Memory(net.layout(), spec.length, memory)
        elif adapters:
            raise UsageError(
                "several adapters at once are for models of texts: load this one with the adapter "
                "that it is to have"
            )
        if isinstance(spec, ArraySpec) and spec.grid:
            self.nets = rounded(self.nets, model.recipe.train.precision, model.device)
        self.adapters = frozenset(adapters or ())
        self.steady = steady
        self.guesser = guesser_of(model, speculate)
        self.rows = most_rows(self.spec, self._cached()) if rows is None else rows
        self.together = self.rows  # samples of one flight at most; fewer once memory ran out
        self.queue = Queue()
        self.flights: list[Flight] = []
        self.open: dict[int, Generation] = {}
        self.encoded: dict[int, Encoded] = {}
        self.words = teller(model.codec)
        self.encoder = Encoder(model)
        self.searches: dict[int, Beams] = {}
        self._next = 0
        heap.keep()

    def _cached(self) -> int:
        """Bytes of one sample's cache, where each has its own."""
        if self.memory is not None:
            return 0
        asked = Encoded(
            seed=0,
            index=torch.zeros(1, dtype=torch.long, device=self.model.device),
            control=_nothing_told(self.spec, self.model.device),
        )
        samples = self.family.start(self.nets, self.spec, asked)
        cache = self.family.cache(self.nets, samples)
        return 0 if cache is None else cache.nbytes()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Cancel what is left."""
        for generation in list(self.open.values()):
            generation.cancel()

    def encode(self, request: Request) -> Encoded:
        """The request as tensors. RequestError when the model cannot act on it."""
        if request.adapter is not None and request.adapter not in self.adapters:
            known = ", ".join(sorted(self.adapters)) or "none: give the engine some"
            raise RequestError(f"no adapter {request.adapter!r}: known are {known}")
        return self.encoder(request)

    def prepare(self, request: Request) -> Prepared:
        """What `submit` would do first: texts encoded, a form compiled, files opened. It touches
        nothing of the loop, so that another thread may do it meanwhile."""
        return Prepared(
            request=request,
            encoded=self.encode(request),
            decode=finishing(self.model, request),
        )

    def submit(self, asked: Request | Prepared) -> Generation:
        """Queue a request. RequestError when the model cannot act on it."""
        prepared = self.prepare(asked) if isinstance(asked, Request) else asked
        request, encoded = prepared.request, prepared.encoded
        if isinstance(self.spec, ArraySpec):  # what the family refuses, it refuses before the loop
            self.family.start(self.nets, self.spec, replace(encoded, index=encoded.index[:1]))
        generation = Generation(self, request, self._next, prepared.decode)
        self.open[self._next], self.encoded[self._next] = generation, encoded
        if request.options.beams is not None and self.memory is not None:
            assert isinstance(self.spec, TokenSpec)
            self.searches[self._next] = Beams(self.nets, self.memory, self.spec, encoded)
        else:
            self.queue.add(self._next, request.count, request.priority)
        self._next += 1
        return generation

    def drop(self, generation: Generation) -> None:
        number = generation.number
        self.open.pop(number, None)
        self.encoded.pop(number, None)
        self.queue.drop(number)
        if (search := self.searches.pop(number, None)) is not None:
            search.close()
        self.words.forget(number)
        for flight in self.flights:
            if bool((flight.owner == number).any()):
                self._forget(flight.samples.select((flight.owner == number).nonzero()[:, 0]))
                flight.keep((flight.owner != number).nonzero()[:, 0])
        self.flights = [f for f in self.flights if len(f)]

    @property
    def flying(self) -> int:
        """Samples in flight."""
        return sum(map(len, self.flights))

    # --- the loop -------------------------------------------------------------------------------

    @torch.inference_mode()
    def tick(self) -> None:
        """Let samples join, step each flight once, let the finished leave."""
        with at_work(self.nets.get("net")), layers.steady(self.steady):
            self._admit()
            for flight in self.flights:
                self._step(flight)
                self._tell(flight)
                self._land(flight)
            self.flights = [f for f in self.flights if len(f)]
            for number, search in list(self.searches.items()):
                self._search(number, search)

    def _search(self, number: int, search: Beams) -> None:
        """One more id for each beam; the best are handed over in the end."""
        generation = self.open[number]
        try:
            search.step()
        except GenloomError as error:
            generation.error = error
        if not search.finished and generation.error is None:
            return
        self.searches.pop(number).close()
        found = search.best()[: generation.request.count]
        for slot, (x, ending) in enumerate(found):
            whole = self._filled(generation.request, x, search.known)
            generation.add(torch.tensor([slot]), [whole])
            generation.endings[slot] = ending
            self._show(generation, slot, whole, True)
        generation.ended = True
        del self.open[number], self.encoded[number]

    def _forget(self, gone: Making) -> None:
        if self.guesser is not None and isinstance(gone, Streams):
            self.guesser.forget(gone.items)

    def _step(self, flight: Flight) -> None:
        try:
            if self.guesser is not None and isinstance(flight.samples, Streams):
                self.guesser.guess(flight.samples.items)
            self.family.step(self.nets, flight.samples, flight.cache)
        except GenloomError as error:
            for number in set(flight.owner.tolist()):
                self._give_up(number, error)
        except (MemoryError, RuntimeError) as error:
            if not _out_of_memory(error):
                raise
            self._relieve(flight, error)

    def _give_up(self, number: int, error: GenloomError) -> None:
        generation = self.open[number]
        generation.error = error
        generation.cancel()

    def _relieve(self, flight: Flight, error: BaseException) -> None:
        """Out of memory in the middle of a step, which has changed nothing: arrays go on in two
        halves, and where one alone is too much its request gives up; texts take smaller steps from
        now on, and where these are the smallest the last who came gives up."""
        told = ResourceError(
            f"memory ran out with {len(flight)} samples in flight ({error}): keep fewer in flight "
            "(rows), or free some memory"
        )
        if self.memory is None or not isinstance(flight.samples, Streams):
            if len(flight) > 1 and flight.cache is None:
                self.together = max(1, len(flight) * flight.weight // 2)
                self.flights.append(flight.part(len(flight) // 2))
            else:
                self._give_up(int(flight.owner[-1]), told)  # who came last
            return
        if self.memory.budget > SMALLEST:
            self.memory.budget //= 2
        else:
            flight.samples.items[-1].fail(told)

    def _admit(self) -> None:
        room = self.rows - sum(len(flight) * flight.weight for flight in self.flights)
        while (owner_of := self.queue.first()) is not None:
            encoded = self.encoded[owner_of]
            weight = weigh(self.spec, encoded.grid)
            rows = min(room, self.together) // weight
            if rows < 1 and not self.flights:  # one that is more than all that is usual, alone
                rows = 1
            if (taken := self.queue.next(rows)) is None:
                break
            room -= (taken.last - taken.first) * weight
            slot = torch.arange(taken.first, taken.last)
            numbered = replace(encoded, index=encoded.index[taken.first : taken.last])
            try:
                samples = self.family.start(self.nets, self.spec, numbered)
                cache = self.family.cache(self.nets, samples, self.memory)
            except (MemoryError, RuntimeError) as error:
                if not _out_of_memory(error):
                    raise
                told = f"memory ran out for {len(slot)} samples ({error}): ask for fewer at once"
                self._give_up(taken.owner, ResourceError(told))
                continue
            if isinstance(samples, Streams):
                made = zip(slot.tolist(), samples.items, strict=True)
                self.open[taken.owner].streams.update(made)
            owner = torch.full_like(slot, taken.owner)
            new = Flight(samples, cache, owner, slot, weight)
            self._land(new)  # what was wholly given has no step to take
            most = self.together // weight
            fit = [f for f in self.flights if len(f) + len(new) <= most]
            if len(new) and not any(flight.take(new) for flight in fit):
                self.flights.append(new)

    def _land(self, flight: Flight) -> None:
        rows = flight.samples.ended()
        if rows is None:
            return
        landed = flight.samples.select(rows)
        self._forget(landed)
        results = self.family.result(landed, self.spec)
        owners, slots = flight.owner[rows.cpu()], flight.slot[rows.cpu()]
        if isinstance(landed, Streams):
            self._land_streams(flight, landed, rows.tolist(), owners.tolist(), slots.tolist())
        else:
            assert isinstance(results, Tensor)
            mass = landed.state.get("mass")
            self._note(landed, owners.tolist(), slots.tolist())
            for number in owners.unique().tolist():
                mine = owners == number
                here = mine.to(results.device)
                self.open[number].add(
                    slots[mine], results[here].cpu(), None if mass is None else mass[here].cpu()
                )
                for slot, x in zip(slots[mine].tolist(), results[here], strict=True):
                    self._show(self.open[number], slot, x, True)
        for number in owners.unique().tolist():
            if self.open[number].complete:
                del self.open[number], self.encoded[number]
        stay = torch.ones(len(flight), dtype=torch.bool)
        stay[rows.cpu()] = False
        flight.keep(stay.nonzero()[:, 0])

    def _note(self, landed: Making, owners: list[int], slots: list[int]) -> None:
        """What the family knows of these samples besides themselves goes with them."""
        told = getattr(self.family, "told", None)
        known: dict[str, Tensor] = {} if told is None else told(landed)
        if known:
            for row, (owner, slot) in enumerate(zip(owners, slots, strict=True)):
                one = {name: value[row].cpu() for name, value in known.items()}
                self.open[owner].told[slot] = one

    def _land_streams(
        self, flight: Flight, landed: Streams, rows: list[int], owners: list[int], slots: list[int]
    ) -> None:
        results, cache = self.family.result(landed, self.spec), flight.cache
        for row, owner, slot, stream, x in zip(
            rows, owners, slots, landed.items, results, strict=True
        ):
            generation, known = self.open[owner], stream.prefix - stream.lead
            x = self.words.cut(generation, slot, x, known)
            generation.add(torch.tensor([slot]), [self._filled(generation.request, x, known)])
            generation.error = generation.error or stream.error
            generation.endings[slot] = Ending(
                finish=stream.finish,
                given=stream.prefix,
                reused=cache.held[row].reused if isinstance(cache, PagedCache) else 0,
                made=stream.length - stream.prefix,
                logprobs=tuple(stream.chosen),
            )
            told = self.words.finished(generation, slot, x)
            if generation.watched and told is not None:
                ids = x[known:] if generation.request.ids is not None else None
                generation.tell(news(generation, slot, told, True, ids))

    def _filled(self, request: Request, x: Tensor, known: int) -> Tensor:
        """A gap's filling between what was given around it."""
        if request.options.suffix is None or hasattr(self.model.codec, "gap"):
            return x  # the codec's own arrangement tells what stands behind the gap
        before, after = self.model.codec.encode([request.prompt or "", request.options.suffix])
        return torch.cat((before, x[known:], after))

    # --- those who watch --------------------------------------------------------------------------

    def _tell(self, flight: Flight) -> None:
        """Show those who watch how far their samples are; end texts at their stop strings."""
        if not any(map(self.words.needed, self.open.values())):
            return
        owners, slots = flight.owner.tolist(), flight.slot.tolist()
        if isinstance(flight.samples, Streams):
            for owner, slot, stream in zip(owners, slots, flight.samples.items, strict=True):
                if self.words.needed(self.open[owner]):
                    self._tell_text(self.open[owner], slot, stream)
            return
        for number in set(owners):
            generation = self.open[number]
            if generation.watched and self._shows(generation):
                there = flight.owner == number
                ended = flight.samples.ended()
                if ended is not None:
                    there[ended.cpu()] = False
                rows = there.nonzero()[:, 0]
                if len(rows):
                    self._tell_arrays(generation, flight, rows)

    def _tell_arrays(self, generation: Generation, flight: Flight, rows: Tensor) -> None:
        """Count each sample's steps; decode PREVIEWS of them at most, evenly over its way."""
        assert isinstance(flight.samples, Samples)
        samples = flight.samples.select(rows.to(flight.samples.x.device))
        progress = getattr(self.family, "progress", None)
        one = torch.ones(len(rows), dtype=torch.long)
        done, steps = (one, one) if progress is None else progress(samples)
        most = generation.previews
        due = done * most // steps > (done - 1) * most // steps
        due &= generation.shown
        wanted = bool(due.any())  # a result may cost as much as a step
        results = self.family.result(samples, self.spec) if wanted else [None] * len(rows)
        told = zip(done.tolist(), steps.tolist(), due.tolist(), results, strict=True)
        for slot, (step, of, shown, x) in zip(flight.slot[rows].tolist(), told, strict=True):
            item = generation.decode([x])[0] if shown else None
            generation.tell(replace(news(generation, slot, item, False), step=step, steps=of))

    def _tell_text(self, generation: Generation, slot: int, stream: Stream) -> None:
        if not generation.watched:
            self.words.check(generation, slot, stream)
            return
        told = self.words.so_far(generation, slot, stream)
        fresh = not stream.done and stream.length > stream.prefix
        if fresh and told is not None:
            given = generation.request.ids is not None
            ids = torch.tensor(stream.new()) if given else None
            made, of = stream.length - stream.prefix, self.words.steps
            so_far = news(generation, slot, told, False, ids)
            generation.tell(replace(so_far, step=made, steps=of) if of else so_far)

    def _show(self, generation: Generation, slot: int, x: Tensor, finished: bool) -> None:
        if generation.watched:
            shown = (generation.shown and self._shows(generation)) or self.memory is not None
            item = generation.decode([x])[0] if shown and generation.finals else None
            generation.tell(news(generation, slot, item, finished))

    def _shows(self, generation: Generation) -> bool:
        """Previews are decoded for a handful of samples that are no rows of a table."""
        return generation.request.count <= 64 and not isinstance(self.spec, TokenSpec)


def _out_of_memory(error: BaseException) -> bool:
    known = isinstance(error, MemoryError | torch.OutOfMemoryError)
    return known or "alloc" in str(error) or "memory" in str(error)


def _nothing_told(spec: Any, device: torch.device) -> Tensor | None:
    """float [K, *grid] where items are made of what is told of them."""
    count = getattr(spec, "control", 0)
    return torch.zeros(count, *spec.grid, device=device) if count else None


def _read(
    model: Model, given: Mapping[str, str | Path | Mapping[str, LowRank]]
) -> dict[str, Mapping[str, LowRank]]:
    """What stands beside the model's matrices under each name."""
    if adapted.is_adapted(model):
        raise UsageError(
            f"{model.recipe.name} is an adapter itself: give the model that it stands beside, and "
            "the adapters by name"
        )
    read: dict[str, Mapping[str, LowRank]] = {}
    for name, one in given.items():
        read[name] = adapted.read(model, one) if isinstance(one, str | Path) else one
    return read
