"""LoRA for a published pipeline: little matrices of a file worked into its nets.

The diffusers library turns the names that others gave them into its own; the product is added here,
W + s B A (Hu et al. 2021, section 4.1), so that a picture costs no more than without. Every name
and shape is checked first. Knows names of tensors; no folder of ours.
Shape legend: K inputs, O outputs, r rank.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from genloom.errors import ModelError
from genloom.tensor_files import TensorFiles
from genloom.weights.image_folder import PICKLES

WORD = "lora_adapter_metadata"  # under which the library keeps ranks and scales in the file's head
_NAME = re.compile(
    r"(?P<net>unet|transformer|text_encoder(?:_2|_3)?)\.(?P<module>.+?)"
    r"(?:\.lora_(?P<letter>[AB])(?:\.\w+)?|[._]lora(?:_linear_layer)?\.(?P<word>down|up))\.weight"
)


@dataclass(frozen=True)
class Pair:
    """down [r, K, ...], up [O, r, ...] and what their product is scaled by."""

    down: Tensor
    up: Tensor
    scale: float

    def product(self) -> Tensor:
        """[O, K, ...], as the weight that it is added to lies."""
        flat = self.up.flatten(1).float() @ self.down.flatten(1).float()
        return self.scale * flat.reshape(len(self.up), *self.down.shape[1:])


def file_of(folder: Path) -> Path:
    """The one safetensors file of an adapter. ModelError where there is none."""
    if folder.is_file():
        if folder.suffix != ".safetensors":
            raise ModelError(f"{folder} is no safetensors file: it is not read")
        return folder
    if not folder.is_dir():
        raise ModelError(f"{folder} is no folder: an adapter is a folder with a safetensors file")
    found = sorted(folder.glob("*.safetensors"))
    if len(found) == 1:
        return found[0]
    unsafe = sorted(p.name for p in folder.iterdir() if p.suffix in PICKLES)
    if not found and unsafe:
        raise ModelError(
            f"{folder} has only {unsafe[0]}, a format that can run code: it is not read; save it "
            "as safetensors"
        )
    told = ", ".join(p.name for p in found) or "none"
    raise ModelError(f"{folder} is to have one safetensors file, but has {told}: name the file")


def pairs_of(file: Path, pipeline: Any, nets: Mapping[str, Any]) -> dict[tuple[str, str], Pair]:
    """(net, module) -> what is added there. ModelError names the first thing that does not fit."""
    files = TensorFiles.open(file)
    given = {name: files.read(name) for name in files.names}
    if odd := next((name for name in given if "dora" in name or "magnitude" in name), None):
        raise ModelError(f"{file} has {odd}: DoRA beside a published pipeline is not read")
    try:
        state, alphas = _translated(given, pipeline, nets)
    except Exception as error:  # the library's translation raises anything
        line = (str(error).splitlines() or [""])[0][:200]
        raise ModelError(
            f"{file} is no LoRA of this pipeline's kind ({type(error).__name__}: {line})"
        ) from error
    return _paired(file, state, alphas, nets)


def _translated(
    given: dict[str, Tensor], pipeline: Any, nets: Mapping[str, Any]
) -> tuple[Mapping[str, Tensor], Mapping[str, Any]]:
    """By the library's own names, and the alphas that stood beside them."""
    if not hasattr(pipeline, "lora_state_dict"):
        return given, {}
    told = {"unet_config": nets["unet"].config} if "unet" in nets else {}
    made = pipeline.lora_state_dict(dict(given), **told)
    state, alphas = made if isinstance(made, tuple) else (made, None)
    return state, dict(_alphas(alphas or {}))


