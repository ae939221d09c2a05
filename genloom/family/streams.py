"""Streams of ids in the making: texts, and whatever else ends by itself.

Ragged: each step feeds every stream what the plan grants it, prompts in pieces and continuations
one id at a time, in one call of the net. Drafts (ids that somebody guessed) are checked in the same
call and kept while they are what would have been drawn anyway. Knows neither pages nor words.
Shape legend: B streams, N ids of a step, V ids of the vocabulary.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from genloom.errors import GenloomError
from genloom.family.choose import BARRED, Controls, choose
from genloom.family.likeliest import logprobs
from genloom.family.noise import keys
from genloom.net.attention import Attention
from genloom.spec import Encoded, Guide, Options, TokenSpec

DEFAULT_TOKENS = 256


@dataclass(frozen=True)
class Chosen:
    """An id that was drawn, its log-probability (nats) before any control, and the likeliest ids
    with theirs."""

    drawn: int
    logprob: float
    best: tuple[tuple[int, float], ...]


@dataclass(eq=False)
class Stream:
    """One run of ids. ids: bos, what was given, what was drawn. offset: ids before it are out of
    sight. draft: guesses at what comes next. adapter: the name of what stands beside the weights
    for it. finish: why it ended ("stop" or "length")."""

    ids: list[int]
    lead: int
    prefix: int
    end: int
    context: int
    key: int
    options: Options
    ends: frozenset[int]
    priority: int = 0
    adapter: str = ""
    guide: Guide | None = None
    offset: int = 0
    draft: list[int] = field(default_factory=list)
    done: bool = False
    finish: str = ""
    error: GenloomError | None = None
    chosen: list[Chosen] = field(default_factory=list)

    @property
    def length(self) -> int:
        return len(self.ids)

    def window(self) -> list[int]:
        """What the net sees of it."""
        return self.ids[self.offset :] if self.offset else self.ids

    def new(self) -> list[int]:
        """What was drawn, without the id that ends it."""
        made = self.ids[self.prefix :]
        return made[:-1] if made and self.done and made[-1] in self.ends else made

    def stop(self, why: str) -> None:
        self.done, self.finish, self.draft = True, why, []

    def fail(self, error: GenloomError) -> None:
        """It cannot go on; the others can."""
        self.error = error
        self.stop("error")

    def add(self, drawn: int) -> None:
        """One more id; ends the stream where it should."""
        self.ids.append(drawn)
        if self.guide is not None:
            try:
                self.guide.accept(drawn)
            except GenloomError as error:
                self.fail(error)
                return
        if drawn in self.ends and (self.guide is not None or not self.options.ignore_eos):
            self.stop("stop")
        elif self.length >= self.end:
            self.stop("length")

    def slide(self) -> bool:
        """A stream that fills its context goes on with the last half of it, computed afresh."""
        if self.length - self.offset <= self.context:
            return False
        self.offset = self.length - max(1, self.context // 2)
        self.draft = []
        return True

    def barred(self) -> frozenset[int]:
        """Ids that may not come next."""
        early = self.length - self.prefix < (self.options.min_tokens or 0)
        return self.ends if early or self.options.ignore_eos else frozenset()


class Streams:
    """Streams that step together; offers what `Samples` offers."""

    def __init__(self, items: Sequence[Stream]) -> None:
        self.items = list(items)
        self._kept: tuple[list[Stream], Controls, Tensor] | None = None

    def __len__(self) -> int:
        return len(self.items)

    @property
    def done(self) -> Tensor:
        return torch.tensor([s.done for s in self.items], dtype=torch.bool)

    def ended(self) -> Tensor | None:
        """long: the numbers of those that are done, or None."""
        rows = [n for n, s in enumerate(self.items) if s.done]
        return torch.tensor(rows) if rows else None

    def end(self, row: int) -> None:
        self.items[row].stop("stop")

    def select(self, rows: Tensor) -> Streams:
        return Streams([self.items[n] for n in rows.tolist()])

    @staticmethod
    def cat(parts: Sequence[Streams]) -> Streams:
        return Streams([s for part in parts for s in part.items])

    def kin(self, other: Any) -> bool:
        return isinstance(other, Streams)

    def controls(self, rows: list[Stream], device: torch.device) -> tuple[Controls, Tensor]:
        """Controls and keys of these streams; kept while the same ones draw."""
        if self._kept is None or self._kept[0] != rows:
            key = torch.tensor([s.key for s in rows], device=device)
            self._kept = rows, Controls.batch([s.options for s in rows], device), key
        return self._kept[1:]


class Plan(Protocol):
    """What each of some streams feeds in one step. rows, counts: which, and how many ids each;
    attention over their pages, positions long [N, 1]."""

    @property
    def rows(self) -> list[int]: ...
    @property
    def counts(self) -> list[int]: ...
    @property
    def firsts(self) -> list[int]:
        """Positions of each that lie in its pages already."""

    @property
    def attention(self) -> Attention: ...
    @property
    def positions(self) -> Tensor: ...


class Sequences(Protocol):
    """The keys and values of streams, row by row (see engine/paged.py)."""

    def plan(self, items: Sequence[Stream]) -> Plan | None:
        """Who feeds what now; None where nobody can."""

    def settle(self, plan: Any, items: Sequence[Stream], kept: Sequence[int]) -> None:
        """So many of the ids fed are there to stay."""

    def restart(self, row: int) -> None:
        """Forget what a row has passed."""


def start(spec: TokenSpec, request: Encoded) -> Streams:
    """One stream a sample, before its first step."""
    known = [] if request.known is None else request.known.tolist()
    lead = 1 if spec.leads or not known else 0
    ids = [spec.bos] * lead + known
    wanted = request.options.max_tokens or DEFAULT_TOKENS
    told = {*spec.ends, *request.options.stop_ids}
    ends = frozenset(told if spec.eos is None else {*told, spec.eos})
    items = [
        Stream(
            ids=list(ids),
            lead=lead,
            prefix=len(ids),
            end=len(ids) + wanted,
            context=spec.length,
            key=key,
            options=request.options,
            ends=ends,
            priority=request.priority,
            adapter=request.adapter,
            guide=None if request.guide is None else request.guide(),
        )
        for key in keys(request.seed, request.index).tolist()
    ]
    return Streams(items)


def step(nets: Mapping[str, nn.Module], streams: Streams, cache: Sequences) -> None:
    """Feed what the plan grants, then draw for every stream that has caught up with itself."""
    for row, stream in enumerate(streams.items):
        if stream.slide():
            cache.restart(row)
    plan = cache.plan(streams.items)
    if plan is None:
        return
    net: Any = nets["net"]
    hidden = feed(net, streams.items, plan)
    ready, places, kept, first = [], [], [], 0
    for row, begin, count in zip(plan.rows, plan.firsts, plan.counts, strict=True):
        stream = streams.items[row]
        pending = stream.length - stream.offset - begin
        kept.append(min(count, pending))
        if count >= pending:
            guesses = count - pending
            ready.append((stream, len(kept) - 1, guesses))
            places += range(first + pending - 1, first + count)
        first += count
    if ready:
        part = hidden if len(places) == len(hidden) else hidden[places]
        _draw(streams, ready, kept, net.logits(part))
    cache.settle(plan, streams.items, kept)


def feed(net: Any, items: Sequence[Stream], plan: Plan) -> Tensor:
    """Hidden state [N, D] after each id that is fed."""
    ids: list[int] = []
    before: list[int] = []
    paired = net.pair is not None
    for row, begin, count in zip(plan.rows, plan.firsts, plan.counts, strict=True):
        stream = items[row]
        at = stream.offset + begin
        some = stream.ids[at : at + count]
        some += stream.draft[: count - len(some)]
        ids += some
        if paired:
            before.append(stream.ids[at - 1] if begin else some[0])
            before += some[:-1]
    choose = getattr(net, "choose", None)
    if choose is not None:
        choose([items[row].adapter for row in plan.rows], plan.counts)
    device = plan.positions.device
    told = torch.tensor(before, device=device) if paired else None
    hidden: Tensor = net(torch.tensor(ids, device=device), plan.positions, plan.attention, told)
    return hidden


def _draw(
    streams: Streams, ready: list[tuple[Stream, int, int]], kept: list[int], logits: Tensor
) -> None:
    """Draw the next id of each of these, and the ones behind it while the guesses hold."""
    rows = [stream for stream, _, guesses in ready for _ in range(guesses + 1)]
    ahead = [n for _, _, guesses in ready for n in range(guesses + 1)]
    drawn = _choose(streams, rows, ahead, logits)
    first = 0
    for stream, place, guesses in ready:
        guessed, stream.draft = stream.draft[:guesses], []
        top = stream.options.logprobs
        for n in range(guesses + 1):
            pick = drawn[first + n]
            if top is not None:
                stream.chosen.append(_chosen(logits[first + n], pick, top))
            if not stream.done:  # a guide that leads nowhere has ended it
                stream.add(pick)
            if stream.done or n == guesses or pick != guessed[n]:
                break
            kept[place] += 1
        first += guesses + 1


def _chosen(logits: Tensor, pick: int, top: int) -> Chosen:
    """What is told of an id that was drawn from logits [V]."""
    one, best, ids = logprobs(logits[None], torch.tensor([pick], device=logits.device), top)
    return Chosen(pick, float(one), tuple(zip(ids[0].tolist(), best[0].tolist(), strict=True)))


def _choose(streams: Streams, rows: list[Stream], ahead: list[int], logits: Tensor) -> list[int]:
    """An id for each row of logits: of these streams, so many draws ahead."""
    controls, key = streams.controls(rows, logits.device)
    number = torch.tensor([s.length + n for s, n in zip(rows, ahead, strict=True)])
    barred = [s.barred() for s in rows]
    silent = all(s.options.logprobs is None for s in rows)
    if silent and barred[0] and all(ends == barred[0] for ends in barred):
        # all go on past their ends and nobody asks for chances: in place, without a copy
        ends = torch.tensor(sorted(barred[0]), device=logits.device)
        logits.index_fill_(1, ends, BARRED)
        barred = []
    guided = any(s.guide is not None for s in rows)
    device = logits.device
    picked = choose(
        logits,
        controls,
        key,
        number.to(device),
        seen=_padded([s.ids for s in rows], device) if controls.repeated else None,
        made=_padded([s.ids[s.prefix :] for s in rows], device) if controls.counted else None,
        barred=_padded(barred, device) if any(barred) else None,
        allowed=_masks(rows, logits) if guided else None,
    )
    drawn: list[int] = picked.tolist()
    return drawn


def _padded(ids: Sequence[Collection[int]], device: torch.device) -> Tensor:
    """long [B, S], -1 where empty."""
    most = max(map(len, ids))
    return torch.tensor([[*row, *[-1] * (most - len(row))] for row in ids], device=device)


def _masks(rows: list[Stream], logits: Tensor) -> Tensor:
    """int32 [B, ceil(V / 32)]: a bit for each id that may come next."""
    words = -(-logits.shape[1] // 32)
    free = torch.full((words,), -1, dtype=torch.int32)
    return torch.stack([_mask(s, free) for s in rows]).to(logits.device)


def _mask(stream: Stream, free: Tensor) -> Tensor:
    if stream.guide is None or stream.done:
        return free
    try:
        return stream.guide.mask()
    except GenloomError as error:
        stream.fail(error)
        return free


def result(streams: Streams) -> list[Tensor]:
    """What was given and drawn, without bos and what ends it."""
    return [torch.tensor(s.ids[s.lead : s.prefix] + s.new()) for s in streams.items]
