"""GGUF files in and out: a published model in one file.

Joins the container, the packed numbers, the names, the configuration and the tokenizer. Numbers
are unpacked a run of rows at a time, straight to where they belong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from genloom import tensor_files
from genloom.codec.text.codec import TextCodec
from genloom.errors import ModelError
from genloom.weights import gguf_blocks, gguf_configs, gguf_format, gguf_names, gguf_tokenizer
from genloom.weights.decoder_configs import Sizes
from genloom.weights.decoders import options_of
from genloom.weights.gguf_format import KINDS, Contents, padded
from genloom.weights.gguf_names import Change
from genloom.weights.importing import Found
from genloom.weights.names import Place, Translation
from genloom.weights.published import digest

Type = Literal["f16", "bf16", "q8_0"]
PLAIN = {"F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16}
RUN = 1 << 20  # numbers unpacked at a time
LARGEST_HALF = 65504.0
FILE_TYPES = {"f16": 1, "q8_0": 7, "bf16": 32}


def is_one(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == gguf_format.MAGIC


def from_file(path: Path, name: str, card: Mapping[str, Any] | None = None) -> Found:
    """The model in a file. ModelError says what is damaged, missing or not known."""
    contents = gguf_format.read(path)
    told = contents.metadata
    shapes = {n: entry.shape for n, entry in contents.tensors.items()}
    config = gguf_configs.config_of(told, shapes, _factors(contents))
    options = options_of(config)
    kind = config["model_type"]
    source = dict(card or {"file": path.name})
    source |= {"files": {path.name: digest(path)}, "licence": told.get("general.license")}
    packed = sorted({e.kind for e in contents.tensors.values()} - PLAIN.keys())
    notes = (f"weights packed as {', '.join(packed)} are unpacked to 16 bits",) if packed else ()
    return Found(
        name=name,
        config=config,
        tensors=GgufTensors(contents, gguf_names.change_of(kind, options)),
        codec=gguf_tokenizer.codec_of(told, config, config["vocab_size"]),
        card={"source": source},
        decoder=gguf_names.decoder_of(kind),
        notes=notes,
    )


def _factors(contents: Contents) -> dict[str, list[float]]:
    out = {}
    for name in gguf_names.IGNORED:
        entry = contents.tensors.get(name)
        if entry is not None and entry.kind == "F32":
            raw = torch.empty(entry.shape)
            tensor_files.read_bytes(contents.path, entry.start, raw)
            out[name] = raw.tolist()
    return out


class GgufTensors:
    """A file's tensors, as those of the Hugging Face layout under GGUF's names."""

    def __init__(self, contents: Contents, change: Change) -> None:
        self.contents, self.change = contents, change

    @property
    def names(self) -> list[str]:
        return list(self.contents.tensors)

    def shape(self, name: str) -> tuple[int, ...]:
        return self.contents.tensors[name].shape

    def dtype(self, name: str) -> torch.dtype:
        """As stored; of packed numbers half precision, which holds them to their own."""
        return PLAIN.get(self.contents.tensors[name].kind, torch.float16)

    def read_into(self, name: str, out: Tensor) -> None:
        entry = self.contents.tensors[name]
        order, added = self.change.order(name), self.change.added(name)
        plain = entry.kind in PLAIN and PLAIN[entry.kind] == out.dtype and out.is_contiguous()
        if plain and order is None and not added:
            tensor_files.read_bytes(self.contents.path, entry.start, out)
            return
        rows = out if out.dim() > 1 else out[:, None] if order is not None else out[None]
        at, kind, width = entry.start, KINDS[entry.kind], entry.shape[-1]
        if out.dim() == 1 and order is not None:
            width = 1
        for block in rows if rows.dim() == 3 else (rows,):
            step = max(1, RUN // width)
            for first in range(0, len(block), step):
                last = min(len(block), first + step)
                size = (last - first) * width // kind.block * kind.size
                part = self._unpacked(at, size, entry.kind).view(last - first, width) - added
                place = slice(first, last) if order is None else order[first:last]
                block[place] = part.to(out.dtype)
                at += size

    def _unpacked(self, start: int, size: int, kind: str) -> Tensor:
        """float32 of the bytes from `start`."""
        raw = torch.empty(size, dtype=torch.uint8)
        tensor_files.read_bytes(self.contents.path, start, raw)
        if kind in PLAIN:
            return raw.view(PLAIN[kind]).float()
        blocks = raw.numpy().reshape(-1, KINDS[kind].size)
        return torch.from_numpy(gguf_blocks.UNPACK[kind](blocks))


# --- out ------------------------------------------------------------------------------------------


def write(
    path: Path,
    *,
    config: Mapping[str, Any],
    codec: TextCodec,
    weights: Mapping[str, Tensor],
    kind: Type,
    about: Mapping[str, Any],
    progress: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[str, ...]:
    """One file; returns notes on what its readers will do otherwise. ModelError for what GGUF has
    no place for. about: further general keys (name, licence)."""
    options = options_of(config)
    words, more = gguf_tokenizer.metadata_of(codec)
    told = {
        **gguf_configs.metadata_of(config, options),
        **{f"general.{k}": v for k, v in about.items() if v},
        "general.file_type": FILE_TYPES[kind],
        "general.quantization_version": 2,
        f"{gguf_names.ARCHITECTURES[config['model_type']]}.vocab_size": codec.spec.vocab,
        **words,
    }
    sizes = Sizes.of(options)
    rules = gguf_names.decoder_of(config["model_type"]).names(sizes)
    places = Translation(rules, sizes.experts).places(weights)
    factors = gguf_configs.factors_of(options)
    kinds = {p.theirs: _kind_for(p.theirs, p.view(weights[p.ours]), kind) for p in places}
    listed = [(p.theirs, kinds[p.theirs], tuple(p.view(weights[p.ours]).shape)) for p in places]
    listed += [(name, "F32", tuple(tensor.shape)) for name, tensor in factors.items()]
    notes = gguf_configs.check(config, told, {n: shape for n, _, shape in listed}, factors)
    change = gguf_names.change_of(config["model_type"], options)
    total, done = sum(math.prod(shape) for _, _, shape in listed), 0
    with path.open("wb") as file:
        file.write(gguf_format.head(told, listed))
        for place in places:
            for piece in _packed(place, weights, kinds[place.theirs], change):
                file.write(piece)
            done += math.prod(place.view(weights[place.ours]).shape)
            progress(done, total)
        for tensor in factors.values():
            data = tensor.numpy().tobytes()
            file.write(data.ljust(padded(len(data)), b"\0"))
    return (*notes, *more)


def _kind_for(name: str, tensor: Tensor, kind: Type) -> str:
    """Matrices in the type that is asked for, where their rows divide into its blocks; vectors
    and the experts' gate in full."""
    if tensor.dim() < 2 or name.endswith(("ffn_gate_inp.weight", "position_embd.weight")):
        return "F32"
    if kind == "q8_0":
        return "Q8_0" if tensor.shape[-1] % 32 == 0 else "F16"
    return kind.upper()


