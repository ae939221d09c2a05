"""Pictures of meshes: what is nearer is seen, what is lit is lighter, and it turns."""

from __future__ import annotations

import numpy as np

from genloom.shape.mesh import Mesh, joined
from genloom.shape.rendering import PAPER, Camera, render, turntable

QUADS = ((0, 4, 6, 2), (1, 3, 7, 5), (0, 1, 5, 4), (2, 6, 7, 3), (0, 2, 3, 1), (4, 5, 7, 6))


def box(colour: tuple[int, int, int], size: float = 1.0, z: float = 0.0) -> Mesh:
    corners = np.array([[x, y, z] for z in (-1, 1) for y in (-1, 1) for x in (-1, 1)]) / 2
    places = (corners * size + (0, 0, z)).astype(np.float32)
    faces = np.array([t for a, b, c, d in QUADS for t in ((a, b, c), (a, c, d))], np.int64)
    return Mesh(places, faces, np.tile(np.array(colour, np.uint8), (8, 1)))


FRONT = Camera(azimuth=0, elevation=0)
BACK = Camera(azimuth=180, elevation=0)


def test_what_is_nearer_hides_what_is_behind():
    both = joined([box((220, 0, 0), z=0.8), box((0, 0, 220), z=-0.8)])
    front, back = (render(both, 32, camera)[16, 16].astype(int) for camera in (FRONT, BACK))
    assert front[0] > 100 and front[2] == 0
    assert back[2] > 100 and back[0] == 0


def test_a_box_from_the_front_is_a_square_of_the_right_size():
    picture = render(box((200, 40, 40)), 64, FRONT).astype(int)
    red = picture[..., 0] > 2 * picture[..., 1]
    rows, columns = np.flatnonzero(red.any(1)), np.flatnonzero(red.any(0))
    high, wide = np.ptp(rows) + 1, np.ptp(columns) + 1
    assert abs(high - wide) <= 2 and 24 < wide < 48


def test_the_top_is_lighter_than_the_sides():
    picture = render(box((200, 200, 200)), 96, Camera(azimuth=30, elevation=35)).astype(int)
    assert picture[28, 48].sum() > picture[68, 60].sum() + 40


def test_an_empty_mesh_is_paper():
    none = Mesh(np.zeros((0, 3), np.float32), np.zeros((0, 3), np.int64))
    assert (render(none, 16) == PAPER).all()


def test_a_turntable_turns():
    both = joined([box((220, 0, 0), z=0.8), box((0, 0, 220), z=-0.8)])
    frames = turntable(both, 4, 32)
    assert frames.shape == (4, 32, 32, 3)
    assert all((frames[n] != frames[n - 1]).any() for n in range(4))
