"""Encoded items -> batches: shuffling, packing, padding, and the one pass over held-out data.

A batch is a pure function of the seed and the step, so resuming needs no state. Knows specs and
tensors; knows no medium, file, family or device.
Shape legend: N items, B items of a batch, L the spec's length, S ids of a packed stream.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from types import MappingProxyType
from typing import Protocol

import torch
from torch import Tensor

from genloom.data.arrays import Arrays, Retelling, Telling, prompts_of
from genloom.data.arrays import told as said
from genloom.data.packing import PackedItems
from genloom.errors import DataError
from genloom.spec import ArraySpec, Batch, Spec, TokenSpec

Data = Sequence[Tensor] | Tensor
PARTS = 4  # of a batch or a window, in the first steps of schedules


class Batches(Protocol):
    """What the loop asks of a loader. Each batch is a function of the seed and the step (and, where
    items are made on the way, of the weights at that step)."""

    @property
    def epoch_size(self) -> int: ...
    @property
    def targets(self) -> int: ...
    @property
    def told(self) -> Mapping[str, float]:
        """What is to be logged of the last batches."""

    # Where batches are made on the way it also has `finished`: why no more is to be learnt, "" so
    # far; the training then ends as it stands.

    def batches(self, step: int, accumulate: int = 1) -> list[Batch]: ...


class Loader:
    """Training batches for ever, epoch after epoch.

    data    tokens: one long [L_i] an item, without bos, or long [N, L]; arrays: [N, C, *grid],
            or N arrays of unlike grids
    prompts long [N, P] or float [N, P, E] for the net's prompt encoder, or None
    weights float [L_i] an item, how much each of its ids counts as a target, or None where all do;
            an item without any is left out
    group   so many neighbours of the data make one item, such as a better and a worse answer
    worth   float [N], what each row is worth where items are judged as wholes, or None
    batch   items (or windows of a stream) that make one optimiser step
    ramp    in so many first steps a batch has a quarter of its items
    short   in so many first steps the windows of a stream are cut into four
    told    parts a batch of arrays into items and what the net is told of each, such as a coarse
            version; drawn anew each time
    retold  says the prompts of a batch otherwise, such as with words left out; likewise
    pack    join the token items into one stream and draw windows of 1 + length ids from it; with
            weights, put whole items into rows of that size, each a document of its own

    Packed, an epoch is the stream cut at every `length` ids from a phase drawn anew each epoch, so
    no id is a target twice in an epoch, nor always at the same place. The stream is a ring.
    """

    told: Mapping[str, float] = MappingProxyType({})

    def __init__(
        self,
        data: Data,
        spec: Spec,
        *,
        batch: int,
        seed: int,
        prompts: Tensor | None = None,
        weights: Sequence[Tensor] | None = None,
        pack: bool = False,
        document: bool = False,
        group: int = 1,
        worth: Tensor | None = None,
        ramp: int = 0,
        short: int = 0,
        told: Telling | None = None,
        retold: Retelling | None = None,
    ) -> None:
        if len(data) == 0:
            raise DataError("there are no items to train on: give data with at least one")
        if pack and prompts is not None:
            raise ValueError("packed streams have no prompts: pass pack=False")
        if group > 1 and (pack or prompts is not None or not isinstance(spec, TokenSpec)):
            raise ValueError("groups are made of runs of ids without prompts, not packed")
        if prompts is not None and len(prompts) != len(data):
            raise ValueError(f"{len(prompts)} prompts for {len(data)} items: give one an item")
        self.size, self.seed = batch, seed
        self.ramp, self.short = ramp, short
        self.source = _source(
            data, spec, prompts, pack, document, weights, group, worth, seed, batch
        )
        self.telling, self.retelling = told, retold
        self._order = lru_cache(maxsize=2)(self._draw)  # a batch can reach into the next epoch

    @property
    def epoch_size(self) -> int:
        """Items, or windows, of an epoch."""
        return len(self.source)

    @property
    def targets(self) -> int:
        """Weighted positions of an epoch: predicted ids, or items."""
        return self.source.targets

    def batch(self, step: int) -> Batch:
        """The whole batch of a step."""
        return self.batches(step, 1)[0]

    def batches(self, step: int, accumulate: int = 1) -> list[Batch]:
        """The same batch in `accumulate` nearly equal parts (fewer when it has fewer items)."""
        first, end, size = self._before(step), self._before(step + 1), len(self.source)
        parts = []
        while first < end:
            epoch, position = divmod(first, size)
            count = min(end - first, size - position)
            order, phase = self._order(epoch)
            parts.append(self.source.place(order[position : position + count], phase))
            first += count
        places = parts[0] if len(parts) == 1 else torch.cat(parts)
        made = [self.source.batch(piece) for piece in _pieces(self.source, places, accumulate)]
        if self.telling is not None or self.retelling is not None:
            hooks, seed = (self.telling, self.retelling), _mix(self.seed, step)
            made = [said(batch, *hooks, seed + n) for n, batch in enumerate(made)]
        return [_cut(batch) for batch in made] if step < self.short else made

    def _before(self, step: int) -> int:
        """How many items the steps before this one have had."""
        early = min(step, self.ramp)
        return early * max(1, self.size // PARTS) + (step - early) * self.size

    def _draw(self, epoch: int) -> tuple[Tensor, int]:
        """The epoch's permutation and its phase."""
        rng = torch.Generator().manual_seed(_mix(self.seed, epoch))
        phase = int(torch.randint(0, 1 << 62, (), generator=rng))
        if isinstance(self.source, Arrays):
            return self.source.order(rng, self._early(epoch)), phase
        return torch.randperm(len(self.source), generator=rng), phase

    def _early(self, epoch: int) -> int:
        """How many items of an epoch complete the last batch of the one before."""
        return (self._before(self.ramp) - epoch * len(self.source)) % self.size


