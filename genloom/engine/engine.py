"""A model at work: many requests, samples of any family, one loop.

Each tick lets waiting samples join, steps every flight once, and lets finished samples leave. A
sample's result does not depend on who flies with it. Knows no medium: codecs turn prompts into
tensors and tensors into items.
Shape legend: B samples of a flight.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch
from torch import Tensor

from genloom import heap
from genloom.engine.scheduler import Flight, Queue, most_rows
from genloom.errors import RequestError, UsageError
from genloom.model import Model
from genloom.spec import ArraySpec, Encoded, Request, TokenSpec


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What a generation tells while it is made.

    done: samples finished, of count. sample: the number of the sample that `item` belongs to;
    item: that sample so far (a text, a preview) or finished; of a request by ids only what was
    added to them. ids: the added ids themselves, long [L], of a request by ids, else None.
    """

    done: int
    count: int
    sample: int | None = None
    item: Any = None
    finished: bool = False
    ids: Tensor | None = None


@dataclass
class Generation:
    """A request under way. Iterate for progress, or call `result`."""

    engine: Engine
    request: Request
    number: int
    made: int = 0
    cancelled: bool = False
    _slots: list[Tensor] = field(default_factory=list)
    _parts: list[Any] = field(default_factory=list)
    _mass: list[Tensor] = field(default_factory=list)
    _told: list[Progress] = field(default_factory=list)
    _watched: bool = False

    @property
    def complete(self) -> bool:
        return self.cancelled or self.made >= self.request.count

    def result(self) -> Any:
        """The finished items in the medium's own collection, in the order of their numbers."""
        while not self.complete:
            self.engine.tick()
        return self.items()

    def items(self) -> Any:
        """What is finished so far."""
        return self.engine.model.codec.decode(self.tensors())

    def tensors(self) -> Any:
        """What is finished so far, before decoding: stacked where all have one shape."""
        if not self._slots:
            return []
        order = torch.cat(self._slots).argsort()
        if isinstance(self._parts[0], Tensor):
            return torch.cat(self._parts)[order]
        flat = [x for part in self._parts for x in part]
        return [flat[n] for n in order.tolist()]

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

    def __iter__(self) -> Iterator[Progress]:
        self._watched = True
        while not self.complete:
            self.engine.tick()
            yield from self._news()
        yield from self._news()  # what another's tick finished

    def _news(self) -> list[Progress]:
        told, self._told = self._told, []
        return told

    def cancel(self) -> None:
        """Give up what is not finished."""
        self.cancelled = True
        self.engine.drop(self)


