"""Token items of unlike lengths: laid end to end, a batch of them padded to its longest.

Knows ids and weights, no medium. Shape legend: N items, T ids of all of them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from genloom.data.arrays import prompts_of
from genloom.errors import DataError
from genloom.spec import Batch, TokenSpec

POOL, PARTS = 50, 4  # batches whose items are sorted together at most; pools of an epoch at least
BLUR = 0.1


class Ragged:
    """Token items of unlike lengths, padded to the longest of a batch.

    batch: how many make one; items of a batch are of about one length, so that little is padded.
    """

    def __init__(
        self,
        data: Sequence[Tensor],
        spec: TokenSpec,
        prompts: Tensor | None,
        weights: Sequence[Tensor] | None = None,
        group: int = 1,
        worth: Tensor | None = None,
        batch: int = 1,
    ) -> None:
        start = [spec.bos] if spec.leads else []  # else what is given stands as it is
        end = [] if spec.eos is None else [spec.eos]
        self.flat, self.size = _laid(data, start, end, spec.length + 1)
        self.weight: Tensor | None = None
        self.group, self.worth, self.items = group, worth, batch
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

    def order(self, rng: Generator, early: int) -> Tensor:
        """The items of an epoch, long [N]: runs of one batch are of about one length, the runs in
        any order. Items are sorted within pools drawn at random, a tenth of their length by chance,
        so that no two epochs have the same batches. early: how many items the last batch of the
        epoch before still takes."""
        every = torch.randperm(len(self), generator=rng)
        batches = min(POOL, len(self) // self.items // PARTS)
        if self.items == 1 or batches < 2:
            return every
        longest = self.size.view(-1, self.group).amax(1)
        left, runs = [every[:early]], []
        for pool in every[early:].split(self.items * batches):
            about = longest[pool] * (1 + BLUR * torch.rand(len(pool), generator=rng))
            alike = pool[about.argsort(stable=True)]
            whole = len(pool) // self.items * self.items
            runs += alike[:whole].split(self.items) if whole else []
            left.append(alike[whole:])
        runs = [runs[n] for n in torch.randperm(len(runs), generator=rng).tolist()]
        return torch.cat((left[0], *runs, *left[1:]))

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
