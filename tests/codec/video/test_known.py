"""Known frames: given pictures and clips on the grid, what a net is told, and that they stay."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from toys import MADE, clips, shaken

from genloom.codec.video import known
from genloom.codec.video.clips import Clip
from genloom.codec.video.codec import VideoCodec
from genloom.codec.video.frames import Frames
from genloom.engine.engine import Engine
from genloom.errors import RequestError
from genloom.spec import Options, Request


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return shaken(MADE["clip by flow"](), tmp_path_factory.mktemp("clip"))


def made(model, **fields):
    with Engine(model) as engine:
        generation = engine.submit(Request(**fields))
        generation.result()
    return generation.tensors()[0]


def test_shares_of_what_is_known_and_its_form():
    rng = torch.Generator().manual_seed(0)
    some = known.drawn(4000, 16, rng)
    count = some.sum(1)
    assert (count == 0).float().mean() == pytest.approx(known.NOTHING, abs=0.03)
    assert (count == 1).float().mean() == pytest.approx(known.FIRST, abs=0.03)
    assert bool(some[count > 0][:, 0].all())  # where anything is known, the first frame is
    x = torch.randn(6, 3, 4, 2, 2)
    told = known.told(x, torch.Generator().manual_seed(1))
    mask = told[:, 3:].bool().expand_as(x)
    assert told.shape == (6, 4, 4, 2, 2)
    assert torch.equal(told[:, :3][mask], x[mask]) and not told[:, :3][~mask].any()


def test_what_is_given_stays_and_the_rest_is_made(model):
    codec, (item,) = model.codec, clips(1)
    whole = item.open().pixels
    first = Clip(Frames(whole[:1], 4.0))
    two = Clip(Frames(whole[:2], 4.0))
    half = Clip(Frames(whole[::2], 2.0))  # every second frame, at half the rate
    for given, there in ((first, [0]), (two, [0, 1]), (half, [0, 2])):
        x = made(model, prompt="moving left", item=given, seed=4)
        real = codec.encode([item])[0]
        for n in range(4):
            same = torch.allclose(x[:, n], real[:, n])
            assert same == (n in there)


def test_nothing_told_is_as_if_nothing_could_be(model):
    codec = model.codec
    empty = torch.zeros(codec.spec.control, *codec.spec.grid)
    alone = made(model, prompt="moving left", seed=4)
    assert torch.equal(alone, made(model, prompt="moving left", seed=4, control=empty))
    told = codec.control(clips(1)[0], codec.spec.grid)
    assert not torch.equal(alone, made(model, prompt="moving left", seed=4, control=told))
    with pytest.raises(RequestError, match="finite numbers"):
        made(model, control=torch.zeros(1, 2, 2, 2))


def test_a_picture_a_mask_and_a_strength(model):
    picture = np.full((12, 20, 3), 130, np.uint8)
    codec = model.codec
    begun = codec.begin(picture[None], codec.spec.grid)
    assert begun.shape == (1, 4, 8, 8) and torch.allclose(begun, begun[:, :1])
    assert codec.holes(picture[None], codec.spec.grid).sum((1, 2)).tolist() == [0, 64, 64, 64]
    mask = np.zeros((8, 8), np.uint8)
    mask[:4] = 255
    (item,) = clips(1)
    x, real = made(model, item=item, mask=mask, seed=2), codec.encode([item])[0]
    assert torch.allclose(x[:, :, 4:], real[:, :, 4:])
    assert not torch.allclose(x[:, :, :4], real[:, :, :4])
    near = made(model, item=item, seed=2, options=Options(strength=0.0))
    assert torch.allclose(near, real, atol=1e-5)


def test_another_size_has_the_frames_that_were_learnt(model):
    assert made(model, options=Options(size=(4, 6))).shape == (1, 4, 4, 6)
    with pytest.raises(RequestError, match="5 x 4 is no multiple of 2"):
        made(model, options=Options(size=(4, 5)))


def test_a_clip_that_is_none_is_refused_in_a_line(model):
    for item, says in ((b"no film", "given clip"), ("nowhere.mp4", "no such file"), (7, "not int")):
        with pytest.raises(RequestError, match=says):
            made(model, item=item)


def test_a_learnt_codec_says_what_it_learnt(tmp_path):
    codec = VideoCodec(size=8, control="frames")
    codec.fit(clips())
    assert codec.spec.shape == (1, 4, 8, 8) and codec.clock == 4.0 and codec.spec.control == 2
    sheet = codec.preview(clips(3), tmp_path / "a.png")
    assert sheet.read_bytes()[:4] == b"\x89PNG"
    assert codec.features(clips(3)).shape == (3, 4 * 64)
