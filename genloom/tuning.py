"""A training that goes on from a model: whose codec and nets, what is trained of them, and what
stands beside them without moving.

Knows models and recipes; no loop, medium or formula.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
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
from genloom.recipe import Part, Recipe, Start, Train
from genloom.spec import ArraySpec

BITS: dict[int, Format] = {32: "f32", 16: "bf16", 8: "int8", 4: "int4"}
# A trained net moves by smaller steps than a new one; low-rank parts begin at zero and need larger.
WHOLE = {"rate": 0.05, "muon_rate": 0.1}  # of the preset's rates
LOW_RANK = {"rate": 1e-3, "muon_rate": 0.0}  # as they are
FEW = 20  # items that are no collection but examples of one thing
LEAST, LEAST_FEW = 8, 3
FEW_BATCH, FEW_STEPS = 32, 300
FEW_RATE = 4e-3  # of 8 digits turned dark on light: 0.32 after 150 steps at 1e-3, 0.24 at 5e-3
CROPS = 8  # variations of each


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
    same = kind == source.recipe.codec.kind and begun.model is not None
    if draft.explores or same or isinstance(source.codec.spec, ArraySpec):
        codec = source.recipe.codec  # it goes on as it speaks
    else:
        length = draft.codec.options.get("length") if begun.model is None else None
        codec = Part(kind, {"vocab": "given", "length": length or _length(source.codec)})
    draft = replace(draft, codec=codec, family=_inheriting(draft, source.recipe), start=start)
    if begun.model is None:
        return draft
    t = draft.train
    rate, muon_rate = WHOLE["rate"] * t.rate, WHOLE["muon_rate"] * t.muon_rate
    if start.adapter is not None:
        rate, muon_rate = LOW_RANK["rate"], LOW_RANK["muon_rate"]
    train = replace(t, rate=rate, muon_rate=muon_rate)
    roles = set(draft.make_family().roles)
    _refuse_strange(source, draft.family.kind, roles)
    net = {role: source.recipe.net.get(role) or draft.net[role] for role in sorted(roles)}
    return replace(draft, net=net, prompt=source.recipe.prompt, train=train)


def _refuse_strange(source: Model, kind: str, roles: set[str]) -> None:
    """RecipeError where the start has nets that the family has no use for."""
    if not set(source.nets) <= roles:
        raise RecipeError(
            f"the start has nets for {sorted(source.nets)}, but family {kind!r} needs "
            f"{sorted(roles)}: start from another model"
        )


def _inheriting(draft: Recipe, source: Recipe) -> Part:
    """The draft's family, with what it has to share with the family that the nets come from."""
    names, family = getattr(draft.make_family(), "inherits", frozenset()), source.make_family()
    told = {k: getattr(family, k) for k in sorted(names) if hasattr(family, k)}
    return Part(draft.family.kind, {**draft.family.options, **told})


def few(draft: Recipe, begun: Begun, items: int) -> Recipe:
    """For a style or a subject shown in a few arrays: all of them are learnt from, in variations,
    for so many steps at most."""
    if items > FEW or not isinstance(begun.source.codec.spec, ArraySpec):
        return draft
    crops = CROPS if hasattr(begun.source.codec, "varied") else 0
    batch = min(draft.data.batch, FEW_BATCH)
    passes = FEW_STEPS * batch / (items * max(1, crops))
    low = draft.start is not None and draft.start.adapter is not None
    train = replace(
        draft.train,
        steps=min(draft.train.steps, FEW_STEPS),
        rate=FEW_RATE if low else draft.train.rate,
        epochs=passes,
        preview=0,
        judge=0,
        patience=0,
    )
    data = replace(draft.data, holdout=0.0, batch=batch, crops=crops)
    return replace(draft, data=data, train=train)


def least(begun: Begun | None) -> int:
    """How many items a training needs: fewer where they are pictures and a model knows others."""
    known = begun is not None and isinstance(begun.source.codec.spec, ArraySpec)
    return LEAST_FEW if known else LEAST


def _length(codec: Any) -> int:
    return int(codec.spec.length)


# --- the nets -------------------------------------------------------------------------------------


