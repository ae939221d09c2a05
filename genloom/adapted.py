"""Models that are an adapter beside another: saved as the adapter alone, loaded with their base.

The recipe's `start` names the base by path and digest; the folder `adapter` is in the PEFT layout.
Knows folders and nets; no training and no engine.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch

from genloom import store, tensor_files
from genloom.errors import ModelError
from genloom.folders import own_place, read_json, recover, replacing
from genloom.model import ADAPTER, Model
from genloom.net import lora
from genloom.net.lora import Adapter, LowRank, adapted
from genloom.recipe import Start
from genloom.weights import adapters, images
from genloom.weights.adapter_configs import Told, config_of_file
from genloom.weights.image_net import Guest

M = TypeVar("M", bound=Model)


def is_adapted(model: Model) -> bool:
    """Whether anything stands beside its matrices."""
    return any(next(adapted(net), None) is not None for net in model.nets.values())


def save(model: Model, folder: str | Path) -> Path:
    """Write the model: the adapter alone where it has one, else the whole."""
    start = model.recipe.start
    if isinstance(dict(model.nets.items()).get("net"), Guest):
        return images.save(model, folder)
    if is_adapted(model) and start is not None and _hears_more(model, start):
        merge(model)  # parts that the base lacks stand with the whole, not beside it
    if not is_adapted(model):
        return model.save(folder)
    if start is None:
        raise ModelError(
            f"{model.recipe.name} has an adapter, but its recipe names no model that it stands "
            "beside: merge it (adapted.merge) to save the whole"
        )
    rslora = start.adapter is not None and start.adapter.rslora
    inherited = _inherited(read_json(store.existing(start.model) / "card.json"))
    model.card = {**inherited, **{k: v for k, v in model.card.items() if k != "weights"}}

    def write(new: Path) -> dict[str, Any]:
        (new / ADAPTER).mkdir()
        adapters.save(new / ADAPTER, model, start.model, rslora)
        return {"weights": digest(model)}

    return model.save(folder, write)


def _hears_more(model: Model, start: Start) -> bool:
    """Whether the model is told of items what its base is not, and so has weights of its own."""
    told = getattr(model.codec.spec, "control", 0)
    if not told:
        return False
    known = read_json(store.existing(start.model) / "spec.json")["codec"].get("control", 0)
    return bool(told != known)


def load(
    make: type[M],
    folder: Path,
    device: str | torch.device = "cpu",
    dtype: Any = "stored",
    adapter: str | Path | None = None,
    bits: int | None = None,
) -> M:
    """Any model: one with an adapter with its base's nets and the adapter beside them. ModelError
    where the base is gone or has changed. adapter: one to put beside a model that has none. bits:
    of a published pipeline's weights."""
    path = recover(folder)
    if images.is_one(path):
        model = images.load(make, path, device, bits, adapter)
        return model if adapter is None else _named(model, adapter)
    if adapter is not None:
        return _with(load(make, path, device, dtype), adapter)
    if not (path / ADAPTER).is_dir():
        return make.load(path, device, dtype)
    start = _start_of(path)
    base = _base(make, start, path, device, dtype)
    model = make.load(path, device, nets=base.nets)
    model.card = {**_inherited(base.card), **model.card}
    adapters.load_into(model, path / ADAPTER)
    model.nets.eval()
    return model


def merge(model: Model) -> None:
    """Work the adapter into the weights: the model is a whole one from then on."""
    for net in model.nets.values():
        lora.merge(net)


def whole(model: M) -> M:
    """The same with the adapter worked in; the model itself stays as it is."""
    if not is_adapted(model):
        return model
    made = copy.copy(model)
    made.nets = copy.deepcopy(model.nets)
    merge(made)
    return made


def export(model: Model, path: Path) -> tuple[str, ...]:
    """The adapter alone in the PEFT layout, its base by the name that others know it by."""
    if path.exists() and not (path.is_dir() and _is_adapter(path)):
        raise ModelError(f"{path} is there already and is no adapter: name another place")
    start, source = model.recipe.start, model.card.get("source") or {}
    base = source.get("base") or (None if start is None else _published(start) or start.model)
    rslora = start is not None and start.adapter is not None and start.adapter.rslora
    with replacing(path) as new:
        adapters.save(new, model, base, rslora)
    return ()


def _is_adapter(path: Path) -> bool:
    return not any(path.iterdir()) or (path / adapters.CONFIG).is_file()


def _published(start: Start) -> str | None:
    """The hub's name of the base, where it came from one."""
    try:
        source = read_json(store.existing(start.model) / "card.json").get("source") or {}
    except (ModelError, OSError, ValueError):
        return None
    return source.get("hub")


def digest(model: Model) -> str:
    """SHA-256 of the weights; of an adapter its own and its base's."""
    start = model.recipe.start
    if start is None or not is_adapted(model):
        return model.digest()
    return _beside(start.weights, model)


