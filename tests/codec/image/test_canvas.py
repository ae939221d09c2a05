"""Pictures and masks that are given: any size and mode onto one grid; what cannot be is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from genloom.codec.image.codec import ImageCodec
from genloom.errors import RequestError

GRID = (8, 8)


def codec(mode: str = "RGB", fit: str = "crop") -> ImageCodec:
    return ImageCodec(size=8, mode=mode, fit=fit)  # type: ignore[arg-type]


def picture(size: tuple[int, int] = (8, 8), mode: str = "RGB") -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    return Image.fromarray(pixels).convert(mode)


def mask(size: tuple[int, int], box: tuple[int, int, int, int], mode: str = "L") -> Image.Image:
    image = Image.new("L", size, 0)
    ImageDraw.Draw(image).rectangle(box, fill=255)
    return image.convert(mode)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "CMYK", "1", "I;16"])
@pytest.mark.parametrize("size", [(8, 8), (31, 17), (4, 9)])
def test_any_picture_comes_to_any_grid(mode: str, size: tuple[int, int]) -> None:
    given = picture(size, "L").convert("I;16") if mode == "I;16" else picture(size, mode)
    for own, grid in (("RGB", GRID), ("L", (4, 12)), ("RGBA", GRID)):
        x = codec(own).begin(given, grid)
        assert x.shape == ({"L": 1, "RGB": 3, "RGBA": 4}[own], *grid)
        assert float(x.abs().max()) <= 1


def test_a_picture_of_the_grid_comes_back_to_the_last_bit(tmp_path: Path) -> None:
    picture().save(tmp_path / "a.png")
    made = codec().decode([codec().begin(tmp_path / "a.png", GRID)])[0]
    assert np.array_equal(np.asarray(made), np.asarray(picture()))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "1", "P"])
def test_white_is_made_anew(mode: str) -> None:
    fresh = codec().fresh(mask((8, 8), (4, 0, 7, 7), mode), GRID, picture())
    assert fresh.tolist() == [[0.0] * 4 + [1.0] * 4] * 8


def test_a_mask_of_another_size_is_stretched_onto_the_picture() -> None:
    given = picture((32, 16))  # its middle 16 x 16 is kept
    whole = codec().fresh(mask((64, 64), (32, 0, 63, 63)), GRID, given)
    same = codec().fresh(mask((32, 16), (16, 0, 31, 15)), GRID, given)
    assert torch.equal(whole, same)
    assert whole.tolist() == [[0.0] * 4 + [1.0] * 4] * 8


def test_padding_around_a_mask_stays() -> None:
    fresh = codec(fit="pad").fresh(Image.new("L", (8, 4), 255), GRID, picture((8, 4)))
    assert fresh.sum(1).tolist() == [0, 0, 8, 8, 8, 8, 0, 0]


def test_all_white_is_everything_and_all_black_is_refused() -> None:
    assert bool(codec().fresh(Image.new("L", (8, 8), 255), GRID, picture()).all())
    with pytest.raises(RequestError, match=r"black everywhere.*paint white"):
        codec().fresh(Image.new("L", (8, 8), 0), GRID, picture())


def test_what_is_transparent_is_a_hole_but_where_pictures_are_transparent() -> None:
    given = picture(mode="RGBA")
    assert codec().holes(given, GRID) is None
    assert codec().holes(picture(), GRID) is None
    given.putalpha(Image.fromarray(np.repeat(np.uint8([[255, 0]]), 4, 1).repeat(8, 0)))
    holes = codec().holes(given, GRID)
    assert holes is not None and holes.tolist() == [[0.0] * 4 + [1.0] * 4] * 8
    assert codec("RGBA").holes(given, GRID) is None


def test_room_around_a_picture_is_made_anew() -> None:
    x = codec().begin(picture(), GRID)
    wide, fresh = codec().surround(x, None, (0, 4, 2, 0))
    assert wide.shape == (3, 10, 12) and torch.equal(wide[:, :8, :8], x)
    assert torch.equal(wide[:, :8, 8:], x[:, :, 7:].expand(-1, -1, 4))
    assert fresh[:8, :8].sum() == 0 and fresh.sum() == 10 * 12 - 64
    inner = torch.zeros(GRID)
    inner[0, 0] = 1
    assert codec().surround(x, inner, (1, 0, 0, 0))[1][1, 0] == 1


@pytest.mark.parametrize("content", [b"", b"GIF89a", b"no picture at all", None])
def test_what_is_no_picture_is_refused_in_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "a.png"
    if content is not None:
        path.write_bytes(content)
    for call in (codec().begin, codec().holes):
        with pytest.raises(RequestError, match=r"the given picture: .*a.png") as error:
            call(path, GRID)
        assert "\n" not in str(error.value)
    with pytest.raises(RequestError, match="the mask: "):
        codec().fresh(path, GRID, picture())


@pytest.mark.parametrize("size", [(2, 8), (8, 5000)])
def test_sizes_that_nobody_makes_are_refused(size: tuple[int, int]) -> None:
    with pytest.raises(RequestError, match="4 to 4096"):
        codec().grid_of(size)
    assert codec().grid_of((16, 24)) == (16, 24)
