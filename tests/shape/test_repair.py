"""Meshes that are open, torn or turned are made whole; large ones are made smaller."""

from __future__ import annotations

import numpy as np
import pytest

from genloom.errors import DataError
from genloom.shape.lattice import around
from genloom.shape.marching_cubes import mesh_of
from genloom.shape.mesh import Mesh, closedness, joined, parts, watertight
from genloom.shape.repair import filled, made_watertight, oriented, repaired, welded
from genloom.shape.sampling import normalised, sampled
from genloom.shape.simplify import clustered, simplified


def ball(side: int = 24) -> Mesh:
    lattice = around(np.full(3, -1.0), np.full(3, 1.0), (side, side, side))
    return mesh_of((lattice.points().norm(dim=1) - 1).reshape(lattice.grid), lattice)


def soup(mesh: Mesh) -> Mesh:
    """No two triangles share a corner."""
    corners = mesh.corners().reshape(-1, 3)
    return Mesh(corners, np.arange(len(corners)).reshape(-1, 3))


def test_closedness_counts_what_is_wrong():
    mesh = ball(12)
    assert closedness(mesh).watertight and watertight(mesh)
    open_ = Mesh(mesh.vertices, mesh.faces[1:])
    assert closedness(open_).open_edges == 3
    turned = mesh.faces.copy()
    turned[0] = turned[0, ::-1]
    assert closedness(Mesh(mesh.vertices, turned)).turned == 3
    twice = Mesh(mesh.vertices, np.concatenate((mesh.faces, mesh.faces[:1])))
    assert closedness(twice).crowded == 3


def test_corners_at_one_place_become_one():
    mesh = ball(12)
    again = welded(soup(mesh))
    assert len(again.vertices) == len(mesh.vertices) and watertight(again)


def test_turned_triangles_are_turned_back():
    mesh = ball(12)
    rng = np.random.default_rng(0)
    faces = mesh.faces.copy()
    some = rng.random(len(faces)) < 0.4
    faces[some] = faces[some, ::-1]
    again = oriented(Mesh(mesh.vertices, faces))
    assert watertight(again) and again.volume == pytest.approx(mesh.volume, rel=1e-5)
    inside_out = oriented(Mesh(mesh.vertices, mesh.faces[:, ::-1]))
    assert inside_out.volume == pytest.approx(mesh.volume, rel=1e-5)


def test_holes_are_closed_and_the_size_stays():
    mesh = ball(16)
    top = mesh.corners().mean(1)[:, 1] > 0.9
    harmed = Mesh(mesh.vertices, mesh.faces[~top])
    assert not watertight(harmed)
    again = repaired(harmed)
    assert watertight(again) and again.volume == pytest.approx(mesh.volume, rel=0.02)
    assert filled(mesh) is mesh


def test_what_cannot_be_closed_by_its_edges_is_made_again():
    mesh = ball(12)
    scrap = Mesh(
        mesh.vertices[mesh.faces[3:90:2]].reshape(-1, 3) + 0.4, np.arange(132).reshape(-1, 3)
    )
    sheet = joined([mesh, scrap])
    again = made_watertight(sheet, 24)
    assert watertight(again) and again.volume > 0


def test_parts_are_counted_with_the_largest_first():
    small = ball(8)
    both = joined([Mesh(small.vertices + 5, small.faces), ball(16)])
    number = parts(both)
    assert set(number.tolist()) == {0, 1}
    assert (number[: len(small.faces)] == 1).all()


@pytest.mark.parametrize("target", [2000, 300])
def test_a_simplified_ball_is_a_ball(target):
    mesh = ball(48)
    less = simplified(mesh, target)
    assert target / 4 < len(less.faces) <= target
    assert less.volume == pytest.approx(mesh.volume, rel=0.06)


def test_edges_stay_sharp_when_a_box_is_simplified():
    lattice = around(np.full(3, -0.5), np.full(3, 0.5), (48, 48, 48))
    far = (lattice.points().abs() - 0.5).amax(1).reshape(lattice.grid)
    box = mesh_of(far, lattice)
    less = simplified(box, 400)
    assert less.volume == pytest.approx(1.0, rel=0.03) and np.allclose(less.extent, 1, atol=0.05)


def test_too_few_triangles_are_refused():
    with pytest.raises(DataError, match="4 or more"):
        simplified(ball(12), 3)


def test_points_lie_evenly_on_the_surface():
    points = sampled(ball(24), 4000, seed=1)
    assert np.array_equal(points, sampled(ball(24), 4000, seed=1))
    assert np.abs(np.linalg.norm(points, axis=1) - 1).max() < 0.02
    assert np.abs(points.mean(0)).max() < 0.05
    assert np.abs(normalised(3 * points + 7)).max() <= 1 + 1e-6
    with pytest.raises(DataError, match="no points"):
        sampled(Mesh(np.zeros((3, 3), np.float32), np.array([[0, 1, 2]])), 5)


def test_many_triangles_take_seconds():
    mesh = ball(120)
    assert len(mesh.faces) > 80_000
    less = clustered(mesh, 20)
    assert len(less.faces) < 6_000
    assert less.volume == pytest.approx(mesh.volume, rel=0.05)
