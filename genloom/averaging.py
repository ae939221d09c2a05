"""Models made of the averages that a training kept: any length of averaging, chosen afterwards, and
the model as it was earlier (Karras et al. 2024a, section 3.2; 2024b: a weak model to guide by).

Joins folders of models and runs; knows no formula and no loop.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from genloom import adapted, store
from genloom.errors import ModelError
from genloom.folders import own_place
from genloom.model import Model
from genloom.train import averages
from genloom.train.averages import Kept

M = TypeVar("M", bound=Model)


def keep(model: Model, run: Path, snapshots: averages.Snapshots) -> None:
    """Leave a training's averages beside the model that it saved. None, where it made none."""
    if model.recipe.train.keep and snapshots:
        averages.save(run, adapted.digest(model), [n for n, _ in _moving(model.nets)], snapshots)


def _moving(nets: nn.ModuleDict) -> Sequence[tuple[str, nn.Parameter]]:
    """The parameters that the loop averaged, in its order: all, or an adapter's alone."""
    named = list(nets.named_parameters())
    low = [(name, p) for name, p in named if ".low." in name]
    return low or named


def kept(name: str | Path) -> tuple[Kept, int]:
    """What was kept beside a model, and its bytes. ModelError where that is nothing."""
    run = store.run_folder(store.existing(name))
    return averages.kept(run), averages.size(run)


def average(
    make: type[M], name: str | Path, width: float, at: float = 1.0, out: str | Path | None = None
) -> tuple[M, dict[str, Any]]:
    """The model with weights averaged over this relative width up to a share of its training,
    saved; and what was done: the step, and how like the profile is to the one asked for."""
    path = store.existing(name)
    run = store.run_folder(path)
    found = averages.kept(run)
    last = averages.nearest(found, at)
    weights = averages.averaged(run, found, width, last)
    told = {
        "step": found.steps[last],
        "of": found.steps[-1],
        "width": width,
        "likeness": round(averages.likeness(found, width, last), 4),
    }
    target = store.place(out if out is not None else path.parent / _called(path, told))
    own_place(target)
    if target.resolve() == path.resolve():
        raise ModelError(f"{target} is the model itself: name another place with --out")
    model = adapted.load(make, path)
    own = str(model.card.get("weights") or adapted.digest(model))
    if own != found.weights:
        raise ModelError(
            f"the averages at {run} belong to the weights {found.weights[:12]}, but {path} has "
            f"{own[:12]}: it was trained again without keeping any"
        )
    _fill(model, weights, path)
    _describe(model, path, own, told)
    with store.locked(target):
        adapted.save(model, target)
    return model, told


def _called(path: Path, told: dict[str, Any]) -> str:
    at = "" if told["step"] == told["of"] else f"-at-{told['step']}"
    return f"{path.name}-ema-{told['width']:g}{at}"


@torch.no_grad()
def _fill(model: Model, weights: Any, path: Path) -> None:
    moving = dict(_moving(model.nets))
    if moving.keys() != weights.keys():
        raise ModelError(f"the averages beside {path} are of another net: train it again")
    for name, p in moving.items():
        value: Tensor = weights[name]
        if value.shape != p.shape:
            raise ModelError(f"the averages beside {path} do not fit its {name}: train it again")
        p.copy_(value)


def _describe(model: Model, path: Path, own: str, told: dict[str, Any]) -> None:
    """Its card: what it is an average of; what was measured of the other does not hold."""
    dropped = {"weights", "metrics"}
    model.card = {k: v for k, v in model.card.items() if k not in dropped}
    parents = [*model.card.get("parents", []), {"as": "averaged", "model": str(path)}]
    parents[-1]["weights"] = own
    model.card |= {"parents": parents, "average": told, "metrics": {}}
    model.recipe = model.recipe.training(ema=told["width"])
