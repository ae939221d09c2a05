"""A guest: a published diffusion pipeline that brings its own sampler along.

Everything the house asks of a family, over a net that knows how to begin one picture and how to
take its next step (`Painter`); steps, guidance and randomness come from here, a sample at a time,
so that what shares the batch changes nothing. Learns nothing. Knows no file and no library.
Shape legend: B items, C channels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

import torch
from torch import Generator, Tensor

from genloom.errors import RequestError, UsageError
from genloom.family.base import NONE, Cache, Nets, Samples
from genloom.family.noise import keys
from genloom.spec import ArraySpec, Batch, Encoded, Loss, Spec

ALWAYS = frozenset({"steps", "size"})  # what every pipeline acts on


@dataclass(frozen=True, kw_only=True)
class Order:
    """One picture, as it was asked for. key: what its random numbers follow from. strength None:
    the pipeline's usual one. item float [C, *grid], fresh float [*grid]: see spec.Encoded."""

    key: int
    grid: tuple[int, ...]
    steps: int
    guidance: float | None = None
    strength: float | None = None
    prompt: Tensor | None = None
    negative: Tensor | None = None
    item: Tensor | None = None
    fresh: Tensor | None = None


class Painting(Protocol):
    """One picture in the making. step counts denoising steps taken, of steps."""

    done: bool
    taken: int
    steps: int

    def step(self) -> None:
        """One denoising step; in the end, what turns its result into a picture."""

    def picture(self) -> Tensor:
        """float [C, *grid]; of an unfinished one a guess, which may be smaller."""


class Painter(Protocol):
    """What the family asks of its net."""

    def begin(self, order: Order) -> Painting:
        """Nothing is computed yet. RequestError where the order cannot be met."""


@dataclass
class Paintings(Samples):
    """Pictures in the making, each with a course of its own. x [B, 0, *grid] says the grid alone,
    so that only pictures of one size share a flight."""

    items: list[Painting] = field(default_factory=list)

    def select(self, rows: Tensor) -> Paintings:
        kept = [self.items[row] for row in rows.tolist()]
        return Paintings(self.x[rows], self.done[rows], {}, kept)

    @staticmethod
    def cat(parts: list[Any]) -> Paintings:
        return Paintings(
            torch.cat([p.x for p in parts]),
            torch.cat([p.done for p in parts]),
            {},
            [one for p in parts for one in p.items],
        )


@dataclass(frozen=True, kw_only=True)
class Pipeline:
    """A pipeline's usual steps and guidance (None: it has none), and what it acts on besides
    (`does`: "guidance", "negative", "item", "strength", "mask", "outpaint"). blank: it can begin
    without an item."""

    kind: ClassVar[str] = "pipeline"
    carries: ClassVar[type] = ArraySpec
    roles: ClassVar[frozenset[str]] = frozenset({"net"})
    players: ClassVar[tuple[str, ...]] = ()
    frozen: ClassVar[frozenset[str]] = NONE
    group: ClassVar[int] = 1
    falls: ClassVar[bool] = False

    steps: int = 30
    guidance: float | None = None
    does: tuple[str, ...] = ()
    blank: bool = True

    @property
    def takes(self) -> frozenset[str]:
        return ALWAYS | set(self.does)

    def begins(self, nets: Nets) -> bool:
        return self.blank

    @property
    def usual(self) -> Mapping[str, Any]:
        return {"steps": self.steps, "guidance": self.guidance}

    # --- what only those do who learn ------------------------------------------------------------

    def loss(self, player: str, nets: Nets, batch: Batch, rng: Generator) -> Loss:
        raise _learns_nothing()

    def score(self, nets: Nets, batch: Batch) -> Tensor:
        raise _learns_nothing()

    # --- sampling --------------------------------------------------------------------------------

    def start(self, nets: Nets, spec: Spec, request: Encoded) -> Paintings:
        assert isinstance(spec, ArraySpec)
        self._check(nets, request)
        options, net = request.options, nets["net"]
        guidance = self.guidance if options.guidance is None else options.guidance
        grid = request.grid or spec.grid
        items = [
            net.begin(
                Order(
                    key=key,
                    grid=grid,
                    steps=options.steps or self.steps,
                    guidance=guidance,
                    strength=options.strength,
                    prompt=request.prompt,
                    negative=request.negative,
                    item=request.item,
                    fresh=request.fresh,
                )
            )
            for key in keys(request.seed, request.index.cpu()).tolist()
        ]
        done = torch.tensor([one.done for one in items], dtype=torch.bool)
        return Paintings(torch.empty(len(items), 0, *grid), done, {}, items)

    def _check(self, nets: Nets, request: Encoded) -> None:
        if "guide" in nets:
            raise RequestError(
                "a published pipeline is guided by its own empty prompt alone: leave the guide out"
            )
        if request.fresh is not None and "mask" not in self.does:
            raise RequestError(
                "this pipeline makes no part of a picture anew: give a picture without transparency"
            )
        if request.negative is not None and (request.options.guidance or self.guidance or 0) <= 1:
            raise RequestError(
                "without guidance nothing keeps away from a negative prompt: ask for a guidance "
                "above 1"
            )

    def cache(self, nets: Nets, samples: Samples, memory: Any = None) -> Cache | None:
        return None

    def step(self, nets: Nets, samples: Paintings, cache: Cache | None) -> None:
        """The next denoising step of each, one after another."""
        for one in samples.items:
            one.step()
        samples.done = torch.tensor([one.done for one in samples.items], dtype=torch.bool)

    def progress(self, samples: Paintings) -> tuple[Tensor, Tensor]:
        """long [B] each: denoising steps taken, of how many."""
        told = [(one.taken, one.steps) for one in samples.items]
        taken, steps = torch.tensor(told, dtype=torch.long).reshape(-1, 2).unbind(1)
        return taken.clamp(min=1), steps

    def result(self, samples: Paintings, spec: Spec) -> list[Tensor] | Tensor:
        """Pictures; of those that are not finished a small guess each."""
        pictures: Sequence[Tensor] = [one.picture() for one in samples.items]
        return torch.stack(list(pictures)) if bool(samples.done.all()) else list(pictures)


def _learns_nothing() -> UsageError:
    return UsageError(
        "a published pipeline is not trained or scored here: train a model of your own with  "
        "genloom train image, or put an adapter beside the pipeline"
    )
