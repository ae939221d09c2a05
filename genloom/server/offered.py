"""What a model is, for clients: from the engine where it is loaded, else from what lies on disk.

Nothing is loaded for it. What only a loaded model can tell is remembered by its weights.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from genloom.errors import GenloomError
from genloom.server.engines.catalogue import Catalogue, Print, fingerprint
from genloom.server.failure import Failure
from genloom.server.service import Service
from genloom.server.threads import in_thread
from genloom.shelf import bytes_of, parameters_of

LARGEST = 64 << 20  # bytes of a card
UP = "up"
KEPT = 1024  # folders whose sizes are remembered
TOLD = ("media", "context", "vocab", "parameters", "texts", "chats", "embeds", "accepts", "grids")


async def offered(service: Service) -> list[dict[str, Any]]:
    """Every model in OpenAI's shape, with what is known of it."""
    states = {one.model: one.state for one in service.engines.stats().models}
    catalogue = Catalogue(service.settings.models)
    found = await in_thread(_on_disk, catalogue, catalogue.names())
    known = await in_thread(_remembered, service)
    return [
        await _told(service, name, card, states.get(name, "cold"), known)
        for name, card in found.items()
    ]


async def one(service: Service, name: str) -> dict[str, Any]:
    """Failure 404 where it is not offered."""
    catalogue = Catalogue(service.settings.models)
    folder = await in_thread(catalogue.folder, name)
    states = {each.model: each.state for each in service.engines.stats().models}
    card = await in_thread(read_card, folder)
    known = await in_thread(_remembered, service)
    return await _told(service, name, card, states.get(name, "cold"), known)


async def _told(
    service: Service,
    name: str,
    card: Mapping[str, Any],
    state: str,
    known: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    about = known.get(card["weights"], {})
    if state == UP:
        about = await service.engines.about(name)
    told = {key: about[key] for key in TOLD if key in about}
    told = {"context": card["context"], "parameters": card["parameters"], **told}
    # packed weights are no parameters to torch, and those of a base are not in an adapter's folder
    told["parameters"] = max(told["parameters"] or 0, card["parameters"] or 0) or None
    return {
        "id": name,
        "object": "model",
        "created": card["created"],
        "owned_by": "genloom",
        "state": state,
        "medium": card["medium"],
        "family": card["family"],
        "bytes": card["bytes"],
        "weights": card["weights"],
        "architecture": _architecture(card["medium"], about),
        **told,
    }


def _architecture(medium: str, about: Mapping[str, Any]) -> dict[str, list[str]]:
    """Modalities: texts go in where there is a prompt, files where they may come along."""
    made = "text" if about.get("texts") else medium
    given = ["text"] if about.get("texts") or about.get("conditional") else []
    files = [made] if about.get("accepts") else []
    return {"input_modalities": list(dict.fromkeys(given + files)), "output_modalities": [made]}


def _on_disk(catalogue: Catalogue, names: list[str]) -> dict[str, dict[str, Any]]:
    found = {}
    for name in names:
        try:
            found[name] = read_card(catalogue.folder(name))
        except Failure:
            continue  # it went in this moment
    return found


def _remembered(service: Service) -> dict[str, Mapping[str, Any]]:
    return service.records.models.facts()


def read_card(folder: Path) -> dict[str, Any]:
    """created, medium, family, weights, context, bytes and parameters as the folder's files say;
    empty where they do not."""
    card, recipe = _read(folder / "card.json"), _read(folder / "recipe.json")
    spec = _read(folder / "spec.json")
    return {
        "created": _seconds(card.get("created")),
        "medium": str(_inside(recipe, "codec").get("kind", "unknown")),
        "weights": str(card.get("weights", "")),
        "context": _inside(spec, "codec").get("length"),
        "family": str(_inside(recipe, "family").get("kind", "unknown")),
        **_sizes(folder, fingerprint(folder)),
    }


@lru_cache(maxsize=KEPT)
def _sizes(folder: Path, stamp: Print) -> dict[str, int | None]:
    """bytes on disk and parameters; looked up again when the folder has changed."""
    try:
        return {"bytes": bytes_of(folder), "parameters": parameters_of(folder)}
    except (GenloomError, OSError):
        return {"bytes": None, "parameters": None}


def _read(file: Path) -> dict[str, Any]:
    try:
        if file.stat().st_size > LARGEST:
            return {}
        value = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _inside(box: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = box.get(name)
    return found if isinstance(found, dict) else {}


def _seconds(text: object) -> int:
    try:
        return int(datetime.fromisoformat(str(text)).timestamp())
    except ValueError:
        return 0
