"""Pictures of any size: windows without seams, transparency, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import toys
from PIL import Image

from genloom.engine.engine import Engine
from genloom.enhancing import MOST_PIXELS, Enhancer, windows
from genloom.errors import DataError, RequestError, UsageError
from genloom.recipe import Part
from genloom.spec import Request


def picture(wide: int, high: int, mode: str = "RGB") -> Image.Image:
    """Smooth waves, and a sharp square."""
    y, x = np.mgrid[:high, :wide] / 9.0
    bands = [np.sin(x + n) * np.cos(y - n) for n in range(3)]
    pixels = (np.stack(bands, -1) * 100 + 128).astype(np.uint8)
    pixels[high // 3 : high // 2, wide // 3 : wide // 2] = (250, 10, 40)
    image = Image.fromarray(pixels)
    if mode == "RGBA":
        clear = np.where((x - x.mean()) ** 2 + (y - y.mean()) ** 2 < 6, 255, 0)
        image.putalpha(Image.fromarray(clear.astype(np.uint8)))
        return image
    return image.convert(mode)


def enlarging(tmp_path, mode: str = "RGB", **control):
    option = {"kind": "coarse", "factor": 2, **control}
    made = toys.recipe(
        Part("image", {"size": 8, "mode": mode, "control": option}),
        Part("reconstruction"),
        {"net": "upscaler"},
    ).with_(f"net.net.factor={2}")
    return toys.shaken(made, tmp_path)


def restoring(tmp_path, kind: str = "damaged"):
    made = toys.recipe(
        Part("image", {"size": 8, "mode": "RGB", "control": kind}),
        Part("reconstruction"),
        {"net": "upscaler"},
    ).with_("net.net.factor=2", "net.net.begins=control")
    return toys.shaken(made, tmp_path)


def gap(a: Image.Image, b: Image.Image) -> int:
    assert a.size == b.size and a.mode == b.mode
    return int(np.abs(np.asarray(a).astype(int) - np.asarray(b).astype(int)).max())


@pytest.mark.parametrize("size", [(50, 37), (16, 16), (3, 90), (1, 1)])
def test_windows_cover_a_picture_once(size):
    seen = np.zeros(size[::-1], int)
    for window in windows(size, 16, 5):
        left, top, right, bottom = window.inner
        seen[top:bottom, left:right] += 1
        assert window.outer[0] <= left and window.outer[3] >= bottom
        assert min(window.outer) >= 0 and window.outer[2] <= size[0]
    assert (seen == 1).all()


@pytest.mark.parametrize("size", [(75, 51), (64, 33)])
def test_a_picture_in_windows_is_the_picture_as_a_whole(tmp_path, size):
    """No seam: each pixel is what it is in one piece, but for one step of rounding."""
    for model in (enlarging(tmp_path), restoring(tmp_path)):
        given = picture(*size)
        with Enhancer(model, window=16) as small, Enhancer(model, window=4096) as whole:
            assert small.margin < 40
            a, b = small(given), whole(given)
        assert a.size == tuple(side * small.factor for side in size)
        assert gap(a, b) <= 1
        with Engine(model) as engine:
            (alone,) = engine.submit(Request(control=given)).result()
        assert gap(b, alone) <= 1


def test_without_margins_there_would_be_seams(tmp_path):
    model, given = enlarging(tmp_path), picture(75, 51)
    with Enhancer(model, window=16) as cut, Enhancer(model, window=4096) as whole:
        cut.margin = 0
        assert gap(cut(given), whole(given)) > 4


def test_transparency_is_kept(tmp_path):
    given = picture(40, 40, "RGBA")
    with Enhancer(enlarging(tmp_path)) as enhancer:
        made = enhancer(given)
    assert made.mode == "RGBA" and made.size == (80, 80)
    with Enhancer(restoring(tmp_path)) as enhancer:
        made = enhancer(given)
    assert np.array_equal(np.asarray(made)[..., 3], np.asarray(given)[..., 3])


def test_a_model_with_transparency_takes_pictures_without(tmp_path):
    with Enhancer(enlarging(tmp_path, "RGBA")) as enhancer:
        assert enhancer(picture(20, 12)).mode == "RGB"
        assert enhancer(picture(20, 12, "RGBA")).mode == "RGBA"


def test_a_model_of_grey_takes_colours_one_by_one(tmp_path):
    with Enhancer(enlarging(tmp_path, "L")) as enhancer:
        grey, colours = enhancer(picture(20, 12, "L")), enhancer(picture(20, 12))
        red = enhancer(picture(20, 12).getchannel("R"))
    assert grey.mode == "L" and colours.mode == "RGB"
    assert gap(colours.getchannel("R"), red) == 0


def test_grey_pictures_become_coloured(tmp_path):
    with Enhancer(restoring(tmp_path, "grey")) as enhancer:
        made = enhancer(picture(20, 12, "L"))
    assert made.mode == "RGB" and made.size == (20, 12)


def test_what_would_be_too_large_is_refused(tmp_path):
    with Enhancer(enlarging(tmp_path)) as enhancer:
        with pytest.raises(RequestError, match="more than"):
            enhancer(Image.new("L", (8000, 9000)))
        with pytest.raises(RequestError, match="3 x 8000"):
            enhancer.room((8000, 4000), 3)
    assert MOST_PIXELS < 2**31


def test_broken_and_huge_files_are_data_errors(tmp_path):
    whole = tmp_path / "a.png"
    picture(60, 60).save(whole)
    cut = tmp_path / "b.png"
    cut.write_bytes(whole.read_bytes()[:-400])
    huge = tmp_path / "c.png"
    Image.new("1", (20_000, 20_000)).save(huge)
    with Enhancer(enlarging(tmp_path)) as enhancer:
        for path in (cut, huge):
            with pytest.raises(DataError):
                enhancer(path)


@pytest.mark.parametrize("mode", ["CMYK", "P", "I;16", "1", "LA"])
def test_any_mode_is_taken(tmp_path, mode):
    image = picture(24, 16).convert("L").convert("I;16") if mode == "I;16" else None
    image = image or picture(24, 16, "RGBA" if mode == "LA" else "RGB").convert(mode)
    path = tmp_path / ("x.tif" if mode in ("CMYK", "I;16") else "x.png")
    image.save(path)
    with Enhancer(enlarging(tmp_path)) as enhancer:
        assert enhancer(path).size == (48, 32)


def test_a_turned_photograph_comes_out_upright(tmp_path):
    image, exif = picture(24, 16), Image.Exif()
    exif[0x0112] = 6  # a quarter turn
    image.save(tmp_path / "x.jpg", exif=exif)
    with Enhancer(enlarging(tmp_path)) as enhancer:
        made = enhancer(tmp_path / "x.jpg")
    assert made.size == (32, 48) and not made.getexif().get(0x0112)


def test_other_models_are_refused(tmp_path):
    for name in ("picture by flow", "picture by edges", "row by flow"):
        with pytest.raises(UsageError, match="upscale"):
            Enhancer(toys.shaken(toys.MADE[name](), tmp_path))
    with pytest.raises(UsageError, match="window"):
        Enhancer(enlarging(tmp_path), window=3)
