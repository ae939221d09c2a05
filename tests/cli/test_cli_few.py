"""Few steps, few pictures and other averages from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from commands import Shell, one_error
from PIL import Image

SHORT = [
    *("--size", "tiny", "--set", "train.steps=8", "--set", "train.preview=0"),
    *("--set", "train.judge=0", "--set", "data.batch=8", "--json", "--quiet"),
]


@pytest.fixture(scope="session")
def few(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four pictures without captions."""
    folder = tmp_path_factory.mktemp("few")
    for n in range(4):
        pixels = np.full((8, 8, 3), (200, 10 * n, 0), np.uint8)
        Image.fromarray(pixels).save(folder / f"{n}.png")
    return folder


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_style_with_a_new_word_and_its_averages(
    shell: Shell, image_model: str, few: Path, home: Path, tmp_path: Path
) -> None:
    beside = ["train", "image", few, "--from", image_model, "--adapter", "lora", *SHORT]
    refused = shell(*beside, "--out", "zorky")
    one_error(refused, "--caption")
    made = shell(*beside, "--out", "zorky", "--caption", "zork", "--set", "train.keep=true")
    assert made.code == 0, made.err
    for name in (["zorky"], [image_model, "--adapter", "zorky"]):
        out = tmp_path / f"{len(name)}.png"
        ran = shell("generate", name[0], "zork", *name[1:], "-o", out, "--steps", "2", "-q")
        assert ran.code == 0 and pixels(out).shape == (8, 8), ran.err
    assert np.array_equal(*(pixels(tmp_path / f"{n}.png") for n in (1, 3)))
    listed = json.loads(shell("average", "zorky", "--json").out)
    assert listed["steps"] == [4, 8] and listed["bytes"] > 0
    told = json.loads(shell("average", "zorky", "--width", "0.2", "--at", "0.5", "--json").out)
    assert (told["model"], told["step"]) == ("zorky-ema-0.2-at-4", 4)
    assert Path(told["path"]) == home / "models" / "zorky-ema-0.2-at-4"
    assert shell("show", "zorky-ema-0.2-at-4").code == 0
    one_error(shell("average", image_model, "--width", "0.1"), "train.keep=true")


def test_few_steps_and_the_curve(
    shell: Shell, image_model: str, pictures: Path, home: Path, tmp_path: Path
) -> None:
    fast = shell("train", "image-fast", pictures, "--from", image_model, "--out", "quick", *SHORT)
    assert fast.code == 0, fast.err
    out = tmp_path / "one.png"
    assert shell("generate", "quick", "top", "--steps", "1", "-o", out, "-q").code == 0
    ran = shell("eval", "quick", pictures, "--curve", "--plot", tmp_path / "c.svg", "--json", "-q")
    told = json.loads(ran.out)
    assert [p["steps"] for p in told["points"]] == [1, 2, 4, 8, 16, 32, 50]
    assert "frechet_distance" in told["real"]
    assert (tmp_path / "c.svg").read_text().startswith("<svg")
    shown = shell("eval", "quick", pictures, "--curve", "-q", "-n", "8")
    assert shown.out.splitlines()[0].split()[0] == "steps" and "real" in shown.out
    one_error(shell("eval", "quick", "--curve", "--plot", "c.png"), ".svg")
    one_error(shell("eval", "quick", "--plot", "c.svg"), "--curve")


def test_few_steps_need_a_model_to_start_from(shell: Shell, pictures: Path, home: Path) -> None:
    ran = shell("train", "image-fast", pictures, "--out", "alone", *SHORT)
    one_error(ran, "--from MODEL")
