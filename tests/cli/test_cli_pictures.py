"""Flags about pictures: read as they are written, refused in a line, and the files they make."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from commands import Shell, one_error
from PIL import Image

from genloom.cli import settings
from genloom.cli.making import unknown, watched
from genloom.cli.picture_options import PictureOptions
from genloom.errors import UsageError
from genloom.spec import Options, Request

STEPS = ("--steps", "3")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"  # grey, as the model is
    pixels = np.random.default_rng(0).integers(0, 256, (8, 8), dtype=np.uint8)
    Image.fromarray(pixels).save(path)
    return path


@pytest.fixture
def mask(tmp_path: Path) -> Path:
    path = tmp_path / "mask.png"
    pixels = np.zeros((16, 16), np.uint8)
    pixels[:8] = 255
    Image.fromarray(pixels).save(path)
    return path


def pixels(path: str | Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def files(shell: Shell, *tokens: str | Path) -> list[str]:
    ran = shell("generate", *tokens, *STEPS, "--json")
    assert ran.code == 0 and ran.err == "", ran.err
    found: list[str] = json.loads(ran.out)["files"]
    return found


def test_flags_become_what_a_request_takes(photo: Path) -> None:
    given = PictureOptions(
        image=str(photo), size="12x8", outpaint="0,2,4,0", guidance_interval="0.1,0.9"
    ).fields()
    assert given["item"] == photo and given["size"] == (8, 12)
    assert given["outpaint"] == (0, 2, 4, 0) and given["guidance_interval"] == (0.1, 0.9)
    assert PictureOptions(size="16").fields()["size"] == (16, 16)
    assert not any(v for v in PictureOptions().fields().values())


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        ({"size": "big"}, "--size big: give WIDTHxHEIGHT"),
        ({"size": "1x2x3"}, "give WIDTHxHEIGHT"),
        ({"outpaint": "a,b"}, "--outpaint a,b: give numbers, such as"),
        ({"guidance_interval": "low,high"}, "--guidance-interval"),
        ({"image": "nowhere.png"}, "--image nowhere.png: there is no such file"),
        ({"mask": "."}, "--mask"),
    ],
)
def test_what_cannot_be_read_is_refused(flags: dict[str, Any], word: str) -> None:
    with pytest.raises(UsageError, match=word):
        PictureOptions(**flags).fields()


def test_a_part_of_a_picture_is_made_anew_and_again(
    shell: Shell, image_model: str, photo: Path, mask: Path, tmp_path: Path
) -> None:
    edit = ("--image", photo, "--mask", mask, "-o", tmp_path / "new.png")
    (path,) = files(shell, image_model, "top", *edit)
    assert np.array_equal(pixels(path)[4:], pixels(photo)[4:])
    assert not np.array_equal(pixels(path)[:4], pixels(photo)[:4])
    again = shell("replay", path)
    assert again.code == 0 and np.array_equal(pixels(again.out.strip()), pixels(path))
    photo.unlink()
    one_error(shell("replay", path), "photo.png", "missing")


def test_frames_sizes_and_room_around(
    shell: Shell, image_model: str, photo: Path, tmp_path: Path
) -> None:
    frames = files(
        shell, image_model, "top", "--towards", "bottom", "-n", "3", "-o", tmp_path / "way"
    )
    ends = [
        files(shell, image_model, place, "-o", tmp_path / f"{place}.png")[0]
        for place in ("top", "bottom")
    ]
    assert np.array_equal(pixels(frames[0]), pixels(ends[0]))
    assert np.array_equal(pixels(frames[2]), pixels(ends[1]))
    (wide,) = files(shell, image_model, "--size", "16x8", "-o", tmp_path / "wide.png")
    assert pixels(wide).shape == (8, 16, 3)
    grown = ("--image", photo, "--outpaint", "0,4,4,0", "-o", tmp_path / "grown.png")
    (path,) = files(shell, image_model, *grown)
    assert np.array_equal(pixels(path)[:8, :8], pixels(photo)) and pixels(path).shape[0] == 12


def test_a_guide_is_recorded_and_a_strip_is_written(
    shell: Shell, image_model: str, tmp_path: Path
) -> None:
    strip = tmp_path / "steps.png"
    more = ("--guide", image_model, "--save-steps", strip, "-n", "2", "-o", tmp_path / "out")
    ran = shell("generate", image_model, "top", *STEPS, *more, "--json")
    told = json.loads(ran.out)
    assert told["record"]["guide"]["weights"] == told["record"]["weights"]
    height, width, _ = pixels(strip).shape
    assert width / height == pytest.approx(3 / 2, rel=0.1)  # three steps across, two pictures down


def test_a_terminal_hears_of_every_step(image_model: str) -> None:
    said: list[str] = []
    with settings.load(image_model).engine() as engine:
        generation = engine.submit(Request(count=2, options=Options(steps=3)))
        seen = watched(generation, said.append)
    assert said[0] == "making 0 of 2, step 1 of 3" and said[-1] == "making 2 of 2"
    assert {number: len(items) for number, items in seen.items()} == {0: 3, 1: 3}


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--size", "9x8"), ("9 x 8 is no multiple of", "wide")),
        (("--strength", "2"), ("strength is 2", "0 to 1")),
        (("--guidance", "nan"), ("guidance is nan",)),
        (("--steps", "0"), ("steps is 0",)),
        (("--steps", "1000000"), ("steps is 1000000",)),
        (("--outpaint", "1,2"), ("outpaint",)),
        (("--save-steps", "strip.txt"), ("--save-steps", ".png")),
        (("--towards", "bottom"), ("2 or more frames",)),
    ],
)
def test_what_cannot_be_made_is_told_in_a_line(
    shell: Shell, image_model: str, flags: tuple[str, ...], words: tuple[str, ...]
) -> None:
    ran = shell("generate", image_model, "top", *flags)
    assert ran.code == 2
    one_error(ran, *words)


def test_texts_take_no_pictures(shell: Shell, text_model: str, photo: Path) -> None:
    one_error(shell("generate", text_model, "--image", photo), "no option item")
    one_error(shell("generate", text_model, "-n", "2", "--save-steps", "a.png"), "--save-steps")


def test_only_some_unknown_words_are_named() -> None:
    assert unknown(["a", "b"]) == "the model never learnt 'a', 'b'"
    long = unknown(["x" * 500] * 10_000)
    assert long.endswith("and 9,992 more") and len(long) < 500
