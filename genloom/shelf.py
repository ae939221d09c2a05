"""What lies in model folders: a line about each, read from JSON and the heads of weights.

Loads no net and costs no torch; a damaged folder is told as such. Knows no command and no server.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genloom import store
from genloom.errors import GenloomError, ModelError

LARGEST_HEAD = 100 << 20
PREVIEWS = "previews"


@dataclass(frozen=True, kw_only=True)
class Summary:
    """A model in a line. medium is the codec's name; metric the headline, as name and value."""

    name: str
    path: str
    medium: str = "damaged"
    family: str = ""
    parameters: int | None = None
    bytes: int = 0
    created: str | None = None
    metric: str | None = None
    value: float | None = None


def summary(path: Path) -> Summary:
    """Of a folder, however damaged."""
    try:
        recipe, card = object_of(path / "recipe.json"), object_of(path / "card.json")
        metric, value = next(iter((card.get("metrics") or {}).items()), (None, None))
        return Summary(
            name=path.name,
            path=str(path),
            medium=recipe["codec"]["kind"],
            family=recipe["family"]["kind"],
            parameters=parameters_of(path),
            bytes=bytes_of(path),
            created=card.get("created"),
            metric=metric,
            value=value,
        )
    except (ModelError, KeyError, TypeError, AttributeError):
        return Summary(name=path.name, path=str(path), bytes=bytes_of(path))


def object_of(path: Path) -> dict[str, Any]:
    """The object in a JSON file of a model's folder. ModelError where there is none."""
    try:
        content = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ModelError(
            f"{path.parent} is damaged ({path.name}: {error}): restore it or train it again"
        ) from error
    if not isinstance(content, dict):
        raise ModelError(f"{path.parent} is damaged: {path.name} holds no object")
    return content


# --- sizes ----------------------------------------------------------------------------------------


def parameters_of(folder: Path) -> int:
    """How many weights are stored. ModelError where the files are damaged."""
    return sum(map(_parameters, weights_of(folder)))


def weights_of(folder: Path) -> list[Path]:
    """One file, or its shards; of an adapter its own alone; of a pipeline or of what is joined of
    several models those of its parts."""
    if (folder / "linked.json").is_file():
        return sorted((folder / "tables").glob("*/model*.safetensors"))
    if (folder / "pipeline").is_dir():
        return sorted((folder / "pipeline").rglob("*.safetensors"))
    if (folder / "adapter").is_dir():
        return [folder / "adapter" / "adapter_model.safetensors"]
    return sorted(folder.glob("model-*-of-*.safetensors")) or [folder / "model.safetensors"]


def bytes_of(folder: Path) -> int:
    return sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())


def _parameters(path: Path) -> int:
    """Weights in a safetensors file, from its head alone."""
    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
            head = json.loads(file.read(min(size, LARGEST_HEAD)))
        return sum(math.prod(v["shape"]) for k, v in head.items() if k != "__metadata__")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path} is damaged: its head does not parse") from error


# --- where it comes from --------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Parent:
    """A model that another comes from. role: "start", "teacher", "averaged", or the option that
    names it; model: a name or a path; weights: its digest, "" where that is not known."""

    role: str
    model: str
    weights: str = ""


def parents_of(recipe: Mapping[str, Any], card: Mapping[str, Any]) -> list[Parent]:
    """The models that one comes from, as its card and its recipe tell."""
    told = card.get("parents")
    found = [
        Parent(role=str(one.get("as", "")), model=str(one["model"]), weights=_text(one, "weights"))
        for one in (told if isinstance(told, list) else ())
        if isinstance(one, Mapping) and one.get("model")
    ]
    start = recipe.get("start")
    if not found and isinstance(start, Mapping) and start.get("model"):
        weights = _text(start, "weights")
        found.append(Parent(role="start", model=str(start["model"]), weights=weights))
    return found + [one for one in _parts(recipe) if one.model not in {p.model for p in found}]


def _parts(recipe: Mapping[str, Any]) -> list[Parent]:
    """Models that codecs were made with: options that name a folder which is there."""
    found = []
    for name in ("codec", "prompt"):
        part = recipe.get(name)
        options = part.get("options") if isinstance(part, Mapping) else None
        for option, value in options.items() if isinstance(options, Mapping) else ():
            if isinstance(value, str) and value and (folder := _folder(value)) is not None:
                weights = _text(_quietly(folder / "card.json"), "weights")
                found.append(Parent(role=str(option), model=value, weights=weights))
    return found


def _folder(name: str) -> Path | None:
    try:
        place = store.place(name)
        return place if (place / "recipe.json").is_file() else None
    except (GenloomError, OSError):
        return None


def _quietly(path: Path) -> Mapping[str, Any]:
    try:
        return object_of(path)
    except ModelError:
        return {}


def _text(box: Mapping[str, Any], name: str) -> str:
    return str(box.get(name) or "")


# --- what its training left -----------------------------------------------------------------------


def previews_of(folder: Path) -> list[Path]:
    """What was made on the way, the earliest first."""
    try:
        found = [p for p in (store.run_folder(folder) / PREVIEWS).iterdir() if p.is_file()]
    except OSError:
        return []
    return sorted(found, key=lambda path: path.name)
