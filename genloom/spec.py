"""What families and nets know about data: the specs that codecs publish, and the carriers.

Knows shapes, ranges and divisors. Knows no medium, file format, net or objective.
Shape legend: B items, L positions of an item, C channels, P prompt positions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, Protocol

import torch
from torch import Tensor

from genloom.errors import RequestError


@dataclass(frozen=True, kw_only=True)
class Span:
    """A run of positions (tokens) or channels (arrays) that makes one field, such as a column.

    kind: "number" for ordered values, "choice" for categories (one-hot in an array).
    """

    name: str
    start: int
    size: int
    kind: Literal["number", "choice"]

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


@dataclass(frozen=True, kw_only=True)
class ArraySpec:
    """Items that are `float` arrays of shape [channels, *grid], values mostly within [-1, 1].

    grid () is a plain vector. spans name runs of channels (table columns).
    """

    grid: tuple[int, ...]
    channels: int
    spans: tuple[Span, ...] = ()

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels, *self.grid)


Spec = TokenSpec | ArraySpec


def spec_to_json(spec: Spec) -> dict[str, Any]:
    """A JSON-ready dictionary; `spec_from_json` is its inverse."""
    values: dict[str, Any] = {f.name: getattr(spec, f.name) for f in fields(spec)}
    values["spans"] = [vars(span) for span in spec.spans]
    return {"carrier": "tokens" if isinstance(spec, TokenSpec) else "array", **values}


def spec_from_json(values: Mapping[str, Any]) -> Spec:
    known = dict(values)
    carrier = known.pop("carrier")
    known["spans"] = tuple(Span(**span) for span in known["spans"])
    if carrier == "tokens":
        known["ends"] = tuple(known.get("ends", ()))
        known["ranges"] = tuple((low, high) for low, high in known["ranges"])
        return TokenSpec(**known)
    known["grid"] = tuple(known["grid"])
    return ArraySpec(**known)


@dataclass(kw_only=True)
class Batch:
    """What a loss reads.

    x         tokens: long [B, 1 + L], the first id is the start; arrays: float [B, C, *grid]
    weight    float; tokens: [B, 1 + L], how much each id counts as a target (0 for padding and for
              the start); arrays: [B]
    prompt    long [B, P] ids for the net's prompt encoder, or None
    document  long [B, 1 + L], which document an id belongs to when several are packed, or None
    """

    spec: Spec
    x: Tensor
    weight: Tensor
    prompt: Tensor | None = None
    document: Tensor | None = None

    def count(self) -> Tensor:
        """The loss's divisor, known before the forward pass: predicted tokens, or items."""
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
        )


@dataclass(frozen=True)
class Loss:
    """total: a SUM over the batch, to be divided by the count over all micro-batches and ranks.

    parts: detached sums for the log, divided the same way.
    """

    total: Tensor
    parts: Mapping[str, Tensor] = field(default_factory=dict)


_RANGES = {
    "max_tokens": (1, 1e6),
    "temperature": (0.0, 100.0),
    "top_k": (1, 1e9),
    "top_p": (1e-6, 1.0),
    "min_p": (0.0, 1.0),
    "repetition_penalty": (0.01, 100.0),
    "steps": (1, 10_000),
    "guidance": (0.0, 100.0),
}


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to sample. None leaves the choice to the family; a family refuses what it cannot act on.

    max_tokens            longest continuation, tokens
    temperature           0 is greedy; 1 samples the model's own distribution
    top_k, top_p, min_p   keep the k likeliest; the smallest set of mass p; those above p * the best
    repetition_penalty    divides positive and multiplies negative logits of ids already present
    stop                  strings that end a text
    steps                 denoising steps
    guidance              classifier-free guidance scale; 1 is none
    solver                "euler", "heun" or "multistep"
    """

    max_tokens: int | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    stop: tuple[str, ...] = ()
    steps: int | None = None
    guidance: float | None = None
    solver: str | None = None

    def __post_init__(self) -> None:
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if value is not None and not low <= value <= high:
                raise RequestError(f"{name} is {value}, but {low:g} to {high:g} is expected")

    def given(self) -> dict[str, Any]:
        """Only what was set."""
        return {f.name: v for f in fields(self) if (v := getattr(self, f.name)) not in (None, ())}


@dataclass(frozen=True, kw_only=True)
class Request:
    """A prompt, a seed, a count and options.

    prompt: a text (prefix, caption or class), or None
    ids:    instead of a prompt, the ids that the item begins with, as a chat's renderer makes them
    where:  conditions on fields, such as "age > 60 and income = '>50K'" or {"income": ">50K"}
    priority: those with a higher one go first; it changes nothing in the result
    Sample number i of seed s is the same item whatever else is asked for or shares its batch.
    """

    prompt: str | None = None
    ids: tuple[int, ...] | None = None
    seed: int = 0
    count: int = 1
    first: int = 0
    where: str | Mapping[str, Any] | None = None
    priority: int = 0
    options: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        if self.count < 1 or self.seed < 0 or self.first < 0:
            raise RequestError(
                f"count {self.count}, seed {self.seed}, first {self.first}: "
                "a count of at least 1 and a seed of at least 0 are expected"
            )


class Guide(Protocol):
    """What may come next in one sample, such as a grammar allows."""

    def mask(self) -> Tensor:
        """Which ids may come next, as `family.choose` reads it."""

    def accept(self, drawn: int) -> None:
        """This id came."""


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A request as tensors, made by the codecs, read by the family.

    known    long [L], the ids already decided (-1 where open): a text's prefix or a row's columns
    allowed  position -> bool [high - low], which ids of the position's range may be drawn
    prompt   long [P], ids for the net's prompt encoder
    seed     the request's seed
    index    long [B], the number of each sample within its seed
    guide    makes a new guide, one for each sample
    """

    seed: int
    index: Tensor
    known: Tensor | None = None
    allowed: Mapping[int, Tensor] = field(default_factory=dict)
    prompt: Tensor | None = None
    priority: int = 0
    guide: Callable[[], Guide] | None = None
    options: Options = field(default_factory=Options)
