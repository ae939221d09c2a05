"""Loops of motion out of one picture: no seam, the picture's own colours, feet that stand."""

from __future__ import annotations

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from genloom.codec.image.puppet import LEGS, MOTIONS, loop
from genloom.codec.video.collections import read_clips
from genloom.errors import DataError, RequestError
from genloom.trust import provenance


def figure(mode: str = "RGBA") -> Image.Image:
    back = (0, 0, 0, 0) if mode == "RGBA" else (20, 90, 40)
    image = Image.new(mode, (24, 32), back)
    pen = ImageDraw.Draw(image)
    pen.rectangle((8, 4, 15, 19), fill=(200, 60, 60))
    pen.rectangle((8, 20, 10, 29), fill=(40, 40, 160))
    pen.rectangle((13, 20, 15, 29), fill=(40, 160, 160))
    return image


@pytest.mark.parametrize("motion", list(MOTIONS))
@pytest.mark.parametrize("mode", ["RGBA", "RGB"])
def test_a_loop_has_no_seam_and_no_colour_of_its_own(motion, mode):
    frames = [np.asarray(one).astype(int) for one in loop(figure(mode), motion, 16)]
    steps = [np.abs(a - b).mean() for a, b in zip(frames, [*frames[1:], frames[0]], strict=True)]
    assert max(steps) > 0 and steps[-1] <= 2 * sorted(steps)[len(steps) // 2] + 1e-9
    known = {tuple(p) for p in np.asarray(figure(mode).convert("RGBA")).reshape(-1, 4)}
    assert {tuple(p) for one in frames for p in one.reshape(-1, 4)} <= known


def test_legs_lift_in_turns_and_one_always_stands():
    frames = [np.asarray(one) for one in loop(figure(), "walk", 16)]
    heights = []
    for one in frames:
        left = np.nonzero((one[..., :3] == (40, 40, 160)).all(2))[0].max()
        right = np.nonzero((one[..., :3] == (40, 160, 160)).all(2))[0].max()
        heights.append((left, right))
    ground = max(max(pair) for pair in heights)
    assert all(max(pair) >= ground - 1 for pair in heights)  # one foot bears
    lifted = [[ground - pair[side] >= 2 for pair in heights] for side in (0, 1)]
    assert any(lifted[0]) and any(lifted[1])
    assert not any(a and b for a, b in zip(*lifted, strict=True))
    assert LEGS < 0.5


def test_a_hop_leaves_the_ground_and_lands():
    feet = [np.nonzero(np.asarray(one)[..., 3])[0].max() for one in loop(figure(), "hop", 12)]
    assert max(feet) - min(feet) >= 2 and feet[0] == max(feet)


def test_what_is_no_figure_is_told():
    with pytest.raises(DataError, match="nothing but background"):
        loop(Image.new("RGB", (16, 16), "blue"), "idle")
    with pytest.raises(RequestError, match="use idle, walk, hop"):
        loop(figure(), "fly")
    with pytest.raises(RequestError, match="2 to 64"):
        loop(figure(), "idle", 1)


def test_the_command_writes_a_loop_a_sheet_and_a_set(tmp_path, monkeypatch, capsys):
    from genloom.cli import main

    monkeypatch.chdir(tmp_path)
    figure().save("a.png")
    for out in ("a.gif", "a.webp", "a.mp4"):
        with pytest.raises(SystemExit) as ended:
            main(["animate", "a.png", "--motion", "walk", "-o", out, "--sheet", "--json"])
        assert ended.value.code == 0
        told = json.loads(capsys.readouterr().out)
        assert told["files"][0] == out and provenance.verify(out).ok
        assert provenance.verify(told["files"][1]).ok
    frames = json.loads((tmp_path / "a-sheet.json").read_text("utf-8"))["frames"]
    assert len(frames) == 8
    (tmp_path / "set").mkdir()
    for n in range(3):
        figure().save(f"set/{n}.png")
    with pytest.raises(SystemExit) as ended:
        main(["animate", "set", "--motion", "hop", "-o", "loops"])
    assert ended.value.code == 0
    items = read_clips(tmp_path / "loops").items
    assert [one.caption for one in items] == ["a figure, hop"] * 3
    assert items[0].rate() == pytest.approx(10)
    with pytest.raises(SystemExit) as ended:
        main(["animate", "a.png", "-o", "a.txt"])
    assert ended.value.code == 2