def nets_of(recipe: Recipe, model: Model) -> nn.ModuleDict:
    """A copy of the start's nets; with an adapter frozen and packed, else in fp32 and free."""
    start, roles = recipe.start, set(recipe.make_family().roles)
    assert start is not None
    _refuse_strange(model, recipe.family.kind, roles)
    nets = copy.deepcopy(model.nets)
    new = _listening(recipe, model, nets) if newly_told(recipe, model) else None
    if roles != set(nets):
        nets.update(_new(recipe, model, roles - set(nets)))
    if start.adapter is None:
        nets.float().requires_grad_(new is None)
        return nets if new is None else _free(nets, [*new, *_attending(nets)])
    if roles != {"net"}:
        raise RecipeError(
            f"adapters stand beside one net, but family {recipe.family.kind!r} has "
            f"{sorted(roles)}: train without --adapter"
        )
    nets.requires_grad_(False)
    net: Any = nets["net"]
    if start.bits < 32:
        if not hasattr(net, "quantized"):
            raise RecipeError("weights in few bits are for models of texts: leave --bits out")
        freeze(net, BITS[start.bits])
    lora.attach(net, start.adapter, recipe.train.seed)
    return nets if new is None else _free(nets, new)


# --- what the start was not told ------------------------------------------------------------------


def newly_told(recipe: Recipe, model: Model | None) -> bool:
    """Whether the training tells of items what the start was never told, such as their edges."""
    codec: Any = None if model is None else model.codec
    told = bool(recipe.codec.options.get("control")) and hasattr(codec, "again")
    return told and not codec.spec.control


def paced(recipe: Recipe, begun: Begun | None, changes: Sequence[str], usual: Train) -> Recipe:
    """With the preset's own rates where only new parts learn; they begin at zero."""
    if begun is None or not newly_told(recipe, begun.model):
        return recipe
    keys = {change.partition("=")[0].strip() for change in changes}
    rates = {k: getattr(usual, k) for k in ("rate", "muon_rate") if f"train.{k}" not in keys}
    return recipe.training(**rates)


def _listening(recipe: Recipe, model: Model, nets: nn.ModuleDict) -> list[str]:
    """Give the nets the parts that hear what is told from now on, all zero: so far they do as they
    did. The names of the new weights; all others stay as they are (Zhang et al. 2023, section 3.1,
    zero-initialised layers beside a frozen net)."""
    codec: Any = model.codec
    told = None if model.prompt is None else model.prompt.spec
    made = recipe.make_nets(codec.again(recipe.codec.options).spec, told)
    new: list[str] = []
    for role, net in list(nets.items()):
        known, wanted = net.state_dict(), made[role].state_dict()
        unlike = [k for k, v in known.items() if k not in wanted or v.shape != wanted[k].shape]
        if unlike:
            raise RecipeError(
                f"the start's {role} cannot be told more than it was ({unlike[0]} would change): "
                "train anew, without --from"
            )
        found = [name for name in wanted if name not in known]
        made[role].load_state_dict({**known, **{k: torch.zeros_like(wanted[k]) for k in found}})
        nets[role] = made[role].eval()
        new += [f"{role}.{name}" for name in found]
    return new


def _attending(nets: nn.ModuleDict) -> list[str]:
    """Weights that learn beside a new control where there is no adapter: what a net says adapts."""
    return [
        f"{role}.{name}"
        for role, net in nets.items()
        for name, _ in net.named_parameters()
        if name.split(".")[0] in getattr(net, "attends", ())
    ]


def _free(nets: nn.ModuleDict, names: Sequence[str]) -> nn.ModuleDict:
    """Let these weights move, too."""
    for name, weight in nets.named_parameters():
        if name in set(names):
            weight.requires_grad_(True)
    return nets


def _new(recipe: Recipe, model: Model, roles: set[str]) -> dict[str, nn.Module]:
    """Fresh nets for roles that the start has none for, such as a critic."""
    told = None if model.prompt is None else model.prompt.spec
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.train.seed)
        made = recipe.make_nets(model.codec.spec, told)
    return {role: made[role] for role in sorted(roles)}


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
