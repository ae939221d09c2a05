"""Shapes as items of a data set: which are equal, what they are like, how to write them.

Equal are those of the same corners and triangles, or of the same solids. Knows shapes, no model.
"""

from __future__ import annotations

import hashlib
import json
import statistics
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from genloom.codec.shape.collections import write_forms
from genloom.codec.shape.item import as_shape, bounds_of
from genloom.datasets.captioned_folder import write_folder
from genloom.shape.mesh import Mesh, watertight
from genloom.shape.solids import Form


class Shapes:
    """Meshes and closed forms, opened one at a time."""

    def __init__(self, items: Sequence[Any], codec: Any) -> None:
        self.items, self.codec = [as_shape(one) for one in items], codec

    def keys(self) -> list[Hashable]:
        return [_key(one.open()) for one in self.items]

    def empty(self) -> list[bool]:
        """None: files without triangles are left out when they are read."""
        return [False] * len(self.items)

    def summary(self) -> dict[str, Any]:
        """triangles: of the smallest, the median and the largest mesh; watertight: meshes that are
        closed as they are; extent: the median longest side."""
        opened = [one.open() for one in self.items]
        meshes = [one for one in opened if isinstance(one, Mesh)]
        reach = [float((high - low).max()) for low, high in map(bounds_of, opened)]
        captions = [one.told for one in self.items if one.told]
        told: dict[str, Any] = {"meshes": len(meshes), "forms": len(opened) - len(meshes)}
        if meshes:
            many = [len(one.faces) for one in meshes]
            told |= {"fewest triangles": min(many), "median": round(statistics.median(many))}
            told |= {"most": max(many), "watertight": sum(map(watertight, meshes))}
            told |= {"coloured": sum(one.colours is not None for one in meshes)}
        told |= {"extent": round(statistics.median(reach), 3)}
        return {**told, "captioned": len(captions), "distinct captions": len(set(captions))}

    def write(self, items: Sequence[Any], target: Path) -> Path:
        """A folder: files as they were where they were files, else GLB; captions in
        metadata.jsonl. Closed forms, whose sizes are known, are lines of one file."""
        shapes = [as_shape(one) for one in items]
        forms = [one.source for one in shapes if isinstance(one.source, Form)]
        if target.suffix and len(forms) == len(shapes):
            return write_forms(forms, target)
        return write_folder(shapes, target, "shapes", _told, self._put)

    def part(self, name: str, source: Path) -> str:
        """Meshes lie in folders."""
        whole = all(isinstance(one.source, Form) for one in self.items)
        return f"{name}.jsonl" if whole and source.is_file() else name

    def _put(self, one: Any, place: Path) -> Path:
        file = place.with_suffix(self.codec.suffix)
        self.codec.write(one, file)
        return file


def _told(one: Any) -> dict[str, Any]:
    return {"text": one.told}


def _key(shape: Any) -> str:
    if not isinstance(shape, Mesh):
        solids = [solid.to_json() for solid in shape.solids]
        return hashlib.sha256(json.dumps(solids, sort_keys=True).encode()).hexdigest()
    total = hashlib.sha256()
    for array in (shape.vertices, shape.faces):
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()
