"""glTF 2.0 in one file (.glb), or as JSON with its data inside (.gltf): coloured triangles.

Places and colours only: no textures, skins or animations. What is written has one mesh, and the
record of how it was made in `asset.extras`. Knows bytes and meshes.
Shape legend: V corners, F triangles.
"""

from __future__ import annotations

import base64
import binascii
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from genloom.errors import DataError
from genloom.shape.mesh import Mesh, joined

MAGIC, JSON_CHUNK, BIN_CHUNK = 0x46546C67, 0x4E4F534A, 0x004E4942
TYPES = {5120: "<i1", 5121: "<u1", 5122: "<i2", 5123: "<u2", 5125: "<u4", 5126: "<f4"}
WIDTHS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4, "MAT4": 16}
TRIANGLES = 4
DEEPEST = 64  # nodes within nodes
RECORD = "genloom"


# --- reading --------------------------------------------------------------------------------------


def read_glb(content: bytes, name: str) -> Mesh:
    """All triangles of the scene, where its nodes place them. DataError where there are none."""
    tree, buffers = _opened(content, name)
    try:
        found = list(_placed(tree, buffers, name))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
        raise DataError(f"{name} is no sound glTF ({error!r}): export it again") from None
    if not found:
        raise DataError(f"{name} has no triangles: points, lines and strips are not read")
    return joined(found)


def record_of_glb(content: bytes, name: str) -> str | None:
    """The record as JSON text, None where there is none."""
    tree, _ = _opened(content, name)
    asset = tree.get("asset")
    extras = asset.get("extras") if isinstance(asset, Mapping) else None
    record = extras.get(RECORD) if isinstance(extras, Mapping) else None
    return None if record is None else json.dumps(record)


def _opened(content: bytes, name: str) -> tuple[dict[str, Any], list[bytes]]:
    """The JSON and its buffers."""
    binary = b""
    text = content
    if content[:4] == b"glTF":
        text, binary = _chunks(content, name)
    try:
        tree = json.loads(text)
        given = tree.get("buffers", [])
        buffers = [_buffer(one, binary, name) for one in given]
    except (ValueError, AttributeError, TypeError, RecursionError):
        raise DataError(f"{name} is no sound glTF: its JSON cannot be read") from None
    return tree, buffers


def _chunks(content: bytes, name: str) -> tuple[bytes, bytes]:
    try:
        _, version, length = struct.unpack_from("<III", content)
        size, kind = struct.unpack_from("<II", content, 12)
    except struct.error:
        raise DataError(f"{name} is cut short: fetch it again") from None
    if version != 2 or length > len(content) or kind != JSON_CHUNK or 20 + size > len(content):
        raise DataError(
            f"{name} is no whole glTF 2 file ({len(content):,} of {length:,} bytes, version "
            f"{version}): fetch or export it again"
        )
    text, rest = content[20 : 20 + size], content[20 + size :]
    if len(rest) < 8:
        return text, b""
    size, kind = struct.unpack_from("<II", rest)
    return text, rest[8 : 8 + size] if kind == BIN_CHUNK else b""


def _buffer(one: Mapping[str, Any], binary: bytes, name: str) -> bytes:
    uri = one.get("uri")
    if uri is None:
        return binary
    head, _, body = str(uri).partition(",")
    if not head.startswith("data:") or not head.endswith(";base64"):
        raise DataError(f"{name} keeps its data in other files: export it as one .glb file")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise DataError(f"{name}: the data inside is damaged") from None


def _placed(tree: Mapping[str, Any], buffers: Sequence[bytes], name: str) -> Iterator[Mesh]:
    """Meshes under the nodes of the scene, or all where there is none."""
    nodes = tree.get("nodes", [])
    if not nodes:
        for mesh in tree.get("meshes", []):
            yield from _triangles(tree, mesh, buffers, np.eye(4), name)
        return
    scenes = tree.get("scenes") or [{"nodes": range(len(nodes))}]
    waiting = [(n, np.eye(4), 0) for n in scenes[tree.get("scene", 0)].get("nodes", [])]
    seen = 0
    while waiting:
        number, frame, depth = waiting.pop()
        seen += 1
        if depth > DEEPEST or seen > 100_000:
            raise DataError(f"{name}: its nodes lie within each other without end")
        node = nodes[number]
        frame = frame @ _frame(node)
        waiting += [(child, frame, depth + 1) for child in node.get("children", [])]
        if "mesh" in node:
            yield from _triangles(tree, tree["meshes"][node["mesh"]], buffers, frame, name)


