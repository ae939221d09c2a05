"""Drawings in: made from their shapes alone, hostile ones refused before anything is drawn."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import pytest
from PIL import Image

from genloom.codec.image.codec import ImageCodec
from genloom.codec.image.pictures import Picture
from genloom.codec.image.svg import MOST_BYTES, examined, is_svg, rasterised
from genloom.data.source import Manifest
from genloom.errors import DataError

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
BOX = HEAD + 'viewBox="0 0 10 10">'
HALF = BOX + '<path d="M0 0h10v10H0z"/><path fill="#fff" d="M0 0h5v10H0z"/></svg>'


def drawn(text, side=16):
    return Image.open(io.BytesIO(rasterised(text.encode(), side)))


def test_shapes_become_pixels_of_any_side():
    for side in (16, 40):
        image = drawn(HALF, side)
        assert image.size == (side, side)
        pixels = np.asarray(image.convert("L"))
        assert (pixels[:, : side // 2] == 255).all() and (pixels[:, side // 2 :] == 0).all()
    assert drawn(HEAD + 'width="40" height="10px"><rect width="40" height="10"/></svg>').size == (
        16,
        4,
    )


def test_a_drawing_is_a_picture_with_a_background_one_sees_through():
    round_ = BOX + '<circle cx="5" cy="5" r="4" fill="red"/></svg>'
    codec = ImageCodec(size=12)
    codec.fit([Picture(round_.encode())])
    assert codec.spec.channels == 4 and not codec.hard
    made = codec.decode(codec.encode([round_.encode()]))[0]
    assert made.getpixel((6, 6)) == (255, 0, 0, 255) and made.getpixel((0, 0))[3] == 0


def test_nothing_outside_the_file_is_honoured(tmp_path):
    secret = tmp_path / "secret.png"
    Image.new("RGB", (4, 4), "red").save(secret)
    bodies = [
        f'<image href="{secret}" width="10" height="10"/>',
        f'<image xlink:href="file://{secret}" width="10" height="10"/>',
        '<image href="http://127.0.0.1:9/a.png" width="10" height="10"/>',
        f'<rect width="10" height="10" fill="url(file://{secret}#a)"/>',
        "<script>alert(1)</script>",
        '<foreignObject width="10" height="10"><p>words</p></foreignObject>',
        f'<style>@import url("{secret}");</style>',
        f'<use href="{secret}#a"/>',
    ]
    for body in bodies:
        content = BOX + body + "</svg>"
        root = examined(content.encode())
        told = [value for element in root.iter() for value in element.attrib.values()]
        assert not any("secret" in v or "http" in v or "script" in v for v in told), body
        alpha = np.asarray(drawn(content))[..., 3]
        assert not (np.asarray(drawn(content))[..., 0][alpha > 0] > 0).any(), body


def test_parts_of_the_drawing_itself_are_kept():
    body = (
        '<defs><linearGradient id="g"><stop stop-color="#f00"/></linearGradient>'
        '<rect id="r" width="10" height="10" fill="url(#g)"/></defs><use href="#r"/>'
    )
    assert drawn(BOX + body + "</svg>").getpixel((5, 5)) == (255, 0, 0, 255)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ('<!DOCTYPE svg [<!ENTITY a "aa">]>' + HALF, "entities"),
        (HALF[:-9], "well-formed"),
        ("<svg" + ">" * 3, "well-formed"),
        ("<html xmlns='a'><svg/></html>", "expected"),
        (BOX + "<g>" * 400 + "</g>" * 400 + "</svg>", "deep"),
        (HEAD + 'viewBox="0 0 1 100000"><rect width="1" height="9"/></svg>', "to 1"),
        (HALF + " " * MOST_BYTES, "bytes"),
        (BOX + '<g id="a"><use href="#a"/></g></svg>', "parts"),
    ],
)
def test_what_is_unfit_is_refused(content, told):
    with pytest.raises(DataError, match=told):
        rasterised(content.encode())


def test_repetition_without_bound_is_refused_at_once():
    levels = "".join(f'<g id="l{n}">' + f'<use href="#l{n + 1}"/>' * 10 + "</g>" for n in range(30))
    content = BOX + f'<defs>{levels}<rect id="l30"/></defs><use href="#l0"/></svg>'
    with pytest.raises(DataError, match="parts"):
        rasterised(content.encode())


def test_an_archive_of_drawings_with_captions_and_authors(tmp_path):
    lines = []
    with zipfile.ZipFile(tmp_path / "icons.zip", "w") as archive:
        for name, author in (("a.svg", "lorc"), ("b.svg", "delapouite"), ("c.svg", "lorc")):
            archive.writestr(name, HALF)
            lines.append(json.dumps({"file": name, "caption": name[0], "author": author}))
        archive.writestr("bad.svg", "<svg")
        lines.append(json.dumps({"file": "bad.svg", "caption": "bad"}))
    (tmp_path / "captions.jsonl").write_text("\n".join(lines))
    codec = ImageCodec(size=16)
    reading = codec.read(tmp_path)
    assert [p.caption for p in reading.items] == ["a", "b", "c"]
    assert reading.credits == ("delapouite", "lorc") and "bad.svg" in reading.skipped
    codec.fit(reading.items)
    assert codec.spec.channels == 1  # white on black
    manifest = Manifest.of_files(tmp_path, reading.files, items=3, credits=reading.credits)
    assert Manifest.from_json(json.loads(json.dumps(manifest.to_json()))) == manifest


def test_animations_are_told(tmp_path):
    frames = [Image.new("RGB", (8, 8), c) for c in ("red", "blue")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    frames[0].save(tmp_path / "b.png")
    notes = ImageCodec(size=8).read(tmp_path).notes
    assert any("1 of 2 pictures move" in note for note in notes)


def test_rasters_are_no_drawings():
    buffer = io.BytesIO()
    Image.new("RGB", (4, 4)).save(buffer, "PNG")
    assert not is_svg(buffer.getvalue()) and is_svg(HALF.encode())
    assert is_svg(b'\xef\xbb\xbf<?xml version="1.0"?>\n<!-- ' + b"x" * 3000 + b"--><svg/>")
