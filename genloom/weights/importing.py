"""A published model -> one of ours: configuration, codec, weights, tensor by tensor.

Knows what the architectures' table says and how tensors come into place. Knows no file format, hub
or command: whoever found the model says how its tensors are read and named.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn

from genloom.codec.text.codec import GIVEN, TextCodec
from genloom.errors import ModelError
from genloom.model import Model
from genloom.net.unfilled import Unfilled
from genloom.recipe import Data, Part, Recipe
from genloom.weights.decoder_configs import Sizes
from genloom.weights.decoders import Decoder, decoder_of, options_of
from genloom.weights.names import Place, Translation, compare

M = TypeVar("M", bound=Model)
Progress = Callable[[int, int], None]  # bytes done, of


class Tensors(Protocol):
    """Their tensors, read one at a time."""

    @property
    def names(self) -> list[str]: ...
    def shape(self, name: str) -> tuple[int, ...]: ...
    def dtype(self, name: str) -> torch.dtype: ...
    def read_into(self, name: str, out: Tensor) -> None: ...


@dataclass(frozen=True, kw_only=True)
class Found:
    """A published model whose weights are still to be read.

    config: config.json, or what says the same. card: where it comes from. decoder: how its tensors
    are named, where that is not the architecture's own way. notes: what its user should know.
    """

    name: str
    config: Mapping[str, Any]
    tensors: Tensors
    codec: TextCodec
    card: Mapping[str, Any] = field(default_factory=dict)
    decoder: Decoder | None = None
    notes: tuple[str, ...] = ()

    def bring(self, make: type[M], progress: Progress) -> M:
        """See `bring`."""
        return bring(self, make, progress)


def bring(found: Found, make: type[M], progress: Progress = lambda done, of: None) -> M:
    """The model, its weights in the type they are stored in. ModelError where config and weights
    do not belong together, naming the tensors."""
    codec: Any = found.codec
    options = options_of(found.config)
    recipe = Recipe(
        name=found.name,
        codec=Part(codec.kind, {"vocab": GIVEN, "length": codec.length}),
        family=Part("autoregressive"),
        net={"net": Part("transformer", options)},
        data=Data(pack=True, batch=1),
    )
    with Unfilled():
        nets = recipe.make_nets(codec.spec, None)
    fill(found, options, nets["net"], progress)
    card = {**found.card, "config": dict(found.config)}
    return make(recipe=recipe, codec=codec, prompt=None, nets=nets.eval(), card=card)


def fill(
    found: Found,
    options: Mapping[str, Any],
    net: nn.Module,
    progress: Progress = lambda done, of: None,
) -> None:
    """Put their tensors into a net that was made of these options."""
    tensors, decoder = found.tensors, found.decoder or decoder_of(found.config)
    ours: dict[str, Tensor] = dict(net.named_parameters())
    sizes = Sizes.of(options)
    translation = Translation(decoder.names(sizes), sizes.experts)
    known = _known(found.config, decoder, tensors)
    places = translation.places(ours)
    shapes = {n: tensors.shape(t) for n, t in known.items()}
    compare(places, ours, shapes, _ignored(found.config, decoder, ours))
    total = sum(
        math.prod(shapes[p.theirs]) * tensors.dtype(known[p.theirs]).itemsize for p in places
    )
    done = 0
    waiting: dict[str, list[Place]] = {}
    for place in places:
        waiting.setdefault(place.ours, []).append(place)
    for name, parts in waiting.items():
        dtype = tensors.dtype(known[parts[0].theirs])
        filled = torch.empty(ours[name].shape, dtype=dtype)
        for place in parts:
            out = place.view(filled)
            tensors.read_into(known[place.theirs], out)
            done += out.numel() * tensors.dtype(known[place.theirs]).itemsize
            progress(done, total)
        _put(net, name, filled)


def _put(net: nn.Module, name: str, tensor: Tensor) -> None:
    *path, last = name.split(".")
    owner = net.get_submodule(".".join(path))
    setattr(owner, last, nn.Parameter(tensor, requires_grad=False))


def _known(config: Mapping[str, Any], decoder: Decoder, tensors: Tensors) -> dict[str, str]:
    """Names as the rules have them -> names in the file. Some leave the prefix out; a text model
    within another has one more before it."""
    prefix, out = decoder.prefix, {}
    for name in tensors.names:
        plain = name
        for outer in ("language_model.", "model.language_model."):
            if plain.startswith(outer):
                rest = plain.removeprefix(outer)
                plain = rest if outer == "language_model." else f"model.{rest}"
        bare = not plain.startswith((prefix, "lm_head."))
        plain = f"{prefix}{plain}" if bare and prefix and not config.get("within") else plain
        if plain in out:
            raise ModelError(f"the weights have {plain} twice: {out[plain]} and {name}")
        out[plain] = name
    return out


def _ignored(
    config: Mapping[str, Any], decoder: Decoder, ours: Mapping[str, Tensor]
) -> Callable[[str], bool]:
    """What may be there without a place here: copies, masks, another medium's encoder."""
    endings = decoder.ignored
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
