"""Everything that was decided about a training, as a value. The one judge of what is legal.

A recipe names a codec, a prompt codec, a family and the nets that fill its roles, each with its
options, and how data and training are to be handled. It is JSON on disk. Knows no tensors.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from torch import nn

from genloom import registry
from genloom.budget import Privacy
from genloom.codec.base import Codec
from genloom.codec.pair.task import Tasks
from genloom.configure import call, check_keys, configure, plain
from genloom.errors import RecipeError
from genloom.family.base import Family
from genloom.net.lora import Adapter
from genloom.spec import ArraySpec, Spec, TokenSpec


@dataclass(frozen=True)
class Part:
    """A registered name and its options. In JSON: {"kind": "image", "size": 32}."""

    kind: str
    options: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind, **plain(self.options)}

    @classmethod
    def from_json(cls, values: Any, where: str) -> Part:
        if not isinstance(values, Mapping) or "kind" not in values:
            raise RecipeError(f"{where} is {values!r}, but an object with a 'kind' is expected")
        rest = {k: v for k, v in values.items() if k != "kind"}
        return cls(str(values["kind"]), rest)


@dataclass(frozen=True, kw_only=True)
class Data:
    """batch: items (or packed windows) a step. pack: join documents into one stream of windows.
    separate: attention does not cross documents. holdout: share kept back to judge by.

    ramp: in this first share of the steps a batch has a quarter of its items (Smith et al. 2017,
    turned round). short: in this first share of the steps windows are cut into four (Li et al.
    2022); packed streams only.

    caption: what items without a caption are called; it may hold a new word. crops: so many
    variations of each training item, cut from it anew; flips: half of these mirrored.
    """

    batch: int = 64
    ramp: float = 0.0
    short: float = 0.0
    pack: bool = False
    separate: bool = False
    holdout: float = 0.1
    caption: str = ""
    crops: int = 0
    flips: bool = False


@dataclass(frozen=True, kw_only=True)
class Train:
    """How to optimise. Rates: `rate` for AdamW, `muon_rate` for hidden matrices (0: AdamW too).

    warmup and decay are shares of the steps; decay is linear to zero. ema is the relative width of
    the averaging profile (Karras et al. 2024, eq. 2), 0 for the last weights. patience: stop after
    so many judgements without improvement, 0 never. judge, preview: every so many steps, 0 never.
    epochs: the most passes over the data when steps follow from minutes (more would learn it by
    heart), 0 any number. keep: leave the stored averages beside the model, so that others can be
    made of them after training (`genloom average`); each is two copies of the weights.
    """

    steps: int = 1000
    seed: int = 0
    rate: float = 3e-3
    muon_rate: float = 0.02
    weight_decay: float = 0.01
    betas: tuple[float, ...] = (0.9, 0.99)
    warmup: float = 0.02
    decay: float = 0.5
    clip: float = 1.0
    accumulate: int = 1
    ema: float = 0.1
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    compile: Literal["auto", "on", "off"] = "auto"
    judge: int = 0
    preview: int = 0
    patience: int = 0
    epochs: float = 0.0
    keep: bool = False
    save_seconds: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Start:
    """The model that a training goes on from: where it lies, and the digest of its weights.

    adapter: what is trained beside its frozen weights, None to train them all. bits: of the frozen
    weights, 32, 16, 8 or 4. teacher: where the model lies that is imitated, and its digest.
    """

    model: str
    weights: str
    adapter: Adapter | None = None
    bits: int = 32
    teacher: str = ""
    teacher_weights: str = ""


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a preset may look at: how many items, characters or numbers in all, the captions, and
    the shorter side that pictures are to have (None: not pictures)."""

    items: int
    units: int
    captions: Sequence[str] | None = None
    side: int | None = None


