"""The folder on disk that training leaves behind: recipe, weights, codecs, card.

Written to a temporary folder, fsynced, renamed; every file's SHA-256 is kept, so damage is found
before anything is used. Safetensors and JSON only. Knows no loop, engine or metric.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from torch import Tensor, nn

from genloom import registry, tensor_files
from genloom.codec.base import Codec
from genloom.errors import GenloomError, ModelError, ResourceError
from genloom.family.base import Family
from genloom.folders import (
    file_digest,
    own_place,
    read_json,
    recover,
    replacing,
    write_json,
)
from genloom.net.unfilled import Unfilled
from genloom.recipe import Recipe
from genloom.spec import spec_from_json, spec_to_json

FORMAT = 1
ADAPTER = "adapter"  # a folder in the weights' place: what stands beside those of another model
PIPELINE = "pipeline"  # likewise: a published pipeline, in folders and files of its own
WEIGHTS = (
    "model.safetensors",
    "model.safetensors.index.json",
    f"{ADAPTER}/adapter_model.safetensors",
    f"{PIPELINE}/model_index.json",
)
UNSAFE = {".pt", ".pth", ".bin", ".pkl", ".pickle", ".ckpt", ".joblib", ".dill", ".npy", ".py"}


@dataclass(kw_only=True)
class Model:
    """A recipe made real: codec and prompt codec fitted, nets with weights, and a card.

    card: data manifest, parents, metrics with protocol and seed, software, hardware, wall time.
    """

    recipe: Recipe
    codec: Codec
    prompt: Any
    nets: nn.ModuleDict
    card: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = None

    def __post_init__(self) -> None:
        self.family: Family = self.recipe.make_family()

    @property
    def prompts(self) -> Any:
        """What reads its prompts: the prompt codec, or the codec's own where a caption begins the
        item; None where it takes none."""
        return getattr(self.codec, "prompts", None) if self.prompt is None else self.prompt

    @property
    def parameters(self) -> int:
        """How many weights."""
        return sum(p.numel() for p in self.nets.parameters())

    @property
    def device(self) -> torch.device:
        return next(self.nets.parameters()).device

    def digest(self) -> str:
        """SHA-256 over the weights' names, shapes and bytes."""
        total = hashlib.sha256()
        for name, weight in sorted(self.nets.state_dict().items()):
            total.update(f"{name}{tuple(weight.shape)}{weight.dtype}".encode())
            for piece in tensor_files.pieces(weight):
                total.update(piece)
        return total.hexdigest()

    # --- disk -----------------------------------------------------------------------------------

    def save(
        self, folder: str | Path, weights: Callable[[Path], dict[str, Any]] | None = None
    ) -> Path:
        """Write the whole folder or nothing; an earlier model there is replaced at the end.

        weights: writes into the folder what is to be there instead of all weights, and tells what
        the card says of it (see adapted.py)."""
        target = Path(folder)
        packed = any(getattr(net, "quantized", None) is not None for net in self.nets.values())
        if weights is None and packed:
            raise ModelError("packed weights are for serving only: load the model anew to save it")
        own_place(target)
        with replacing(target) as new:
            write_json(new / "recipe.json", self.recipe.to_json())
            try:
                told = self._write(new) if weights is None else weights(new)
            except SafetensorError as error:
                raise ResourceError(f"{target} could not be written: {error}") from error
            for name, part in (("codec", self.codec), ("prompt", self.prompt)):
                if part is not None:
                    (new / name).mkdir()
                    part.save(new / name)
            card = {"format": FORMAT, **told, **self.card}
            write_json(new / "card.json", card)
            write_json(new / "spec.json", self._specs())
            (new / "README.md").write_text(_readme(self.recipe, card), encoding="utf-8")
            write_json(new / "checksums.json", _checksums(new))
        self.folder = target
        return target

    def _write(self, folder: Path) -> dict[str, Any]:
        tensor_files.write_sharded(folder, self.nets.state_dict(), tensor_files.SHARD)
        return {"weights": self.digest()}

    def _specs(self) -> dict[str, Any]:
        prompt = None if self.prompt is None else spec_to_json(self.prompt.spec)
        return {"codec": spec_to_json(self.codec.spec), "prompt": prompt}

    @classmethod
    def load(
        cls,
        folder: str | Path,
        device: str | torch.device = "cpu",
        dtype: Any = None,
        nets: nn.ModuleDict | None = None,
    ) -> Self:
        """Check every file, then build. ModelError says what is wrong and what to do.

        dtype None: as stored on a GPU, float32 on the CPU; "stored": as stored anywhere. Weights
        that stay on the CPU in the type they are stored in are mapped from the file, not copied.
        nets: of another model, where the folder has an adapter for them (see adapted.py).
        """
        path = recover(Path(folder))
        _examine(path)
        if nets is None and (path / ADAPTER).is_dir():
            raise ModelError(f"{path} is an adapter beside another model: load it by genloom.load")
        if nets is None and (path / PIPELINE).is_dir():
            raise ModelError(f"{path} is a published pipeline: load it by genloom.load")
        try:
            recipe = Recipe.from_json(read_json(path / "recipe.json"))
            codec = registry.find("codec", recipe.codec.kind).load(path / "codec")
            prompt = None
            if recipe.prompt is not None:
                prompt = registry.find("prompt", recipe.prompt.kind).load(path / "prompt")
            specs = read_json(path / "spec.json")
            told: Any = None if specs["prompt"] is None else spec_from_json(specs["prompt"])
            made: Any = spec_from_json(specs["codec"])
            if nets is None:
                with Unfilled():
                    nets = recipe.make_nets(made, told)
                weights = _weights(path, torch.device(device), dtype)
                nets.load_state_dict(_laid(weights, nets.state_dict()), assign=True)
            card = read_json(path / "card.json")
        except GenloomError:
            raise
        except (OSError, KeyError, ValueError, RuntimeError, SafetensorError) as error:
            raise ModelError(
                f"{path} does not load ({type(error).__name__}: {str(error).splitlines()[0]}): "
                "restore it from a copy or train it again"
            ) from error
        nets.to(device=device).eval().requires_grad_(False)
        return cls(recipe=recipe, codec=codec, prompt=prompt, nets=nets, card=card, folder=path)


