"""A published pipeline for pictures as one of our models: found, taken in, loaded, adapted.

Its folder lies within the model's, file by file as it was published, and its card says where each
file is from. Knows folders of ours and theirs; no sampling.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import torch
from torch import nn

from genloom.codec.image.codec import ImageCodec
from genloom.codec.prompt.verbatim import VerbatimCodec
from genloom.errors import ModelError
from genloom.model import PIPELINE, Model
from genloom.recipe import Part, Recipe
from genloom.weights import image_folder, image_lora
from genloom.weights.image_folder import PipelineFolder, examine
from genloom.weights.image_memory import Saving, saving_of
from genloom.weights.image_net import Guest
from genloom.weights.image_parts import parts_of
from genloom.weights.published import digest, licence_of

M = TypeVar("M", bound=Model)
CPU = torch.device("cpu")
Progress = Callable[[int, int], None]  # bytes done, of


@dataclass(frozen=True, kw_only=True)
class FoundPipeline:
    """A published pipeline whose weights are still to be read. shared: it lies in a hub's cache,
    where files never change."""

    name: str
    folder: PipelineFolder
    card: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    shared: bool = False

    def bring(self, make: type[M], progress: Progress) -> M:
        """The model; its files are copied when it is saved. ModelError where they do not fit."""
        net = guest(self.folder, Saving(), CPU, stored=True)
        if len({weight.dtype for weight in net.parameters()}) > 1:
            net.float()  # parts stored in different types do not meet
        net.write = _writer(self, progress)
        recipe = Recipe(
            name=self.name,
            codec=Part("image", {"size": list(net.usual), "mode": "RGB"}),
            prompt=Part("verbatim"),
            family=Part("pipeline", net.family()),
            net={"net": Part(self.folder.name)},
        )
        codec: Any = ImageCodec(size=net.usual, mode="RGB")
        card = {**self.card, "pipeline": self.folder.name, "components": told(net, self.folder)}
        return make(
            recipe=recipe,
            codec=codec,
            prompt=VerbatimCodec(),
            nets=nn.ModuleDict({"net": net}),
            card=card,
        )


def from_folder(
    folder: Path, name: str, card: Mapping[str, Any] | None = None, shared: bool = False
) -> FoundPipeline:
    """The pipeline in a folder. ModelError says what is unsafe, missing, damaged or not known."""
    found = examine(folder)
    source = dict(card or {"folder": folder.name})
    source.setdefault("licence", licence_of(folder))
    source["files"] = found.hashes()
    pickles = [p.name for p in sorted(folder.rglob("*")) if p.suffix in image_folder.PICKLES]
    notes = (f"{pickles[0]} and the like were not taken: safetensors are",) if pickles else ()
    return FoundPipeline(
        name=name, folder=found, card={"source": source}, notes=notes, shared=shared
    )


def _writer(found: FoundPipeline, progress: Progress) -> Callable[[Path], dict[str, Any]]:
    """What puts the pipeline into a new folder of ours, and tells its digest."""

    def write(new: Path) -> dict[str, Any]:
        image_folder.copy(found.folder, new / PIPELINE, found.shared, progress)
        return {"weights": fingerprint(new)}

    return write


# --- models of ours -------------------------------------------------------------------------------


def is_one(model: Path) -> bool:
    """Whether a model's folder has a pipeline within."""
    return (model / PIPELINE).is_dir()


def save(model: Model, folder: str | Path) -> Path:
    """Write a model that is a pipeline: its files as they are."""
    net: Any = model.nets["net"]
    if net.write is None:
        raise ModelError(
            f"{model.recipe.name} is a published pipeline, which is as it was: copy its folder"
        )
    return model.save(folder, net.write)


def load(
    make: type[M],
    path: Path,
    device: str | torch.device = "cpu",
    bits: int | None = None,
    adapter: str | Path | None = None,
) -> M:
    """The model in a folder of ours. bits: 32 or 16 of a weight, as suits the machine unless given.
    adapter: a LoRA to work into its weights."""
    device = torch.device(device)
    if not (path / "checksums.json").is_file():
        raise ModelError(f"{path} is damaged: checksums.json is missing; import it again")
    found = examine(path / PIPELINE)
    saving = saving_of(_count(found), device, bits)
    net = guest(found, saving, device)
    model = make.load(path, device, nets=nn.ModuleDict({"net": net}))
    libraries = {name: version(name) for name in ("diffusers", "transformers")}
    vars(model).update(bits=saving.bits, libraries=libraries)  # for records of what is made
    if adapter is not None:
        adapt(model, adapter)
    return model


def guest(
    found: PipelineFolder, saving: Saving, device: torch.device, stored: bool = False
) -> Guest:
    """The pipeline as a net. stored: every weight as it is in the file, to look at it."""
    return Guest(found.kind, parts_of(found, saving, device, stored), found.plain, saving, device)


def adapt(model: Model, adapter: str | Path) -> None:
    """Work a LoRA into the weights; the card says which. ModelError where it is for another."""
    file = image_lora.file_of(Path(adapter).expanduser())
    net: Any = model.nets["net"]
    image_lora.work_in(image_lora.pairs_of(file, net.first, net.nets), net.nets)
    model.card = {
        **model.card,
        "weights": _beside(str(model.card["weights"]), file),
        "adapter": str(adapter),
    }


def fingerprint(path: Path, adapter: str | Path | None = None) -> str:
    """SHA-256 over the weights as they are stored: of their files, by name."""
    total = hashlib.sha256()
    place = path / PIPELINE
    for file in sorted(place.rglob("*.safetensors")):
        total.update(f"{file.relative_to(place).as_posix()} {digest(file)}\n".encode())
    if adapter is None:
        return total.hexdigest()
    return _beside(total.hexdigest(), image_lora.file_of(Path(adapter).expanduser()))


def _beside(base: str, file: Path) -> str:
    return hashlib.sha256(f"{base} {digest(file)}".encode()).hexdigest()


def _count(found: PipelineFolder) -> int:
    """Weights of all parts, from their files' heads."""
    return sum(_weights(part) for part in found.parts.values())


def _weights(part: image_folder.Part) -> int:
    if part.of not in image_folder.WEIGHTED:
        return 0
    files = part.tensors()
    return sum(torch.Size(files.shape(name)).numel() for name in files.names)


def told(net: Guest, found: PipelineFolder) -> dict[str, Any]:
    """What a card says of each part: its class, its weights and what they take as stored."""
    out: dict[str, Any] = {}
    for name, part in found.parts.items():
        out[name] = {"class": part.of}
        if count := _weights(part):
            files = part.tensors()
            types = sorted({str(files.dtype(n)).removeprefix("torch.") for n in files.names})
            out[name] |= {"weights": count, "bytes": files.nbytes, "types": types}
    return out
