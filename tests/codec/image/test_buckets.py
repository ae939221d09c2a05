"""Wide and tall pictures are learnt whole: grids of one area, and the one that suits a picture."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from genloom.codec.image import buckets
from genloom.codec.image.codec import ImageCodec
from genloom.errors import RecipeError

SIDE = st.sampled_from([8, 12, 28, 32, 48, 64, 128])


@given(usual=st.tuples(SIDE, SIDE))
def test_candidates_have_one_area_and_one_step(usual):
    step = buckets.step_of(usual)
    area = usual[0] * usual[1]
    for height, width in buckets.candidates(usual)[1:]:
        assert height % step == 0 and width % step == 0
        assert abs(height * width - area) <= max(height, width) * step
        assert max(height, width) <= buckets.WIDEST * min(height, width)


@given(shape=st.tuples(st.integers(1, 5000), st.integers(1, 5000)))
def test_no_grid_suits_better_than_the_nearest(shape):
    grids = buckets.candidates((64, 64))
    found = buckets.nearest(shape, grids)

    def off(grid):
        return abs(np.log(grid[0] / grid[1] / (shape[0] / shape[1])))

    assert off(found) <= min(map(off, grids)) + 1e-12


def test_rare_shapes_go_to_their_neighbours():
    shapes = [(100, 100)] * 60 + [(100, 200)] * 39 + [(300, 100)]
    grids = buckets.learnt(shapes, (64, 64))
    assert grids[0] == (64, 64) and len(grids) == 2
    assert grids[1][1] > 1.6 * grids[1][0]
    assert buckets.learnt([(50, 50)] * 9, (64, 64)) == ()


def pictures() -> list[Image.Image]:
    """Ramps from black to white, wide, tall and square: no crop keeps both ends."""
    made = []
    for width, height in ((60, 30), (30, 60), (40, 40), (60, 30)):
        ramp = np.linspace(0, 255, width if width >= height else height)
        plane = np.tile(ramp, (height, 1)) if width >= height else np.tile(ramp[:, None], width)
        made.append(Image.fromarray(plane.astype(np.uint8)))
    return made


def test_a_codec_keeps_wide_pictures_whole():
    codec = ImageCodec(size=16, sizes="auto")
    codec.fit(pictures())
    assert codec.spec.grid == codec.spec.grids[0] == (16, 16) and len(codec.spec.grids) == 3
    encoded = codec.encode(pictures())
    assert [x.shape[1] < x.shape[2] for x in encoded] == [True, False, False, True]
    assert {tuple(x.shape[1:]) for x in encoded} == set(codec.spec.grids)
    for x in encoded:  # both ends of the ramp are there
        assert x.min() < -0.8 and x.max() > 0.8
    cropped = ImageCodec(size=16, mode="L").encode(pictures())
    assert cropped[0].min() > -0.7 and cropped[0].max() < 0.7
    for picture, x in zip(codec.decode(encoded), encoded, strict=True):
        assert picture.size == (x.shape[2], x.shape[1])


def test_grids_are_saved_and_measures_stay_on_the_usual_one(tmp_path):
    codec = ImageCodec(size=16, sizes="auto", mode="L")
    codec.fit(pictures())
    codec.save(tmp_path)
    loaded = ImageCodec.load(tmp_path)
    assert loaded.spec == codec.spec
    for a, b in zip(loaded.encode(pictures()), codec.encode(pictures()), strict=True):
        assert torch.equal(a, b)
    assert codec.features(pictures()).shape == (4, 256)
    assert codec.compare(pictures(), pictures())["kernel_distance"] < 1e-3
    assert codec.even(pictures()).shape == (4, 1, 16, 16)


def test_a_list_of_grids_and_what_is_none():
    codec = ImageCodec(size=16, sizes=[[8, 32], 16], mode="L")
    assert codec.spec.grids == ((16, 16), (8, 32))
    for wrong in ([], "wide", [[8, 2]], [[8]], 16, [[8, 8.5]]):
        with pytest.raises(RecipeError, match=r"codec\.sizes"):
            ImageCodec(size=16, sizes=wrong)
