"""Items that are arrays, of one grid or of several, as the loader draws them.

Items of one grid lie together. An epoch is laid out so that most batches are of one grid; one that
is not is taken apart, which the loss, a sum, does not feel. Knows no medium, file or family.
Shape legend: N items, B items of a batch, C channels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch
from torch import Generator, Tensor

from genloom.spec import ArraySpec, Batch

# Arrays as they lie [B, C + more, *grid], and a generator: the items, which may be windows of
# these, and what is told of each, if anything.
Telling = Callable[[Tensor, Generator], tuple[Tensor, Tensor | None]]
# Prompts [B, P] or [B, P, E], and a generator: the same said otherwise.
Retelling = Callable[[Tensor, Generator], Tensor]


class Arrays:
    """Array items. data: [N, C, *grid], or N arrays of unlike grids; prompts: long [N, P] or float
    [N, P, E], or None; batch: items of a step, which an epoch is laid out for."""

    def __init__(
        self,
        data: Tensor | Sequence[Tensor],
        spec: ArraySpec,
        prompts: Tensor | None,
        batch: int = 1,
    ) -> None:
        self.spec, self.prompts, self.size = spec, prompts, batch
        self.group, self.place_in_group, self.groups = _grouped(data)

    def __len__(self) -> int:
        return len(self.group)

    @property
    def targets(self) -> int:
        return len(self)

    def place(self, order: Tensor, phase: int) -> Tensor:
        return order

    def order(self, rng: Generator, early: int) -> Tensor:
        """The items of an epoch, long [N]: runs of one batch are of one grid, as far as may be, the
        runs in any order. early: how many items the last batch of the epoch before still takes."""
        every = torch.randperm(len(self), generator=rng)
        if len(self.groups) == 1:
            return every
        runs, rest = [], []
        for number in range(len(self.groups)):
            mine = every[self.group[every] == number]
            whole = len(mine) // self.size * self.size
            runs += mine[:whole].split(self.size) if whole else []
            rest.append(mine[whole:])
        runs = [runs[n] for n in torch.randperm(len(runs), generator=rng).tolist()]
        while sum(map(len, rest)) < early and runs:
            rest.append(runs.pop())
        left = torch.cat(rest)
        return torch.cat((left[:early], *runs, left[early:]))

    def batch(self, rows: Tensor) -> Batch:
        """These items, which must be of one grid."""
        x = self.groups[int(self.group[rows[0]])][self.place_in_group[rows]].float()
        weight = torch.ones(len(rows))
        return Batch(spec=self.spec, x=x, weight=weight, prompt=prompts_of(self.prompts, rows))

    def parts(self, rows: Tensor, count: int) -> list[Tensor]:
        """The same items in `count` nearly equal parts, or some more, each of one grid."""
        group = self.group[rows]
        runs = [rows[group == number] for number in group.unique().tolist()]
        shares = [-(-count * len(run) // len(rows)) for run in runs]
        return [p for run, n in zip(runs, shares, strict=True) for p in run.tensor_split(n)]


def _grouped(data: Tensor | Sequence[Tensor]) -> tuple[Tensor, Tensor, list[Tensor]]:
    """Which group each item is in, its place there (long [N] each), and the groups."""
    if isinstance(data, Tensor):
        return torch.zeros(len(data), dtype=torch.long), torch.arange(len(data)), [data]
    shapes: dict[tuple[int, ...], list[int]] = {}
    for number, one in enumerate(data):
        shapes.setdefault(tuple(one.shape), []).append(number)
    group = torch.empty(len(data), dtype=torch.long)
    place = torch.empty(len(data), dtype=torch.long)
    groups = []
    for number, shape in enumerate(sorted(shapes)):
        rows = torch.tensor(shapes[shape])
        group[rows], place[rows] = number, torch.arange(len(rows))
        groups.append(torch.stack([data[n] for n in shapes[shape]]))
    return group, place, groups


def prompts_of(prompts: Tensor | None, rows: Tensor) -> Tensor | None:
    """Ids long [B, P], features float [B, P, E], or None."""
    if prompts is None:
        return None
    return prompts[rows].float() if prompts.is_floating_point() else prompts[rows].long()


def told(batch: Batch, telling: Telling | None, retelling: Retelling | None, seed: int) -> Batch:
    """The batch with what is drawn anew each time: what is told of its items, how its prompts are
    said."""
    rng = torch.Generator().manual_seed(seed & (1 << 63) - 1)
    if telling is not None:
        x, control = telling(batch.x, rng)
        batch = replace(batch, x=x, control=control)
    if retelling is not None and batch.prompt is not None:
        batch = replace(batch, prompt=retelling(batch.prompt, rng))
    return batch
