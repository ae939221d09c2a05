"""Which positions of an item are hidden while it is learnt to fill them in, and in what order they
are told when it is judged.

An item may lie on a lattice of rows and columns, with positions before it that speak of the whole.
Knows places, not what stands there.
Shape legend: B items, L positions, R rows and C columns of the lattice.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from genloom.spec import TokenSpec

# shares of items in which single places, whole rows, whole columns or a run of rows are hidden
CELLS, ROWS, COLUMNS = 0.4, 0.35, 0.15
TOLD = 0.5  # of hidden rows, so many have some of their places told all the same
STRATA = 8  # shares of hidden places at which an item is judged


def leading(spec: TokenSpec) -> int:
    """How many positions stand before the lattice."""
    rows, columns = shape(spec)
    return spec.length - rows * columns


def shape(spec: TokenSpec) -> tuple[int, int]:
    """Rows and columns; a plain run is one column."""
    if not spec.lattice:
        return spec.length, 1
    rows, columns = spec.lattice
    return rows, columns


def hidden(spec: TokenSpec, count: int, rng: Generator) -> Tensor:
    """bool [B, L], drawn anew: what is hidden. Never nothing."""
    rows, columns = shape(spec)
    size = (count, rows, columns)

    def chance(*of: int) -> Tensor:
        return torch.rand(of, generator=rng, device=rng.device)

    share = chance(count, 1, 1)
    kind = chance(count, 1, 1)
    cells = chance(*size) < share
    whole = chance(count, rows, 1) < share
    told = (chance(count, rows, 1) < TOLD) & (chance(*size) < chance(count, 1, 1))
    some = _some_columns(chance(count, 1, columns), chance(count, 1, 1))
    run = _run(chance(count, 1, 1), chance(count, 1, 1), rows, rng)
    run = run & (some | (chance(count, 1, 1) < 0.5))
    out = torch.where(kind < CELLS, cells, whole & ~told)
    out = torch.where(kind >= CELLS + ROWS, some.expand(size), out)
    out = torch.where(kind >= CELLS + ROWS + COLUMNS, run.expand(size), out)
    before = chance(count, spec.length - rows * columns) < 0.5
    out = torch.cat((before, out.flatten(1)), 1)
    forced = torch.randint(spec.length, (count, 1), generator=rng, device=rng.device)
    empty = ~out.any(1, keepdim=True)
    return out | (empty & (torch.arange(spec.length, device=out.device) == forced))


def _some_columns(order: Tensor, share: Tensor) -> Tensor:
    """bool [B, 1, C]: a random number of columns from one to all, each as likely."""
    columns = order.shape[2]
    most = 1 + (share * columns).floor().clamp(max=columns - 1)
    return order.argsort(2).argsort(2) < most


def _run(size: Tensor, place: Tensor, rows: int, rng: Generator) -> Tensor:
    """bool [B, R, 1]: neighbouring rows, up to half of them."""
    long = 1 + (size * (rows // 2)).floor()
    first = (place * (rows - long + 1)).floor()
    at = torch.arange(rows, device=size.device)[None, :, None]
    return (at >= first) & (at < first + long)


def strata(spec: TokenSpec) -> Tensor:
    """bool [STRATA, L]: the same places for every item, more of them each time."""
    rng = torch.Generator().manual_seed(0)
    order = torch.rand(STRATA, spec.length, generator=rng).argsort(1).argsort(1)
    share = (torch.arange(STRATA) + 0.5) / STRATA
    return order < (share * spec.length).ceil()[:, None].clamp(min=1)
