"""What a family is: a training objective with its sampler. Floor 2: knows specs and nets' call
signatures, no codec, file or medium. A family is a frozen dataclass of its own knobs, no weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import torch
from torch import Generator, Tensor, nn

from genloom.spec import Batch, Encoded, Loss, Spec

Nets = Mapping[str, nn.Module]


@dataclass
class Samples:
    """Items in the making, as a struct of arrays: every tensor has the same first dimension B.

    A sample's randomness is a function of its own (seed, index, draw) alone, so it does not depend
    on who shares the batch; the arrays make a hundred thousand rows as cheap as one.
    done: bool [B]. x: the part a codec can decode. state: whatever else the family needs.
    state["mass"], where there is one: log of the chance with which a sample drawn under
    restrictions is to be kept, so that those kept follow the conditional distribution exactly.
    """

    x: Tensor
    done: Tensor
    state: dict[str, Tensor]

    def __len__(self) -> int:
        return self.done.shape[0]

    def select(self, rows: Tensor) -> Samples:
        return Samples(self.x[rows], self.done[rows], {k: v[rows] for k, v in self.state.items()})

    @staticmethod
    def cat(parts: list[Samples]) -> Samples:
        first = parts[0]
        if len(parts) == 1:
            return first
        return Samples(
            _stack([p.x for p in parts]),
            torch.cat([p.done for p in parts]),
            {k: _stack([p.state[k] for p in parts]) for k in first.state},
        )

    def kin(self, other: Samples) -> bool:
        """Whether the two can share a batch: the same state, of the same shapes but for length."""
        return self.state.keys() == other.state.keys() and self.x.shape[2:] == other.x.shape[2:]


def _stack(parts: list[Tensor]) -> Tensor:
    """Joined along the first axis; runs of ids of different capacity are padded behind."""
    if parts[0].dim() == 2 and len({p.shape[1] for p in parts}) > 1:
        widest = max(p.shape[1] for p in parts)
        parts = [torch.nn.functional.pad(p, (0, widest - p.shape[1])) for p in parts]
    return torch.cat(parts)


class Cache(Protocol):
    """Keys and values of the positions that a batch of samples has passed, row by row."""

    def nbytes(self) -> int:
        """What it holds in memory."""

    def select(self, rows: Tensor) -> Cache:
        """Only these rows."""

    def join(self, other: Any) -> Cache:
        """These rows, then the other's."""


class Family(Protocol):
    """An objective and its sampler."""

    kind: ClassVar[str]
    carries: ClassVar[type]  # TokenSpec or ArraySpec
    roles: ClassVar[frozenset[str]]  # the nets it needs
    players: ClassVar[tuple[str, ...]]  # the roles it trains, in the order they move
    takes: ClassVar[frozenset[str]]  # the sampling options it acts on

    def loss(self, player: str, nets: Nets, batch: Batch, rng: Generator) -> Loss:
        """The player's loss, a sum over the batch. Only that player's weights are to move."""

    def start(self, nets: Nets, spec: Spec, request: Encoded) -> Samples:
        """Samples before their first step."""

    def cache(self, nets: Nets, samples: Samples) -> Cache | None:
        """An empty cache for these samples, or None."""

    def step(self, nets: Nets, samples: Samples, cache: Cache | None) -> None:
        """One token or one denoising step for every sample, in place; sets done."""

    def result(self, samples: Samples, spec: Spec) -> list[Tensor] | Tensor:
        """What a codec decodes, finished or so far: ids without bos and eos, or arrays."""

    def score(self, nets: Nets, batch: Batch) -> Tensor:
        """float [B]: log-likelihood in nats, or a bound on it; higher is likelier."""
