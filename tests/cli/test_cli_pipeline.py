"""A published pipeline from the command line: taken in, shown, at work, refused in one line."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
from commands import Shell, one_error
from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "weights"))
import tiny_pipelines

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("published") / "tiny-sd"
    return tiny_pipelines.write("StableDiffusionPipeline", place)


def test_it_is_imported_shown_and_makes_pictures(shell: Shell, published: Path, tmp_path: Path):
    ran = shell("import", published, "--quiet")
    assert ran.code == 0 and "StableDiffusionPipeline" in ran.out and "openrail" in ran.out
    told = shell("show", "tiny-sd").out
    for words in ("UNet2DConditionModel, 66,844 weights in float32", "KiB in 32 bits", "openrail"):
        assert words in " ".join(told.split())
    assert json.loads(shell("show", "tiny-sd", "--json").out)["parameters"] == 110_227
    asked = ("generate", "tiny-sd", "a cat", "--steps", "2", "-o")
    assert shell(*asked, tmp_path / "one.png", "--size", "96x64").code == 0
    with Image.open(tmp_path / "one.png") as made:
        assert made.size == (96, 64)
    changed = ("--image", tmp_path / "one.png", "--strength", "0.6", "--negative", "a dog")
    assert shell(*asked, tmp_path / "two.png", *changed, "--bits", "16").code == 0
    assert shell("verify", tmp_path / "two.png").code == 0
    assert shell("replay", tmp_path / "two.png").code == 0
    one_error(shell(*asked, tmp_path / "no.png", "--size", "60x64"), "no multiple of 8")
    one_error(shell(*asked, tmp_path / "no.png", "--guidance", "nan"), "guidance is nan")
    one_error(shell(*asked, tmp_path / "no.png", "--adapter", published), "is to have one")
    assert not (tmp_path / "no.png").exists()


def test_a_folder_with_code_or_pickles_leaves_nothing(
    shell: Shell, published: Path, tmp_path: Path
):
    folder = Path(shutil.copytree(published, tmp_path / "bad"))
    (folder / "unet" / "diffusion_pytorch_model.safetensors").rename(folder / "unet" / "x.bin")
    one_error(shell("import", folder, "--quiet"), "unet only as x.bin", "can run code")
    (folder / "pipeline.py").write_text("raise SystemExit")
    one_error(shell("import", folder, "--quiet"), "pipeline.py", "it is not run")
    assert "bad" not in shell("models").out
