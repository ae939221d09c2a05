"""A model's whole card, as a person reads it: what it is, learnt from, measured as, came from.

Reads what lies in its folder and beside it; loads no model. Places on this machine are not told:
data is named by the last part of its path.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from genloom import shelf, store
from genloom.errors import GenloomError
from genloom.server.engines.catalogue import Catalogue
from genloom.server.lineage import Lineage
from genloom.trust.measured import kept

MOST_FILES, MOST_MEASURED, MOST_PREVIEWS = 200, 20, 500
PLAIN = (
    *("created", "steps", "skipped_steps", "roll_backs", "ended", "seconds", "metrics", "protocol"),
    *("software", "hardware", "notes", "average", "adapter", "components"),
)
DATA = ("name", "items", "sha256", "licence", "licences", "evidence", "credits")
SOURCE = ("hub", "revision", "licence", "base", "architecture")


def card_of(catalogue: Catalogue, name: str) -> dict[str, Any]:
    """Failure 404 where it is not offered. A damaged folder is told with what can be read of it."""
    folder = catalogue.folder(name)
    recipe, card = _read(folder / "recipe.json"), _read(folder / "card.json")
    measured = kept(folder)[:MOST_MEASURED]
    return {
        "object": "model.card",
        "id": name,
        "weights": str(card.get("weights", "")),
        "recipe_digest": card.get("recipe"),
        "recipe": recipe,
        "parameters": _parameters(folder),
        "parts": _parts(recipe),
        "size": _size(folder),
        **{key: card[key] for key in PLAIN if key in card},
        "data": _data(card.get("data")),
        "validation": _data(card.get("validation")),
        "source": _source(card.get("source")),
        "quality": measured,
        "lineage": Lineage(catalogue).around(name),
        "previews": [_preview(path) for path in shelf.previews_of(folder)[:MOST_PREVIEWS]],
        "deletable": deletable(folder),
    }


def deletable(folder: Path) -> bool:
    """Only what lies in the server's own folder is its to delete."""
    return folder.parent == (store.home() / "models").absolute()


def preview_of(catalogue: Catalogue, name: str, preview: str) -> Path | None:
    """The file of a preview; a name is looked up among those there are, and is never a path."""
    found = shelf.previews_of(catalogue.folder(name))
    return next((path for path in found if path.name == preview), None)


def _read(file: Path) -> dict[str, Any]:
    try:
        return shelf.object_of(file)
    except (GenloomError, RecursionError):
        return {}


def _parameters(folder: Path) -> int | None:
    try:
        return shelf.parameters_of(folder)
    except GenloomError:
        return None


def _size(folder: Path) -> dict[str, Any]:
    """Bytes of the model, and of what its training left beside it."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    listed = [{"path": p.relative_to(folder).as_posix(), "bytes": p.stat().st_size} for p in files]
    beside = store.run_folder(folder)
    return {
        "bytes": sum(one["bytes"] for one in listed),
        "beside": shelf.bytes_of(beside) if beside.is_dir() else 0,
        "files": sorted(listed, key=lambda one: -one["bytes"])[:MOST_FILES],
    }


def _parts(recipe: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The recipe's parts by their names in it, nets by their roles."""
    found = []
    for role in ("codec", "prompt", "family"):
        part = recipe.get(role)
        if isinstance(part, dict) and "kind" in part:
            found.append({"role": role, "kind": part["kind"]})
    nets = recipe.get("net")
    for role, part in nets.items() if isinstance(nets, dict) else ():
        if isinstance(part, dict):
            found.append({"role": f"net: {role}", "kind": part.get("kind")})
    return found


def _data(told: Any) -> dict[str, Any] | None:
    if not isinstance(told, dict) or not told:
        return None
    entries = [one for one in told.get("entries") or () if isinstance(one, dict)]
    return {
        **{key: told[key] for key in DATA if key in told},
        "root": Path(str(told.get("root") or "")).name or None,
        "files": len(entries),
        "bytes": sum(int(one.get("size") or 0) for one in entries),
        "manifest": entries[:MOST_FILES],
    }


def _source(told: Any) -> dict[str, Any] | None:
    """Where a published model is from; folders and files by their names alone."""
    if not isinstance(told, dict) or not told:
        return None
    named = {key: Path(str(told[key])).name for key in ("folder", "file") if told.get(key)}
    return {**{key: told[key] for key in SOURCE if told.get(key)}, **named}


def _preview(path: Path) -> dict[str, Any]:
    stem = path.stem.rpartition("-")[2]
    step = int(stem) if stem.isdecimal() else None
    told = {"name": path.name, "step": step, "bytes": path.stat().st_size}
    return {**told, "media": mimetypes.guess_type(path.name)[0]}
