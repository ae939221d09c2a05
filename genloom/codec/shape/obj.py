"""Wavefront OBJ as text: corners, some with colours, and faces of any number of corners.

Materials and textures are left out. Knows text and meshes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np

from genloom.errors import DataError
from genloom.shape.mesh import Mesh

MARK = "# genloom-record: "


def read_obj(content: bytes, name: str) -> Mesh:
    """DataError where a line cannot be read or names corners that are not there."""
    places: list[list[float]] = []
    faces: list[tuple[int, int, int]] = []
    lines, line = content.decode("utf-8", "replace").splitlines(), ""
    try:
        for line in lines:
            if line.startswith("v "):
                places.append([float(v) for v in line.split()[1:7]])
            elif line.startswith("f "):
                around = [_index(word, len(places)) for word in line.split()[1:]]
                faces += [(around[0], b, c) for b, c in pairwise(around[1:])]
    except ValueError:
        raise DataError(
            f"{name} line {lines.index(line) + 1} is no number or corner: export it again"
        ) from None
    widths = {len(row) for row in places}
    if not places or min(widths) < 3:
        raise DataError(f"{name} has no corners of x, y and z: is it an OBJ file?")
    coloured = widths == {6}
    array = np.array([row if coloured else row[:3] for row in places], np.float64)
    painted = np.rint(255 * np.clip(array[:, 3:], 0, 1)).astype(np.uint8) if coloured else None
    order = np.array(faces, np.int64).reshape(-1, 3)
    return Mesh(vertices=array[:, :3].astype(np.float32), faces=order, colours=painted)


def _index(word: str, many: int) -> int:
    """From 1 on, or backwards from -1."""
    number = int(word.split("/", 1)[0])
    return number - 1 if number > 0 else many + number


def obj_bytes(mesh: Mesh, record: Mapping[str, Any] | None = None) -> bytes:
    """Colours stand behind the places, as most programs read them."""
    head = [] if record is None else [MARK + json.dumps(record, ensure_ascii=True)]
    rows = mesh.vertices.tolist()
    if mesh.colours is None:
        body = [f"v {x:.6g} {y:.6g} {z:.6g}" for x, y, z in rows]
    else:
        painted = (mesh.colours / 255).tolist()
        body = [
            f"v {x:.6g} {y:.6g} {z:.6g} {r:.4g} {g:.4g} {b:.4g}"
            for (x, y, z), (r, g, b) in zip(rows, painted, strict=True)
        ]
    faces = [f"f {a} {b} {c}" for a, b, c in (mesh.faces + 1).tolist()]
    return ("\n".join([*head, *body, *faces]) + "\n").encode()


def record_of_obj(content: bytes, name: str) -> str | None:
    line = content.split(b"\n", 1)[0].decode("utf-8", "replace")
    return line.removeprefix(MARK) if line.startswith(MARK) else None
