"""Signed distances of forms and meshes against slow, obvious ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from genloom.errors import DataError
from genloom.shape.fields import field_of_form, field_of_mesh
from genloom.shape.lattice import around
from genloom.shape.marching_cubes import mesh_of
from genloom.shape.mesh import Mesh, joined
from genloom.shape.solids import Form, Solid, form_from_json

BOX = Solid(kind="box", size=(1.0, 0.6, 0.8))
CUBE = around(np.full(3, -1.0), np.full(3, 1.0), (24, 24, 24))


def box_mesh(size=(1.0, 0.6, 0.8), centre=(0.0, 0.0, 0.0)) -> Mesh:
    """Twelve triangles."""
    corners = np.array([[x, y, z] for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)]) / 2
    quads = ((0, 4, 6, 2), (1, 3, 7, 5), (0, 1, 5, 4), (2, 6, 7, 3), (0, 2, 3, 1), (4, 5, 7, 6))
    faces = [t for a, b, c, d in quads for t in ((a, b, c), (a, c, d))]
    places = corners * np.array(size) + np.array(centre)
    return Mesh(places.astype(np.float32), np.array(faces, np.int64))


def test_a_mesh_of_a_box_has_the_boxes_distances():
    mesh = box_mesh()
    assert mesh.volume == pytest.approx(0.48, rel=1e-5)
    exact = field_of_form(Form(solids=(BOX,)), CUBE).distance
    ours = field_of_mesh(mesh, CUBE, 0.3).distance
    assert torch.allclose(ours, exact.clamp(-0.3, 0.3), atol=1e-5)


@pytest.mark.parametrize("harm", ["turned", "hole", "torn"])
def test_sides_are_told_though_the_mesh_is_harmed(harm):
    mesh = box_mesh()
    faces = mesh.faces.copy()
    if harm == "turned":
        faces[:2] = faces[:2, ::-1]  # one side faces inwards
    if harm == "hole":
        faces = faces[2:]  # one side is missing
    if harm == "torn":
        faces = faces[1:]
    found = field_of_mesh(Mesh(mesh.vertices, faces), CUBE, 0.3).distance < 0
    right = field_of_form(Form(solids=(BOX,)), CUBE).distance < 0
    assert float((found != right).float().sum() / right.float().sum()) < 0.01


def test_parts_that_overlap_are_one_solid():
    two = joined([box_mesh(), box_mesh(centre=(0.3, 0.0, 0.0))])
    found = field_of_mesh(two, CUBE, 0.3).distance < 0
    wide = Solid(kind="box", size=(1.3, 0.6, 0.8), centre=(0.15, 0, 0))
    assert torch.equal(found, field_of_form(Form(solids=(wide,)), CUBE).distance < 0)


def test_a_mesh_keeps_its_colours_in_the_field():
    two = [box_mesh((0.4, 0.4, 0.4), (x, 0, 0)) for x in (-0.5, 0.5)]
    red, blue = (np.tile(np.array(c, np.uint8), (8, 1)) for c in ((255, 0, 0), (0, 0, 255)))
    painted = [Mesh(m.vertices, m.faces, c) for m, c in zip(two, (red, blue), strict=True)]
    field = field_of_mesh(joined(painted), CUBE, 0.3)
    assert field.colours is not None
    near = field.distance.abs() < 0.29
    x = CUBE.points()[:, 0].reshape(CUBE.grid)
    right, left = near & (x > 0.05), near & (x < -0.05)
    assert (field.colours[2][right] > 250).all() and (field.colours[0][left] > 250).all()


@pytest.mark.parametrize(
    "solid",
    [
        BOX,
        Solid(kind="box", size=(1.0, 0.6, 0.8), round=0.1),
        Solid(kind="cylinder", size=(0.8, 0.8, 1.0), axis="x"),
        Solid(kind="ellipsoid", size=(1.2, 0.8, 0.6)),
        Solid(
            kind="prism",
            size=(1.0, 1.0, 0.7),
            axis="z",
            outline=((-0.5, -0.4), (0.6, -0.4), (0.1, 0.5)),
        ),
    ],
    ids=["box", "rounded", "cylinder", "ellipsoid", "prism"],
)
def test_the_formulas_agree_with_the_distances_of_their_own_surface(solid):
    exact = field_of_form(Form(solids=(solid,)), CUBE).distance
    fine = around(np.full(3, -1.0), np.full(3, 1.0), (44, 44, 44))
    mesh = mesh_of(field_of_form(Form(solids=(solid,)), fine).distance, fine)
    found = field_of_mesh(mesh, CUBE, 0.2).distance
    near = exact.abs() < 0.15
    assert float((found - exact)[near].abs().max()) < 0.07
    assert float((found - exact)[near].abs().mean()) < 0.012
    low, high = Form(solids=(solid,)).bounds
    assert np.allclose(mesh.bounds, (low, high), atol=0.05)


def test_a_form_is_the_same_after_a_line_of_json():
    solids = (BOX, Solid(kind="prism", size=(1, 1, 1), outline=((0, 0), (1, 0), (0, 1))))
    form = Form(solids=solids, caption="two", measures={"width": 1.0})
    assert form_from_json(form.to_json(), "a line") == form


@pytest.mark.parametrize(
    "values",
    [
        {"solids": []},
        {"solids": [{"kind": "torus", "size": [1, 1, 1]}]},
        {"solids": [{"kind": "box", "size": [1, -1, 1]}]},
        {"solids": [{"kind": "box", "size": [1, float("nan"), 1]}]},
        {"solids": [{"kind": "box", "size": [1, 1]}]},
        {"solids": [{"kind": "prism", "size": [1, 1, 1], "outline": [[0, 0], [1, 1]]}]},
        {"solids": [{"kind": "box", "size": [1, 1, 1], "weight": 3}]},
        ["solids"],
    ],
)
def test_what_is_no_form_is_refused(values):
    with pytest.raises(DataError, match="the line"):
        form_from_json(values, "the line")
