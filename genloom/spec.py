"""What families and nets know about data: the specs that codecs publish, and the carriers.

Knows shapes, ranges and divisors. Knows no medium, file format, net or objective.
Shape legend: B items, L positions of an item, C channels, P prompt positions.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
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

    grid () is a plain vector. spans name runs of channels (table columns). grids: every grid that
    an item may have, where there are several; `grid` is then the usual one. control: channels of
    the array that is told of an item besides its prompt, on the item's own grid; 0 for none.
    """

    grid: tuple[int, ...]
    channels: int
    spans: tuple[Span, ...] = ()
    grids: tuple[tuple[int, ...], ...] = ()
    control: int = 0

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.channels, *self.grid)


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
    control   float [B, K, *grid], what is told of each array besides the prompt (edges, a coarse or
              a damaged version), or None
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


_RANGES: dict[str, tuple[type, float, float]] = {
    "max_tokens": (int, 1, 1e6),
    "min_tokens": (int, 0, 1e6),
    "temperature": (float, 0.0, 100.0),
    "top_k": (int, 1, 1e9),
    "top_p": (float, 1e-6, 1.0),
    "min_p": (float, 0.0, 1.0),
    "repetition_penalty": (float, 0.01, 100.0),
    "frequency_penalty": (float, -2.0, 2.0),
    "presence_penalty": (float, -2.0, 2.0),
    "logprobs": (int, 0, 20),
    "beams": (int, 1, 16),
    "steps": (int, 1, 10_000),
    "guidance": (float, 0.0, 100.0),
    "strength": (float, 0.0, 1.0),
    "truncation": (float, 0.0, 2.0),
    "towards_seed": (int, 0, float(1 << 63)),
    "frames": (int, 2, 1e6),
}
_BIAS = 100.0
_FAR = 20.0
_LARGEST_ID = 1 << 31
_MOST = 1024  # stop strings, stop ids, biases


@dataclass(frozen=True, kw_only=True)
class Options:
    """How to sample. None leaves the choice to the family; a family refuses what it cannot act on.

    max_tokens            longest continuation, tokens
    min_tokens            the text does not end before so many
    temperature           0 is greedy; 1 samples the model's own distribution
    top_k, top_p, min_p   keep the k likeliest; the smallest set of mass p; those above p * the best
    repetition_penalty    divides positive and multiplies negative logits of ids already present
    frequency_penalty     is taken from the logit of an id for each time it was generated
    presence_penalty      is taken once from the logits of ids that were generated
    logit_bias            id -> what is added to its logit, -100 to 100
    logprobs              tell each id's log-probability, and those of so many likeliest
    stop, stop_ids        strings and ids that end a text
    ignore_eos            go on after the id that ends a text
    schema                a JSON schema that the text is to meet, or
    regex, grammar        a regular expression or a grammar (Lark, GBNF) that it is to match
    suffix                what comes after the gap that is to be filled
    beams                 breadth of a beam search
    steps                 denoising steps
    guidance              classifier-free guidance scale; 1 is none
    guidance_interval     (low, high): the times within which it acts, of 0 (data) to 1 (noise)
    solver                "euler", "heun" or "multistep"
    strength              how much of a given picture is made anew: 0 nothing, 1 everything
    negative              a prompt to keep away from
    seamless              opposite edges fit together
    size                  (height, width), where a model makes more than one
    truncation            how far latents may be from their mean; 1 is the whole spread
    directions            number of a latent direction -> how far to go along it, -20 to 20
    outpaint              (top, right, bottom, left): so many pixels are made around the given item
    towards               a prompt, and
    towards_seed          a seed to go to, from the request's own, in
    frames                so many samples: the first is the one end, the last the other
    """

    max_tokens: int | None = None
    min_tokens: int | None = None
    temperature: float | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    repetition_penalty: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Mapping[int, float] | None = None
    logprobs: int | None = None
    stop: tuple[str, ...] = ()
    stop_ids: tuple[int, ...] = ()
    ignore_eos: bool | None = None
    schema: Mapping[str, Any] | bool | str | None = None
    regex: str | None = None
    grammar: str | None = None
    suffix: str | None = None
    beams: int | None = None
    steps: int | None = None
    guidance: float | None = None
    solver: str | None = None
    strength: float | None = None
    negative: str | None = None
    seamless: bool | None = None
    size: tuple[int, int] | None = None
    truncation: float | None = None
    directions: Mapping[int, float] | None = None
    guidance_interval: tuple[float, float] | None = None
    outpaint: tuple[int, int, int, int] | None = None
    towards: str | None = None
    towards_seed: int | None = None
    frames: int | None = None

    def __post_init__(self) -> None:
        for name, (kind, low, high) in _RANGES.items():
            self._set(name, _number(name, getattr(self, name), kind, low, high))
        for name in ("regex", "grammar", "suffix", "solver", "negative", "towards"):
            _typed(name, getattr(self, name), str, "a string")
        for name in ("ignore_eos", "seamless"):
            _typed(name, getattr(self, name), bool, "true or false")
        self._set("size", _size(self.size))
        self._set("guidance_interval", _interval(self.guidance_interval))
        self._set("outpaint", _margins(self.outpaint))
        _typed("schema", self.schema, (Mapping, bool, str), "a JSON schema or its text")
        self._set("stop", _strings("stop", self.stop))
        ids = _listed("stop_ids", self.stop_ids, "token ids")
        self._set("stop_ids", tuple(_number("stop_ids", n, int, 0, _LARGEST_ID) for n in ids))
        self._set("logit_bias", _bias("logit_bias", self.logit_bias, _BIAS, "token id"))
        self._set("directions", _bias("directions", self.directions, _FAR, "number"))
        shapes = [n for n in ("schema", "regex", "grammar") if getattr(self, n) is not None]
        if len(shapes) > 1:
            raise RequestError(
                f"{' and '.join(shapes)} are given: one form of the text is expected"
            )

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)

    def given(self) -> dict[str, Any]:
        """Only what was set, ready for JSON; `Options(**given)` is the same again."""
        set_ = {f.name: v for f in fields(self) if (v := getattr(self, f.name)) not in (None, ())}
        for name in ("logit_bias", "directions"):
            if name in set_:
                set_[name] = {str(key): value for key, value in set_[name].items()}
        if isinstance(self.schema, Mapping):
            set_["schema"] = dict(self.schema)
        return set_

    def check_ids(self, vocab: int) -> None:
        """RequestError where an id is none of the model's."""
        for name, ids in (("stop_ids", self.stop_ids), ("logit_bias", self.logit_bias or ())):
            for one in ids:
                if one >= vocab:
                    raise RequestError(
                        f"{name} names the id {one}, but the ids of this model are 0 to {vocab - 1}"
                    )


