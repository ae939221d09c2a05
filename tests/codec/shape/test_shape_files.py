"""Mesh files: what is written is read again, here and elsewhere; what is broken is told."""

from __future__ import annotations

import json
import struct
import zipfile

import numpy as np
import pytest

from genloom.codec.shape import files
from genloom.codec.shape.collections import read_shapes, write_forms
from genloom.codec.shape.files import mesh_bytes, read_mesh, shape_hash, shape_record
from genloom.codec.shape.glb import scene_bytes
from genloom.errors import DataError, RequestError
from genloom.shape.drawing.cars import draw_cars
from genloom.shape.lattice import around
from genloom.shape.marching_cubes import mesh_of
from genloom.shape.mesh import Mesh, watertight

ALL = (".glb", ".obj", ".stl", ".ply")


def ball(colour: bool = True) -> Mesh:
    lattice = around(np.full(3, -1.0), np.full(3, 1.0), (12, 12, 12))
    mesh = mesh_of((lattice.points().norm(dim=1) - 1).reshape(lattice.grid), lattice)
    shade = np.clip(mesh.vertices * 120 + 128, 0, 255).astype(np.uint8)
    return Mesh(mesh.vertices, mesh.faces, shade if colour else None)


@pytest.mark.parametrize("suffix", ALL)
def test_what_is_written_is_read_again(suffix, tmp_path):
    mesh, path = ball(), tmp_path / f"ball{suffix}"
    path.write_bytes(mesh_bytes(mesh, path))
    again = read_mesh(path.read_bytes(), path.name)
    assert watertight(again) and len(again.faces) == len(mesh.faces)
    assert again.volume == pytest.approx(mesh.volume, rel=1e-4)
    if suffix != ".stl":
        assert np.abs(again.vertices - mesh.vertices).max() < 1e-5
        assert np.abs(again.colours.astype(int) - mesh.colours).max() <= 1


@pytest.mark.parametrize("suffix", ALL)
def test_another_library_reads_the_same(suffix, tmp_path):
    trimesh = pytest.importorskip("trimesh", reason="trimesh is not there")
    mesh, path = ball(), tmp_path / f"ball{suffix}"
    path.write_bytes(mesh_bytes(mesh, path))
    theirs = trimesh.load(path, force="mesh", process=True)
    assert len(theirs.faces) == len(mesh.faces) and theirs.is_watertight
    assert theirs.volume == pytest.approx(mesh.volume, rel=1e-4)


@pytest.mark.parametrize("suffix", [".glb", ".obj", ".ply"])
def test_the_record_lies_inside(suffix, tmp_path):
    path, bare = tmp_path / f"ball{suffix}", tmp_path / f"bare{suffix}"
    bare.write_bytes(mesh_bytes(ball(), bare))
    path.write_bytes(mesh_bytes(ball(), path, {"seed": 7, "prompt": "ein Bällchen\n"}))
    assert shape_record(path) == {"seed": 7, "prompt": "ein Bällchen\n"}
    assert shape_record(bare) is None and shape_hash(path) == shape_hash(bare)


def test_text_stl_and_ply_are_read(tmp_path):
    lines = ["solid it"]
    for a, b, c in ball().corners().tolist():
        lines += ["facet normal 0 0 0", "outer loop"]
        lines += [f"vertex {x} {y} {z}" for x, y, z in (a, b, c)] + ["endloop", "endfacet"]
    text = "\n".join([*lines, "endsolid"]).encode()
    assert watertight(read_mesh(text, "it.stl"))
    square = b"""ply
format ascii 1.0
element vertex 4
property float x
property float y
property float z
element face 1
property list uchar int vertex_indices
end_header
0 0 0
1 0 0
1 1 0
0 1 0
4 0 1 2 3
"""
    assert read_mesh(square, "square.ply").area == pytest.approx(1.0)


def test_nodes_place_what_they_hold():
    content = scene_bytes(
        [("ball", ball())], [(0, (5.0, 0.0, 0.0), 90.0, 2.0), (0, (0, 0, 0), 0, 1)]
    )
    both = read_mesh(content, "scene.glb")
    assert len(both.faces) == 2 * len(ball().faces)
    assert both.bounds[1][0] == pytest.approx(7.0, abs=0.05)
    assert watertight(both)


