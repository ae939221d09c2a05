"""Assets from the command line: sheets with their frames, drawings, pictures with masks."""

from __future__ import annotations

import json

import numpy as np
import pytest
import toys
from commands import Shell, one_error
from PIL import Image

from genloom.codec.image.labelled import LabelledCodec
from genloom.recipe import Part


def cutouts(count=24):
    """Red and blue squares on a background that one sees through."""
    out = []
    for n in range(count):
        pixels = np.zeros((8, 8, 4), np.uint8)
        pixels[2:6, 2:6] = ((200, 30, 30, 255), (30, 30, 200, 255))[n % 2]
        out.append(Image.fromarray(pixels))
    return out


@pytest.fixture(scope="module")
def sprites(tmp_path_factory):
    """A model of transparent pictures that learnt nothing: what it makes is noise, but its own."""
    folder = tmp_path_factory.mktemp("sprites")
    nets = {"net": "diffusion_transformer"}
    made = toys.recipe(Part("image", {"size": 8, "scaling": "pixel"}), Part("flow"), nets)
    patch = pytest.MonkeyPatch()
    patch.setitem(toys.ITEMS, "image", cutouts)
    model = toys.shaken(made, folder)
    patch.undo()
    return str(model.save(folder / "model"))


def test_a_sheet_and_its_frames(shell: Shell, sprites, tmp_path):
    out = tmp_path / "hero.png"
    ran = shell("generate", sprites, "-n", "5", "--sheet", "--columns", "3", "-o", out)
    assert ran.out.split() == [str(out), str(tmp_path / "hero.json")]
    atlas = json.loads((tmp_path / "hero.json").read_text())
    assert atlas["meta"]["image"] == "hero.png" and atlas["meta"]["size"] == {"w": 24, "h": 16}
    assert [f["filename"] for f in atlas["frames"]] == [f"hero-{n:04d}.png" for n in range(5)]
    single = tmp_path / "single"
    shell("generate", sprites, "-n", "5", "-o", single)
    with Image.open(out) as sheet:
        assert sheet.mode == "RGBA"
        for frame, file in zip(atlas["frames"], sorted(single.iterdir()), strict=True):
            x, y, w, h = (frame["frame"][key] for key in "xywh")
            with Image.open(file) as alone:
                assert np.array_equal(sheet.crop((x, y, x + w, y + h)), alone)
    assert shell("verify", out).code == 0
    again = tmp_path / "again.png"
    assert shell("replay", out, "-o", again).code == 0
    with Image.open(out) as a, Image.open(again) as b:
        assert np.array_equal(a, b)


def test_no_sheet_where_none_can_be(shell: Shell, sprites, tmp_path):
    one_error(shell("generate", sprites, "--sheet", "-o", tmp_path / "a.jpg"), ".png")
    one_error(shell("generate", sprites, "--columns", "0"), "--columns")


def test_a_drawing_carries_its_record(shell: Shell, sprites, tmp_path):
    out = tmp_path / "icon.svg"
    assert shell("generate", sprites, "-o", out).code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["icon.svg"]
    assert shell("verify", out).code == 0
    assert shell("replay", out, "-o", tmp_path / "again.svg").code == 0
    out.write_text(out.read_text().replace("<path", "<path ", 1))
    assert shell("verify", out).code == 1


def test_labelled_pictures_become_a_data_set(shell: Shell, tmp_path):
    codec = Part("labelled", {"size": 8})
    made = toys.recipe(codec, Part("flow"), {"net": "diffusion_transformer"}, "words")
    model = str(toys.shaken(made, tmp_path).save(tmp_path / "model"))
    out = tmp_path / "set"
    ran = shell("generate", model, "a sign and 1 car", "-n", "3", "-o", out)
    assert ran.code == 0 and ran.err == ""
    assert len(list(out.iterdir())) == 9
    reading = LabelledCodec(size=8).read(out)
    assert len(reading.items) == 3 and reading.items[0].classes == ("car", "sign")
    where = shell("generate", model, "--where", "car = 1 and sign = 1", "-n", "3", "-o", out)
    assert where.code == 0
    first, again = (Image.open(out / f"{n:04d}.png") for n in (0, 3))
    assert np.array_equal(first, again)  # the same counts, said in another way
    one_error(shell("generate", model, "2 trees"), "car, sign")
    assert shell("verify", out / "0000.png").code == 0
