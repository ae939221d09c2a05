"""What the training part and the held-out part of pictures do not share, and mirror images."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from genloom.codec.image.codec import ImageCodec
from genloom.codec.image.pictures import Picture
from genloom.errors import RecipeError
from genloom.material import split
from genloom.recipe import Data, Part, Recipe


def pictures(captions):
    return [Picture(np.full((8, 8), n % 256, np.uint8), c) for n, c in enumerate(captions)]


def recipe(**options):
    net = {"net": Part("diffusion_transformer")}
    return Recipe(
        name="toy",
        codec=Part("image", {"size": 8, "mode": "L", **options}),
        family=Part("flow"),
        net=net,
        data=Data(holdout=0.3),
    )


def test_equal_captions_are_held_out_together():
    items = pictures([f"dragon {n // 3}" for n in range(450)])
    train, held = split(recipe(), items)
    assert len(train) + len(held) == 450 and len(held) > 60
    assert not {p.caption for p in train} & {p.caption for p in held}


def test_classes_are_on_both_sides():
    items = pictures([str(n % 10) for n in range(450)])
    for made in (recipe(), recipe(apart="items")):
        train, held = split(made, items)
        assert {p.caption for p in train} == {p.caption for p in held}
    train, held = split(recipe(apart="captions"), items)
    assert not {p.caption for p in train} & {p.caption for p in held}


def test_pictures_without_captions_are_split_one_by_one():
    train, held = split(recipe(), pictures([None] * 40))
    assert train and held


def test_mirror_images_are_told_apart():
    half = np.zeros((8, 8), np.uint8)
    half[:, :4] = 255
    codec = ImageCodec(size=8, mode="L", mirrored=True)
    items = codec.vary([Picture(half, "a flag"), Picture(half)], 0)
    assert codec.captions(items) == ["a flag", "", "a flag mirrored", ""]
    back = [np.asarray(i) for i in codec.decode(codec.encode(items))]
    assert np.array_equal(back[2], half[:, ::-1]) and np.array_equal(back[0], half)
    assert ImageCodec(size=8).vary(items, 0) is items


@pytest.mark.parametrize("options", [{"palette": 1}, {"edges": "x"}, {"scaling": "x"}])
def test_illegal_options_are_named(options):
    with pytest.raises(RecipeError, match=f"codec.{next(iter(options))}"):
        ImageCodec(**options)


def test_a_sheet_of_frames(tmp_path):
    codec = ImageCodec(size=8, mode="RGBA")
    items = [Image.new("RGBA", (8, 8), (n, 0, 0, 255 * (n % 2))) for n in range(5)]
    sheet = codec.sheet(items, 3)
    assert sheet.image.size == (24, 16) and sheet.image.mode == "RGBA"
    frames = sheet.frames("hero")
    assert [f["filename"] for f in frames][-1] == "hero-0004.png"
    for item, f in zip(items, frames, strict=True):
        x, y, w, h = (f["frame"][k] for k in "xywh")
        assert np.array_equal(sheet.image.crop((x, y, x + w, y + h)), item)
    assert sheet.image.getpixel((20, 12)) == (0, 0, 0, 0)  # the last row ends early
