"""Small real files of the media that no model of the house makes yet, made here."""

from __future__ import annotations

import base64
import io
import json
import math
import struct
import wave
from typing import Any

from PIL import Image

TRIANGLES = ((0, 1, 2), (0, 2, 3), (0, 3, 1), (1, 3, 2))
CORNERS = ((1.0, 1.0, 1.0), (-1.0, -1.0, 1.0), (-1.0, 1.0, -1.0), (1.0, -1.0, -1.0))


def sound(seconds: float = 1.0, rate: int = 16_000) -> bytes:
    """A tone that fades, as WAV."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        count = int(seconds * rate)
        loud = [(1 - n / count) * math.sin(n * 440 * 2 * math.pi / rate) for n in range(count)]
        file.writeframes(b"".join(struct.pack("<h", int(20_000 * x)) for x in loud))
    return out.getvalue()


def film(page: Any) -> bytes:
    """A second of a moving square, as the browser itself records it (WebM)."""
    told = page.evaluate(
        """async () => {
          const canvas = document.createElement("canvas");
          canvas.width = canvas.height = 64;
          const context = canvas.getContext("2d");
          const recorder = new MediaRecorder(canvas.captureStream(20), { mimeType: "video/webm" });
          const parts = [];
          recorder.ondataavailable = (event) => parts.push(event.data);
          const ended = new Promise((resolve) => (recorder.onstop = resolve));
          recorder.start();
          for (let n = 0; n < 20; n++) {
            context.fillStyle = "#123";
            context.fillRect(0, 0, 64, 64);
            context.fillStyle = "#fc3";
            context.fillRect(2 * n, 20, 16, 16);
            await new Promise((resolve) => setTimeout(resolve, 40));
          }
          recorder.stop();
          await ended;
          const bytes = new Uint8Array(await new Blob(parts).arrayBuffer());
          return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));
        }"""
    )
    return base64.b64decode(told)


def gltf(**changes: Any) -> bytes:
    """A tetrahedron as GLB; changes: of what the file says of itself."""
    points = b"".join(struct.pack("<3f", *corner) for corner in CORNERS)
    faces = b"".join(struct.pack("<3H", *triangle) for triangle in TRIANGLES)
    held = points + faces
    told: dict[str, Any] = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "indices": 1}]}],
        "buffers": [{"byteLength": len(held)}],
        "bufferViews": [
            {"buffer": 0, "byteLength": len(points)},
            {"buffer": 0, "byteOffset": len(points), "byteLength": len(faces)},
        ],
        "accessors": [
            {
                "bufferView": 0,
                "componentType": 5126,
                "count": 4,
                "type": "VEC3",
                "min": [-1, -1, -1],
                "max": [1, 1, 1],
            },
            {"bufferView": 1, "componentType": 5123, "count": 12, "type": "SCALAR"},
        ],
    }
    return _glb({**told, **changes}, held)


def _glb(told: dict[str, Any], held: bytes) -> bytes:
    text = json.dumps(told).encode()
    text += b" " * (-len(text) % 4)
    held += b"\0" * (-len(held) % 4)
    head = struct.pack("<4sII", b"glTF", 2, 28 + len(text) + len(held))
    chunk = struct.pack("<II", len(text), 0x4E4F534A) + text
    return head + chunk + struct.pack("<II", len(held), 0x004E4942) + held


def textured() -> bytes:
    """A square whose left half is red and whose right half is blue, by a picture inside (GLB)."""
    picture = Image.new("RGB", (64, 64), (255, 0, 0))
    picture.paste((0, 0, 255), (32, 0, 64, 64))
    png = io.BytesIO()
    picture.save(png, "PNG")
    square = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    points = b"".join(struct.pack("<3f", x, y, 0) for x, y in square)
    places = b"".join(struct.pack("<2f", (x + 1) / 2, (1 - y) / 2) for x, y in square)
    faces = struct.pack("<6H", 0, 1, 2, 0, 2, 3)
    parts = (points, places, faces, png.getvalue())
    starts = [sum(map(len, parts[:n])) for n in range(len(parts))]
    views = [
        {"buffer": 0, "byteOffset": start, "byteLength": len(part)}
        for start, part in zip(starts, parts, strict=True)
    ]
    sorts = ((5126, 4, "VEC3"), (5126, 4, "VEC2"), (5123, 6, "SCALAR"))
    accessors: list[dict[str, Any]] = [
        {"bufferView": n, "componentType": sort, "count": count, "type": kind}
        for n, (sort, count, kind) in enumerate(sorts)
    ]
    accessors[0] |= {"min": [-1, -1, 0], "max": [1, 1, 0]}
    mesh = {"attributes": {"POSITION": 0, "TEXCOORD_0": 1}, "indices": 2, "material": 0}
    look = {"baseColorTexture": {"index": 0}, "metallicFactor": 0}
    told = {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0}],
        "meshes": [{"primitives": [mesh]}],
        "materials": [{"pbrMetallicRoughness": look, "doubleSided": True}],
        "textures": [{"source": 0}],
        "images": [{"bufferView": 3, "mimeType": "image/png"}],
        "buffers": [{"byteLength": sum(map(len, parts))}],
        "bufferViews": views,
        "accessors": accessors,
    }
    return _glb(told, b"".join(parts))


def stl(claimed: int | None = None) -> bytes:
    """The same as binary STL; claimed: faces that its head tells."""
    faces = b"".join(
        struct.pack("<12fH", 0, 0, 0, *(x for corner in triangle for x in CORNERS[corner]), 0)
        for triangle in TRIANGLES
    )
    return b"\0" * 80 + struct.pack("<I", claimed or len(TRIANGLES)) + faces


def obj() -> bytes:
    """The same as OBJ, which names a file of materials that nobody fetches."""
    lines = ["mtllib http://elsewhere.invalid/a.mtl"]
    lines += [f"v {x} {y} {z}" for x, y, z in CORNERS]
    lines += [f"f {a + 1} {b + 1} {c + 1}" for a, b, c in TRIANGLES]
    return "\n".join(lines).encode()


def ply(claimed: int | None = None) -> bytes:
    """The same as PLY; claimed: points that its head tells."""
    head = f"ply\nformat ascii 1.0\nelement vertex {claimed or len(CORNERS)}\n"
    head += "property float x\nproperty float y\nproperty float z\n"
    head += f"element face {len(TRIANGLES)}\nproperty list uchar int vertex_indices\nend_header\n"
    points = "".join(f"{x} {y} {z}\n" for x, y, z in CORNERS)
    faces = "".join(f"3 {a} {b} {c}\n" for a, b, c in TRIANGLES)
    return (head + points + faces).encode()
