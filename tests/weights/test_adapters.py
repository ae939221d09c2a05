"""Adapters in the PEFT layout: theirs give the logits of W + BA taken by hand in the reference
library, ours come back as they went, and what does not fit is refused by name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from test_decoders import CASES, IDS, reference
from tiny_models import publish
from torch import Tensor

from genloom.api import Model
from genloom.errors import ModelError
from genloom.net.attention import CausalAttention
from genloom.net.lora import Adapter, attach, detach
from genloom.weights import adapters
from genloom.weights.importing import bring
from genloom.weights.published import from_folder

NAMES = {
    "llama2": ("self_attn.q_proj", "self_attn.v_proj", "mlp.up_proj", "mlp.down_proj"),
    "qwen2": ("self_attn.k_proj", "self_attn.o_proj", "mlp.gate_proj"),
    "phi3": ("self_attn.qkv_proj", "mlp.gate_up_proj"),
    "gpt2": ("attn.c_attn", "mlp.c_fc"),
}


def peft_folder(reference: Any, kind: str, folder: Path, **more: Any) -> dict[str, Tensor]:
    """An adapter as PEFT writes it, of random numbers; returns its tensors."""
    rng = torch.Generator().manual_seed(3)
    tensors, dora = {}, bool(more.get("use_dora"))
    turned = kind == "gpt2"
    for name, weight in reference.named_parameters():
        module = name.removesuffix(".weight")
        if not name.endswith(".weight") or not module.endswith(NAMES[kind]):
            continue
        outputs, inputs = weight.T.shape if turned else weight.shape
        rank = 2 if module.endswith(tuple(more.get("rank_pattern", ()))) else 3
        to = f"base_model.model.{module}."
        tensors[f"{to}lora_A.weight"] = torch.randn(rank, inputs, generator=rng) * 0.3
        tensors[f"{to}lora_B.weight"] = torch.randn(outputs, rank, generator=rng) * 0.3
        if dora:
            length = torch.rand(outputs, generator=rng) + 0.5
            tensors[f"{to}lora_magnitude_vector"] = length
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors", {"format": "pt"})
    told = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": "org/base",
        "r": 3,
        "lora_alpha": 6,
        "lora_dropout": 0.05,
        "target_modules": [n.rpartition(".")[2] for n in NAMES[kind]],
        "bias": "none",
        "fan_in_fan_out": turned,
        "use_rslora": False,
        "use_dora": False,
        "modules_to_save": None,
        **more,
    }
    (folder / "adapter_config.json").write_text(json.dumps(told))
    return tensors


@torch.no_grad()
def work_in(reference: Any, tensors: dict[str, Tensor], told: dict[str, Any], turned: bool) -> None:
    """W + BA times its scale, by hand."""
    weights = dict(reference.named_parameters())
    for name, down in tensors.items():
        if not name.endswith("lora_A.weight"):
            continue
        module = name.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
        weight = weights[f"{module}.weight"]
        weight = weight.T if turned else weight
        alpha = next((a for n, a in told["alpha_pattern"].items() if module.endswith(n)), 6)
        scale = alpha / (len(down) ** 0.5 if told["use_rslora"] else len(down))
        weight += scale * tensors[name.replace("lora_A", "lora_B")] @ down
        length = tensors.get(name.replace("lora_A.weight", "lora_magnitude_vector"))
        if length is not None:
            weight *= (length / weight.norm(dim=1))[:, None]


def ours(model: Model) -> Tensor:
    net = model.nets["net"]
    at = torch.arange(IDS.shape[1])[None, :, None]
    out: Tensor = net.logits(net(IDS, at, CausalAttention()))
    return out.detach()


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("llama2", {}),
        ("llama2", {"use_dora": True}),
        ("qwen2", {"use_rslora": True}),
        ("llama2", {"rank_pattern": {"q_proj": 2}, "alpha_pattern": {"mlp.up_proj": 9}}),
        ("phi3", {"use_dora": True}),
        ("gpt2", {}),
    ],
)
def test_theirs_give_the_logits_of_the_reference(
    kind: str, more: dict[str, Any], tmp_path: Path
) -> None:
    theirs = reference(kind).float()
    model = bring(from_folder(publish(theirs, tmp_path / "base"), "tiny"), Model)
    model.nets.float()
    plain = ours(model)
    tensors = peft_folder(theirs, kind, tmp_path / "adapter", **more)
    adapters.load_into(model, tmp_path / "adapter")
    told = {"use_rslora": False, "alpha_pattern": {}, **more}
    work_in(theirs, tensors, told, kind == "gpt2")
    with torch.no_grad():
        wanted = theirs(IDS).logits
    assert (ours(model) - plain).abs().max() > 0.01
    torch.testing.assert_close(ours(model), wanted, rtol=1e-3, atol=2e-4)
    # and as it came, it goes
    (tmp_path / "went").mkdir()
    adapters.save(tmp_path / "went", model, "org/base", told["use_rslora"])
    went = load_file(tmp_path / "went" / "adapter_model.safetensors")
    assert went.keys() == tensors.keys()
    assert all(torch.equal(went[n], tensors[n]) for n in tensors)
    detach(model.nets["net"])
    adapters.load_into(model, tmp_path / "went")
    torch.testing.assert_close(ours(model), wanted, rtol=1e-3, atol=2e-4)


@pytest.mark.parametrize("kind", [n for n in CASES if n != "mixtral" and "moe" not in n])
@pytest.mark.parametrize("how", ["lora", "dora"])
def test_ours_go_out_for_every_architecture_and_come_back(
    kind: str, how: str, tmp_path: Path
) -> None:
    model = bring(from_folder(publish(reference(kind), tmp_path / "base"), "tiny"), Model)
    model.nets.float()
    net: Any = model.nets["net"]
    attach(net, Adapter(kind=how, rank=2))
    with torch.no_grad():
        for p in net.parameters():
            if p.requires_grad:
                p.add_(torch.randn(p.shape, generator=torch.Generator().manual_seed(1)) * 0.05)
    wanted = ours(model)
    (tmp_path / "went").mkdir()
    adapters.save(tmp_path / "went", model)
    detach(net)
    adapters.load_into(model, tmp_path / "went")
    torch.testing.assert_close(ours(model), wanted, rtol=1e-3, atol=1e-4)
    told = json.loads((tmp_path / "went" / "adapter_config.json").read_text())
    assert len(told["target_modules"]) < 9  # by their endings


# --- what is refused ------------------------------------------------------------------------------


@pytest.fixture
def base(tmp_path: Path) -> tuple[Model, Path]:
    theirs = reference("llama2")
    model = bring(from_folder(publish(theirs, tmp_path / "base"), "tiny"), Model)
    peft_folder(theirs, "llama2", tmp_path / "adapter")
    return model, tmp_path / "adapter"


def change(folder: Path, **more: Any) -> None:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | more))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"peft_type": "IA3"}, "peft_type 'IA3'"),
        ({"bias": "all"}, "bias: 'all'"),
        ({"modules_to_save": ["lm_head"]}, "modules_to_save"),
        ({"fan_in_fan_out": True}, "fan_in_fan_out"),
        ({"layer_replication": [[0, 1]]}, "layer_replication"),
        ({"target_parameters": ["x"]}, "target_parameters"),
        ({"something_new": {"a": 1}}, "something_new"),
        ({"r": 0}, "says r: 0"),
        ({"r": 4}, r"shape \[3, \d+\], but \[4, \d+\].*'org/base'"),
        ({"lora_alpha": "six"}, "lora_alpha: 'six'"),
        ({"use_dora": True}, "lacks the lora_magnitude_vector"),
        ({"rank_pattern": {"(a+)+$": 2}}, "only plain names"),
    ],
)
def test_what_the_config_asks_for(
    base: tuple[Model, Path], more: dict[str, Any], said: str
) -> None:
    change(base[1], **more)
    with pytest.raises(ModelError, match=said):
        adapters.load_into(*base)


def test_an_adapter_for_another_model(base: tuple[Model, Path]) -> None:
    model, folder = base
    path = folder / "adapter_model.safetensors"
    good = load_file(path)
    other = {n.replace("layers.0", "layers.7"): t for n, t in good.items()}
    save_file(other, path)
    with pytest.raises(ModelError, match=r"for another model.*layers\.7.*'org/base'"):
        adapters.load_into(model, folder)
    first = next(n for n in good if n.endswith("lora_B.weight"))
    save_file({**good, first: torch.zeros(5, 3)}, path)
    with pytest.raises(ModelError, match=r"lora_B\.weight has shape \[5, 3\]"):
        adapters.load_into(model, folder)
    save_file({n: t for n, t in good.items() if n != first}, path)
    with pytest.raises(ModelError, match="lacks the lora_B"):
        adapters.load_into(model, folder)
    save_file({**good, "base_model.model.lm_head.weight": torch.zeros(2, 2)}, path)
    with pytest.raises(ModelError, match=r"lm_head\.weight: only pairs"):
        adapters.load_into(model, folder)
    save_file({**good, first: torch.zeros(good[first].shape, dtype=torch.int32)}, path)
    with pytest.raises(ModelError, match="floats are expected"):
        adapters.load_into(model, folder)


def test_damaged_and_unsafe_files(base: tuple[Model, Path]) -> None:
    model, folder = base
    path = folder / "adapter_model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelError, match="cut off"):
        adapters.load_into(model, folder)
    path.unlink()
    (folder / "adapter_model.bin").write_bytes(b"\x80\x02")
    with pytest.raises(ModelError, match="can run code"):
        adapters.load_into(model, folder)
    (folder / "adapter_config.json").write_text("{")
    with pytest.raises(ModelError, match="does not parse"):
        adapters.load_into(model, folder)
    with pytest.raises(ModelError, match="no adapter in the PEFT layout"):
        adapters.load_into(model, folder.parent)
