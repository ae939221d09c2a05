"""Batches by Poisson sampling: each item takes part in each step by a chance of its own.

What the accountants of differential privacy count on; who takes part follows from a key that nobody
may know. A batch's size varies, and may be none. Knows specs and tensors; no privacy, net or file.
Shape legend: N items, B items of a batch.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import torch
from torch import Tensor

from genloom.data.loader import Loader
from genloom.spec import Batch

MOST = 2048  # items whose gradients are told apart at a time


class Poisson:
    """A loader's items, drawn so. seed_of: a secret seed for each step."""

    told: Mapping[str, float] = MappingProxyType({})

    def __init__(self, loader: Loader, seed_of: Callable[[int], int]) -> None:
        self.loader, self.seed_of = loader, seed_of
        self.rate = min(1.0, loader.size / loader.epoch_size)

    @property
    def epoch_size(self) -> int:
        return self.loader.epoch_size

    @property
    def targets(self) -> int:
        return self.loader.targets

    def batches(self, step: int, accumulate: int = 1) -> list[Batch]:
        """The step's items in parts of at most MOST; one empty part where nobody takes part."""
        rng = torch.Generator().manual_seed(self.seed_of(step))
        draw = torch.rand(self.epoch_size, generator=rng, dtype=torch.float64)
        places: Tensor = (draw < self.rate).nonzero()[:, 0]
        count = max(1, accumulate, -(-len(places) // MOST))
        return [self.loader.source.batch(some) for some in places.tensor_split(count)]
