"""Whole items packed into rows of one length, their documents told apart: short items, no padding.

The rows are made once, longest items first into the fullest row that still takes them, so nearly
every place of a row is used and all batches have one shape. Knows ids and weights, no medium.
Shape legend: N items, T ids of all of them, R rows, W places of a row (1 + the spec's length).
"""

from __future__ import annotations

import torch
from torch import Tensor

from genloom.spec import Batch, TokenSpec


class PackedItems:
    """Rows of whole items: bos item eos bos item eos ..., where an eos and the next bos are one
    id if they are the same.

    flat    int [T], the items end to end, each with bos and eos; size: long [N], their lengths
    weight  float [T], how much an id counts as a target, or None where all do
    seed    which of equally long items share a row
    """

    def __init__(
        self, flat: Tensor, size: Tensor, weight: Tensor | None, spec: TokenSpec, seed: int
    ) -> None:
        shared = int(spec.bos == spec.eos)
        row, at, number = _fill(size - shared, spec.length + 1 - shared, seed)
        within = torch.arange(len(flat)) - (size.cumsum(0) - size).repeat_interleave(size)
        places = row.repeat_interleave(size), at.repeat_interleave(size) + within
        shape = (int(row.max()) + 1, spec.length + 1)
        self.spec = spec
        self.x = torch.full(shape, spec.pad, dtype=torch.int32).index_put_(places, flat.int())
        counted = torch.ones(len(flat)) if weight is None else weight.float()
        first = within == 0  # no target, and where it is the eos before, that one's weight stands
        later = tuple(p[~first] for p in places)
        self.weight = torch.zeros(shape).index_put_(later, counted[~first])
        # an id that ends one item and begins the next is seen as the beginning; padding is apart
        last = within == (size - 1).repeat_interleave(size)
        owners = number.repeat_interleave(size)
        inner = ~last if shared else torch.ones_like(last)
        self.document = torch.zeros(shape, dtype=torch.int32)
        self.document.index_put_(tuple(p[inner] for p in places), owners[inner].int())

    def __len__(self) -> int:
        return len(self.x)

    @property
    def targets(self) -> int:
        return int(self.weight.sum())

    def place(self, order: Tensor, phase: int) -> Tensor:
        return order

    def batch(self, rows: Tensor) -> Batch:
        return Batch(
            spec=self.spec,
            x=self.x[rows].long(),
            weight=self.weight[rows],
            document=self.document[rows].long(),
        )


def _fill(size: Tensor, room: int, seed: int) -> tuple[Tensor, Tensor, Tensor]:
    """Of each item its row, where in it it begins, and its number there from 1; long [N] each.

    Best fit, longest first; equal sizes in an order of the seed's. No size is above the room.
    """
    rng = torch.Generator().manual_seed(seed)
    order = torch.randperm(len(size), generator=rng)
    order = order[size[order].sort(descending=True, stable=True).indices]
    rows: list[list[int]] = [[] for _ in range(room + 1)]  # numbers of rows by the places left
    counts: list[int] = []
    found = torch.zeros(3, len(size), dtype=torch.long).tolist()
    lengths = size.tolist()
    for item in order.tolist():
        left = next((n for n in range(lengths[item], room + 1) if rows[n]), room)
        if rows[left]:
            row = rows[left].pop()
        else:
            row = len(counts)
            counts.append(0)
        counts[row] += 1
        found[0][item], found[1][item], found[2][item] = row, room - left, counts[row]
        rows[left - lengths[item]].append(row)
    made = torch.tensor(found)
    return made[0], made[1], made[2]
