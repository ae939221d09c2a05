"""Transparency: unseen colours are forgotten, edges stay clean, pictures come back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from genloom.codec.image import alpha
from genloom.codec.image.codec import ImageCodec


def cutout(seed=0, soft=False, side=8):
    """A coloured square on a transparent background full of garbage colours."""
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (side, side, 4), dtype=np.uint8)
    pixels[..., 3] = 0
    pixels[2:6, 2:6, 3] = 255
    if soft:
        pixels[1, 2:6, 3] = pixels[6, 2:6, 3] = 128
    return Image.fromarray(pixels)


def test_auto_finds_transparency_and_what_its_edges_are_like():
    opaque = [Image.new("RGB", (8, 8), c) for c in ("red", "blue", "lime")]
    for soft in (False, True):
        codec = ImageCodec(size=8)
        codec.fit([*opaque, cutout(0, soft), cutout(1, soft)])
        assert codec.spec.channels == 4 and codec.hard is not soft
    rare = ImageCodec(size=8)
    rare.fit([*opaque * 6, cutout()])  # one in nineteen is no collection of cut-outs
    assert rare.spec.channels == 3
    seen = ImageCodec(size=8)
    seen.fit([Image.new("RGBA", (8, 8), (255, 0, 0, 255))])  # a channel that says nothing
    assert seen.spec.channels == 3


def test_what_lies_under_alpha_zero_is_not_learnt():
    one, other = (np.asarray(cutout(n)).copy() for n in (0, 1))
    other[2:6, 2:6] = one[2:6, 2:6]
    codec = ImageCodec(size=8, mode="RGBA")
    x = codec.encode([Image.fromarray(one), Image.fromarray(other)])
    assert torch.equal(x[0], x[1])
    assert (x[0, :3, 0, 0] == 0).all() and x[0, 3, 0, 0] == -1


@pytest.mark.parametrize("soft", [False, True])
def test_what_is_seen_comes_back(soft):
    image = cutout(3, soft)
    codec = ImageCodec(size=8, mode="RGBA", edges="soft" if soft else "hard")
    back = codec.decode(codec.encode([image]))[0]
    a, b = np.asarray(image).astype(int), np.asarray(back).astype(int)
    assert np.array_equal(a[..., 3], b[..., 3])
    seen = a[..., 3] > 0
    assert abs(a[seen] - b[seen]).max() <= 1
    assert torch.allclose(codec.encode([back]), codec.encode([image]), atol=1e-2)


def test_hard_edges_are_snapped_and_keep_their_colour():
    codec = ImageCodec(size=8, mode="RGBA", edges="hard")
    x = torch.full((1, 4, 8, 8), -1.0)
    x[:, :3] = 0
    x[:, 3, 2] = 0.4  # drawn to 70 %
    x[:, 0, 2] = 0.7  # red, times 0.7
    x[:, 3, 5] = -0.4
    made = np.asarray(codec.decode(x)[0])
    assert set(np.unique(made[..., 3])) == {0, 255}
    assert (made[2, :, 3] == 255).all() and (made[5, :, 3] == 0).all()
    assert made[2, 3, 0] == 255


def test_colours_run_on_beneath_the_edge():
    pixels = np.zeros((8, 8, 4), np.uint8)
    pixels[3:5, 3:5] = (200, 100, 50, 255)
    made = alpha.run_under(pixels)
    assert tuple(made[2, 2]) == (200, 100, 50, 0)
    assert tuple(made[1, 1]) == (200, 100, 50, 0)
    assert tuple(made[0, 0]) == (0, 0, 0, 0)


def test_given_pictures_are_brought_to_the_same_form():
    codec = ImageCodec(size=8, mode="RGBA", edges="hard")
    begun = codec.begin(cutout(4), (8, 8))
    assert torch.allclose(begun, codec.encode([cutout(4)])[0])


def test_pixel_art_is_never_blended():
    art = Image.fromarray(np.indices((6, 6)).sum(0).astype(np.uint8) % 2 * 255)
    smooth, pixel = (ImageCodec(size=16, mode="L", scaling=s) for s in ("smooth", "pixel"))
    assert len(smooth.encode([art]).unique()) > 2
    assert set(pixel.encode([art]).unique().tolist()) == {-1.0, 1.0}


def test_a_palette_bounds_the_colours():
    codec = ImageCodec(size=16, mode="RGBA", edges="hard", palette=4)
    rng = np.random.default_rng(0)
    made = codec.decode(torch.from_numpy(rng.uniform(-1, 1, (1, 4, 16, 16)).astype(np.float32)))[0]
    assert made.mode == "RGBA"
    assert len(np.unique(np.asarray(made)[..., :3].reshape(-1, 3), axis=0)) <= 4
    assert len(np.unique(np.asarray(made)[..., 3])) == 2


def test_the_learnt_edges_are_kept(tmp_path):
    codec = ImageCodec(size=8, scaling="pixel", palette=8)
    codec.fit([cutout(n) for n in range(4)])
    codec.save(tmp_path)
    loaded = ImageCodec.load(tmp_path)
    assert loaded.hard and loaded.scaling == "pixel" and loaded.palette == 8
    assert loaded.spec == codec.spec