def _frame(node: Mapping[str, Any]) -> np.ndarray:
    """float64 [4, 4]"""
    if "matrix" in node:
        return np.array(node["matrix"], np.float64).reshape(4, 4).T
    x, y, z, w = (float(v) for v in node.get("rotation", (0, 0, 0, 1)))
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
            [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
            [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
        ]
    )
    out = np.eye(4)
    out[:3, :3] = turn * np.array(node.get("scale", (1, 1, 1)), np.float64)
    out[:3, 3] = node.get("translation", (0, 0, 0))
    return out


def _triangles(
    tree: Mapping[str, Any],
    mesh: Mapping[str, Any],
    buffers: Sequence[bytes],
    frame: np.ndarray,
    name: str,
) -> Iterator[Mesh]:
    for part in mesh["primitives"]:
        if part.get("mode", TRIANGLES) != TRIANGLES:
            continue
        if "KHR_draco_mesh_compression" in part.get("extensions", {}):
            raise DataError(f"{name} is compressed with Draco: export it without compression")
        told = part["attributes"]
        places = _numbers(tree, told["POSITION"], buffers, name).astype(np.float64)
        places = places @ frame[:3, :3].T + frame[:3, 3]
        if "indices" in part:
            order = _numbers(tree, part["indices"], buffers, name).reshape(-1).astype(np.int64)
        else:
            order = np.arange(len(places))
        faces = order[: len(order) // 3 * 3].reshape(-1, 3)
        if np.linalg.det(frame[:3, :3]) < 0:
            faces = faces[:, ::-1]
        yield Mesh(
            vertices=places.astype(np.float32),
            faces=faces.astype(np.int64),
            colours=_colours(tree, part, buffers, len(places), name),
        )


def _colours(
    tree: Mapping[str, Any], part: Mapping[str, Any], buffers: Sequence[bytes], many: int, name: str
) -> np.ndarray | None:
    """uint8 [V, 3]: at the corners, else the material's one colour."""
    linear = None
    if "COLOR_0" in part["attributes"]:
        number = part["attributes"]["COLOR_0"]
        found = _numbers(tree, number, buffers, name)
        whole = np.iinfo(found.dtype).max if found.dtype.kind == "u" else 1.0
        linear = found[:, :3].astype(np.float64) / whole
    elif "material" in part:
        material = tree["materials"][part["material"]]
        factor = material.get("pbrMetallicRoughness", {}).get("baseColorFactor")
        if factor is not None:
            linear = np.broadcast_to(np.array(factor[:3], np.float64), (many, 3))
    return None if linear is None else np.rint(255 * _encoded(linear)).astype(np.uint8)


def _numbers(
    tree: Mapping[str, Any], number: int, buffers: Sequence[bytes], name: str
) -> np.ndarray:
    """[count, width] of an accessor."""
    told = tree["accessors"][number]
    if "sparse" in told or "bufferView" not in told:
        raise DataError(f"{name} keeps places in sparse accessors: export it plainly")
    view = tree["bufferViews"][told["bufferView"]]
    kind, width = np.dtype(TYPES[told["componentType"]]), WIDTHS[told["type"]]
    count, row = int(told["count"]), kind.itemsize * width
    stride = view.get("byteStride") or row
    start = view.get("byteOffset", 0) + told.get("byteOffset", 0)
    data = buffers[view["buffer"]]
    if (
        count < 0
        or stride < row
        or start < 0
        or start + stride * max(count - 1, 0) + row > len(data)
    ):
        raise DataError(f"{name} is cut short: it names {count:,} values that are not there")
    return np.ndarray((count, width), kind, data, start, (stride, kind.itemsize))


# --- writing --------------------------------------------------------------------------------------


def glb_bytes(mesh: Mesh, record: Mapping[str, Any] | None = None) -> bytes:
    """One mesh, coloured at its corners."""
    return scene_bytes([("shape", mesh)], [(0, (0.0, 0.0, 0.0), 0.0, 1.0)], record)


Place = tuple[int, tuple[float, float, float], float, float]


def scene_bytes(
    meshes: Sequence[tuple[str, Mesh]],
    places: Sequence[Place],
    record: Mapping[str, Any] | None = None,
) -> bytes:
    """Several meshes by name, each as often as it is placed. places: (number of the mesh, where
    x, y, z, degrees turned about y, scale)."""
    data, views, accessors, told = bytearray(), [], [], []

    def put(values: np.ndarray, kind: int, width: str, target: int, **more: Any) -> int:
        data.extend(b"\0" * (-len(data) % 4))
        body = values.tobytes()
        views.append(
            {"buffer": 0, "byteOffset": len(data), "byteLength": len(body), "target": target}
        )
        data.extend(body)
        accessor = {"bufferView": len(views) - 1, "componentType": kind, "count": len(values)}
        accessors.append({**accessor, "type": width, **more})
        return len(accessors) - 1

    for name, mesh in meshes:
        spots = np.ascontiguousarray(mesh.vertices, "<f4")
        low, high = spots.min(0), spots.max(0)
        ends = {"min": [float(v) for v in low], "max": [float(v) for v in high]}
        attributes = {"POSITION": put(spots, 5126, "VEC3", 34962, **ends)}
        attributes["NORMAL"] = put(_smooth(mesh), 5126, "VEC3", 34962)
        if mesh.colours is not None:
            whole = np.full((len(spots), 4), 65535, "<u2")
            whole[:, :3] = np.rint(65535 * _linear(mesh.colours / 255))
            attributes["COLOR_0"] = put(whole, 5123, "VEC4", 34962, normalized=True)
        order = put(mesh.faces.reshape(-1).astype("<u4"), 5125, "SCALAR", 34963)
        part = {"attributes": attributes, "indices": order, "material": 0, "mode": TRIANGLES}
        told.append({"name": name, "primitives": [part]})
    data.extend(b"\0" * (-len(data) % 4))
    nodes = [_node(told[n]["name"], n, where, turned, by) for n, where, turned, by in places]
    asset: dict[str, Any] = {"version": "2.0", "generator": "Genloom"}
    if record is not None:
        asset["extras"] = {RECORD: dict(record)}
    surface = {"metallicFactor": 0.0, "roughnessFactor": 0.8}
    tree = {
        "asset": asset,
        "scene": 0,
        "scenes": [{"nodes": [*range(len(nodes))]}],
        "nodes": nodes,
        "meshes": told,
        "materials": [{"name": "plain", "pbrMetallicRoughness": surface}],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(data)}],
    }
    return _packed(json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode(), data)


