"""A training that goes on from a model: whose codec and nets, what is trained of them, and what
stands beside them without moving.

Knows models and recipes; no loop, medium or formula.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from genloom import adapted, store
from genloom.errors import ModelError, RecipeError, UsageError
from genloom.model import Model
from genloom.net import lora
from genloom.net.frozen import freeze
from genloom.net.lora import Adapter
from genloom.net.quantize_formats import Format
from genloom.recipe import Part, Recipe, Start

BITS: dict[int, Format] = {32: "f32", 16: "bf16", 8: "int8", 4: "int4"}
# A trained net moves by smaller steps than a new one; low-rank parts begin at zero and need larger.
WHOLE = {"rate": 0.05, "muon_rate": 0.1}  # of the preset's rates
LOW_RANK = {"rate": 1e-3, "muon_rate": 0.0}  # as they are


@dataclass(frozen=True, kw_only=True)
class Begun:
    """The models that a training begins with, loaded."""

    model: Model | None = None
    teacher: Model | None = None

    @property
    def source(self) -> Model:
        """Whose codec the training takes: a new student speaks as its teacher does."""
        found = self.model or self.teacher
        assert found is not None
        return found


def start_of(
    model: Model | str | Path | None,
    adapter: Adapter | str | None,
    bits: int | None,
    teacher: Model | str | Path | None,
) -> tuple[Start, Begun]:
    """What is to be written into the recipe, and the models. UsageError for what does not go
    together."""
    kind: Any = adapter
    told = Adapter(kind=kind) if isinstance(adapter, str) else adapter
    if bits is not None and bits not in BITS:
        raise UsageError(f"bits is {bits}: give one of {', '.join(map(str, BITS))}")
    if bits not in (None, 32) and told is None:
        raise UsageError(f"weights of {bits} bits do not move: add an adapter (--adapter lora)")
    if model is None and told is not None:
        raise UsageError("an adapter needs a model to stand beside: give one with --from MODEL")
    begun = Begun(
        model=None if model is None else _loaded(model),
        teacher=None if teacher is None else _loaded(teacher),
    )
    (place, weights), (taught, knowledge) = _told(begun.model), _told(begun.teacher)
    start = Start(
        model=place,
        weights=weights,
        adapter=told,
        bits=bits or 32,
        teacher=taught,
        teacher_weights=knowledge,
    )
    return start, begun


def again(start: Start) -> Begun:
    """The same models, for a training that is resumed. ModelError where they have changed."""
    return Begun(
        model=_unchanged(start.model, start.weights),
        teacher=_unchanged(start.teacher, start.teacher_weights),
    )


def _loaded(model: Model | str | Path) -> Model:
    if isinstance(model, Model):
        if model.folder is None:
            raise UsageError("a training starts from a model on disk: save this one first")
        if all(getattr(net, "quantized", None) is None for net in model.nets.values()):
            return model
        model = model.folder
    found = adapted.load(Model, store.existing(model))
    adapted.merge(found)
    return found


def _told(model: Model | None) -> tuple[str, str]:
    """Where it lies, and the digest of its weights."""
    if model is None:
        return "", ""
    assert model.folder is not None
    return str(model.folder.resolve()), model.card.get("weights") or model.digest()


def _unchanged(place: str, weights: str) -> Model | None:
    if not place:
        return None
    model = _loaded(place)
    if _told(model)[1] != weights:
        raise ModelError(
            f"the model at {place} has changed since this training began: put it back, or train "
            "without --resume to begin anew"
        )
    return model


# --- the recipe -----------------------------------------------------------------------------------


def recipe_from(draft: Recipe, start: Start, begun: Begun) -> Recipe:
    """The medium's preset with the start's codec and net: its family and data, gentler rates."""
    source, kind = begun.source, draft.codec.kind
    length = draft.codec.options.get("length") if begun.model is None else None
    codec = Part(kind, {"vocab": "given", "length": length or _length(source.codec)})
    if draft.explores or (kind == source.recipe.codec.kind and begun.model is not None):
        codec = source.recipe.codec  # it goes on as it speaks
    draft = replace(draft, codec=codec, start=start)
    if begun.model is None:
        return draft
    t = draft.train
    rate, muon_rate = WHOLE["rate"] * t.rate, WHOLE["muon_rate"] * t.muon_rate
    if start.adapter is not None:
        rate, muon_rate = LOW_RANK["rate"], LOW_RANK["muon_rate"]
    train = replace(t, rate=rate, muon_rate=muon_rate)
    return replace(draft, net=source.recipe.net, prompt=source.recipe.prompt, train=train)


def _length(codec: Any) -> int:
    return int(codec.spec.length)


# --- the nets -------------------------------------------------------------------------------------


def nets_of(recipe: Recipe, model: Model) -> nn.ModuleDict:
    """A copy of the start's nets; with an adapter frozen and packed, else in fp32 and free."""
    start, roles = recipe.start, set(recipe.make_family().roles)
    assert start is not None
    if set(model.nets) != roles:
        raise RecipeError(
            f"the start has nets for {sorted(model.nets)}, but family {recipe.family.kind!r} needs "
            f"{sorted(roles)}: start from another model"
        )
    nets = copy.deepcopy(model.nets)
    if start.adapter is None:
        return nets.float().requires_grad_(True)
    nets.requires_grad_(False)
    every: Any = nets.values()
    for net in every:
        if start.bits < 32:
            freeze(net, BITS[start.bits])
        lora.attach(net, start.adapter, recipe.train.seed)
    return nets


def beside(
    recipe: Recipe, begun: Begun | None, nets: nn.ModuleDict, device: torch.device
) -> dict[str, Any]:
    """The nets in the family's frozen roles."""
    family = recipe.make_family()
    if not family.frozen:
        return {}
    if begun is None:
        raise UsageError(
            f"family {recipe.family.kind!r} learns beside a {' and a '.join(sorted(family.frozen))}"
            ": say which model to start from (--from MODEL)"
        )
    return {role: _MAKERS[role](recipe, begun, nets, device) for role in sorted(family.frozen)}


def _reference(recipe: Recipe, begun: Begun, nets: nn.ModuleDict, device: torch.device) -> Any:
    """The net as it was: under an adapter the very same without it, else a copy at rest."""
    if begun.model is None:
        raise UsageError("there is no model to start from: give one with --from MODEL")
    if recipe.start is not None and recipe.start.adapter is not None:
        return lora.Without(nets["net"])
    return copy.deepcopy(begun.model.nets["net"]).float().requires_grad_(False).eval().to(device)


def _teacher(recipe: Recipe, begun: Begun, nets: nn.ModuleDict, device: torch.device) -> Any:
    if begun.teacher is None:
        raise UsageError("there is no teacher to learn from: give one with --teacher MODEL")
    own, other = begun.source.codec, begun.teacher.codec
    if not _one_vocabulary(own, other):
        raise RecipeError(
            "the teacher has another vocabulary than the student: let it write texts (genloom "
            "generate TEACHER -n 1000 -o FOLDER) and train on these instead"
        )
    return begun.teacher.nets["net"].float().requires_grad_(False).eval().to(device)


def _one_vocabulary(own: Any, other: Any) -> bool:
    """Whether the same ids spell the same."""
    try:
        mine, theirs = own.pairs.pieces, other.pairs.pieces
    except AttributeError:
        mine, theirs = own.text.pairs.pieces, other.text.pairs.pieces
    return own.spec.vocab == other.spec.vocab and list(mine) == list(theirs)


_MAKERS: dict[str, Callable[..., Any]] = {"reference": _reference, "teacher": _teacher}