@dataclass(frozen=True, kw_only=True)
class Recipe:
    name: str
    codec: Part
    family: Part
    net: Mapping[str, Part]
    prompt: Part | None = None
    data: Data = field(default_factory=Data)
    train: Train = field(default_factory=Train)
    start: Start | None = None
    privacy: Privacy | None = None

    # --- what it describes ----------------------------------------------------------------------

    def make_codec(self) -> Codec:
        made: Codec = call(registry.find("codec", self.codec.kind), self.codec.options, "codec")
        return made

    @property
    def explores(self) -> bool:
        """Whether the model learns from its own tries at tasks, which a reward judges."""
        return bool(getattr(registry.find("family", self.family.kind), "explores", False))

    def make_reader(self) -> Any:
        """What reads the data: the codec, but for tasks."""
        return Tasks() if self.explores else self.make_codec()

    def make_prompt(self) -> Any:
        if self.prompt is None:
            return None
        return call(registry.find("prompt", self.prompt.kind), self.prompt.options, "prompt")

    def make_family(self) -> Family:
        cls = registry.find("family", self.family.kind)
        made: Family = configure(cls, self.family.options, "family")
        return made

    def make_nets(self, spec: Spec, prompt: TokenSpec | None) -> nn.ModuleDict:
        """Freshly initialised from torch's global generator, role by role in the family's order."""
        nets = nn.ModuleDict()
        for role in sorted(self.net):
            part = self.net[role]
            cls = registry.find("net", part.kind)
            config = configure(cls.Config, part.options, f"net.{role}")
            stride = getattr(spec, "stride", 1)
            if stride > 1 and not getattr(cls, "strides", False):
                raise RecipeError(
                    f"net {part.kind!r} is told of each place, but codec {self.codec.kind!r} tells "
                    f"of every {stride}th: use {_nets_that('strides')}"
                )
            try:
                nets[role] = cls(config, spec, prompt)
            except ValueError as error:
                raise RecipeError(f"net.{role}: {error}") from error
        return nets

    # --- legality -------------------------------------------------------------------------------

    def check(self) -> None:
        """RecipeError with a sentence that says what to use instead."""
        codec, family = self.make_codec(), self.make_family()
        if not family.players:
            learn = [n for n in registry.names("family") if _fits(n, codec.carries, 1)]
            raise RecipeError(
                f"family {self.family.kind!r} learns nothing, it brings published models in: use "
                f"family {' or '.join(map(repr, learn))}, or  genloom import"
            )
        if codec.carries is not family.carries:
            fitting = self._fitting("family", codec.carries)
            raise RecipeError(
                f"family {self.family.kind!r} takes {_carrier(family.carries)}, but codec "
                f"{self.codec.kind!r} hands out {_carrier(codec.carries)}: use family {fitting}"
            )
        group = getattr(codec, "group", 1)
        if self.explores and not hasattr(codec, "stable_prefix"):
            raise RecipeError(
                f"family {self.family.kind!r} tries texts, which codec {self.codec.kind!r} "
                "does not make: use a codec of texts, such as 'text' or 'chat'"
            )
        if group != family.group and not self.explores:
            able = [n for n in registry.names("family") if _fits(n, codec.carries, group)]
            raise RecipeError(
                f"family {self.family.kind!r} learns from {_rows(family.group)} an item, but codec "
                f"{self.codec.kind!r} hands out {_rows(group)}: use family "
                f"{' or '.join(map(repr, able))}"
            )
        roles = set(family.roles)
        if set(self.net) != roles:
            raise RecipeError(
                f"family {self.family.kind!r} needs nets for {sorted(roles)}, but the recipe has "
                f"{sorted(self.net)}"
            )
        parts = getattr(family, "parts", {})
        for role, part in self.net.items():
            cls, wanted = registry.find("net", part.kind), parts.get(role, role)
            if wanted not in cls.fills or cls.carries is not family.carries:
                able = [
                    n
                    for n in registry.names("net")
                    if wanted in (c := registry.find("net", n)).fills
                    and c.carries is family.carries
                ]
                raise RecipeError(
                    f"net {part.kind!r} cannot be the {role} of family {self.family.kind!r}: "
                    f"use {' or '.join(able)}"
                )
            configure(cls.Config, part.options, f"net.{role}")
        if self.prompt is not None:
            if family.carries is TokenSpec:
                raise RecipeError(
                    f"family {self.family.kind!r} is prompted by the beginning of the item itself: "
                    "use it without the recipe's prompt (prompt=null)"
                )
            self.make_prompt()
        if getattr(family, "ordered", False):
            self._check_ordered()
        self._check_told(bool(getattr(codec, "tells", False)), family)
        self._check_numbers()
        if self.privacy is not None:
            self._check_private(codec)

    def _check_private(self, codec: Codec) -> None:
        """Whatever looks at the data has to be counted."""
        assert self.privacy is not None
        self.privacy.check()
        if not hasattr(codec, "fit_private"):
            able = [n for n in registry.names("codec") if _counts_privately(n)]
            raise RecipeError(
                f"codec {self.codec.kind!r} cannot learn from noisy counts, so that no epsilon "
                f"would hold: use codec {' or '.join(map(repr, able))}, or leave epsilon out"
            )
        t, d = self.train, self.data
        wrong = {
            "train.judge": t.judge,
            "train.patience": t.patience,
            "data.ramp": d.ramp,
            "data.short": d.short,
            "data.pack": d.pack,
        }
        for name, value in wrong.items():
            if value:
                raise RecipeError(
                    f"{name} is {value}, but with epsilon it has to be {value * 0:g}: what is "
                    "looked at there, or drawn otherwise, is not counted"
                )
        if self.start is not None:
            raise RecipeError(
                "a training with epsilon begins anew: what the start has seen is not counted"
            )

    def _check_ordered(self) -> None:
        """What follows a prompt in its order needs a prompt that has one."""
        able = [n for n in registry.names("prompt") if _ordered(n)]
        if self.prompt is None or self.prompt.kind not in able:
            raise RecipeError(
                f"family {self.family.kind!r} makes what follows a prompt symbol by symbol: use "
                f"prompt {' or '.join(map(repr, able))}"
            )

    def _check_told(self, tells: bool, family: Family) -> None:
        """What is told of items besides a prompt has to be heard."""
        nets = {part.kind: registry.find("net", part.kind) for part in self.net.values()}
        if tells and "control" not in family.takes:
            made = {n: registry.find("family", n)() for n in registry.names("family")}
            able = [n for n, one in made.items() if "control" in one.takes]
            raise RecipeError(
                f"family {self.family.kind!r} is told of an item by a prompt alone: use family "
                f"{' or '.join(map(repr, able))}, or leave codec.control out"
            )
        if tells and not all(getattr(net, "hears", False) for net in nets.values()):
            deaf = [kind for kind, net in nets.items() if not getattr(net, "hears", False)]
            raise RecipeError(
                f"net {' and '.join(map(repr, deaf))} cannot hear what codec.control tells: use "
                f"{_nets_that('hears')}"
            )
        untold = [kind for kind, net in nets.items() if getattr(net, "needs_control", False)]
        if untold and not tells:
            raise RecipeError(
                f"net {untold[0]!r} makes items out of what it is told of them: use it with "
                "codec.control (coarse, damaged, grey or masked)"
            )

    def _check_numbers(self) -> None:
        t, d = self.train, self.data
        for name, value, low, high in (
            ("train.steps", t.steps, 1, float("inf")),
            ("train.accumulate", t.accumulate, 1, float("inf")),
            ("train.rate", t.rate, 0.0, 10.0),
            ("train.warmup", t.warmup, 0.0, 1.0),
            ("train.decay", t.decay, 0.0, 1.0),
            ("train.ema", t.ema, 0.0, 0.28),
            ("data.batch", d.batch, 1, float("inf")),
            ("data.holdout", d.holdout, 0.0, 0.9),
            ("data.ramp", d.ramp, 0.0, 1.0),
            ("data.crops", d.crops, 0, 256),
            ("data.short", d.short, 0.0, 1.0 if d.pack else 0.0),
        ):
            if not low <= value <= high:
                raise RecipeError(f"{name} is {value}, but {low} to {high} is expected")

    def _fitting(self, sort: str, carrier: type) -> str:
        able = [n for n in registry.names(sort) if registry.find(sort, n).carries is carrier]
        return " or ".join(repr(n) for n in able)

    # --- values ---------------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "codec": self.codec.to_json(),
            "prompt": None if self.prompt is None else self.prompt.to_json(),
            "family": self.family.to_json(),
            "net": {role: part.to_json() for role, part in sorted(self.net.items())},
            "data": plain(self.data),
            "train": plain(self.train),
            **({} if self.start is None else {"start": plain(self.start)}),
            **({} if self.privacy is None else {"privacy": plain(self.privacy)}),
        }

    @classmethod
    def from_json(cls, values: Any) -> Recipe:
        if not isinstance(values, Mapping):
            raise RecipeError(f"a recipe is an object, not {type(values).__name__}")
        check_keys(values, [f.name for f in fields(cls)], "the recipe")
        for key in ("name", "codec", "family", "net"):
            if key not in values:
                raise RecipeError(f"the recipe lacks {key!r}")
        prompt, start = values.get("prompt"), values.get("start")
        privacy = values.get("privacy")
        return cls(
            name=str(values["name"]),
            codec=Part.from_json(values["codec"], "codec"),
            prompt=None if prompt is None else Part.from_json(prompt, "prompt"),
            family=Part.from_json(values["family"], "family"),
            net={
                role: Part.from_json(part, f"net.{role}")
                for role, part in dict(values["net"]).items()
                if part is not None  # taken out by a change
            },
            data=configure(Data, values.get("data", {}), "data"),
            train=configure(Train, values.get("train", {}), "train"),
            start=None if start is None else configure(Start, start, "start"),
            privacy=None if privacy is None else configure(Privacy, privacy, "privacy"),
        )

    def digest(self) -> str:
        """SHA-256 of the canonical JSON."""
        text = json.dumps(self.to_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def with_(self, *changes: str, check: bool = True) -> Recipe:
        """A copy with changes such as "train.steps=200" or "net.net.width=64" applied and checked.

        Values are JSON where they parse as such, else text.
        """
        values = self.to_json()
        for change in changes:
            path, sign, text = change.partition("=")
            if not sign:
                raise RecipeError(f"change {change!r} is not of the form key=value")
            _put(values, path.strip().split("."), _value(text.strip()), change)
        made = Recipe.from_json(values)
        if check:
            made.check()
        return made

    def training(self, **changes: Any) -> Recipe:
        """A copy with fields of `train` replaced."""
        return replace(self, train=replace(self.train, **changes))


def _fits(name: str, carries: type, group: int) -> bool:
    family = registry.find("family", name)
    return family.carries is carries and family.group == group and family.players != ()


def _counts_privately(codec: str) -> bool:
    return hasattr(registry.find("codec", codec), "fit_private")


def _ordered(prompt: str) -> bool:
    return bool(getattr(registry.find("prompt", prompt), "ordered", False))


def _nets_that(able: str) -> str:
    """Names of the nets that say so of themselves."""
    return " or ".join(
        n for n in registry.names("net") if getattr(registry.find("net", n), able, False)
    )


def _rows(group: int) -> str:
    return f"{group} rows" if group > 1 else "1 row"


def _carrier(carries: type) -> str:
    return {TokenSpec: "tokens", ArraySpec: "arrays"}[carries]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _put(values: dict[str, Any], path: list[str], value: Any, change: str) -> None:
    for key in path[:-1]:
        if not isinstance(values.get(key), dict):
            raise RecipeError(f"change {change!r}: the recipe has nothing at {'.'.join(path[:-1])}")
        values = values[key]
    values[path[-1]] = value
