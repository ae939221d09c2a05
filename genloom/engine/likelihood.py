"""How likely continuations are, each given its own context: answers to choose from, ends, windows.

A context that several continuations share is computed once, and so is a beginning that contexts
share (by full pages). Knows runs of ids; what they spell, and who asks, is not known here.
Shape legend: R rows of hidden states that predict an id, D width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from genloom.engine.paged import Held
from genloom.engine.reading import ROWS, Reader
from genloom.net.pages import PAGE
from genloom.net.quantize import at_work

Ids = tuple[int, ...]


@dataclass(frozen=True)
class Likely:
    """logprob: of the continuation given its context, nats. greedy: whether each of its ids is the
    likeliest where it stands. ids: how many were predicted. cut: ids that did not fit, from the
    left."""

    logprob: float
    greedy: bool
    ids: int
    cut: int


@dataclass
class _Group:
    """Continuations of one context. runs: what is fed behind the context -> who asks, and for
    which ids."""

    context: Ids
    runs: dict[Ids, list[tuple[int, Ids]]] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Ids to feed at most."""
        return len(self.context) + sum(1 + len(run) for run in self.runs)

    def asked(self) -> int:
        return sum(map(len, self.runs.values()))


@dataclass
class _Branch:
    """What is still to be fed of a sequence, the id before it, and what its last rows predict."""

    held: Held
    ids: Ids
    lead: int
    rows: int = 0
    targets: Sequence[tuple[int, Ids]] = ()


def likelihoods(
    reader: Reader,
    asked: Sequence[tuple[Sequence[int], Sequence[int]]],
    heard: Callable[[int], None] = lambda done: None,
) -> list[Likely]:
    """Of each (context, continuation), both of at least one id, in the order given. One that is
    longer than the model's context is cut from the left. heard: told how many are done."""
    length = reader.spec.length
    groups: dict[Ids, _Group] = {}
    fitted = [_fitted(tuple(context), tuple(ids), length) for context, ids in asked]
    for number, (context, ids, _) in enumerate(fitted):
        group = groups.setdefault(context, _Group(context))
        group.runs.setdefault(ids[:-1], []).append((number, ids))
    totals = torch.zeros(len(fitted), dtype=torch.float64)
    greedy = torch.ones(len(fitted), dtype=torch.bool)
    done = 0
    with torch.inference_mode(), at_work(reader.net):
        for batch in _batches(reader, sorted(groups.values(), key=lambda group: group.context)):
            _read(reader, batch, totals, greedy)
            done += sum(group.asked() for group, _ in batch)
            heard(done)
    return [
        Likely(float(totals[n]), bool(greedy[n]), len(ids), cut)
        for n, (_, ids, cut) in enumerate(fitted)
    ]


def _fitted(context: Ids, ids: Ids, length: int) -> tuple[Ids, Ids, int]:
    """The last `length` ids of which each predicts the next, and how many are left out."""
    whole = (context + ids)[-(length + 1) :]
    predicted = min(len(ids), len(whole) - 1)
    cut = len(context) + len(ids) - len(whole)
    return whole[:-predicted], whole[-predicted:], cut


def _batches(reader: Reader, groups: Sequence[_Group]) -> Iterator[list[tuple[_Group, Held]]]:
    """Groups that are read together, each with the pages that are known of it. One that could take
    over pages of its neighbour waits until these are there."""
    memory, batch, size = reader.memory, [], 0
    before: Ids = ()
    for group in groups:
        held = _known(reader, group)
        waits = _common(before, group.context) > len(held.nodes)
        if batch and (waits or size + group.size > memory.budget):
            memory.close(held)
            yield batch
            batch, size = [], 0
            held = _known(reader, group)
        batch.append((group, held))
        size += group.size - held.fed
        before = group.context
    if batch:
        yield batch


def _known(reader: Reader, group: _Group) -> Held:
    held = reader.memory.open()
    reader.memory.reuse(held, group.context)
    return held


