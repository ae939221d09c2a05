"""A trained net with the codec of its items, as a part of the codecs that build on it.

Taken from the model's folder (plain files: recipe.json, model.safetensors, codec/) when a training
begins, and kept in the other codec's own folder from then on. Knows no family and no loop.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import torch
from torch import Tensor

from genloom import tensor_files
from genloom.codec.saving import write_atomic
from genloom.configure import configure, plain
from genloom.errors import GenloomError, ModelError
from genloom.net.unfilled import Unfilled


class Kept:
    """codec, net: the parts, the net at rest. What inherits says which these are, what they are
    called in an error, and how the files and the folder are called where they are kept."""

    nets: ClassVar[type]
    codecs: ClassVar[type]
    called: ClassVar[str]
    made_by: ClassVar[str]  # the command
    files: ClassVar[tuple[str, str, str]]  # the net's options, its weights, the codec's folder

    def __init__(self, codec: Any, net: Any) -> None:
        self.codec = codec
        self.net = net.eval().requires_grad_(False).to(device())

    @classmethod
    def of(cls, folder: Path) -> Self:
        """From the folder of a model. ModelError where it holds none of this kind."""
        try:
            net = json.loads((Path(folder) / "recipe.json").read_text("utf-8"))["net"]["net"]
            options = {name: value for name, value in net.items() if name != "kind"}
            kind = net["kind"]
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            raise ModelError(
                f"no {cls.called} at {folder}: give the folder or the name of a model that "
                f"{cls.made_by} has made"
            ) from None
        nets: Any = cls.nets
        if kind != nets.kind:
            raise ModelError(
                f"the model at {folder} is no {cls.called} but a {kind}: train one with "
                f"{cls.made_by} DATA"
            )
        weights = tensor_files.TensorFiles.open(Path(folder))
        lead = "net."
        named = {n.removeprefix(lead): weights.read(n) for n in weights.names if n.startswith(lead)}
        return cls._built(Path(folder) / "codec", options, named, folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The inverse of `save`."""
        told, weighed, codec = (folder / name for name in cls.files)
        try:
            options = json.loads(told.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"{told} cannot be read ({error}): restore it") from None
        weights = tensor_files.TensorFiles.open(weighed)
        named = {name: weights.read(name) for name in weights.names}
        return cls._built(codec, options, named, folder)

    @classmethod
    def _built(cls, codec: Path, options: Any, weights: Mapping[str, Tensor], folder: Path) -> Self:
        nets: Any = cls.nets
        codecs: Any = cls.codecs
        items = codecs.load(codec)
        try:
            config = configure(nets.Config, options, "net.net")
            with Unfilled():
                net = nets(config, items.spec, None)
            net.load_state_dict({n: w.float() for n, w in weights.items()}, assign=True)
        except (GenloomError, ValueError, RuntimeError, TypeError) as error:
            why = str(error).splitlines()[0]
            raise ModelError(f"the {cls.called} at {folder} does not load ({why})") from None
        return cls(items, net)

    def save(self, folder: Path) -> None:
        told, weighed, codec = (folder / name for name in self.files)
        write_atomic(told, json.dumps(plain(self.net.config), indent=1).encode())
        tensor_files.write(weighed, self.net.state_dict())
        codec.mkdir(exist_ok=True)
        self.codec.save(codec)


def device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
