"""What families and nets know about data: the specs that codecs publish, and the carriers.

Knows shapes, ranges and divisors. Knows no medium, file format, net or objective.
Shape legend: B items, L positions of an item, C channels, P prompt positions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from genloom.errors import RequestError
from genloom.options import Options as Options


@dataclass(frozen=True, kw_only=True)
class Span:
    """A run of positions (tokens) or channels (arrays) that makes one field, such as a column.

    kind: "number" for ordered values, "choice" for categories (one-hot in an array), "words" for
    a text, a run of positions in reading order, each with the same ids.
    """

    name: str
    start: int
    size: int
    kind: Literal["number", "choice", "words"]

    @property
    def stop(self) -> int:
        return self.start + self.size


@dataclass(frozen=True, kw_only=True)
class TokenSpec:
    """Items that are runs of token ids, `long` of shape [L] with L <= length.

    bos precedes every item (a stream of documents uses one id for bos and eos); where `leads` is
    false, a given beginning stands as it is and bos precedes only items without one. eos is None
    for items of fixed length; ends are further ids that end an item. ranges[p] = (low, high) bounds
    the ids legal at position p of an item of fixed length; empty means the whole vocabulary
    everywhere. spans name fields of such an item, which may then be learnt and given in any order.
    lattice: the last positions of such an item lie on these axes, row by row (frames and voices);
    those before them speak of the whole. () for a plain run.
    levels[p]: where each id of position p lies in the order of what they stand for, from 0 to 1;
    below 0 for an id outside of it (a missing value), () for a position without an order. Empty
    means that nothing is known of any.
    """

    vocab: int
    length: int
    bos: int
    eos: int | None
    pad: int
    axes: int = 1
    leads: bool = True
    ends: tuple[int, ...] = ()
    spans: tuple[Span, ...] = ()
    ranges: tuple[tuple[int, int], ...] = ()
    lattice: tuple[int, ...] = ()
    levels: tuple[tuple[float, ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class ArraySpec:
    """Items that are `float` arrays of shape [channels, *grid], values mostly within [-1, 1].

    grid () is a plain vector. spans name runs of channels (table columns). grids: every grid that
    an item may have, where there are several; `grid` is then the usual one. control: channels of
    the array that is told of an item besides its prompt; 0 for none. stride: places of the item's
    grid that one place of the control's covers along each axis.
    """

    grid: tuple[int, ...]
    channels: int
    spans: tuple[Span, ...] = ()
    grids: tuple[tuple[int, ...], ...] = ()
    control: int = 0
    stride: int = 1

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels, *self.grid)

    def grid_of(self, control: Tensor) -> tuple[int, ...]:
        """The grid of the item that is told so, float [K, *places]."""
        return tuple(side * self.stride for side in control.shape[1:])


@dataclass(frozen=True, kw_only=True)
class FeatureSpec:
    """Prompts that come as vectors: float [length, width] each, zeros where there is nothing."""

    width: int
    length: int


Spec = TokenSpec | ArraySpec
PromptSpec = TokenSpec | FeatureSpec


def spec_to_json(spec: Spec | FeatureSpec) -> dict[str, Any]:
    """A JSON-ready dictionary; `spec_from_json` is its inverse."""
    values: dict[str, Any] = {f.name: getattr(spec, f.name) for f in fields(spec)}
    if isinstance(spec, FeatureSpec):
        return {"carrier": "features", **values}
    values["spans"] = [vars(span) for span in spec.spans]
    return {"carrier": "tokens" if isinstance(spec, TokenSpec) else "array", **values}


def spec_from_json(values: Mapping[str, Any]) -> Spec | FeatureSpec:
    known = dict(values)
    carrier = known.pop("carrier")
    if carrier == "features":
        return FeatureSpec(**known)
    known["spans"] = tuple(Span(**span) for span in known["spans"])
    if carrier == "tokens":
        known["ends"] = tuple(known.get("ends", ()))
        known["ranges"] = tuple((low, high) for low, high in known["ranges"])
        known["lattice"] = tuple(known.get("lattice", ()))
        known["levels"] = tuple(map(tuple, known.get("levels", ())))
        return TokenSpec(**known)
    known["grid"] = tuple(known["grid"])
    known["grids"] = tuple(tuple(one) for one in known.get("grids", ()))
    return ArraySpec(**known)


@dataclass(kw_only=True)
class Batch:
    """What a loss reads.

    x         tokens: long [B, 1 + L], the first id is the start; arrays: float [B, C, *grid]
    weight    float; tokens: [B, 1 + L], how much each id counts as a target (0 for padding and for
              the start); arrays: [B]
    prompt    long [B, P] ids for the net's prompt encoder, float [B, P, E] where it is told
              features instead, or None
    document  long [B, 1 + L], which document an id belongs to when several are packed, or None
    worth     float [B], what each item is worth where items are judged as wholes, or None: +1 and
              -1 for the better and the worse of neighbours, or an advantage
    control   float [B, K, *grid / stride], what is told of each array besides the prompt (edges, a
              coarse or a damaged version), or None
    """

    spec: Spec
    x: Tensor
    weight: Tensor
    prompt: Tensor | None = None
    document: Tensor | None = None
    worth: Tensor | None = None
    control: Tensor | None = None

    def count(self) -> Tensor:
        """The loss's divisor, known before the forward pass: predicted tokens, or items."""
        if self.worth is not None:
            return torch.full((), float(len(self.worth)), device=self.worth.device)
        return self.weight.sum()

    def to(self, device: torch.device) -> Batch:
        def move(x: Tensor | None) -> Tensor | None:
            return None if x is None else x.to(device, non_blocking=True)

        return Batch(
            spec=self.spec,
            x=self.x.to(device, non_blocking=True),
            weight=self.weight.to(device, non_blocking=True),
            prompt=move(self.prompt),
            document=move(self.document),
            worth=move(self.worth),
            control=move(self.control),
        )


