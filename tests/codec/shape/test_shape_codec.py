"""Shapes as fields and back: sizes in metres stay, large meshes are taken, bad ones are told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from genloom.codec.shape.codec import ShapeCodec
from genloom.codec.shape.files import mesh_bytes
from genloom.codec.shape.item import Shape, as_shape
from genloom.codec.shape.looks import write_turntable
from genloom.errors import DataError, ModelError, RecipeError, RequestError
from genloom.shape.drawing.cars import draw_cars
from genloom.shape.drawing.furniture import draw_furniture
from genloom.shape.drawing.measuring import measures_for
from genloom.shape.mesh import Mesh, watertight
from genloom.shape.solids import Form, Solid


def test_sizes_stay_where_the_data_says_them():
    forms = draw_cars(6, 0)
    codec = ShapeCodec(box="data")
    codec.fit(forms)
    assert codec.spec.grid == (16, 16, 32) and codec.spec.channels == 1 + 3 + 3
    for form, mesh in zip(forms, codec.decode(codec.encode(forms)), strict=True):
        assert watertight(mesh)
        for name, how in (measures_for(form.measures or {}) or {}).items():
            assert how(mesh) == pytest.approx((form.measures or {})[name], rel=0.05)
        sides = dict(zip(("length", "height", "width"), mesh.extent, strict=True))
        assert all(sides[k] == pytest.approx((form.measures or {})[k], rel=1e-3) for k in sides)


def test_told_sides_outlast_noise_that_moves_the_surface(tmp_path: Path):
    boxes = [Form(solids=(Solid(kind="box", size=size),)) for size in ((1, 2, 3), (2, 2, 1.5))]
    given = [boxes[0], mesh_of_form(boxes[1])]
    told, shared = (ShapeCodec(size=16, scale=scale, finer=1) for scale in ("told", "shared"))
    for codec in (told, shared):
        codec.fit(given)
    codec = type(told).load(saved(told, tmp_path))
    far: dict[str, float] = {}
    for name, one in (("told", codec), ("shared", shared)):
        x = one.encode(given).float()
        noisy = x + 0.4 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
        off = [
            np.abs(mesh.extent / wanted - 1).max()
            for mesh, wanted in zip(one.decode(noisy), ((1, 2, 3), (2, 2, 1.5)), strict=True)
        ]
        far[name] = max(off)
    assert far["told"] < 0.02 < far["shared"]
    first, second = codec.features(given)
    assert not torch.allclose(first, second) and torch.allclose(first[:-3], second[:-3], atol=0.25)


def mesh_of_form(form: Form) -> Mesh:
    codec = ShapeCodec(size=16, scale="shared", finer=1)
    codec.fit([form])
    return codec.decode(codec.encode([form]))[0]


def saved(codec: ShapeCodec, folder: Path) -> Path:
    codec.save(folder)
    return folder


def test_a_shape_fills_its_own_lattice_where_sizes_are_not_told():
    boxes = [Form(solids=(Solid(kind="box", size=(s, s, 2 * s)),)) for s in (0.1, 7.0)]
    codec = ShapeCodec(size=16, scale="item")
    codec.fit(boxes)
    one, two = codec.encode(boxes)
    assert torch.allclose(one.float(), two.float(), atol=0.02)
    mesh = codec.decode(one[None])[0]
    assert mesh.extent[2] == pytest.approx(1.0, rel=0.05)
    assert mesh.extent[0] == pytest.approx(0.5, rel=0.1)


def test_colours_come_through_and_can_be_left_out():
    red = Form(solids=(Solid(kind="ellipsoid", size=(1, 1, 1), colour=(200, 20, 30)),))
    codec = ShapeCodec(size=16)
    codec.fit([red])
    painted = codec.decode(codec.encode([red]))[0].colours
    assert np.abs(painted.astype(int) - (200, 20, 30)).max() <= 2
    plain = ShapeCodec(size=16, colour="no")
    plain.fit([red])
    assert plain.spec.channels == 1 and plain.decode(plain.encode([red]))[0].colours is None


def test_any_numbers_decode_to_closed_surfaces_or_nothing():
    codec = ShapeCodec(size=8)
    codec.fit(draw_furniture(2, 0))
    rng = torch.Generator().manual_seed(0)
    noise = 3 * torch.randn(3, *codec.spec.shape, generator=rng)
    noise[1] = float("nan")
    noise[2] = float("inf")
    first, second, third = codec.decode(noise)
    assert watertight(first) and second.empty and third.empty
    with pytest.raises(DataError, match="no surface"):
        mesh_bytes(second, Path("x.glb"))


def test_dense_meshes_are_thinned_before_they_are_measured(monkeypatch):
    monkeypatch.setattr("genloom.codec.shape.codec.DENSE", 500)
    forms = draw_furniture(1, 0)
    codec = ShapeCodec(size=16, scale="item")
    codec.fit(forms)
    fine = ShapeCodec(size=32, finer=1)
    fine.fit(forms)
    mesh = fine.decode(fine.encode(forms))[0]
    assert len(mesh.faces) > 500
    codec.coloured = False
    found, exact = codec.encode([mesh])[0].float(), codec.encode(forms)[0].float()
    assert float((found - exact).abs().mean()) < 0.1


def test_a_given_shape_is_a_beginning(tmp_path):
    forms = draw_cars(3, 0)
    codec = ShapeCodec(size=16, box="data")
    codec.fit(forms)
    path = tmp_path / "car.glb"
    codec.write(forms[0], path)
    x = codec.begin(str(path), codec.spec.grid)
    assert float((x[0] - codec.encode(forms[:1])[0, 0].float()).abs().mean()) < 0.1
    with pytest.raises(RequestError, match="the given shape"):
        codec.begin(str(tmp_path / "none.glb"), codec.spec.grid)


def test_conditions_are_said_in_the_prompt():
    codec = ShapeCodec()
    assert codec.worded("red suv", None) == "red suv"
    assert codec.worded("red suv", {"length": 4.5}) == "red suv, length 4.5"
    assert codec.worded(None, "length = 4.5 m and height = 1.6") == "length 4.5 m, height 1.6"
    with pytest.raises(RequestError, match="sizes are asked for"):
        codec.worded(None, "length > 4")


def test_neighbours_are_of_the_same_kind():
    forms = draw_furniture(40, 1)
    codec = ShapeCodec(size=16, box="data")
    codec.fit(forms)
    x = codec.features(forms)
    far = torch.cdist(x, x).fill_diagonal_(float("inf"))
    kinds = [(form.caption or "").split(",")[0].split(" ", 1)[1] for form in forms]
    hits = [kinds[int(n)] == kind for n, kind in zip(far.argmin(1), kinds, strict=True)]
    assert sum(hits) / len(hits) > 0.7
    others = draw_furniture(40, 2)
    same = codec.compare(forms, others)["field_distance"]
    assert same < codec.compare(forms, forms[:2] * 20)["field_distance"] / 2


def test_pictures_of_shapes_are_written(tmp_path):
    forms = draw_furniture(1, 0)
    codec = ShapeCodec(size=16, scale="item", finer=1)
    codec.fit(forms)
    sheet = codec.preview(forms, tmp_path / "sheet.png")
    assert sheet.read_bytes()[:4] == b"\x89PNG"
    mesh = codec.decode(codec.encode(forms))[0]
    film = write_turntable(mesh, tmp_path / "turn.gif", 48, 4)
    assert film.read_bytes()[:4] == b"GIF8"
    assert not codec.write(mesh, tmp_path / "sides.png", {"a": 1})
    with Image.open(tmp_path / "sides.png") as sides:
        assert sides.size[0] > 256
    with pytest.raises(RequestError, match="turntables"):
        write_turntable(mesh, tmp_path / "turn.mp4", 16, 1)


@pytest.mark.parametrize(
    "options",
    [{"size": 12}, {"size": 256}, {"box": "round"}, {"band": 0.5}, {"finer": 9}, {"colour": "red"}],
)
def test_illegal_options_are_refused(options):
    with pytest.raises(RecipeError):
        ShapeCodec(**options)


def test_a_damaged_folder_is_told(tmp_path):
    codec = ShapeCodec(size=16)
    codec.fit(draw_furniture(1, 0))
    codec.save(tmp_path)
    text = (tmp_path / "codec.json").read_text()
    (tmp_path / "codec.json").write_text(text.replace('"size": 16', '"size": 13'))
    with pytest.raises(ModelError, match="illegal options"):
        ShapeCodec.load(tmp_path)


def test_what_is_no_shape_is_refused():
    with pytest.raises(DataError, match="a shape was expected"):
        as_shape(3)
    assert as_shape(Shape(b"")).name == ""