def _number(name: str, value: Any, kind: type, low: float, high: float) -> Any:
    """The value as a plain number, or None."""
    if value is None:
        return None
    wanted: type = numbers.Integral if kind is int else numbers.Real
    if isinstance(value, bool) or not isinstance(value, wanted):
        told = "a whole number" if kind is int else "a number"
        raise RequestError(f"{name} is {_told(value)}, but {told} is expected")
    if not low <= value <= high:
        raise RequestError(f"{name} is {value}, but {low:g} to {high:g} is expected")
    return value if isinstance(value, int | float) else kind(value)


def _typed(name: str, value: Any, kind: type | tuple[type, ...], told: str) -> None:
    if value is not None and not isinstance(value, kind):
        raise RequestError(f"{name} is {_told(value)}, but {told} is expected")


def _listed(name: str, value: Any, told: str) -> tuple[Any, ...]:
    if not isinstance(value, tuple | list) or len(value) > _MOST:
        raise RequestError(
            f"{name} is {_told(value)}, but a list of up to {_MOST} {told} is expected"
        )
    return tuple(value)


def _size(value: Any) -> tuple[int, int] | None:
    """(height, width)"""
    if value is None:
        return None
    sides = _listed("size", value, "sides")
    if len(sides) != 2:
        raise RequestError(f"size is {_told(value)}, but a height and a width are expected")
    height, width = (_number("size", side, int, 1, 1 << 14) for side in sides)
    return height, width


def _interval(value: Any) -> tuple[float, float] | None:
    """(low, high)"""
    if value is None:
        return None
    ends = _listed("guidance_interval", value, "times")
    low, high = (_number("guidance_interval", t, float, 0.0, 1.0) for t in (*ends, 0.0, 0.0)[:2])
    if len(ends) != 2 or low is None or high is None or low >= high:
        raise RequestError(
            f"guidance_interval is {_told(value)}, but two times are expected, of 0 (the finished "
            "item) to 1 (noise), the lower one first"
        )
    return low, high


def _margins(value: Any) -> tuple[int, int, int, int] | None:
    """(top, right, bottom, left)"""
    if value is None:
        return None
    given = _listed("outpaint", value, "margins")
    margins = [_number("outpaint", side, int, 0, 1 << 12) for side in given]
    if len(margins) != 4 or None in margins or not any(margins):
        raise RequestError(
            f"outpaint is {_told(value)}, but the pixels to add at the top, right, bottom and left "
            "are expected, not all of them 0"
        )
    return margins[0], margins[1], margins[2], margins[3]


def _strings(name: str, value: Any) -> tuple[str, ...]:
    out = (value,) if isinstance(value, str) else _listed(name, value, "strings")
    for one in out:
        if not isinstance(one, str) or not one:
            raise RequestError(
                f"{name} has {_told(one)}, but strings that are not empty are expected"
            )
    return out


def _bias(name: str, value: Any, most: float, of: str) -> dict[int, float] | None:
    """Ids may be written as strings, as JSON has them."""
    _typed(name, value, Mapping, f"an object of {of} -> bias")
    if not value:
        return None
    if len(value) > _MOST:
        raise RequestError(f"{name} has {len(value)} ids, but up to {_MOST} are expected")
    out = {}
    for key, bias in value.items():
        written = isinstance(key, str) and key.isascii() and key.isdigit() and len(key) < 11
        one = _number(f"{name}: an id", int(key) if written else key, int, 0, _LARGEST_ID)
        out[one] = _number(f"{name} of {one}", bias, float, -most, most)
        if out[one] is None:
            raise RequestError(f"{name} of {one} is null, but a number is expected")
    return out


def _told(value: Any) -> str:
    """A value as it may stand in a sentence of one line."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


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


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A request as tensors, made by the codecs, read by the family.

    known    long [L], the ids already decided (-1 where open): a text's prefix or a row's columns
    allowed  position -> bool [high - low], which ids of the position's range may be drawn
    prompt   long [P], ids for the net's prompt encoder; float [P, E] where it is told features
    negative long [P], those of a prompt to keep away from
    towards  long [P], those of a prompt to go to
    item     float [C, *grid], a finished item to begin from
    fresh    float [*grid], 1 where the item is to be made anew, 0 where it stays
    control  float [K, *grid], what the net is told besides the prompt
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
    prompt: Tensor | None = None
    negative: Tensor | None = None
    towards: Tensor | None = None
    item: Tensor | None = None
    fresh: Tensor | None = None
    control: Tensor | None = None
    grid: tuple[int, ...] | None = None
    priority: int = 0
    adapter: str = ""
    guide: Callable[[], Guide] | None = None
    options: Options = field(default_factory=Options)
