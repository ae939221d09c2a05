"""Which offered models come from which: a small graph around one of them, both ways.

A parent is known by the digest of its weights, else by its name; one that is not here any more is
told as such. Reads cards and recipes, each again only when its file has changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from genloom import shelf
from genloom.errors import GenloomError
from genloom.server.engines.catalogue import Catalogue
from genloom.server.failure import Failure
from genloom.shelf import Parent

MOST = 60  # models of a graph
KEPT = 1024  # folders that are remembered


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a folder says of its model."""

    medium: str
    weights: str
    parents: tuple[Parent, ...]


@dataclass(frozen=True, kw_only=True)
class Edge:
    """child was made with parent, as what (role)."""

    parent: str
    child: str
    role: str


class Lineage:
    """All offered models as they lie on disk now."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.folders = dict(_folders(catalogue))
        self.told = {name: told(folder) for name, folder in self.folders.items()}
        self.by_weights = {one.weights: name for name, one in self.told.items() if one.weights}
        self.by_name = {name: name for name in self.folders}
        for name, folder in self.folders.items():
            self.by_name.setdefault(folder.name, name)
            self.by_name.setdefault(str(folder), name)
        self.edges = [edge for name in self.told for edge in self._up(name)]

    def around(self, model: str) -> dict[str, Any]:
        """nodes and edges: whatever the model comes from, and whatever comes from it."""
        kept: dict[str, None] = {model: None}
        edges: list[Edge] = []
        for forward in (True, False):
            reached = [model]
            while reached and len(kept) < MOST:
                found = [edge for edge in self.edges if _tail(edge, forward) in reached]
                edges += [edge for edge in found if edge not in edges]
                reached = [n for e in found if (n := _head(e, forward)) not in kept]
                kept |= dict.fromkeys(reached)
        inside = [edge for edge in edges if edge.parent in kept and edge.child in kept]
        return {
            "nodes": [self._node(name) for name in kept],
            "edges": [vars(edge) for edge in inside],
        }

    def _up(self, name: str) -> Iterable[Edge]:
        for parent in self.told[name].parents:
            known = self.by_weights.get(parent.weights) or self.by_name.get(parent.model)
            if known != name:
                yield Edge(parent=known or _named(parent), child=name, role=parent.role)

    def _node(self, name: str) -> Mapping[str, Any]:
        found = self.told.get(name)
        if found is None:
            weights = next(
                (p.weights for t in self.told.values() for p in t.parents if _named(p) == name), ""
            )
            return {"id": name, "here": False, "medium": None, "weights": weights}
        return {"id": name, "here": True, "medium": found.medium, "weights": found.weights}


def _tail(edge: Edge, forward: bool) -> str:
    return edge.parent if forward else edge.child


def _head(edge: Edge, forward: bool) -> str:
    return edge.child if forward else edge.parent


def _named(parent: Parent) -> str:
    """Of a model that is not here: what it was called, without where it lay."""
    return Path(parent.model).name or parent.model


def _folders(catalogue: Catalogue) -> Iterable[tuple[str, Path]]:
    for name in catalogue.names():
        try:
            yield name, catalogue.folder(name)
        except Failure:
            continue  # it went in this moment


def told(folder: Path) -> Told:
    """Of a folder, however damaged."""
    return _told(folder, _stamp(folder / "card.json"), _stamp(folder / "recipe.json"))


def _stamp(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError:
        return (0, 0)
    return (found.st_mtime_ns, found.st_size)


@lru_cache(maxsize=KEPT)
def _told(folder: Path, card_stamp: tuple[int, int], recipe_stamp: tuple[int, int]) -> Told:
    try:
        recipe = shelf.object_of(folder / "recipe.json")
        card = shelf.object_of(folder / "card.json")
        codec = recipe.get("codec")
        medium = str(codec.get("kind", "unknown")) if isinstance(codec, dict) else "unknown"
        parents = tuple(shelf.parents_of(recipe, card))
    except (GenloomError, RecursionError):
        return Told(medium="unknown", weights="", parents=())
    return Told(medium=medium, weights=str(card.get("weights", "")), parents=parents)