def _alphas(told: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """ "net.module" -> alpha. The library names them by modules, or by one tensor of their pair."""
    for name, alpha in told.items():
        plain = name.removesuffix(".alpha")
        match = _NAME.fullmatch(plain) or _NAME.fullmatch(f"{plain}.lora_A.weight")
        if match is not None:
            yield f"{match['net']}.{match['module'].replace('.processor.', '.')}", alpha


def _paired(
    file: Path, state: Mapping[str, Tensor], alphas: Mapping[str, Any], nets: Mapping[str, Any]
) -> dict[tuple[str, str], Pair]:
    ends: dict[tuple[str, str], dict[str, Tensor]] = {}
    places: dict[tuple[str, str], str] = {}
    for name, tensor in state.items():
        match = _NAME.fullmatch(name)
        if match is None:
            raise ModelError(f"{file} has {name}: only pairs of lora_A and lora_B are read")
        module = match["module"].replace(".processor.", ".")
        place = match["net"], _module(file, match["net"], module, nets)
        end = {"A": "down", "B": "up"}.get(match["letter"], match["word"])
        ends.setdefault(place, {})[end] = tensor
        places[place] = module
    head = _head(file)
    return {
        place: _pair(file, place, found, _scale(head, alphas, place[0], places[place]), nets)
        for place, found in ends.items()
    }


def _module(file: Path, net: str, module: str, nets: Mapping[str, Any]) -> str:
    """The module's name in the net as it is here. Encoders lost a level, outputs gained one."""
    owner: Any = dict(nets.items()).get(net)
    names = (module, f"{module}.0", module.removeprefix("text_model."), f"text_model.{module}")
    for name in names if owner is not None else ():
        try:
            if getattr(owner.get_submodule(name), "weight", None) is not None:
                return name
        except AttributeError:
            continue
    known = ", ".join(nets)
    raise ModelError(
        f"{file} is for another model: it has {net}.{module}, which this pipeline ({known}) has not"
    )


def _pair(
    file: Path,
    place: tuple[str, str],
    found: Mapping[str, Tensor],
    scale: Callable[[int], float],
    nets: Mapping[str, Any],
) -> Pair:
    name = ".".join(place)
    if found.keys() != {"down", "up"}:
        raise ModelError(f"{file} has half a pair for {name}: save it again")
    down, up = found["down"], found["up"]
    weight = nets[place[0]].get_submodule(place[1]).weight
    wanted = (len(up), *down.shape[1:])
    if up.dim() < 2 or up[0].numel() != len(down) or wanted != tuple(weight.shape):
        raise ModelError(
            f"{file} is for another model: its {name} is for a matrix of {list(wanted)}, and this "
            f"pipeline's is {list(weight.shape)}"
        )
    return Pair(down, up, scale(len(down)))


def _head(file: Path) -> dict[str, Any]:
    """What the library writes of ranks and scales into a file's head: "unet.lora_alpha" ..."""
    from safetensors import safe_open

    with safe_open(file, "pt") as opened:
        told = (opened.metadata() or {}).get(WORD)
    try:
        return dict(json.loads(told)) if told else {}
    except (ValueError, TypeError):
        raise ModelError(f"{file} is damaged: its {WORD} is no JSON") from None


def _scale(
    head: Mapping[str, Any], alphas: Mapping[str, Any], net: str, module: str
) -> Callable[[int], float]:
    """A module's scale by its rank: alpha / r, alpha / sqrt(r) where the head says so, else 1."""
    alpha = alphas.get(f"{net}.{module}", head.get(f"{net}.lora_alpha"))
    for pattern, other in dict(head.get(f"{net}.alpha_pattern") or {}).items():
        alpha = other if module == pattern or module.endswith(f".{pattern}") else alpha
    power = 0.5 if head.get(f"{net}.use_rslora") else 1.0
    return lambda rank: 1.0 if alpha is None else float(alpha) / rank**power


@torch.no_grad()
def work_in(pairs: Mapping[tuple[str, str], Pair], nets: Mapping[str, Any]) -> None:
    """Add every product to its weight; what is mapped from a file stays there as it is."""
    for (net, name), pair in pairs.items():
        owner = nets[net].get_submodule(name)
        weight = owner.weight
        summed = weight.float() + pair.product().to(weight.device)
        owner.weight = nn.Parameter(summed.to(weight.dtype), requires_grad=False)
