"""`genloom enhance`: files, folders and moving pictures, and what cannot be read."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import Shell, one_error
from conftest import IMAGE, _trained
from PIL import Image

from genloom.codec.image.files import read_record
from genloom.codec.video.clips import Clip
from genloom.codec.video.files import write_clip
from genloom.codec.video.frames import Frames
from genloom.sound.wave import Sound


@pytest.fixture(scope="session")
def enlarging(home: Path, pictures: Path) -> str:
    changes = [word for word in IMAGE if word != "net.net.depth=1"]
    at = changes.index("net.net.width=32")
    changes[at : at + 1] = ["net.net.width=16"]
    changes = [w for n, w in enumerate(changes) if not (w == "--set" and changes[n + 1] == "--set")]
    return _trained("upscale", pictures, "--out", "larger", *changes, "--set", "net.net.depth=1")


def frames(count: int = 3, mode: str = "RGB") -> list[Image.Image]:
    made = []
    for number in range(count):
        pixels = np.zeros((8, 12, 3), np.uint8)
        pixels[:, number * 3 : number * 3 + 3] = (255, 200, 10)
        made.append(Image.fromarray(pixels).convert(mode))
    return made


def test_a_picture_goes_to_the_file_that_is_named(shell: Shell, enlarging: str, tmp_path: Path):
    frames()[0].save(tmp_path / "a.png")
    ran = shell("enhance", enlarging, tmp_path / "a.png", "-o", tmp_path / "b.png")
    assert ran.code == 0 and ran.out.strip() == str(tmp_path / "b.png")
    with Image.open(tmp_path / "b.png") as made:
        assert made.size == (48, 32)
    record = read_record(tmp_path / "b.png")
    assert record is not None and record["given"]["control"]["path"].endswith("a.png")
    verdict = shell("verify", tmp_path / "b.png")
    assert verdict.code == 0, verdict.err
    again = shell("replay", tmp_path / "b.png", "-o", tmp_path / "c.png")
    assert again.code == 0, again.err
    assert (tmp_path / "c.png").read_bytes() == (tmp_path / "b.png").read_bytes()


def test_a_folder_keeps_its_shape(shell: Shell, enlarging: str, tmp_path: Path):
    source = tmp_path / "in"
    (source / "deep").mkdir(parents=True)
    for name in ("a.png", "deep/b.jpg", "deep/c.bmp"):
        frames()[0].save(source / name)
    (source / "notes.txt").write_text("no picture")
    ran = shell("enhance", enlarging, source, "-o", tmp_path / "out", "--json", "--no-record")
    told = json.loads(ran.out)
    assert ran.code == 0 and told["failed"] == 0 and len(told["files"]) == 3
    made = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*"))
    assert made == ["a.png", "deep", "deep/b.jpg", "deep/c.png"]


def test_moving_pictures_keep_frames_and_times(shell: Shell, enlarging: str, tmp_path: Path):
    first, *rest = frames()
    for name in ("a.gif", "b.webp"):
        more = {"save_all": True, "append_images": rest, "duration": [50, 120, 80], "loop": 0}
        first.save(tmp_path / name, **more, **({"lossless": True} if name == "b.webp" else {}))
    ran = shell("enhance", enlarging, tmp_path, "-o", tmp_path / "out")
    assert ran.code == 0, ran.err
    for name in ("a.gif", "b.webp"):
        made = Image.open(io.BytesIO((tmp_path / "out" / name).read_bytes()))
        assert made.n_frames == 3 and made.size == (48, 32)
        times = []
        for number in range(3):
            made.seek(number)
            made.load()
            times.append(made.info["duration"])
            bright = np.asarray(made.convert("L"), float).reshape(32, 4, 12).mean((0, 2))
            assert bright.argmax() == number
        assert times == [50, 120, 80] and made.info["loop"] == 0


def test_films_keep_their_clock_and_what_stands_still(shell: Shell, enlarging: str, tmp_path: Path):
    pytest.importorskip("av")
    pixels = np.full((4, 8, 64, 3), 90, np.uint8)
    for number in range(4):
        pixels[number, :, 2 * number : 2 * number + 4] = (255, 200, 10)
    sound = Sound(torch.sin(torch.arange(24_000) / 20)[None], 48_000)
    write_clip(Frames(pixels, 8.0, sound), tmp_path / "a.mkv")
    ran = shell("enhance", enlarging, tmp_path / "a.mkv", "-o", tmp_path / "out")
    assert ran.code == 0, ran.err
    made = Clip(tmp_path / "out" / "a.mkv").open()
    assert made.size == (256, 32) and len(made) == 4 and made.rate == pytest.approx(8.0)
    assert made.sound is not None and made.sound.seconds == pytest.approx(0.5, abs=0.1)
    steps = np.abs(np.diff(made.rgb().astype(int), axis=0)).max((0, 1, 3))
    assert steps[:40].max() > 60 > 8 >= steps[192:].max()
    verdict = shell("verify", tmp_path / "out" / "a.mkv")
    assert verdict.code == 0, verdict.err
    (tmp_path / "cut.mp4").write_bytes(b"\0\0\0\x18ftypisom")
    one_error(
        shell("enhance", enlarging, tmp_path / "cut.mp4", "-o", tmp_path / "b.mp4"), "cut.mp4"
    )


def test_what_cannot_be_read_is_told_and_the_rest_is_made(
    shell: Shell, enlarging: str, tmp_path: Path
):
    source = tmp_path / "in"
    source.mkdir()
    frames()[0].save(source / "good.png")
    (source / "bad.png").write_bytes((source / "good.png").read_bytes()[:40])
    (source / "bad.gif").write_bytes(b"GIF89a nothing")
    ran = shell("enhance", enlarging, source, "-o", tmp_path / "out")
    assert ran.code != 0 and (tmp_path / "out" / "good.png").is_file()
    assert "bad.png" in ran.err and "bad.gif" in ran.err and "Traceback" not in ran.err
    assert not list((tmp_path / "out").glob("bad*"))
    alone = shell("enhance", enlarging, source / "bad.png", "-o", tmp_path / "x.png")
    one_error(alone, "bad.png")


def test_no_file_is_written_over_itself(shell: Shell, enlarging: str, tmp_path: Path):
    frames()[0].save(tmp_path / "a.png")
    before = (tmp_path / "a.png").read_bytes()
    one_error(shell("enhance", enlarging, tmp_path / "a.png", "-o", tmp_path), "itself")
    one_error(shell("enhance", enlarging, tmp_path / "none.png"), "does not exist")
    one_error(shell("enhance", enlarging), "nothing to enhance")
    assert (tmp_path / "a.png").read_bytes() == before


def test_a_model_that_makes_no_pictures_of_others_is_refused(
    shell: Shell, image_model: str, tmp_path: Path
):
    frames()[0].save(tmp_path / "a.png")
    ran = shell("enhance", image_model, tmp_path / "a.png", "-o", tmp_path / "b.png")
    one_error(ran, "upscale")
