"""Which presets can learn a medium, what each says of itself, and what its settings mean.

Asks the registry and the recipes; the only words here are those for the fields of `Data` and
`Train`. Knows no data set and no screen.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from genloom import registry
from genloom.errors import GenloomError
from genloom.material import DRAFT, SIZES
from genloom.recipe import Recipe

MEANINGS: Mapping[str, str] = {
    "data.batch": "items, or packed windows, that a step learns from",
    "data.ramp": "share of the steps at the beginning in which a batch is a quarter as large",
    "data.short": "share of the steps at the beginning in which windows are cut into four",
    "data.pack": "documents are joined into one stream of windows",
    "data.separate": "attention does not cross documents",
    "data.holdout": "share of the items that is kept back to judge by",
    "data.caption": "what items without a caption are called",
    "data.crops": "variations of each training item, cut from it anew",
    "data.flips": "half of the variations are mirrored",
    "train.steps": "how often the weights move",
    "train.seed": "the same seed, data and machine make the same model",
    "train.rate": "learning rate of AdamW",
    "train.muon_rate": "learning rate of Muon for hidden matrices; 0: AdamW moves them, too",
    "train.weight_decay": "how strongly weights are drawn towards zero",
    "train.betas": "how long AdamW remembers",
    "train.warmup": "share of the steps in which the rate rises",
    "train.decay": "share of the steps at the end in which the rate falls to zero",
    "train.clip": "the longest gradient; 0: any",
    "train.accumulate": "pieces a batch is cut into, to save memory",
    "train.ema": "relative width of the averaging of weights; 0: the last weights",
    "train.precision": "of the arithmetic; auto takes bf16 where that is faster",
    "train.compile": "whether nets are compiled; auto tries it where it pays",
    "train.judge": "steps between two judgements on held-out items; 0: none",
    "train.preview": "steps between two previews; 0: none",
    "train.patience": "judgements without improvement after which it ends; 0: never",
    "train.epochs": "the most passes over the data when minutes decide the steps; 0: any number",
    "train.keep": "stored averages stay beside the model, for others to be made of them",
    "train.save_seconds": "seconds between two checkpoints",
}
_NAMED = re.compile(r"(?:^|(?<=[.;:\s]))`?([a-z_]+)`?: (.+?)(?=(?:[.;] +`?[a-z_]+`?: )|\.?$)", re.S)


@dataclass(frozen=True, kw_only=True)
class Preset:
    """about: the recipe's own words. minutes: that each size is meant for, on two cores. builds_on:
    options that name other models. needs_start: it goes on from a model."""

    name: str
    about: str
    sizes: tuple[str, ...]
    minutes: Mapping[str, float | None]
    needs_start: bool
    needs_teacher: bool
    builds_on: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))


def fitting(medium: str, found: Mapping[str, Any] | None = None) -> list[Preset]:
    """Presets that learn from what this codec reads, in the registry's order; first those that none
    of the codec's options tells against what was found in the data."""
    media = registry.find("codec", medium).media
    some = [(name, draft) for name, draft in _drafts() if _reads(draft, medium, media)]
    some.sort(key=lambda one: _against(one[1], found or {}))
    return [_preset(name, draft) for name, draft in some]


def _against(draft: Recipe, found: Mapping[str, Any]) -> int:
    """How many options of a draft's codec are others than what was found."""
    options = draft.codec.options
    return sum(options.get(name, value) != value for name, value in found.items())


def media_known() -> list[str]:
    """Media that some preset learns."""
    return list(dict.fromkeys(draft.codec.kind for _, draft in _drafts()))


def _drafts() -> Iterator[tuple[str, Recipe]]:
    for name in registry.names("recipe"):
        yield name, registry.find("recipe", name)("tiny", DRAFT)


def _reads(draft: Recipe, medium: str, media: str) -> bool:
    if draft.explores:
        return False  # tasks and a reward are no data set
    if draft.codec.kind == medium:
        return True
    cls = registry.find("codec", draft.codec.kind)
    return bool(getattr(cls, "models", ())) and cls.media == media


def _preset(name: str, draft: Recipe) -> Preset:
    chooser = registry.find("recipe", name)
    home = sys.modules[chooser.__module__]
    known = getattr(home, "MINUTES", {})
    minutes = {size: known[size] for size in SIZES if known.get(size, 1e9) < 1e9}
    cls = registry.find("codec", draft.codec.kind)
    frozen = _frozen(draft)
    return Preset(
        name=name,
        about="\n\n".join(filter(None, (inspect.getdoc(chooser), inspect.getdoc(home)))),
        sizes=SIZES,
        minutes=minutes,
        needs_start="reference" in frozen,
        needs_teacher="teacher" in frozen,
        builds_on=tuple(getattr(cls, "models", ())),
    )


def _frozen(draft: Recipe) -> frozenset[str]:
    try:
        return frozenset(getattr(draft.make_family(), "frozen", ()))
    except GenloomError:
        return frozenset()


def settings(recipe: Recipe) -> list[dict[str, Any]]:
    """Every value of a recipe that a change may name: {"name", "value", "about"}."""
    values = recipe.to_json()
    found: list[dict[str, Any]] = []
    for part in ("data", "train"):
        found += [_setting(f"{part}.{k}", v, None) for k, v in values[part].items()]
    parts = {"codec": ("codec", recipe.codec), "family": ("family", recipe.family)}
    parts |= {f"net.{role}": ("net", part) for role, part in recipe.net.items()}
    for name, (sort, part) in parts.items():
        docs = _documented(registry.find(sort, part.kind))
        options = {k: v for k, v in part.to_json().items() if k != "kind"}
        found += [_setting(f"{name}.{k}", v, docs.get(k)) for k, v in options.items()]
    return found


def _setting(name: str, value: Any, about: str | None) -> dict[str, Any]:
    return {"name": name, "value": value, "about": MEANINGS.get(name, about)}


def _documented(cls: Any) -> dict[str, str]:
    """What a class, or its Config, says of its options in the form "name: what it is." """
    text = " ".join(
        filter(None, (inspect.getdoc(cls), inspect.getdoc(getattr(cls, "Config", None))))
    )
    found = _NAMED.findall(" ".join(text.split()))
    return {name: about.strip() for name, about in found}
