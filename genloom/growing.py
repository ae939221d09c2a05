"""Nets that grow from all items at once, and where they are tried beside one that descends.

Trees are better than a net where rows are few, and slower where they are many. Under the same codec
and family both say exactly how likely held-out items are, so the better one is found by measuring.
Joins materials and nets; knows no medium and no net.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from genloom import registry
from genloom.errors import GenloomError, UsageError
from genloom.forecast import fresh
from genloom.material import Material
from genloom.model import Model
from genloom.recipe import Part
from genloom.spec import TokenSpec
from genloom.train.log import Event, Listener
from genloom.watch import held_out, judge_of

M = TypeVar("M", bound=Model)

FEWEST = 100  # items to grow from
JUDGES = 30  # held-out items that a choice needs
LOSS = "held_out_loss"
QUESTION_SECONDS = 0.1  # of growing
MOST_SECONDS = 120.0  # where no minutes are asked for
PARTS, FEW = 64, 50  # questions of a column at most; rows that make one


@dataclass(frozen=True)
class Chosen:
    """Of several nets, and why: held-out nats an id by the name of each kind. metrics: of the one
    that is chosen, by the medium's own judge."""

    kind: str
    losses: dict[str, float]
    items: int
    metrics: dict[str, float]

    def told(self) -> str:
        first, *rest = sorted(self.losses.items(), key=lambda one: one[1])
        beside = ", ".join(f"{loss:.4f} by {kind}" for kind, loss in rest)
        return (
            f"net {self.kind} is chosen because {self.items:,} held-out items are likelier: "
            f"{first[1]:.4f} nats an id, {beside}"
        )

    def to_json(self) -> dict[str, Any]:
        return {
            "net": self.kind,
            "held_out_nats": {k: round(v, 6) for k, v in self.losses.items()},
            "held_out_items": self.items,
            "because": self.told(),
        }


def grow(material: Material, model: Model) -> None:
    """Let those of the model's nets grow that do, from the material's training items."""
    for net in model.nets.values():
        able = getattr(net, "grow", None)
        if able is not None and material.ledger is not None:
            raise UsageError("a net that grows sees rows whole: leave --epsilon out, or the net")
        if able is not None:
            able(material.encoded, material.recipe.train.seed)


def better(
    material: Material, model: M, minutes: float | None, begun: float, listener: Listener
) -> tuple[Material, M, Chosen] | None:
    """The material's recipe and model with a net that grows, or as they are, whichever makes
    held-out items likelier; None where there is nothing to choose from, or no time."""
    others = list(_others(material))
    held = 0 if material.held_encoded is None else len(material.held_encoded)
    if not others or held < JUDGES or not _affordable(material, minutes, begun):
        return None
    spec: Any = material.codec.spec
    for other in list(others):
        why = getattr(registry.find("net", _kind(other)), "refuses", lambda spec: None)(spec)
        if why is not None:
            others.remove(other)
            told = f"net {_kind(other)} is not tried: {why}"
            listener(Event(kind="fit", step=0, values={"notes": [told]}))
    if not others:
        return None
    found: dict[str, tuple[Material, M, float]] = {}
    found[_kind(material)] = (material, model, held_out(model, material, {})[LOSS])
    for other in others:
        made: M = fresh(other, type(model))
        try:
            grow(other, made)
        except GenloomError as error:  # what grows it is not installed
            listener(Event(kind="fit", step=0, values={"notes": [str(error)]}))
            continue
        made.nets.eval().requires_grad_(False)
        found[_kind(other)] = (other, made, held_out(made, other, {})[LOSS])
    if len(found) == 1:
        return None
    kind = min(found, key=lambda name: found[name][2])
    ready, made, _ = found[kind]
    losses = {name: loss for name, (_, _, loss) in found.items()}
    chosen = Chosen(kind, losses, held, dict(judge_of(ready)(made)))
    listener(Event(kind="fit", step=0, values={"notes": [chosen.told()]}))
    return ready, made, chosen


def _others(material: Material) -> Sequence[Material]:
    """The material with each net that grows, where its items are few enough for it."""
    recipe, count = material.recipe, len(material.train_items)
    out = []
    for kind in registry.names("net"):
        most = getattr(registry.find("net", kind), "most_items", 0)
        if not FEWEST <= count <= most or len(recipe.net) != 1:
            continue
        other = replace(recipe, net={role: Part(kind) for role in recipe.net})
        other = other.training(steps=1, rate=0.0, muon_rate=0.0, judge=0)
        try:
            other.check()
        except GenloomError:
            continue
        out.append(replace(material, recipe=other))
    return out


def _kind(material: Material) -> str:
    (part,) = material.recipe.net.values()
    return part.kind


def _affordable(material: Material, minutes: float | None, begun: float) -> bool:
    """Whether the minutes that were asked for leave time to grow; else, whether it is worth it."""
    spec = material.codec.spec
    if not isinstance(spec, TokenSpec):
        return False
    halves = min(PARTS, len(material.train_items) // FEW)
    left = MOST_SECONDS if minutes is None else 60 * minutes - (time.monotonic() - begun)
    return left > QUESTION_SECONDS * min(spec.vocab, len(spec.spans) * halves)
