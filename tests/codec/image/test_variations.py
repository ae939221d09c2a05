"""A few pictures made into more."""

from __future__ import annotations

import numpy as np
from PIL import Image

from genloom.codec.image.pictures import Picture
from genloom.codec.image.variations import called, varied


def drawn(side: int, seed: int = 0) -> Picture:
    pixels = np.random.default_rng(seed).integers(0, 255, (side, side, 3), dtype=np.uint8)
    return Picture(Image.fromarray(pixels), caption="a", name=str(seed))


def pixels(picture: Picture) -> np.ndarray:
    return np.asarray(picture.open())


def test_each_comes_first_as_it_is_and_then_varied():
    pictures = [drawn(32, n) for n in range(3)]
    made = varied(pictures, 4, (32, 32), False, 0)
    assert len(made) == 12 and {p.caption for p in made} == {"a"}
    for n, picture in enumerate(pictures):
        assert np.array_equal(pixels(made[4 * n]), pixels(picture))
        assert any(not np.array_equal(pixels(made[4 * n + k]), pixels(picture)) for k in (1, 2, 3))


def test_a_small_picture_is_shifted_a_large_one_cut():
    small = varied([drawn(32)], 6, (32, 32), False, 1)
    assert {p.open().size for p in small} == {(32, 32)}
    inner = pixels(small[0])[4:28, 4:28]
    for one in small:  # all of it but the border is still there
        found = pixels(one)
        there = [
            np.array_equal(found[4 + y : 28 + y, 4 + x : 28 + x], inner)
            for y in range(-2, 3)
            for x in range(-2, 3)
        ]
        assert any(there)
    large = varied([drawn(64)], 6, (32, 32), False, 1)
    sizes = [p.open().size for p in large[1:]]
    assert all(51 <= side <= 64 for size in sizes for side in size) and len(set(sizes)) > 1


def test_flips_mirror_every_second_one():
    picture = drawn(8)
    plain, turned = varied([picture], 2, (8, 8), True, 0)
    assert np.array_equal(pixels(turned), pixels(plain)[:, ::-1])


def test_the_same_seed_gives_the_same_whatever_else_there_is():
    alone = varied([drawn(64, 0)], 3, (32, 32), False, 5)
    together = varied([drawn(64, 0), drawn(64, 1)], 3, (32, 32), False, 5)
    other = varied([drawn(64, 0)], 3, (32, 32), False, 6)
    for a, b in zip(alone, together, strict=False):
        assert np.array_equal(pixels(a), pixels(b))
    assert any(not np.array_equal(pixels(a), pixels(b)) for a, b in zip(alone, other, strict=True))


def test_only_those_without_a_caption_get_one():
    bare = Picture(np.zeros((4, 4), np.uint8))
    assert [p.caption for p in called([drawn(8), bare], "zork")] == ["a", "zork"]