class Engine:
    """Steps a model for any number of requests. Use as a context manager, or call `close`."""

    def __init__(self, model: Model, rows: int | None = None) -> None:
        self.model = model
        self.family, self.spec = model.family, model.codec.spec
        if rows is not None and rows < 1:
            raise UsageError(f"rows is {rows}: give how many samples to keep in flight, 1 or more")
        self.rows = most_rows(self.spec, self._cached()) if rows is None else rows
        self.queue = Queue()
        self.flights: list[Flight] = []
        self.open: dict[int, Generation] = {}
        self.encoded: dict[int, Encoded] = {}
        self._next = 0
        heap.keep()
        model.nets.eval()

    def _cached(self) -> int:
        """Bytes of one sample's cache."""
        asked = Encoded(seed=0, index=torch.zeros(1, dtype=torch.long, device=self.model.device))
        samples = self.family.start(self.model.nets, self.spec, asked)
        cache = self.family.cache(self.model.nets, samples)
        return 0 if cache is None else cache.nbytes()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Cancel what is left."""
        for generation in list(self.open.values()):
            generation.cancel()

    def submit(self, request: Request) -> Generation:
        """Queue a request. RequestError when the model cannot act on it."""
        encoded = self.encode(request)
        generation = Generation(self, request, self._next)
        self.open[self._next], self.encoded[self._next] = generation, encoded
        self.queue.add(self._next, request.count)
        self._next += 1
        return generation

    def drop(self, generation: Generation) -> None:
        number = generation.number
        self.open.pop(number, None)
        self.encoded.pop(number, None)
        self.queue.drop(number)
        for flight in self.flights:
            flight.keep((flight.owner != number).nonzero()[:, 0])
        self.flights = [f for f in self.flights if len(f)]

    # --- the loop -------------------------------------------------------------------------------

    @torch.inference_mode()
    def tick(self) -> None:
        """Let samples join, step each flight once, let the finished leave."""
        self._admit()
        for flight in self.flights:
            self.family.step(self.model.nets, flight.samples, flight.cache)
            self._stop_texts(flight)
            self._tell(flight)
            self._land(flight)
        self.flights = [f for f in self.flights if len(f)]

    def _admit(self) -> None:
        room = self.rows - sum(map(len, self.flights))
        while (taken := self.queue.next(room)) is not None:
            room -= taken.last - taken.first
            encoded = self.encoded[taken.owner]
            slot = torch.arange(taken.first, taken.last, device=self.model.device)
            numbered = replace(encoded, index=encoded.index[taken.first : taken.last])
            samples = self.family.start(self.model.nets, self.spec, numbered)
            owner = torch.full_like(slot, taken.owner)
            cache = self.family.cache(self.model.nets, samples)
            new = Flight(samples, cache, owner, slot)
            self._land(new)  # what was wholly given has no step to take
            if len(new) and not any(flight.take(new) for flight in self.flights):
                self.flights.append(new)

    def _land(self, flight: Flight) -> None:
        done = flight.samples.done
        if not bool(done.any()):
            return
        rows = done.nonzero()[:, 0]
        landed = flight.samples.select(rows)
        results, mass = self.family.result(landed, self.spec), landed.state.get("mass")
        owners = flight.owner[rows]
        for number in owners.unique().tolist():
            generation, mine = self.open[number], owners == number
            self._hand_over(generation, mine, flight.slot[rows], results, mass)
        flight.keep((~done).nonzero()[:, 0])

    def _hand_over(
        self,
        generation: Generation,
        mine: Tensor,
        slots: Tensor,
        results: Any,
        mass: Tensor | None,
    ) -> None:
        slots = slots[mine].cpu()
        if isinstance(results, Tensor):
            parts: Any = results[mine].cpu()
        else:
            some = mine.nonzero()[:, 0].tolist()
            parts = [self._cut(results[n].cpu(), generation.request) for n in some]
        generation.add(slots, parts, None if mass is None else mass[mine].cpu())
        if generation._watched:
            for slot, x in zip(slots.tolist(), parts, strict=True):
                self._say(generation, slot, x, True)
        if generation.complete:
            del self.open[generation.number], self.encoded[generation.number]

    def _tell(self, flight: Flight) -> None:
        """Show those who watch how far their samples are."""
        for number in flight.owner.unique().tolist():
            generation = self.open[number]
            if not generation._watched:
                continue
            rows = ((flight.owner == number) & ~flight.samples.done).nonzero()[:, 0]
            if not len(rows):
                continue
            results = self.family.result(flight.samples.select(rows), self.spec)
            for slot, x in zip(flight.slot[rows].tolist(), results, strict=True):
                self._say(generation, slot, x, False)

    def _say(self, generation: Generation, slot: int, x: Tensor, finished: bool) -> None:
        done, count, given = generation.made, generation.request.count, generation.request.ids
        new = x if given is None else x[len(given) :]
        item = self.model.codec.decode([new])[0] if self._shows(count) else None
        ids = None if given is None else new
        generation._told.append(
            Progress(done=done, count=count, sample=slot, item=item, finished=finished, ids=ids)
        )

    def _shows(self, count: int) -> bool:
        """Previews are decoded for a handful of samples that are no rows of a table."""
        fixed = isinstance(self.spec, TokenSpec) and self.spec.eos is None
        return count <= 64 and not fixed

    # --- texts that end at a string ---------------------------------------------------------------

    def _stop_texts(self, flight: Flight) -> None:
        stops = {n: self.open[n].request.options.stop for n in flight.owner.unique().tolist()}
        if not any(stops.values()):
            return
        results = self.family.result(flight.samples, self.spec)
        prefix = flight.samples.state["prefix"] - flight.samples.state["lead"]
        for row, (owner, x) in enumerate(zip(flight.owner.tolist(), results, strict=True)):
            new = self._text(x[int(prefix[row]) :])
            if any(stop in new for stop in stops[owner]):
                flight.samples.done[row] = True

    def _cut(self, x: Tensor, request: Request) -> Tensor:
        """Without what follows a stop string, and the string itself."""
        stops = request.options.stop
        if not stops:
            return x
        known = self._known(request)
        new = self._text(x[known:])
        ends = [new.index(s) for s in stops if s in new]
        if not ends:
            return x
        kept = self.model.codec.encode([new[: min(ends)]])[0]
        return torch.cat((x[:known], kept.to(x.device)))

    def _known(self, request: Request) -> int:
        if request.ids is not None:
            return len(request.ids)
        condition = self.model.codec.condition(request.prompt, request.where)
        return 0 if condition.known is None else len(condition.known)

    def _text(self, x: Tensor) -> str:
        return self.model.codec.decode([x])[0]

    # --- from requests to tensors -----------------------------------------------------------------

    def encode(self, request: Request) -> Encoded:
        """The request as tensors, by the model's codecs."""
        self._refuse(request)
        known, allowed, prompt = None, {}, None
        if self.model.prompt is not None:
            prompt = self._prompt(request.prompt)
            if request.where:
                raise RequestError("this model takes a prompt, not conditions: leave out --where")
        else:
            condition = self.model.codec.condition(request.prompt, request.where)
            known, allowed = condition.known, condition.allowed
            if request.ids is not None:
                known = self._begun(request.ids)
        device = self.model.device
        return Encoded(
            seed=request.seed,
            index=torch.arange(request.first, request.first + request.count, device=device),
            known=known,
            allowed=allowed,
            prompt=None if prompt is None else prompt.to(device),
            options=request.options,
        )

    def _begun(self, ids: tuple[int, ...]) -> Tensor:
        """long [L]: a beginning given in ids. RequestError where it is over the context."""
        spec = self.spec
        if not isinstance(spec, TokenSpec) or spec.eos is None:
            raise RequestError("this model makes no runs of ids: give a prompt instead of ids")
        if len(ids) > spec.length - 1 or not all(0 <= i < spec.vocab for i in ids):
            raise RequestError(
                f"{len(ids)} ids were given: at most {spec.length - 1} fit into the context, each "
                f"from 0 to {spec.vocab - 1}"
            )
        return torch.tensor(ids, dtype=torch.long)

    def _prompt(self, text: str | None) -> Tensor:
        """long [P]; no prompt is padding throughout."""
        spec = self.model.prompt.spec
        if text is None:
            return torch.full((spec.length,), spec.pad, dtype=torch.long)
        row = self.model.prompt.encode([text])[0]
        return torch.nn.functional.pad(row, (0, spec.length - len(row)), value=spec.pad)

    def _refuse(self, request: Request) -> None:
        """RequestError for what this model cannot act on, rather than silence."""
        surplus = sorted(set(request.options.given()) - self.family.takes)
        if surplus:
            raise RequestError(
                f"a {self.family.kind} model has no option {', '.join(surplus)}: it takes "
                f"{', '.join(sorted(self.family.takes)) or 'none'}"
            )
        takes_text = self.model.prompt is not None or not isinstance(self.spec, ArraySpec)
        if request.prompt is not None and not takes_text:
            raise RequestError(
                "this model was trained without captions and takes no prompt: leave it out"
            )