def _weights(path: Path, device: torch.device, dtype: Any) -> dict[str, Tensor]:
    """By name, mapped or read one at a time: memory holds no second copy of them."""
    if dtype is None and device.type == "cpu":
        dtype = torch.float32
    files = tensor_files.TensorFiles.open(path)
    out = {}
    for name in files.names:
        stored = files.dtype(name)
        wanted = dtype if isinstance(dtype, torch.dtype) and stored.is_floating_point else stored
        mapped = wanted == stored and device.type == "cpu"
        out[name] = files.mapped(name) if mapped else files.read(name).to(device, wanted)
    return out


def _laid(weights: dict[str, Tensor], net: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """In memory as the net lays them out (convolutions: channels last), which files do not tell:
    in another order they are slower, and their sums end in other bits than when they were learnt.
    """
    for name, given in weights.items():
        like = net.get(name)
        if like is not None and like.shape == given.shape and like.stride() != given.stride():
            laid = torch.empty_strided(
                like.shape, like.stride(), dtype=given.dtype, device=given.device
            )
            weights[name] = laid.copy_(given)
    return weights


def _files(folder: Path) -> list[Path]:
    return [p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != "checksums.json"]


def _checksums(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): file_digest(p) for p in _files(folder)}


def _examine(path: Path) -> None:
    """ModelError unless this is an undamaged model folder that holds nothing that could run."""
    if not path.is_dir():
        raise ModelError(f"no model at {path}: see the names with  genloom models")
    for file in _files(path):
        if file.suffix.lower() in UNSAFE or _looks_pickled(file):
            raise ModelError(
                f"{path} holds {file.name}, a file that could run code: it is not loaded; "
                "a Genloom model is JSON and safetensors only"
            )
    listed = path / "checksums.json"
    if not (path / "recipe.json").is_file() or not listed.is_file():
        raise ModelError(f"{path} is not a model folder: recipe.json or checksums.json is missing")
    try:
        wanted = dict(read_json(listed))
    except (ValueError, TypeError) as error:
        raise ModelError(f"{path} is damaged: checksums.json does not parse") from error
    weights = next((n for n in WEIGHTS if n in wanted), WEIGHTS[0])
    lacking = [n for n in ("recipe.json", weights, "spec.json") if n not in wanted]
    if lacking:
        raise ModelError(f"{path} is damaged: checksums.json does not list {lacking[0]}")
    for name, digest in wanted.items():
        file = path / name
        if not file.is_file() or file_digest(file) != digest:
            state = "is missing" if not file.is_file() else "does not match its checksum"
            raise ModelError(
                f"{path} is damaged: {name} {state}; restore it from a copy or train it again"
            )


def _looks_pickled(file: Path) -> bool:
    """A safetensors file begins with the length of its header, which may be any number: 640 reads
    like a pickle. Its own parser refuses what is none."""
    if file.suffix == ".safetensors":
        return False
    with file.open("rb") as handle:
        head = handle.read(4)
    return head[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05") or head == b"PK\x03\x04"


def _readme(recipe: Recipe, card: Mapping[str, Any]) -> str:
    """The model card for people."""
    lines = [f"# {recipe.name}", ""]
    nets = ", ".join(f"{role}: {part.kind}" for role, part in sorted(recipe.net.items()))
    lines += [
        f"A Genloom model: codec `{recipe.codec.kind}`, family `{recipe.family.kind}`, {nets}.",
        "",
        f"    genloom generate {recipe.name}",
        "",
    ]
    data = card.get("data") or {}
    if data:
        lines += ["## Data", ""]
        shown = ("name", "items", "bytes", "licence", "licences")
        lines += [f"- {key}: {data[key]}" for key in shown if key in data]
        if data.get("credits"):
            lines.append(f"- made by: {', '.join(data['credits'])}")
        lines.append("")
    if card.get("promises"):
        kept = [f"- {one}" for one in card["promises"]]
        lines += ["## What all it makes meets", "", *kept, ""]
    if card.get("chosen"):
        lines += ["## Chosen", "", f"- {card['chosen'].get('because')}", ""]
    metrics = card.get("metrics") or {}
    if metrics:
        lines += ["## Measured", ""] + [f"- {k}: {v}" for k, v in metrics.items()] + [""]
    return "\n".join(lines)