def _pieces(source: _Source, places: Tensor, accumulate: int) -> Sequence[Tensor]:
    """A batch in nearly equal parts, each of one shape."""
    count = min(accumulate, len(places))
    return source.parts(places, count) if isinstance(source, Arrays) else places.tensor_split(count)


def _cut(batch: Batch) -> Batch:
    """The same windows in PARTS each, as rows of their own; the last ids that make no whole part
    are left out."""
    length = (batch.x.shape[1] - 1) // PARTS
    if length < 1:
        return batch

    def parts(x: Tensor) -> Tensor:
        return torch.cat([x[:, n * length : (n + 1) * length + 1] for n in range(PARTS)])

    weight = parts(batch.weight)
    weight[:, 0] = 0.0  # the start of a part is a target of the part before
    document = None if batch.document is None else parts(batch.document)
    return Batch(spec=batch.spec, x=parts(batch.x), weight=weight, document=document)


def evaluation(
    data: Data,
    spec: Spec,
    *,
    batch: int,
    prompts: Tensor | None = None,
    weights: Sequence[Tensor] | None = None,
    pack: bool = False,
    stride: int | None = None,
    group: int = 1,
    worth: Tensor | None = None,
    told: Telling | None = None,
) -> Iterator[Batch]:
    """Every held-out target once, in order (arrays of a grid together within a batch's run); the
    weights mark those that a batch counts.

    Packed: windows move by `stride` ids (half the length unless said), so each target has at
    least length - stride ids of context, but for those at the very start.
    """
    if pack and weights is None and isinstance(spec, TokenSpec):
        stream = _stream(data, spec)
        stride = min(max(1, stride or spec.length // 2), spec.length)
        yield from _windows_once(stream, spec, batch, stride)
        return
    source = _source(data, spec, prompts, False, False, weights, group, worth)
    for start in range(0, len(source), batch):
        rows = torch.arange(start, min(start + batch, len(source)))
        for piece in _pieces(source, rows, 1):
            yield said(source.batch(piece), told, None, start)


def _windows_once(stream: Tensor, spec: TokenSpec, batch: int, stride: int) -> Iterator[Batch]:
    last = len(stream) - 1  # the last target
    size = min(spec.length, last)
    if size < 1:
        return
    starts = list(range(0, max(1, last - size), stride))
    if starts[-1] != last - size:
        starts.append(last - size)
    counted = [size]  # of each window, how many targets at its end are new
    counted += [now - before for before, now in pairwise(starts)]
    column = torch.arange(1 + size)
    for first in range(0, len(starts), batch):
        start = torch.tensor(starts[first : first + batch])[:, None]
        new = torch.tensor(counted[first : first + batch])[:, None]
        weight = (column > size - new).float()
        yield Batch(spec=spec, x=stream[start + column].long(), weight=weight)


class _Windows:
    """Windows of a packed stream."""

    def __init__(self, data: Data, spec: TokenSpec, document: bool) -> None:
        stream = _stream(data, spec)
        self.spec, self.document, self.size = spec, document, len(stream)
        # The ring is opened once: any start has its 1 + length ids in one piece.
        around = stream.repeat(-(-(spec.length + 1) // len(stream)))[: spec.length + 1]
        self.stream = torch.cat([stream, around])
        self.column = torch.arange(spec.length + 1)

    def __len__(self) -> int:
        return max(1, self.size // self.spec.length)

    @property
    def targets(self) -> int:
        return len(self) * self.spec.length

    def place(self, order: Tensor, phase: int) -> Tensor:
        return (order * self.spec.length + phase % self.size) % self.size

    def batch(self, starts: Tensor) -> Batch:
        x = self.stream[starts[:, None] + self.column].long()
        weight = torch.ones(x.shape)
        weight[:, 0] = 0.0
        document = _documents(x, self.spec) if self.document else None
        return Batch(spec=self.spec, x=x, weight=weight, document=document)


class _Rows:
    """Token items of one length."""

    def __init__(
        self, data: Tensor, spec: TokenSpec, prompts: Tensor | None, weights: object = None
    ) -> None:
        start = torch.full((len(data), 1), spec.bos, dtype=data.dtype)
        end = [] if spec.eos is None else [torch.full_like(start, spec.eos)]
        self.x = torch.cat([start, data, *end], dim=1)[:, : spec.length + 1]
        self.spec, self.prompts = spec, prompts
        self.weight = weights if isinstance(weights, Tensor) else None  # of the positions, [L]

    def __len__(self) -> int:
        return len(self.x)

    @property
    def targets(self) -> int:
        each = self.x.shape[1] - 1 if self.weight is None else int(self.weight.sum())
        return len(self.x) * each

    def place(self, order: Tensor, phase: int) -> Tensor:
        return order

    def batch(self, rows: Tensor) -> Batch:
        x = self.x[rows].long()
        weight = torch.ones(x.shape)
        weight[:, 0] = 0.0
        if self.weight is not None:
            weight[:, 1:] = self.weight
        return Batch(spec=self.spec, x=x, weight=weight, prompt=prompts_of(self.prompts, rows))


class _Ragged:
    """Token items of unlike lengths, padded to the longest of a batch."""

    def __init__(
        self,
        data: Sequence[Tensor],
        spec: TokenSpec,
        prompts: Tensor | None,
        weights: Sequence[Tensor] | None = None,
        group: int = 1,
        worth: Tensor | None = None,
    ) -> None:
        start = [spec.bos] if spec.leads else []  # else what is given stands as it is
        end = [] if spec.eos is None else [spec.eos]
        self.flat, self.size = _laid(data, start, end, spec.length + 1)
        self.weight: Tensor | None = None
        self.group, self.worth = group, worth
        if weights is not None:
            weight = _beside(weights, self.size, len(start))
            kept = _counted(weight, self.size, group)
            there = kept.repeat_interleave(self.size)
            self.flat, self.weight, self.size = self.flat[there], weight[there], self.size[kept]
            self.worth = None if worth is None else worth[kept]
        self.start = self.size.cumsum(0) - self.size
        self.spec, self.prompts = spec, prompts

    def __len__(self) -> int:
        return len(self.size) // self.group

    @property
    def targets(self) -> int:
        every = int(self.size.sum()) - len(self.size)
        return every if self.weight is None else int(self.weight.sum())

    def place(self, order: Tensor, phase: int) -> Tensor:
        return order

    def batch(self, rows: Tensor) -> Batch:
        if self.group > 1:
            rows = (rows[:, None] * self.group + torch.arange(self.group)).flatten()
        size = self.size[rows][:, None]
        column = torch.arange(int(size.max()))
        real = column < size
        at = (self.start[rows][:, None] + column).clamp(max=len(self.flat) - 1)
        x = self.flat[at].long().masked_fill(~real, self.spec.pad)
        weight = (real & (column > 0)).float()
        if self.weight is not None:
            weight *= self.weight[at]
        prompt, worth = prompts_of(self.prompts, rows), self.worth
        worth = None if worth is None else worth[rows]
        return Batch(spec=self.spec, x=x, weight=weight, prompt=prompt, worth=worth)


_Source = _Windows | _Rows | _Ragged | Arrays | PackedItems


def _laid(
    items: Sequence[Tensor], lead: list[int], end: list[int], most: int
) -> tuple[Tensor, Tensor]:
    """The items end to end, each between `lead` and `end` and cut to `most` ids: int32 [T], and
    their sizes, long [N]. All at once: hundreds of thousands of short items take a second."""
    inner = torch.tensor([len(item) for item in items])
    size = inner + len(lead) + len(end)
    begin = size.cumsum(0) - size
    flat = torch.empty(int(size.sum()), dtype=torch.int32)
    for n, one in enumerate(lead):
        flat[begin + n] = one
    for n, one in enumerate(end):
        flat[begin + len(lead) + inner + n] = one
    shift = begin + len(lead) - (inner.cumsum(0) - inner)
    flat[torch.arange(int(inner.sum())) + shift.repeat_interleave(inner)] = torch.cat(
        [*items]
    ).int()
    within = torch.arange(len(flat)) - begin.repeat_interleave(size)
    return flat[within < most], size.clamp(max=most)


def _beside(weights: Sequence[Tensor], size: Tensor, lead: int) -> Tensor:
    """The weight of each id of items that are laid end to end, float [T]. Those of an item may go
    as far as its eos; what is not told counts nothing."""
    told = torch.tensor([len(weight) for weight in weights])
    used = torch.minimum(told, size - lead)
    within = torch.arange(int(told.sum())) - (told.cumsum(0) - told).repeat_interleave(told)
    owner = torch.arange(len(told)).repeat_interleave(told)
    there = within < used[owner]
    begin = size.cumsum(0) - size
    out = torch.zeros(int(size.sum()))
    out[(begin[owner] + lead + within)[there]] = torch.cat([*weights]).float()[there]
    return out


def _counted(weight: Tensor, size: Tensor, group: int) -> Tensor:
    """Which items have an id that is a target within the context (of a group: each of them), bool
    [N]."""
    owner = torch.arange(len(size)).repeat_interleave(size)
    able = torch.zeros(len(size)).index_add_(0, owner, (weight > 0).float()) > 0
    kept = able.view(-1, group).all(1).repeat_interleave(group)
    if not bool(kept.any()):
        raise DataError("no item has a target within the context: make codec.length larger")
    return kept


def _source(
    data: Data,
    spec: Spec,
    prompts: Tensor | None,
    pack: bool,
    document: bool,
    weights: Sequence[Tensor] | None = None,
    group: int = 1,
    worth: Tensor | None = None,
    seed: int = 0,
    batch: int = 1,
) -> _Source:
    if isinstance(spec, ArraySpec):
        return Arrays(data, spec, prompts, batch)
    if pack and weights is not None:  # whole items side by side, not a stream
        made = _Ragged(list(data), spec, None, weights)
        return PackedItems(made.flat, made.size, made.weight, spec, seed)
    if pack:
        return _Windows(data, spec, document)
    if isinstance(data, Tensor):
        return _Rows(data, spec, prompts, weights)
    return _Ragged(data, spec, prompts, weights, group, worth)


def _stream(data: Data, spec: TokenSpec) -> Tensor:
    """bos item bos item ..., int32 [S]; each item's own eos only where it is not the next bos; no
    bos where items begin without one."""
    end = [] if spec.eos is None or spec.eos == spec.bos else [_ids([spec.eos])]
    start = [_ids([spec.bos])] if spec.leads or not end else []
    return torch.cat([part for item in data for part in (*start, item.int(), *end)])


def _documents(x: Tensor, spec: TokenSpec) -> Tensor:
    """long [B, 1 + L]: the number of the document that each id of a packed stream belongs to."""
    if spec.leads or spec.eos is None:
        return (x == spec.bos).cumsum(1)
    ended = (x == spec.eos).long()
    return ended.cumsum(1) - ended


def _ids(values: list[int]) -> Tensor:
    return torch.tensor(values, dtype=torch.int32)


def _mix(seed: int, epoch: int) -> int:
    """One 63-bit seed from two numbers, such that near ones give unlike streams (splitmix64)."""
    z = (seed * 0x9E3779B97F4A7C15 + (epoch + 1) * 0xD1B54A32D192ED03) & (1 << 64) - 1
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & (1 << 64) - 1
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & (1 << 64) - 1
    return (z ^ (z >> 31)) >> 1
