"""A beam search at work: several continuations of one text, each with pages of its own.

Beams share the pages of what they have in common; one that goes on in several ways is forked. The
search itself is in beams.py. Knows no codec.
Shape legend: K beams.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from genloom.engine.beams import Search
from genloom.engine.generation import Ending
from genloom.engine.paged import Memory
from genloom.errors import ResourceError
from genloom.family import streams
from genloom.family.streams import Stream
from genloom.spec import Encoded, TokenSpec


class Beams:
    """The beams of one request. known: ids that were given."""

    def __init__(
        self, nets: Mapping[str, nn.Module], memory: Memory, spec: TokenSpec, request: Encoded
    ) -> None:
        self.net: Any = nets["net"]
        first = replace(request, index=request.index[:1])
        (self.stream,) = streams.start(spec, first).items
        self.known = self.stream.prefix - self.stream.lead
        self.cache = memory.sequences(1)
        self.items: list[Stream] = [self.stream]
        room = spec.length - self.stream.prefix
        most = min(self.stream.end - self.stream.prefix, max(1, room))
        assert request.options.beams is not None
        self.search = Search(request.options.beams, sorted(self.stream.ends), most)
        self.bias = request.options.logit_bias or {}

    @property
    def finished(self) -> bool:
        return self.search.finished

    def step(self) -> None:
        """One more id for each beam, or one more piece of the prompt."""
        plan = self.cache.plan(self.items)
        if plan is None or len(plan.rows) < len(self.items):
            failed = next((s.error for s in self.items if s.error is not None), None)
            raise failed or ResourceError(
                f"{len(self.items)} beams do not fit into the memory for keys and values: ask for "
                "fewer, or give the engine more"
            )
        hidden = streams.feed(self.net, self.items, plan)
        order = torch.tensor(plan.rows).argsort()
        last = (torch.tensor(plan.counts).cumsum(0) - 1)[order]
        self.cache.settle(plan, self.items, plan.counts)
        if self.cache.held[0].fed < len(self.items[0].ids):
            return
        logits = self.net.logits(hidden[last.to(hidden.device)])
        for one, value in self.bias.items():
            logits[:, one] += value
        self._go_on(self.search.advance(logits.log_softmax(-1)))

    def _go_on(self, parents: list[int]) -> None:
        """Each parent's pages go to its first child; further ones get a fork, the childless go."""
        memory, old = self.cache.memory, self.cache.held
        held = []
        for place, parent in enumerate(parents):
            again = parent in parents[:place]
            held.append(memory.fork(old[parent]) if again else old[parent])
        for number, one in enumerate(old):
            if number not in parents:
                memory.close(one)
        self.cache.held = held
        given = self.stream.ids[: self.stream.prefix]
        self.items = [replace(self.stream, ids=[*given, *beam]) for beam in self.search.beams]

    def best(self) -> list[tuple[Tensor, Ending]]:
        """(ids without what ends them, how they ended), best first."""
        given = self.stream.ids[self.stream.lead : self.stream.prefix]
        out = []
        for one in self.search.best():
            ended = one.ids[-1] in self.stream.ends
            kept = one.ids[:-1] if ended else one.ids
            ending = Ending(
                finish="stop" if ended else "length",
                given=self.stream.prefix,
                made=len(one.ids),
                score=one.score,
            )
            out.append((torch.tensor([*given, *kept], dtype=torch.long), ending))
        return out

    def close(self) -> None:
        """Give the pages back."""
        for one in self.cache.held:
            self.cache.memory.close(one)
        self.cache.held = []