@dataclass(frozen=True)
class Loss:
    """total: a SUM over the batch, to be divided by the count over all micro-batches and ranks.

    parts: detached sums for the log, divided the same way.
    """

    total: Tensor
    parts: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Request:
    """A prompt, a seed, a count and options.

    prompt: a text (prefix, caption or class), or None
    ids:    instead of a prompt, the ids that the item begins with, as a chat's renderer makes them
    where:  conditions on fields, such as "age > 60 and income = '>50K'" or {"income": ">50K"}
    item:   a finished item to begin from, as the codec takes it (a path, a picture); mask: which of
            it is to be made anew, likewise; control: what the model is told besides the prompt
    priority: those with a higher one go first; it changes nothing in the result
    adapter: the name of one that the engine was given, or None for the model as it is
    Sample number i of seed s is the same item whatever else is asked for or shares its batch.
    """

    prompt: str | None = None
    ids: tuple[int, ...] | None = None
    seed: int = 0
    count: int = 1
    first: int = 0
    where: str | Mapping[str, Any] | None = None
    item: Any = None
    mask: Any = None
    control: Any = None
    priority: int = 0
    adapter: str | None = None
    options: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        if self.count < 1 or self.seed < 0 or self.first < 0:
            raise RequestError(
                f"count {self.count}, seed {self.seed}, first {self.first}: "
                "a count of at least 1 and a seed of at least 0 are expected"
            )
        object.__setattr__(self, "options", self._on_the_way())

    def _on_the_way(self) -> Options:
        """The options with the number of frames, where the samples go from one end to another: a
        frame is then the same whichever of them are asked for."""
        options, last = self.options, self.first + self.count
        if options.towards is None and options.towards_seed is None:
            return options
        if options.frames is None and last < 2:
            raise RequestError("one sample goes nowhere: ask for a count of 2 or more frames")
        return options if options.frames else replace(options, frames=last)


class Guide(Protocol):
    """What may come next in one sample, such as a grammar allows."""

    def mask(self) -> Tensor:
        """Which ids may come next, as `family.choose` reads it."""

    def accept(self, drawn: int) -> None:
        """This id came."""


class Rules(Protocol):
    """What the fields of one item leave each other. places: the positions that are restricted."""

    @property
    def places(self) -> frozenset[int]: ...

    def mask(self, place: int, ids: Tensor) -> Tensor | None:
        """bool [B, high - low]: what may still stand at a position, given ids long [B, L], -1 where
        open; None where anything may. A row without any true value cannot be completed."""


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A request as tensors, made by the codecs, read by the family.

    known    long [L], the ids already decided (-1 where open): a text's prefix or a row's columns
    allowed  position -> bool [high - low], which ids of the position's range may be drawn
    rules    which ids of a position may be drawn beside those that are
    prompt   long [P], ids for the net's prompt encoder; float [P, E] where it is told features
    negative long [P], those of a prompt to keep away from
    towards  long [P], those of a prompt to go to
    item     float [C, *grid], a finished item to begin from
    fresh    float [*grid], 1 where the item is to be made anew, 0 where it stays
    control  float [K, *grid / stride], what the net is told besides the prompt
    shown    the control shows all of the item that is to stay
    grid     of the items to make, where it is not the spec's usual one
    seed     the request's seed
    index    long [B], the number of each sample within its seed
    adapter  the name of what stands beside the weights for it, "" for nothing
    guide    makes a new guide, one for each sample
    """

    seed: int
    index: Tensor
    known: Tensor | None = None
    allowed: Mapping[int, Tensor] = field(default_factory=dict)
    rules: Rules | None = None
    prompt: Tensor | None = None
    negative: Tensor | None = None
    towards: Tensor | None = None
    item: Tensor | None = None
    fresh: Tensor | None = None
    control: Tensor | None = None
    shown: bool = False
    grid: tuple[int, ...] | None = None
    priority: int = 0
    adapter: str = ""
    guide: Callable[[], Guide] | None = None
    options: Options = field(default_factory=Options)
