"""A published model's folder -> a model of ours: configuration, codec, weights, tensor by tensor.

Knows the Hugging Face layout (config.json, safetensors, tokenizer.json); a GGUF file is seen
through the same layout. Knows no command and no hub.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from genloom.codec.base import Codec
from genloom.errors import ModelError
from genloom.model import Model
from genloom.net.unfilled import Unfilled
from genloom.recipe import Part, Recipe
from genloom.weights.decoders import decoder_of, options_of, translation_of
from genloom.weights.names import Place, compare

LARGEST_CONFIG = 8 << 20  # bytes; theirs are a few kilobytes
Progress = Callable[[int, int], None]  # bytes done, of


class Tensors(Protocol):
    """Their tensors, read one at a time."""

    @property
    def names(self) -> list[str]: ...
    def shape(self, name: str) -> tuple[int, ...]: ...
    def dtype(self, name: str) -> torch.dtype: ...
    def read_into(self, name: str, out: Tensor) -> None: ...


def config_of(folder: Path) -> dict[str, Any]:
    """config.json, with the text model's own part where it stands within another."""
    path = folder / "config.json"
    if not path.is_file():
        raise ModelError(f"{folder} has no config.json: it is no model in the Hugging Face layout")
    if path.stat().st_size > LARGEST_CONFIG:
        raise ModelError(f"{path} is larger than any configuration: it is not read")
    try:
        config = json.loads(path.read_text("utf-8"))
    except (ValueError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"{path} does not parse ({error}): fetch it again") from None
    if not isinstance(config, dict):
        raise ModelError(f"{path} holds {type(config).__name__}, but an object is expected")
    if isinstance(config.get("text_config"), dict):
        return {**config["text_config"], "within": True}
    return config


def bring(
    config: Mapping[str, Any],
    tensors: Tensors,
    codec: Codec,
    name: str,
    card: Mapping[str, Any],
    progress: Progress = lambda done, of: None,
) -> Model:
    """The model, its weights in the type they are stored in. ModelError where config and weights
    do not belong together, naming the tensors."""
    options = options_of(config)
    recipe = Recipe(
        name=name,
        codec=Part(codec.kind),
        family=Part("autoregressive"),
        net={"net": Part("transformer", options)},
    )
    with Unfilled():
        nets = recipe.make_nets(codec.spec, None)
    _fill(config, options, nets["net"], tensors, progress)
    return Model(recipe=recipe, codec=codec, prompt=None, nets=nets.eval(), card=dict(card))


def _fill(
    config: Mapping[str, Any],
    options: Mapping[str, Any],
    net: nn.Module,
    tensors: Tensors,
    progress: Progress,
) -> None:
    ours: dict[str, Tensor] = dict(net.named_parameters())
    translation = translation_of(config, options)
    known = _known(config, tensors)
    places = translation.places(ours)
    compare(places, ours, {n: tensors.shape(t) for n, t in known.items()}, _ignored(config, ours))
    total, done = sum(p.view(ours[p.ours]).numel() for p in places), 0
    waiting: dict[str, list[Place]] = {}
    for place in places:
        waiting.setdefault(place.ours, []).append(place)
    for name, parts in waiting.items():
        dtype = tensors.dtype(known[parts[0].theirs])
        filled = torch.empty(ours[name].shape, dtype=dtype)
        for place in parts:
            out = place.view(filled)
            tensors.read_into(known[place.theirs], out)
            done += out.numel()
            progress(done, total)
        _put(net, name, filled)


def _put(net: nn.Module, name: str, tensor: Tensor) -> None:
    *path, last = name.split(".")
    owner = net.get_submodule(".".join(path))
    setattr(owner, last, nn.Parameter(tensor, requires_grad=False))


def _known(config: Mapping[str, Any], tensors: Tensors) -> dict[str, str]:
    """Names as the rules have them -> names in the file. Some leave the prefix out; a text model
    within another has one more before it."""
    prefix = decoder_of(config).prefix
    out = {}
    for name in tensors.names:
        plain = name
        for outer in ("language_model.", "model.language_model."):
            if plain.startswith(outer):
                rest = plain.removeprefix(outer)
                plain = rest if outer == "language_model." else f"model.{rest}"
        bare = not plain.startswith((prefix, "lm_head."))
        out[f"{prefix}{plain}" if bare and not config.get("within") else plain] = name
    return out


def _ignored(config: Mapping[str, Any], ours: Mapping[str, Tensor]) -> Callable[[str], bool]:
    """What may be there without a place here: copies, masks, another medium's encoder."""
    endings = decoder_of(config).ignored
    others = (
        "vision_tower.",
        "multi_modal_projector.",
        "model.vision_tower.",
        "model.multi_modal_projector.",
    )

    def ignored(name: str) -> bool:
        if name == "lm_head.weight" and "head" not in ours:
            return True  # a copy of the embedding
        return name.endswith(endings) or (bool(config.get("within")) and name.startswith(others))

    return ignored
