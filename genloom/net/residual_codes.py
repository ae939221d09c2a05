"""Residual vector quantisation: a vector as the sum of entries, each of what the ones before lack.

Zeghidour et al. 2021 (SoundStream, algorithm 1); entries are looked up in few dimensions and on the
unit sphere, and learnt by gradients (Kumar et al. 2023, DAC, section 3.2; van den Oord et al. 2017,
eq. 3), so that averages and checkpoints hold them as any weights. Knows vectors and ids.
Shape legend: B items, Z channels, T places, Q levels, K codes a level, D dimensions of an entry.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

COMMITMENT = 0.25  # of vectors to their entries, beside that of entries to their vectors
REVIVAL = 0.05  # of entries that no vector of a batch chose, to vectors drawn from it
WEIGHT = 0.05  # of all these: at 1 vectors rather agree with few entries than say anything
DROPPED = 0.5  # chance that an item is learnt from its first levels alone


class Level(nn.Module):
    """One codebook: [R, Z] -> the nearest entry's id, entry and what it is short of."""

    def __init__(self, channels: int, codes: int, dimensions: int) -> None:
        super().__init__()
        self.into = nn.Linear(channels, dimensions)
        self.out = nn.Linear(dimensions, channels)
        self.entries = nn.Parameter(torch.randn(codes, dimensions))

    def ids(self, z: Tensor) -> Tensor:
        """long [R]: the nearest on the sphere."""
        return (F.normalize(self.into(z), dim=-1) @ F.normalize(self.entries, dim=-1).T).argmax(-1)

    def values(self, ids: Tensor) -> Tensor:
        """float [..., Z] of long [...]."""
        return self.out(F.normalize(F.embedding(ids, self.entries), dim=-1))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """([R, Z], the error of entries and vectors to each other [R]); gradients pass straight."""
        told = F.normalize(self.into(z), dim=-1)
        entries = F.normalize(self.entries, dim=-1)
        ids = (told.detach() @ entries.detach().T).argmax(-1)
        entry = entries[ids]
        apart = (entry - told.detach()).square().sum(-1)
        apart = apart + COMMITMENT * (told - entry.detach()).square().sum(-1)
        if self.training:
            apart = apart + REVIVAL * self._forlorn(entries, told.detach(), ids)
        return self.out(told + (entry - told).detach()), apart

    def _forlorn(self, entries: Tensor, told: Tensor, ids: Tensor) -> Tensor:
        """How far the entries that nothing chose are from vectors at random, a mean over all (after
        Zheng & Vedaldi 2023, whose anchors are drawn so)."""
        unused = torch.ones(len(entries), device=ids.device).index_fill(0, ids, 0.0)
        drawn = told[torch.randint(len(told), (len(entries),), device=ids.device)]
        return ((entries - drawn).square().sum(-1) * unused).mean()


class ResidualCodes(nn.Module):
    """z [B, Z, T] -> (the same by codes, their error float [B])."""

    def __init__(self, channels: int, levels: int, codes: int, dimensions: int) -> None:
        super().__init__()
        self.levels = nn.ModuleList(Level(channels, codes, dimensions) for _ in range(levels))

    def forward(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """In training each item by as many levels as are drawn for it, so that the first alone
        say most (Zeghidour et al. 2021, section III-C)."""
        rest = z.movedim(1, -1)
        count = self._drawn(z)
        total, error = torch.zeros_like(rest), torch.zeros(len(z), device=z.device)
        for number, level in enumerate(self.levels):
            made, apart = level(rest.flatten(0, 1))
            taken = (number < count).to(z.dtype)
            total = total + made.view_as(rest) * taken[:, None, None]
            error = error + WEIGHT * apart.view(rest.shape[:2]).mean(1) * taken
            rest = rest - made.view_as(rest)
        return total.movedim(-1, 1), error

    def _drawn(self, z: Tensor) -> Tensor:
        """long [B]."""
        every = len(self.levels)
        whole = torch.full((len(z),), every, device=z.device)
        if not self.training:
            return whole
        some = torch.randint(1, every + 1, (len(z),), device=z.device)
        return torch.where(torch.rand(len(z), device=z.device) < DROPPED, some, whole)

    def ids(self, z: Tensor) -> Tensor:
        """long [B, Q, T] of [B, Z, T]."""
        rest, found = z.movedim(1, -1), []
        for part in self.levels:
            level: Level = part  # type: ignore[assignment]
            ids = level.ids(rest.flatten(0, 1)).view(rest.shape[:2])
            found.append(ids)
            rest = rest - level.values(ids)
        return torch.stack(found, 1)

    def values(self, ids: Tensor) -> Tensor:
        """float [B, Z, T] of the first levels' codes, long [B, 1 to Q, T]."""
        parts = zip(self.levels, ids.unbind(1), strict=False)
        return sum(level.values(one) for level, one in parts).movedim(-1, 1)  # type: ignore
