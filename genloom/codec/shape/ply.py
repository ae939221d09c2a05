"""PLY, text and binary: corners with colours, and faces as lists. Knows bytes and meshes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np

from genloom.errors import DataError
from genloom.shape.mesh import Mesh

MARK = "comment genloom-record: "
KINDS = {
    "char": "i1",
    "int8": "i1",
    "uchar": "u1",
    "uint8": "u1",
    "short": "i2",
    "int16": "i2",
    "ushort": "u2",
    "uint16": "u2",
    "int": "i4",
    "int32": "i4",
    "uint": "u4",
    "uint32": "u4",
    "float": "f4",
    "float32": "f4",
    "double": "f8",
    "float64": "f8",
}
FORMATS = {"ascii": "", "binary_little_endian": "<", "binary_big_endian": ">"}
END = b"end_header"


@dataclass
class Element:
    """single: name -> kind; lists: name -> (kind of the count, kind of the values)."""

    name: str
    count: int
    single: dict[str, str] = field(default_factory=dict)
    lists: dict[str, tuple[str, str]] = field(default_factory=dict)


def read_ply(content: bytes, name: str) -> Mesh:
    """DataError where it is damaged."""
    try:
        order, elements, body = _head(content)
        found = {e.name: e for e in elements}
        vertex, face = found["vertex"], found["face"]
        if elements.index(vertex) != 0 or elements.index(face) != 1 or vertex.lists:
            raise DataError(f"{name}: expected are corners first and faces second")
        if len(face.lists) != 1 or face.single:
            raise DataError(f"{name}: expected are faces that are lists of corners and no more")
        read = _binary if order else _text
        rows, faces = read(body, vertex, face, order)
        places = np.stack([rows[axis] for axis in "xyz"], 1).astype(np.float32)
        colours = None
        if {"red", "green", "blue"} <= rows.keys():
            painted = np.stack([rows[c] for c in ("red", "green", "blue")], 1)
            scale = 255 if painted.dtype.kind == "f" else 1
            colours = np.clip(np.rint(painted * scale), 0, 255).astype(np.uint8)
    except DataError:
        raise
    except (KeyError, ValueError, IndexError, OverflowError) as error:
        raise DataError(f"{name} is no sound PLY file ({error!r}): export it again") from None
    return Mesh(vertices=places, faces=faces, colours=colours)


def _head(content: bytes) -> tuple[str, list[Element], bytes]:
    """How numbers are written, what there is, and the rest."""
    stop = content.find(END)
    if not content.startswith(b"ply") or stop < 0:
        raise ValueError("no header")
    elements: list[Element] = []
    order = None
    for line in content[:stop].decode("ascii", "replace").splitlines():
        words = line.split()
        if words[:1] == ["format"]:
            order = FORMATS[words[1]]
        elif words[:1] == ["element"]:
            elements.append(Element(words[1], int(words[2])))
        elif words[:2] == ["property", "list"]:
            elements[-1].lists[words[4]] = KINDS[words[2]], KINDS[words[3]]
        elif words[:1] == ["property"]:
            elements[-1].single[words[2]] = KINDS[words[1]]
    if order is None or any(e.count < 0 for e in elements):
        raise ValueError("no format")
    return order, elements, content[content.index(b"\n", stop) + 1 :]


Rows = tuple[dict[str, np.ndarray], np.ndarray]


def _binary(body: bytes, vertex: Element, face: Element, order: str) -> Rows:
    kind = np.dtype([(n, order + k) for n, k in vertex.single.items()])
    table = np.frombuffer(body, kind, vertex.count)
    rows = {name: table[name] for name in vertex.single}
    rest = body[vertex.count * kind.itemsize :]
    ((many, value),) = face.lists.values()
    triple = np.dtype([("n", order + many), ("v", order + value, 3)])
    if len(rest) >= face.count * triple.itemsize:
        found = np.frombuffer(rest, triple, face.count)
        if (found["n"] == 3).all():
            return rows, found["v"].astype(np.int64)
    return rows, _fans(_polygons(rest, face.count, order + many, order + value))


def _polygons(rest: bytes, count: int, many: str, value: str) -> list[list[int]]:
    size, wide = np.dtype(many).itemsize, np.dtype(value).itemsize
    out, at = [], 0
    for _ in range(count):
        n = int(np.frombuffer(rest, many, 1, at)[0])
        out.append(np.frombuffer(rest, value, n, at + size).tolist())
        at += size + n * wide
    return out


def _text(body: bytes, vertex: Element, face: Element, order: str) -> Rows:
    lines = [line.split() for line in body.decode("ascii", "replace").splitlines() if line.strip()]
    if len(lines) < vertex.count + face.count:
        raise ValueError("cut short")
    table = np.array(lines[: vertex.count], np.float64).reshape(vertex.count, len(vertex.single))
    rows = {name: table[:, n].astype(kind) for n, (name, kind) in enumerate(vertex.single.items())}
    some = lines[vertex.count : vertex.count + face.count]
    return rows, _fans([[int(v) for v in words[1 : 1 + int(words[0])]] for words in some])


def _fans(polygons: list[list[int]]) -> np.ndarray:
    """int64 [F, 3]"""
    faces = [(p[0], b, c) for p in polygons for b, c in pairwise(p[1:]) if len(p) > 2]
    return np.array(faces, np.int64).reshape(-1, 3)


def ply_bytes(mesh: Mesh, record: Mapping[str, Any] | None = None) -> bytes:
    """Binary, little-endian, coloured where the mesh is."""
    coloured = mesh.colours is not None
    names = [("x", "<f4"), ("y", "<f4"), ("z", "<f4")]
    names += [(n, "u1") for n in ("red", "green", "blue")] if coloured else []
    rows = np.zeros(len(mesh.vertices), np.dtype(names))
    for n, axis in enumerate("xyz"):
        rows[axis] = mesh.vertices[:, n]
    for n, name in enumerate(("red", "green", "blue") if coloured else ()):
        rows[name] = mesh.painted()[:, n]
    faces = np.zeros(len(mesh.faces), np.dtype([("n", "u1"), ("v", "<i4", 3)]))
    faces["n"], faces["v"] = 3, mesh.faces
    head = ["ply", "format binary_little_endian 1.0"]
    head += [] if record is None else [MARK + json.dumps(record, ensure_ascii=True)]
    head += [f"element vertex {len(rows)}"]
    head += [f"property {'float' if kind == '<f4' else 'uchar'} {name}" for name, kind in names]
    head += [f"element face {len(faces)}", "property list uchar int vertex_indices", "end_header"]
    return ("\n".join(head) + "\n").encode("ascii") + rows.tobytes() + faces.tobytes()


def record_of_ply(content: bytes, name: str) -> str | None:
    head = content[: max(content.find(END), 0)].decode("ascii", "replace")
    found = (line.removeprefix(MARK) for line in head.splitlines() if line.startswith(MARK))
    return next(found, None)
