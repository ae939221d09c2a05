"""How to sample, as a value: every option of a request, its range, and how a wrong one is told.

Knows no tensor and costs no torch, so that what asks over a wire can check what it asks for.
"""

from __future__ import annotations

import numbers
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from genloom.errors import RequestError

RANGES: dict[str, tuple[type, float, float]] = {
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
    "speed": (float, 0.25, 4.0),
    "tempo": (float, 10.0, 1000.0),
    "tries": (int, 1, 64),
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
    speed                 how fast a prompt is said; 1 is as learnt
    instrument            who plays it: "flute", or of several parts "flute, strings, bass"
    tempo                 quarter notes a minute
    tries                 items that are drawn for each that is kept, the one that strays least from
                          what was asked, as the codec tells it
    consent               a statement that whoever's voice is given agrees to its use
    heard                 a voice as the model heard it once, in place of a recording
    balance               columns of a table whose values are to come equally often
    fair                  "sex:income": the outcome's rates are to be the same in every group
    weights               a column to be added: how much less often each row would come by itself
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
    speed: float | None = None
    instrument: str | None = None
    tempo: float | None = None
    tries: int | None = None
    consent: str | None = None
    heard: tuple[float, ...] = ()
    balance: str | None = None
    fair: str | None = None
    weights: str | None = None

    def __post_init__(self) -> None:
        for name, (kind, low, high) in RANGES.items():
            self._set(name, _number(name, getattr(self, name), kind, low, high))
        for name in (
            "regex",
            "grammar",
            "suffix",
            "solver",
            "negative",
            "towards",
            "instrument",
            "consent",
            "balance",
            "fair",
            "weights",
        ):
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
        self._set("heard", _numbers("heard", self.heard))
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


def _numbers(name: str, value: Any) -> tuple[float, ...]:
    """A vector."""
    some = _listed(name, value, "numbers")
    return tuple(float(_number(name, x, float, -1e6, 1e6)) for x in some)


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