def broken_glb(change) -> bytes:
    content = mesh_bytes(ball(), files.Path("x.glb"))
    size = struct.unpack_from("<I", content, 12)[0]
    tree = json.loads(content[20 : 20 + size])
    change(tree)
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    rest = content[20 + size :]
    head = struct.pack("<III", 0x46546C67, 2, 20 + len(text) + len(rest))
    return head + struct.pack("<II", len(text), 0x4E4F534A) + text + rest


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("x.glb", b"glTF\x02\x00\x00\x00", "cut short"),
        ("x.glb", b"{broken", "JSON"),
        ("x.glb", mesh_bytes(ball(), files.Path("x.glb"))[:-500], "whole glTF"),
        ("x.glb", broken_glb(lambda t: t["accessors"][0].update(count=10**9)), "not there"),
        ("x.glb", broken_glb(lambda t: t["nodes"][0].update(children=[0])), "without end"),
        ("x.glb", broken_glb(lambda t: t["meshes"][0].clear()), "no sound glTF"),
        ("x.glb", broken_glb(lambda t: t["buffers"][0].update(uri="http://a/b")), "other files"),
        ("x.obj", b"v 0 0\nf 1 1 1\n", "no corners"),
        ("x.obj", b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 9\n", "damaged"),
        ("x.obj", b"v 0 0 0\nv 1 0 zero\n", "line 2"),
        ("x.obj", b"v 0 0 0\nv 1 0 nan\nv 0 1 0\nf 1 2 3\n", "no finite numbers"),
        ("x.obj", b"v 1 1 1\nv 1 1 1\nv 1 1 1\nf 1 2 3\n", "no size"),
        ("x.stl", b"\0" * 80 + (10**7).to_bytes(4, "little") + b"\0" * 100, "no whole STL"),
        ("x.stl", b"", "no whole STL"),
        ("x.ply", b"ply\nformat ascii 1.0\nend_header\n", "no sound PLY"),
        ("x.ply", mesh_bytes(ball(), files.Path("x.ply"))[:-900], "no sound PLY"),
        ("x.bin", b"\x00\x01\x02", "no mesh"),
    ],
)
def test_what_is_broken_is_told(name, content, told):
    with pytest.raises(DataError, match=told):
        read_mesh(content, name)


def test_too_many_triangles_are_refused(monkeypatch):
    monkeypatch.setattr(files, "MOST", 100)
    with pytest.raises(DataError, match="at most 100"):
        read_mesh(mesh_bytes(ball(), files.Path("x.stl")), "x.stl")


def test_a_suffix_of_no_mesh_is_refused(tmp_path):
    with pytest.raises(RequestError, match="written as"):
        mesh_bytes(ball(), tmp_path / "x.fbx")


def test_a_folder_gives_shapes_with_captions_and_says_what_it_left_out(tmp_path):
    for n, kind in enumerate(("chair", "chair", "table")):
        place = tmp_path / kind / f"{n}.obj"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(mesh_bytes(ball(), place))
    (tmp_path / "chair" / "bad.obj").write_bytes(b"v 0 0 0\n")
    reading = read_shapes(tmp_path)
    assert [one.told for one in reading.items] == ["chair", "chair", "table"]
    assert list(reading.skipped) == ["chair/bad.obj"]


def test_an_archive_that_unpacks_without_end_is_left_out(tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("bomb.obj", "w", force_zip64=True) as file:
            for _ in range(17):
                file.write(bytes(1 << 24))
        archive.writestr("ball.ply", mesh_bytes(ball(), files.Path("x.ply")))
    reading = read_shapes(path)
    assert [one.name for one in reading.items] == ["ball.ply"]
    assert "at most" in reading.skipped["bomb.obj"]


def test_lines_of_forms_are_read_and_broken_ones_left_out(tmp_path):
    path = write_forms(draw_cars(4, 0), tmp_path / "cars.jsonl")
    with path.open("a") as file:
        file.write("{nonsense\n" + json.dumps({"solids": []}) + "\n")
    reading = read_shapes(path)
    assert len(reading.items) == 4 and reading.left_out == 2
    assert reading.items[0].open() == draw_cars(4, 0)[0]
    packed = write_forms(draw_cars(4, 0), tmp_path / "packed.jsonl.gz")
    assert len(read_shapes(packed).items) == 4


def test_nothing_to_read_is_told(tmp_path):
    (tmp_path / "notes.md").write_text("hello")
    with pytest.raises(DataError, match="no usable shape"):
        read_shapes(tmp_path)
    with pytest.raises(DataError, match="does not exist"):
        read_shapes(tmp_path / "nowhere")
