"""Drawings out: what is traced looks like the picture, is small, and carries its record."""

from __future__ import annotations

import io
import re

import numpy as np
import pytest
from PIL import Image, ImageDraw

from genloom.codec.image.codec import ImageCodec
from genloom.codec.image.svg import rasterised
from genloom.codec.image.tracing import drawing, drawing_hash, drawing_record
from genloom.errors import DataError
from genloom.trust.record_places import INSIDE, find_record


def icon(side=32):
    image = Image.new("L", (side * 4, side * 4), 0)
    ImageDraw.Draw(image).ellipse((20, 20, side * 3, side * 3), fill=255)
    return image.resize((side, side), Image.Resampling.LANCZOS)


def back(text, side):
    return Image.open(io.BytesIO(rasterised(text.encode(), side)))


def test_a_flat_icon_comes_back_from_its_drawing():
    image, text = icon(), drawing(icon(), None)
    assert 'viewBox="0 0 512 512"' in text and len(text) < 4000
    assert set(re.findall(r'fill="([^"]+)"', text)) == {"#000000", "#ffffff"}
    assert not re.search(r"\d\.\d{2}|transform|-0[ CLZ]", text)
    made = np.asarray(back(text, 32).convert("L")).astype(int)
    assert abs(made - np.asarray(image)).mean() < 6


def test_a_transparent_background_stays_transparent():
    cut = Image.new("RGBA", (32, 32), (0, 255, 0, 0))
    ImageDraw.Draw(cut).rectangle((8, 8, 23, 23), fill=(200, 30, 30, 255))
    made = back(drawing(cut, None), 32)
    assert made.getpixel((2, 2))[3] == 0
    assert np.allclose(made.getpixel((16, 16)), (200, 30, 30, 255), atol=2)


def test_pixel_art_becomes_squares_exactly():
    rng = np.random.default_rng(0)
    pixels = rng.choice(np.array([0, 90, 255], np.uint8), (8, 8, 4))
    pixels[..., 3] = rng.choice(np.array([0, 255], np.uint8), (8, 8))
    made = np.asarray(back(drawing(Image.fromarray(pixels), None, pixel=True), 8))
    seen = pixels[..., 3] == 255
    assert np.array_equal(made[..., 3] == 255, seen)
    assert np.array_equal(made[seen], pixels[seen])


def test_the_record_lies_inside_and_changes_nothing_else(tmp_path):
    codec = ImageCodec(size=32, mode="L")
    record = {"prompt": 'a <b> & "c" ]]> Käse', "seed": 3}
    assert codec.write(icon(), tmp_path / "a.svg", record) is True
    assert codec.write(icon(), tmp_path / "b.svg") is False
    assert drawing_record(tmp_path / "a.svg") == record
    assert drawing_record(tmp_path / "b.svg") is None
    assert drawing_hash(tmp_path / "a.svg") == drawing_hash(tmp_path / "b.svg")
    assert find_record(tmp_path / "a.svg") == (record, INSIDE)
    content = (tmp_path / "a.svg").read_text()
    assert "trainedAlgorithmicMedia" in content
    (tmp_path / "c.svg").write_text(content.replace("#ffffff", "#fffffe"))
    assert drawing_hash(tmp_path / "c.svg") != drawing_hash(tmp_path / "a.svg")
    (tmp_path / "d.svg").write_text(content.replace('"seed":3', '"seed":'))
    with pytest.raises(DataError, match="damaged"):
        drawing_record(tmp_path / "d.svg")
    reread = codec.read(tmp_path / "a.svg").items  # ours are read like any drawing
    assert len(reread) == 1 and reread[0].open(32).size == (32, 32)


def test_the_same_picture_gives_the_same_drawing():
    assert drawing(icon(), None) == drawing(icon(), None)
