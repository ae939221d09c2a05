"""What a family is: a training objective with its sampler. Floor 2: knows specs and nets' call
signatures, no codec, file or medium. A family is a frozen dataclass of its own knobs, no weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import torch
from torch import Generator, Tensor

from genloom.spec import Batch, Encoded, Loss, Rules, Spec

NONE: frozenset[str] = frozenset()
Nets = Mapping[str, Any]  # modules by role; a family knows what its own can do beyond forward


@dataclass
class Samples:
    """Items in the making, as a struct of arrays: every tensor has the same first dimension B.

    A sample's randomness is a function of its own (seed, index, draw) alone, so it does not depend
    on who shares the batch; the arrays make a hundred thousand rows as cheap as one.
    done: bool [B]. x: the part a codec can decode. state: whatever else the family needs.
    state["mass"], where there is one: log of the chance with which a sample drawn under
    restrictions is to be kept, so that those kept follow the conditional distribution exactly.
    rules: what their fields leave each other, the same of all, or None.
    """

    x: Tensor
    done: Tensor
    state: dict[str, Tensor]
    rules: Rules | None = field(default=None, kw_only=True)

    def __len__(self) -> int:
        return self.done.shape[0]

    def ended(self) -> Tensor | None:
        """long: the numbers of those that are done, or None."""
        return self.done.nonzero()[:, 0] if bool(self.done.any()) else None

    def select(self, rows: Tensor) -> Samples:
        state = {k: v[rows] for k, v in self.state.items()}
        return Samples(self.x[rows], self.done[rows], state, rules=self.rules)

    @staticmethod
    def cat(parts: list[Samples]) -> Samples:
        first = parts[0]
        if len(parts) == 1:
            return first
        return Samples(
            _stack([p.x for p in parts]),
            torch.cat([p.done for p in parts]),
            {k: _stack([p.state[k] for p in parts]) for k in first.state},
            rules=first.rules,
        )

    def kin(self, other: Any) -> bool:
        """Whether the two can share a batch: the same state, of the same shapes but for length."""
        return (
            isinstance(other, Samples)
            and self.state.keys() == other.state.keys()
            and self.x.shape[2:] == other.x.shape[2:]
            and self.rules is other.rules
        )


class Making(Protocol):
    """What the engine asks of samples in the making, whatever they are: see `Samples`."""

    def __len__(self) -> int: ...
    def ended(self) -> Tensor | None: ...
    def select(self, rows: Tensor) -> Any: ...
    @staticmethod
    def cat(parts: Any) -> Any: ...
    def kin(self, other: Any) -> bool: ...


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
    """An objective and its sampler.

    One may also have `least`, parts of its loss by name with what they must not stay below: there
    what it makes has collapsed (train/collapse.py), `acts(spec)`, those of `takes` that it acts on
    in items of this kind, where they are not all, and `usual`, what it does by itself where an
    option says nothing, `choices`, the values of an option that is a word, `begins(nets)`,
    whether it makes items without one to begin from, and `told(samples)`, what it knows of finished
    samples besides themselves, as tensors [B, ...] by name (`Generation.told`).
    """

    kind: ClassVar[str]
    carries: ClassVar[type]  # TokenSpec or ArraySpec
    takes: ClassVar[frozenset[str]]  # the sampling options it acts on
    group: ClassVar[int]  # so many neighbours of what the codec encodes make one item

    @property
    def roles(self) -> frozenset[str]:
        """The nets it needs; its knobs may decide."""

    @property
    def players(self) -> tuple[str, ...]:
        """The roles it trains, in the order they move."""

    @property
    def falls(self) -> bool:
        """Whether a loss that does not fall means that nothing is learnt."""

    @property
    def frozen(self) -> frozenset[str]:
        """Roles that stand beside the players while training and never move: "reference", the net
        as it was at the start, or "teacher", another model's."""

    def loss(self, player: str, nets: Nets, batch: Batch, rng: Generator) -> Loss:
        """The player's loss, a sum over the batch. Only that player's weights are to move."""

    def start(self, nets: Nets, spec: Spec, request: Encoded) -> Making:
        """Samples before their first step."""

    def cache(self, nets: Nets, samples: Making, memory: Any = None) -> Cache | None:
        """An empty cache for these samples, or None. memory: where those that grow keep their keys
        and values (see engine/paged.py)."""

    def step(self, nets: Nets, samples: Making, cache: Cache | None) -> None:
        """One token or one denoising step for every sample, in place; sets done."""

    def result(self, samples: Making, spec: Spec) -> list[Tensor] | Tensor:
        """What a codec decodes, finished or so far: ids without bos and eos, or arrays."""

    def score(self, nets: Nets, batch: Batch) -> Tensor:
        """float [B]: log-likelihood in nats, or a bound on it; higher is likelier."""
