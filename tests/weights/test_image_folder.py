"""What a published pipeline's folder may hold: refused by name before anything of it is opened."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny_pipelines

from genloom.errors import ModelError
from genloom.weights import image_folder
from genloom.weights.image_folder import chosen, examine, is_pipeline

UNET = "diffusion_pytorch_model.safetensors"
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_pipelines.write("StableDiffusionPipeline", tmp_path_factory.mktemp("p") / "sd")


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(whole, tmp_path / "sd"))


def said(folder: Path, **changes: object) -> None:
    """Change what model_index.json says."""
    path = folder / "model_index.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def config(folder: Path, part: str, **changes: object) -> None:
    path = next((folder / part).glob("*config.json"))
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def pickled(folder: Path) -> None:
    (folder / "unet" / UNET).rename(folder / "unet" / "diffusion_pytorch_model.bin")


def cut(folder: Path) -> None:
    path = folder / "unet" / UNET
    path.write_bytes(path.read_bytes()[:-100])


FAULTS: list[tuple[str, Callable[[Path], object], str]] = [
    ("pickle", pickled, r"weights of the unet only as diffusion_pytorch_model.bin, a format that"),
    ("none", lambda f: (f / "vae" / UNET).unlink(), "weights of the vae nowhere: safetensors"),
    ("code", lambda f: (f / "pipeline.py").write_text(""), r"code of its own, pipeline.py: it is"),
    ("inner", lambda f: (f / "unet" / "modeling_x.py").touch(), "code of its own, unet/modeling_x"),
    ("class", lambda f: said(f, _class_name="OtherPipeline"), "is a OtherPipeline, which is not "),
    ("list", lambda f: said(f, _class_name=["pipeline", "Mine"]), "which is code of its own"),
    ("missing", lambda f: shutil.rmtree(f / "unet"), r"lacks the part unet \(UNet2DConditionModel"),
    ("auto_map", lambda f: config(f, "unet", auto_map={"AutoModel": "x.y"}), r"own \(auto_map\)"),
    ("reader", lambda f: config(f, "tokenizer", auto_map={"A": "x"}), r"own \(auto_map\)"),
    ("custom", lambda f: said(f, custom_pipeline="me/mine"), r"code of its own \(custom_pipeline"),
    ("library", lambda f: said(f, unet=["mine", "UNet"]), "asks for mine.UNet as its unet, which"),
    ("part", lambda f: said(f, unet=["diffusers", "AutoModel"]), "asks for diffusers.AutoModel"),
    (
        "mixed",
        lambda f: said(f, unet=["transformers", "UNet2DConditionModel"]),
        "transformers.UNet",
    ),
    ("path", lambda f: said(f, **{"../x": ["diffusers", "DDIMScheduler"]}), "no folder's name"),
    ("packed", lambda f: config(f, "unet", quantization_config={"a": 1}), "weights are packed"),
    ("truncated", cut, "is damaged: .* the file is cut off"),
    ("no JSON", lambda f: (f / "model_index.json").write_text("{"), "does not parse"),
]


@pytest.mark.parametrize(("fault", "told"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
def test_what_is_unsafe_missing_or_damaged_is_refused_by_name(folder, fault, told):
    fault(folder)
    with pytest.raises(ModelError, match=told) as error:
        examine(folder)
    assert "\n" not in str(error.value)


def test_a_class_that_is_not_known_is_refused_with_those_that_are(folder):
    said(folder, _class_name="OtherPipeline")
    with pytest.raises(ModelError, match=r"known are StableDiffusionPipeline, .*QwenImagePipeline"):
        examine(folder)


def test_a_sound_folder_names_its_files(folder):
    (folder / "unet" / "diffusion_pytorch_model.bin").write_bytes(b"\x80\x04N.")  # beside: not read
    found = examine(folder)
    assert is_pipeline(folder) and not is_pipeline(folder / "unet")
    names = set(found.hashes())
    assert {"model_index.json", f"unet/{UNET}", "README.md", "tokenizer/tokenizer.json"} <= names
    assert not any(name.endswith(".bin") for name in names)
    assert set(found.parts) == {"scheduler", "text_encoder", "tokenizer", "unet", "vae"}
    assert "safety_checker" in found.absent


def test_one_variant_of_the_weights_is_read(folder):
    plain = folder / "unet" / UNET
    half = plain.with_name("diffusion_pytorch_model.fp16.safetensors")
    shutil.copy(plain, half)
    assert examine(folder).parts["unet"].weights == [plain]
    plain.unlink()
    found = examine(folder)
    assert found.parts["unet"].weights == [half] and found.parts["unet"].variant == "fp16"
    assert f"unet/{half.name}" in found.hashes()


def test_shards_are_read_together():
    names = [f"model-0000{n}-of-00002.safetensors" for n in (1, 2)]
    index = "model.safetensors.index.json"
    other = ["model.fp16-00001-of-00001.safetensors", "model.safetensors.index.fp16.json"]
    kept, variant = image_folder.chosen_weights([*other, *names, index, "config.json"])
    assert sorted(kept) == sorted([*names, index]) and variant == ""


def test_of_a_hub_only_what_is_read_is_fetched(folder):
    (folder / "whole.safetensors").touch()
    (folder / "unet" / "diffusion_pytorch_model.bin").touch()
    (folder / "unet" / "diffusion_pytorch_model.fp16.safetensors").touch()
    (folder / "evil.py").touch()
    listed = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    kept = set(chosen(listed, "org/tiny"))
    assert {"model_index.json", "README.md", f"unet/{UNET}", "unet/config.json"} <= kept
    assert not any(n.endswith((".bin", ".py", ".fp16.safetensors")) for n in kept)
    assert "whole.safetensors" not in kept


def test_of_a_hub_pickles_alone_are_refused_before_anything_is_fetched(folder):
    pickled(folder)
    listed = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    with pytest.raises(
        ModelError, match=r"weights of its unet only as diffusion_pytorch_model\.bin"
    ):
        chosen(listed, "org/tiny")
