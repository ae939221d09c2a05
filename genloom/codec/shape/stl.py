"""STL, binary and text: triangles without shared corners and without colours.

Corners at one place become one. Knows bytes and meshes.
"""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from genloom.errors import DataError
from genloom.shape.mesh import Mesh
from genloom.shape.repair import welded

ROW = np.dtype([("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("more", "<u2")])
HEAD = 84  # bytes before the triangles
NUMBER = rb"[-+0-9.eE]+|nan|inf"
VERTEX = re.compile(rb"vertex\s+(%b)\s+(%b)\s+(%b)" % ((NUMBER,) * 3), re.I)


def read_stl(content: bytes, name: str) -> Mesh:
    """DataError where it is cut short or no STL."""
    many = int.from_bytes(content[80:HEAD], "little") if len(content) >= HEAD else -1
    if many >= 0 and HEAD + many * ROW.itemsize == len(content):
        corners = np.frombuffer(content, ROW, many, HEAD)["corners"]
    elif content.lstrip()[:5].lower() == b"solid":
        try:
            rows = [[float(v) for v in found] for found in VERTEX.findall(content)]
        except ValueError:
            raise DataError(f"{name} has corners that are no numbers: export it again") from None
        if len(rows) % 3:
            raise DataError(f"{name} is cut short: {len(rows):,} corners are no whole triangles")
        corners = np.array(rows, np.float32).reshape(-1, 3, 3)
    else:
        raise DataError(
            f"{name} is no whole STL file: {many:,} triangles need {HEAD + many * ROW.itemsize:,} "
            f"bytes, it has {len(content):,}"
        )
    flat = np.ascontiguousarray(corners, np.float32).reshape(-1, 3)
    faces = np.arange(len(flat), dtype=np.int64).reshape(-1, 3)
    return welded(Mesh(vertices=flat, faces=faces))


def stl_bytes(mesh: Mesh, record: Any = None) -> bytes:
    """Binary. It holds neither colours nor a record."""
    rows = np.zeros(len(mesh.faces), ROW)
    crosses = mesh.crosses()
    length = np.linalg.norm(crosses, axis=1, keepdims=True)
    rows["normal"], rows["corners"] = crosses / np.maximum(length, 1e-30), mesh.corners()
    head = b"Genloom".ljust(80, b"\0") + len(rows).to_bytes(4, "little")
    return head + rows.tobytes()