def _beside(base: str, model: Model) -> str:
    """SHA-256 of an adapter and of what it stands beside."""
    total = hashlib.sha256(base.encode())
    for path, part in adapted(model.nets["net"]):
        for name, tensor in sorted(part.low.state_dict().items()):
            total.update(f"{path}.{name}{tuple(tensor.shape)}".encode())
            for piece in tensor_files.pieces(tensor.float()):
                total.update(piece)
    return total.hexdigest()


def bring(base: M, folder: Path, name: str | Path | None, card: Mapping[str, Any]) -> M:
    """A PEFT folder and the model it stands beside as one model, saved. card: what it says more."""
    target = store.place(name if name is not None else folder.resolve().name)
    own_place(target)
    with store.locked(target):
        model = joined(base, folder, target.name)
        model.card |= card
        save(model, target)
    return model


def joined(base: M, folder: Path, name: str) -> M:
    """A PEFT folder and the model it stands beside as one model, not saved yet."""
    if base.folder is None:
        raise ModelError("an adapter stands beside a model on disk: save this one first")
    if not (folder / adapters.CONFIG).is_file():
        raise ModelError(f"{folder} has no {adapters.CONFIG}: it is no adapter in the PEFT layout")
    lows = read(base, folder)
    told = config_of_file(folder / adapters.CONFIG)
    start = Start(
        model=str(base.folder.resolve()),
        weights=base.card.get("weights") or base.digest(),
        adapter=_as_config(told, lows),
    )
    lora.beside(base.nets["net"], lows)
    base.recipe = replace(base.recipe, name=name, start=start)
    base.card = {**_inherited(base.card), "source": {"adapter": folder.name, "base": told.base}}
    base.folder = None
    return base


def _with(base: M, adapter: str | Path) -> M:
    """The model with an adapter beside its weights; its card says which."""
    lora.beside(base.nets["net"], read(base, adapter))
    base.prompt = _prompt(base, adapter)
    weights = _beside(base.card.get("weights") or base.digest(), base)
    base.card = {**base.card, "weights": weights}
    return _named(base, adapter)


def _named(model: M, adapter: str | Path) -> M:
    model.card = {**model.card, "adapter": store.told(Path(adapter))}
    return model


def _prompt(base: Model, adapter: str | Path) -> Any:
    """The prompt codec of the model that was trained as the adapter, which may know new words; of
    a PEFT folder there is none but the base's."""
    if base.prompt is None or (Path(adapter).expanduser() / adapters.CONFIG).is_file():
        return base.prompt
    path = store.existing(adapter) / "prompt"
    return type(base.prompt).load(path) if path.is_dir() else base.prompt


def read(base: Model, folder: str | Path) -> dict[str, LowRank]:
    """The little matrices of an adapter for this model: a PEFT folder, or one of our models that
    stands beside it."""
    if is_adapted(base):
        raise ModelError(
            f"{base.recipe.name} is an adapter itself: give the model that it stands beside"
        )
    path = Path(folder).expanduser()
    if (path / adapters.CONFIG).is_file():
        return adapters.read(path, base)
    path = store.existing(folder)
    if not (path / ADAPTER).is_dir():
        raise ModelError(f"{path} is no adapter: give a PEFT folder, or a model trained as one")
    start, own = _start_of(path), base.card.get("weights") or base.digest()
    if start.weights != own:
        raise ModelError(
            f"the adapter {path.name} stands beside {start.model} ({start.weights[:12]}), not "
            f"beside {base.recipe.name} ({own[:12]})"
        )
    return adapters.read(path / ADAPTER, base)


# --- the base -------------------------------------------------------------------------------------


def _start_of(path: Path) -> Start:
    from_file = path / "recipe.json"
    try:
        told = read_json(from_file)["start"]
        return Start(model=str(told["model"]), weights=str(told["weights"]))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{from_file} does not say what the adapter stands beside") from error


def _base(make: type[M], start: Start, path: Path, device: Any, dtype: Any) -> M:
    try:
        place = store.existing(start.model)
    except ModelError:
        raise ModelError(
            f"{path} is an adapter beside {start.model}, which is not there: put it back, or "
            "import the adapter again with --base"
        ) from None
    base = load(make, place, device, dtype)
    own = base.card.get("weights") or digest(base)
    if own != start.weights:
        raise ModelError(
            f"{path} is an adapter beside {start.model} with the weights {start.weights[:12]}, but "
            f"those there are {own[:12]}: put the former model back"
        )
    merge(base)  # an adapter beside a model that is one itself
    return base


def _inherited(card: Mapping[str, Any]) -> dict[str, Any]:
    """What the card of the base says that holds for the adapted model too."""
    return {k: card[k] for k in ("config", "generation", "notes") if k in card}


def _as_config(told: Told, lows: Mapping[str, LowRank]) -> Adapter:
    """The adapter's configuration in our words; ranks of single matrices stay in its own file."""
    targets = dict.fromkeys(path.rpartition(".")[2] for path in lows)
    return Adapter(
        kind="dora" if told.dora else "lora",
        rank=told.plain_rank,
        alpha=told.alpha,
        dropout=told.dropout,
        targets=tuple(targets),
        rslora=told.rslora,
    )
