"""LoRA beside a published pipeline: W + s B A in whatever names, and nothing for another model.

The numbers were held to the library's own with PEFT for six kinds once (largest difference of a
pixel 4e-6); that library is not among those of the tests.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import tiny_pipelines
import torch
from safetensors.torch import save_file

from genloom import api
from genloom.errors import ModelError
from genloom.spec import Request

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
BLOCK = "down_blocks.1.attentions.0.transformer_blocks.0.attn1"


@pytest.fixture(scope="module")
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("lora")
    source = tiny_pipelines.write("StableDiffusionPipeline", place / "sd")
    api.import_weights(source, name=place / "ours")
    return place / "ours"


def pair(outputs: int, inputs: int, rank: int = 2) -> tuple[torch.Tensor, torch.Tensor]:
    rng = torch.Generator().manual_seed(outputs + rank)
    down, up = (torch.randn(*shape, generator=rng) for shape in ((rank, inputs), (outputs, rank)))
    return down, up


def written(folder: Path, tensors: dict[str, torch.Tensor], **head: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    told = {"lora_adapter_metadata": json.dumps(head)} if head else None
    save_file(tensors, folder / "pytorch_lora_weights.safetensors", metadata=told)
    return folder


DOWN, UP = pair(16, 16)
NAMES = {
    "peft": (f"unet.{BLOCK}.to_q.lora_A.weight", f"unet.{BLOCK}.to_q.lora_B.weight"),
    "library": (f"unet.{BLOCK}.to_q.lora.down.weight", f"unet.{BLOCK}.to_q.lora.up.weight"),
    "processors": (
        f"unet.{BLOCK}.processor.to_q_lora.down.weight",
        f"unet.{BLOCK}.processor.to_q_lora.up.weight",
    ),
    "kohya": (
        f"lora_unet_{BLOCK.replace('.', '_')}_to_q.lora_down.weight",
        f"lora_unet_{BLOCK.replace('.', '_')}_to_q.lora_up.weight",
    ),
}


def weight(model: Any, part: str, module: str) -> torch.Tensor:
    return model.nets["net"].nets[part].get_submodule(module).weight


@pytest.mark.parametrize("way", sorted(NAMES))
def test_the_product_is_added_under_every_way_to_name_it(ours, tmp_path, way):
    folder = written(tmp_path, dict(zip(NAMES[way], (DOWN, UP), strict=True)))
    plain, adapted = api.load(ours, "cpu"), api.load(ours, "cpu", adapter=folder)
    before, after = (weight(m, "unet", f"{BLOCK}.to_q") for m in (plain, adapted))
    assert torch.allclose(after, before + UP @ DOWN, atol=1e-5)
    other = (weight(m, "unet", f"{BLOCK}.to_k") for m in (plain, adapted))
    assert torch.equal(*other)


def test_the_scale_is_what_the_file_says(ours, tmp_path):
    down, up = NAMES["kohya"]
    alpha = torch.tensor(6.0)
    tensors = {down: DOWN, up: UP, down.replace("lora_down.weight", "alpha"): alpha}
    first = written(tmp_path / "kohya", tensors)
    tensors = dict(zip(NAMES["peft"], (DOWN, UP), strict=True))
    second = written(tmp_path / "peft", tensors, **{"unet.r": 2, "unet.lora_alpha": 6})
    plain = weight(api.load(ours, "cpu"), "unet", f"{BLOCK}.to_q")
    for folder in (first, second):
        after = weight(api.load(ours, "cpu", adapter=folder), "unet", f"{BLOCK}.to_q")
        assert torch.allclose(after, plain + 3 * (UP @ DOWN), atol=1e-4)


def test_encoders_and_convolutions_are_adapted_too(ours, tmp_path):
    down, up = pair(32, 32)
    inner = "encoder.layers.0.self_attn.q_proj"
    wide, thin = torch.randn(2, 8, 3, 3), torch.randn(8, 2, 1, 1)
    conv = "down_blocks.0.resnets.0.conv2"
    folder = written(
        tmp_path,
        {
            f"text_encoder.text_model.{inner}.lora_A.weight": down,
            f"text_encoder.text_model.{inner}.lora_B.weight": up,
            f"unet.{conv}.lora_A.weight": wide,
            f"unet.{conv}.lora_B.weight": thin,
        },
    )
    plain, adapted = api.load(ours, "cpu"), api.load(ours, "cpu", adapter=folder)
    before, after = (weight(m, "text_encoder", inner) for m in (plain, adapted))
    assert torch.allclose(after, before + up @ down, atol=1e-5)
    before, after = (weight(m, "unet", conv) for m in (plain, adapted))
    x = torch.randn(1, 8, 5, 5)
    added = torch.conv2d(torch.conv2d(x, wide, padding=1), thin)
    wanted = torch.conv2d(x, before, padding=1) + added
    assert torch.allclose(torch.conv2d(x, after, padding=1), wanted, atol=1e-3)


def test_pictures_and_their_records_know_of_it(ours, tmp_path):
    folder = written(tmp_path / "style", dict(zip(NAMES["peft"], (DOWN, UP), strict=True)))
    plain, adapted = api.load(ours, "cpu"), api.load(ours, "cpu", adapter=folder)
    request = Request(prompt="a cat", seed=1)
    one, other = (m.generate("a cat", seed=1, steps=2)[0] for m in (plain, adapted))
    assert one.tobytes() != other.tobytes()
    record = api.record(adapted, request)
    assert record["adapter"].endswith("style") and record["weights"] != plain.card["weights"]
    assert record["weights"] == api.fingerprint(ours, folder)


def refused() -> list[tuple[str, dict[str, torch.Tensor], str]]:
    down, up = NAMES["peft"]
    wide = pair(24, 24)
    odd = {f"unet.{BLOCK}.to_z.lora_A.weight": DOWN, f"unet.{BLOCK}.to_z.lora_B.weight": UP}
    other = {n.replace("unet.", "transformer."): t for n, t in {down: DOWN, up: UP}.items()}
    return [
        ("shape", {down: wide[0], up: wide[1]}, r"is for another model: its .* matrix of \[24, 24"),
        ("module", odd, "is for another model: it has unet.*to_z, which this pipeline"),
        ("net", other, r"is for another model: it has transformer\..*, which this pipeline \("),
        ("half", {down: DOWN}, "half a pair for unet"),
        ("dora", {down: DOWN, up: UP, "unet.x.dora_scale": UP + 1}, "DoRA beside a published"),
        ("names", {"some.weight": UP}, "has some.weight: only pairs|no LoRA of this pipeline's"),
    ]


@pytest.mark.parametrize(
    ("tensors", "told"), [r[1:] for r in refused()], ids=[r[0] for r in refused()]
)
def test_what_is_for_another_model_is_refused_by_name(ours, tmp_path, tensors, told):
    with pytest.raises(ModelError, match=told) as error:
        api.load(ours, "cpu", adapter=written(tmp_path, tensors))
    assert "\n" not in str(error.value)


def test_pickles_cut_files_and_empty_folders_are_refused(ours, tmp_path):
    with pytest.raises(ModelError, match="is to have one safetensors file, but has none"):
        api.load(ours, "cpu", adapter=tmp_path)
    (tmp_path / "pytorch_lora_weights.bin").write_bytes(b"\x80\x04N.")
    with pytest.raises(ModelError, match=r"only pytorch_lora_weights\.bin, a format that can run"):
        api.load(ours, "cpu", adapter=tmp_path)
    whole = written(tmp_path / "cut", dict(zip(NAMES["peft"], (DOWN, UP), strict=True)))
    file = whole / "pytorch_lora_weights.safetensors"
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(ModelError, match="is damaged"):
        api.load(ours, "cpu", adapter=whole)
    with pytest.raises(ModelError, match="is no folder"):
        api.load(ours, "cpu", adapter=tmp_path / "nowhere")