def _packed(
    place: Place, weights: Mapping[str, Tensor], kind: str, change: Change
) -> Iterator[bytes]:
    """The tensor's bytes, a run of rows at a time, and the padding behind them."""
    tensor = place.view(weights[place.ours]).detach()
    order, added = change.order(place.theirs), change.added(place.theirs)
    written = 0
    for block in tensor if tensor.dim() == 3 else (tensor,):
        rows = block if block.dim() > 1 or order is not None else block[None]
        step = max(1, RUN // max(1, rows[0].numel()))
        for first in range(0, len(rows), step):
            part = (
                rows[first : first + step] if order is None else rows[order[first : first + step]]
            )
            data = _bytes(part.float().cpu() + added, kind)
            written += len(data)
            yield data
    yield b"\0" * (padded(written) - written)


def _bytes(numbers: Tensor, kind: str) -> bytes:
    if kind == "F16" and numbers.numel() and float(numbers.abs().max()) > LARGEST_HALF:
        raise ModelError("weights beyond 65504 have no place in half precision: use --type bf16")
    if kind == "Q8_0":
        return gguf_blocks.pack_q8_0(numbers.reshape(-1, 32).numpy()).tobytes()
    flat = numbers.to(PLAIN[kind]).contiguous().reshape(-1).view(torch.uint8)
    return np.ascontiguousarray(flat.numpy()).tobytes()
