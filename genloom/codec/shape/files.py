"""Which file of shapes is read and written by what; limits that hold for all of them.

Knows suffixes and limits; the formats lie beside it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from genloom.codec.embedded import embedded
from genloom.codec.shape.glb import glb_bytes, read_glb, record_of_glb
from genloom.codec.shape.obj import obj_bytes, read_obj, record_of_obj
from genloom.codec.shape.ply import ply_bytes, read_ply, record_of_ply
from genloom.codec.shape.stl import read_stl, stl_bytes
from genloom.errors import DataError, RequestError
from genloom.shape.mesh import Mesh, checked

MOST = 20_000_000  # triangles of a file; ten million are read in seconds where they are binary
LARGEST = 2 << 30  # bytes
READERS: Mapping[str, Callable[[bytes, str], Mesh]] = {
    ".glb": read_glb,
    ".gltf": read_glb,
    ".obj": read_obj,
    ".stl": read_stl,
    ".ply": read_ply,
}
WRITERS: Mapping[str, Callable[[Mesh, Mapping[str, Any] | None], bytes]] = {
    ".glb": glb_bytes,
    ".obj": obj_bytes,
    ".stl": stl_bytes,
    ".ply": ply_bytes,
}
RECORDS: Mapping[str, Callable[[bytes, str], str | None]] = {
    ".glb": record_of_glb,
    ".obj": record_of_obj,
    ".ply": record_of_ply,
}
SUFFIXES = tuple(READERS)


def is_mesh(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in READERS


def read_mesh(content: bytes, name: str) -> Mesh:
    """The mesh in these bytes: told by the name's suffix, else by how they begin. DataError where
    it is damaged, too large or no mesh."""
    if len(content) > LARGEST:
        raise DataError(f"{name} has {len(content):,} bytes, at most {LARGEST:,} are read")
    reader = READERS.get(PurePosixPath(name).suffix.lower()) or _reader_of(content)
    if reader is None:
        raise DataError(f"{name} is no mesh: use {', '.join(SUFFIXES)}")
    mesh = reader(content, name)
    if len(mesh.faces) > MOST:
        raise DataError(
            f"{name} has {len(mesh.faces):,} triangles, at most {MOST:,} are read: simplify it"
        )
    return checked(mesh, name)


def _reader_of(content: bytes) -> Callable[[bytes, str], Mesh] | None:
    begins = ((b"glTF", read_glb), (b"ply", read_ply), (b"solid", read_stl), (b"{", read_glb))
    return next((reader for start, reader in begins if content.startswith(start)), None)


def mesh_bytes(mesh: Mesh, path: Path, record: Mapping[str, Any] | None = None) -> bytes:
    """The file's bytes, in the format that the path's suffix names. RequestError for others."""
    writer = WRITERS.get(path.suffix.lower())
    if writer is None:
        raise RequestError(
            f"{path.name}: shapes are written as {', '.join(WRITERS)}; name such a file"
        )
    if mesh.empty and path.suffix.lower() == ".glb":
        raise DataError("there is no surface to write: every place of the field is outside")
    return writer(mesh, record)


def shape_record(path: Path) -> dict[str, Any] | None:
    """The record inside a file that Genloom wrote, None where there is none."""
    told = RECORDS.get(path.suffix.lower())
    return None if told is None else embedded(told(path.read_bytes(), str(path)), path)


def shape_hash(path: Path) -> str:
    """SHA-256 over corners, triangles and colours, whatever else the file holds."""
    mesh = read_mesh(path.read_bytes(), str(path))
    total = hashlib.sha256(f"{mesh.vertices.shape} {mesh.faces.shape}\n".encode())
    for array in (mesh.vertices, mesh.faces, mesh.colours):
        total.update(b"" if array is None else np.ascontiguousarray(array).tobytes())
    return total.hexdigest()
