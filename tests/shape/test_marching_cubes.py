"""Surfaces of fields: closed whatever the numbers are, and where the reference puts them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from genloom.shape.lattice import Lattice, around
from genloom.shape.marching_cubes import mesh_of, refined, surface
from genloom.shape.marching_tables import EDGES, table, triangles_of
from genloom.shape.mesh import Mesh, watertight


def places(side: int) -> torch.Tensor:
    line = torch.linspace(-1, 1, side)
    return torch.stack(torch.meshgrid(line, line, line, indexing="ij"), -1)


def sphere(side: int = 24, radius: float = 0.71) -> torch.Tensor:
    return places(side).norm(dim=-1) - radius


def bumpy(side: int = 24) -> torch.Tensor:
    z, y, x = places(side).unbind(-1)
    waves = 0.08 * torch.sin(9 * x + 1) * torch.cos(7 * y) * torch.sin(8 * z)
    return places(side).norm(dim=-1) - 0.6 + waves


def test_every_cut_uses_just_the_edges_that_are_crossed():
    for inside in range(256):
        crossed = {n for n, (a, b) in enumerate(EDGES) if (inside >> a & 1) != (inside >> b & 1)}
        assert {edge for t in triangles_of(inside) for edge in t} == crossed
    rows, counts = table()
    assert int(counts.max()) == rows.shape[1] == 5 and int(counts[0]) == int(counts[255]) == 0


@pytest.mark.parametrize("seed", range(8))
def test_the_surface_of_noise_is_closed_and_faces_outwards(seed):
    rng = torch.Generator().manual_seed(seed)
    corners, faces = surface(torch.randn(7, 8, 9, generator=rng))
    mesh = Mesh(corners.numpy(), faces.numpy())
    assert watertight(mesh) and mesh.volume > 0


def test_zeros_and_even_fields_do_no_harm():
    assert not len(surface(torch.ones(4, 4, 4))[1])
    corners, faces = surface(-torch.ones(4, 4, 4))  # all of it inside: a closed box
    assert watertight(Mesh(corners.numpy(), faces.numpy()))
    steps = torch.where(sphere(9) < 0, -1.0, 0.0)  # exact zeros outside
    corners, faces = surface(steps)
    assert watertight(Mesh(corners.numpy(), faces.numpy()))


@pytest.mark.parametrize("field", [sphere(), bumpy()], ids=["sphere", "bumpy"])
def test_it_is_the_surface_of_the_reference(field):
    """The same corners and counts as scikit-image's; of the cuts between corners both are free."""
    measure = pytest.importorskip("skimage.measure", reason="scikit-image is not there")
    theirs, their_faces, _, _ = measure.marching_cubes(field.numpy(), 0.0, method="lorensen")
    corners, faces = surface(field)
    ours = corners.numpy()[:, ::-1]
    assert len(ours) == len(theirs) and len(faces) == len(their_faces)
    far = torch.cdist(
        torch.from_numpy(ours.copy()).double(), torch.from_numpy(theirs.copy()).double()
    )
    assert float(far.amin(1).max()) < 1e-4 and float(far.amin(0).max()) < 1e-4
    mine = Mesh(corners.numpy(), faces.numpy())
    other = Mesh(theirs[:, ::-1].copy(), their_faces.astype(np.int64))
    assert mine.area == pytest.approx(other.area, rel=2e-3)
    assert mine.volume == pytest.approx(abs(other.volume), rel=2e-3)


def test_a_sphere_has_its_volume_and_area():
    lattice = around(np.full(3, -1.0), np.full(3, 1.0), (40, 40, 40))
    field = (lattice.points().norm(dim=1) - 1).reshape(lattice.grid)
    mesh = mesh_of(field, lattice)
    assert mesh.volume == pytest.approx(4 / 3 * np.pi, rel=0.01)
    assert mesh.area == pytest.approx(4 * np.pi, rel=0.01)
    assert np.allclose(mesh.extent, 2, rtol=0.01)


def test_colours_are_those_of_the_places_around():
    lattice = Lattice(grid=(9, 9, 9), origin=(-1, -1, -1), cell=0.25)
    x = lattice.points()[:, 0].reshape(lattice.grid)
    colours = torch.stack((127.5 * (x + 1), torch.zeros_like(x), torch.full_like(x, 255.0)))
    mesh = mesh_of(sphere(9), lattice, colours)
    told = mesh.colours.astype(float)
    assert np.abs(told[:, 0] - 127.5 * (mesh.vertices[:, 0] + 1)).max() <= 1.0
    assert (told[:, 1] == 0).all() and (told[:, 2] == 255).all()


def test_a_finer_field_passes_through_the_coarse_one():
    coarse = sphere(10)[None]
    fine = refined(coarse, 3)
    assert fine.shape == (1, 28, 28, 28)
    assert torch.allclose(fine[:, ::3, ::3, ::3], coarse, atol=1e-6)
    true = sphere(28)[None]
    straight = F.interpolate(coarse[None], (28, 28, 28), mode="trilinear", align_corners=True)[0]
    far = [float((x - true).abs().mean()) for x in (fine, straight)]
    assert far[0] < 0.6 * far[1]