def _node(
    name: str, number: int, where: tuple[float, float, float], turned: float, scale: float
) -> dict[str, Any]:
    half = np.radians(turned) / 2
    out: dict[str, Any] = {"name": name, "mesh": number}
    if any(where):
        out["translation"] = [*where]
    if turned:
        out["rotation"] = [0.0, float(np.sin(half)), 0.0, float(np.cos(half))]
    if scale != 1.0:
        out["scale"] = [scale] * 3
    return out


def _packed(text: bytes, data: bytearray) -> bytes:
    text += b" " * (-len(text) % 4)
    whole = 12 + 8 + len(text) + 8 + len(data)
    head = struct.pack("<III", MAGIC, 2, whole) + struct.pack("<II", len(text), JSON_CHUNK)
    return head + text + struct.pack("<II", len(data), BIN_CHUNK) + bytes(data)


def _smooth(mesh: Mesh) -> np.ndarray:
    """float32 [V, 3]: normals of unit length at the corners."""
    sums, crosses = np.zeros((len(mesh.vertices), 3)), mesh.crosses()
    for n in range(3):
        np.add.at(sums, mesh.faces[:, n], crosses)
    length = np.linalg.norm(sums, axis=1, keepdims=True)
    return np.where(length > 1e-30, sums / np.maximum(length, 1e-30), (0, 1, 0)).astype("<f4")


def _linear(shown: np.ndarray) -> np.ndarray:
    """Light from what is shown (IEC 61966-2-1)."""
    return np.where(shown <= 0.04045, shown / 12.92, ((shown + 0.055) / 1.055) ** 2.4)


def _encoded(light: np.ndarray) -> np.ndarray:
    light = np.clip(np.nan_to_num(light), 0, 1)
    return np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