def _common(one: Ids, other: Ids) -> int:
    """Full pages that two contexts begin with alike, the last id apart."""
    most = min(len(one), len(other) - 1) // PAGE
    return next((n for n in range(most) if _page(one, n) != _page(other, n)), most)


def _page(ids: Ids, number: int) -> Ids:
    return ids[number * PAGE : (number + 1) * PAGE]


def _read(reader: Reader, batch: list[tuple[_Group, Held]], totals: Tensor, greedy: Tensor) -> None:
    """Contexts first where several continuations follow, then all continuations."""
    memory, open_ = reader.memory, [held for _, held in batch]
    try:
        many = [(group, held) for group, held in batch if len(group.runs) > 1]
        _feed(reader, [_rest(group.context, held, -1) for group, held in many])
        branches = []
        for group, held in batch:
            if len(group.runs) > 1:
                memory.publish(held, group.context)
            for run, targets in group.runs.items():
                own = memory.fork(held) if len(group.runs) > 1 else held
                open_ += [own] if own is not held else []
                branch = _rest(group.context + run, own)
                branch.rows, branch.targets = len(run) + 1, targets
                branches.append(branch)
        _score(reader, branches, _feed(reader, branches), totals, greedy)
        for group, held in batch:
            if len(group.runs) == 1:
                memory.publish(held, group.context + next(iter(group.runs)))
    finally:
        for held in open_:
            memory.close(held)


def _rest(ids: Ids, held: Held, end: int | None = None) -> _Branch:
    """What is not in its pages yet, up to an end."""
    return _Branch(held, ids[held.fed : end], ids[max(0, held.fed - 1)])


def _feed(reader: Reader, branches: Sequence[_Branch]) -> list[Tensor]:
    """The last `rows` hidden states [R, D] of each, in calls of a budget of ids."""
    parts: list[list[Tensor]] = [[] for _ in branches]
    for call in _calls([len(branch.ids) for branch in branches], reader.memory.budget):
        some = [branches[n] for n, _, _ in call]
        runs = [branches[n].ids[first:last] for n, first, last in call]
        leads = [branches[n].ids[first - 1] if first else branches[n].lead for n, first, _ in call]
        hidden = reader.feed(runs, [branch.held for branch in some], leads)
        for (n, _, last), rows in zip(call, hidden.split([len(run) for run in runs]), strict=True):
            wanted = branches[n].rows - (len(branches[n].ids) - last)
            parts[n] += [rows[-wanted:]] if wanted > 0 else []
    return [torch.cat(rows) if rows else torch.empty(0) for rows in parts]


def _calls(sizes: Sequence[int], budget: int) -> Iterator[list[tuple[int, int, int]]]:
    """(which, first, last) of the pieces that share a call; no one has two pieces in one."""
    call: list[tuple[int, int, int]] = []
    room = budget
    for number, size in enumerate(sizes):
        first = 0
        while first < size:
            last = min(size, first + room)
            call.append((number, first, last))
            room -= last - first
            first = last
            if room == 0:
                yield call
                call, room = [], budget
    if call:
        yield call


def _score(
    reader: Reader,
    branches: Sequence[_Branch],
    hidden: Sequence[Tensor],
    totals: Tensor,
    greedy: Tensor,
) -> None:
    """Add up log p of every target and note where another id was likelier."""
    rows = torch.cat(list(hidden))
    owner, place, target = [], [], []
    first = 0
    for branch in branches:
        for number, ids in branch.targets:
            owner += [number] * len(ids)
            place += range(first, first + len(ids))
            target += ids
        first += branch.rows
    owners, places, wanted = map(torch.tensor, (owner, place, target))
    for start in range(0, len(rows), ROWS):
        logits = reader.net.logits(rows[start : start + ROWS]).float()
        mine = (places >= start) & (places < start + ROWS)
        at, ids = (t[mine].to(logits.device) for t in (places - start, wanted))
        told = logits[at, ids] - logits.logsumexp(-1)[at]
        totals.index_add_(0, owners[mine], told.double().cpu())
        wrong = (logits.argmax(-1)[at] != ids).cpu()
        greedy[owners[mine][wrong]] = False
