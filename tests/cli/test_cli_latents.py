"""`genloom project` and `genloom directions`: a latent for a picture, sheets to look at."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import Shell, one_error
from PIL import Image

from genloom.cli import main

GAN = {
    "train.steps": 20,
    "train.judge": 0,
    "train.preview": 0,
    "net.generator.width": 32,
    "net.generator.latent": 8,
    "net.critic.width": 32,
    "data.batch": 8,
}


@pytest.fixture(scope="module")
def gan(home: Path, pictures: Path) -> str:
    sets = [word for key, value in GAN.items() for word in ("--set", f"{key}={value}")]
    with pytest.raises(SystemExit) as left:
        main(["train", "image-gan", str(pictures), "--out", "faces", "--size", "tiny", "-q", *sets])
    assert not left.value.code
    return "faces"


def test_a_picture_is_looked_for(shell: Shell, gan: str, pictures: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.png"
    picture = sorted((pictures / "top").iterdir())[0]
    ran = shell("project", gan, picture, "-o", sheet, "--steps", "30", "--json")
    found = json.loads(ran.out)
    assert found["error"] <= found["nearest_random_error"] <= found["random_error"]
    assert len(found["latent"]) == 8 and found["prompt"] in ("top", "bottom")
    with Image.open(sheet) as drawn:
        assert drawn.width > 3 * 90 and drawn.height > 90
    plain = shell("project", gan, picture, "top", "--steps", "3", "-o", sheet)
    assert "random_error" in plain.out and "prompt" in plain.out


def test_directions_are_drawn_and_can_be_walked(shell: Shell, gan: str, tmp_path: Path) -> None:
    sheet = tmp_path / "walk.png"
    ran = shell("directions", gan, "top", "-n", "3", "-o", sheet, "--json")
    found = json.loads(ran.out)
    assert len(found["directions"]) == 3 and len(found["directions"][0]) == 8
    assert found["shares"] == sorted(found["shares"], reverse=True)
    with Image.open(sheet) as drawn:
        assert drawn.width > 7 * 90 and drawn.height > 3 * 90
    steps = [
        shell("generate", gan, "top", "-o", tmp_path / f"{a}.png", "--direction", f"1={a}")
        for a in (-6, 6)
    ]
    assert all(not ran.code for ran in steps)
    ends = [(tmp_path / f"{a}.png").read_bytes() for a in (-6, 6)]
    assert ends[0] != ends[1]
    for flags in (["--by", "items"], ["--towards", "bottom"]):
        ran = shell("directions", gan, *flags, "-n", "2", "-o", sheet)
        assert "explained" in ran.out and not ran.code


def test_what_cannot_be_is_one_line(
    shell: Shell, gan: str, image_model: str, table_model: str, tmp_path: Path
) -> None:
    one_error(shell("project", gan, tmp_path / "none.png"), "no such file")
    one_error(shell("directions", gan, "-n", "99"), "99 directions", "1 to 8")
    one_error(shell("directions", gan, "--reach", "nan"), "--reach")
    one_error(shell("directions", image_model), "no latents to look into")
    one_error(shell("directions", table_model), "no latents to look into")
    one_error(shell("generate", gan, "top", "--direction", "one"), "--direction one")
    one_error(shell("generate", gan, "top", "--direction", "99=1"), "number 99", "1 to 8")
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"no picture")
    one_error(shell("project", gan, broken), "not a picture")
    one_error(shell("project", gan, broken, "--steps", "0"), "--steps is 0")
