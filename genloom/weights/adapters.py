"""Adapters in the PEFT layout: adapter_config.json and adapter_model.safetensors, read and written.

A published architecture's matrices bear its own names there, through the same tables as its
weights; a net that has no published form bears ours. Knows files and names; not where a model's
base lies.
Shape legend: K inputs, O outputs, r rank.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from genloom.errors import ModelError
from genloom.folders import write_json
from genloom.model import Model
from genloom.net.lora import LowRank, Piece, adapted, beside, matrices, sizes
from genloom.tensor_files import TensorFiles, write
from genloom.weights.adapter_configs import Told, config_of_file
from genloom.weights.decoders import options_of, translation_of
from genloom.weights.expressed import config_of

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
PICKLED = ("adapter_model.bin", "adapter_model.pt")
PREFIX = "base_model.model."
LARGEST_RANK = 4096
_NAME = re.compile(r"(?P<module>.+)\.(?P<kind>lora_A|lora_B|lora_magnitude_vector)(\.weight)?")


@dataclass(frozen=True)
class Slot:
    """One of their matrices: rows first .. last - 1 of the matrix of ours at `path`. turned: theirs
    is kept transposed."""

    path: str
    first: int
    last: int
    turned: bool = False


def slots(model: Model) -> dict[str, Slot]:
    """Their name of every matrix that may have an adapter."""
    net: Any = model.nets["net"]
    heights = {path: sizes(net.get_submodule(path)) for path in matrices(net)}
    try:
        config = config_of(model)
    except ModelError:  # no published form: by our names
        return {
            f"{path}.{part}" if part else path: Slot(path, first, last)
            for path, parts in matrices(net).items()
            for part, (first, last) in parts.items()
        }
    ours = {f"{path}.weight": torch.empty(size, device="meta") for path, size in heights.items()}
    return {
        place.theirs.removesuffix(".weight"): Slot(
            path := place.ours.removesuffix(".weight"),
            place.first,
            place.last or heights[path][0],
            place.turned,
        )
        for place in translation_of(config, options_of(config)).places(ours)
    }


# --- reading --------------------------------------------------------------------------------------


def read(folder: Path, model: Model) -> dict[str, LowRank]:
    """What lies beside each matrix of the model, by its path. ModelError names the first thing that
    does not fit, and what the adapter says its base is."""
    if not folder.is_dir():
        raise ModelError(f"{folder} is no folder: an adapter is a folder with {CONFIG}")
    told = config_of_file(folder / CONFIG)
    if not (folder / WEIGHTS).is_file():
        unsafe = next((n for n in PICKLED if (folder / n).is_file()), None)
        why = f"only {unsafe}, a format that can run code" if unsafe else f"no {WEIGHTS}"
        raise ModelError(f"{folder} has {why}: it is not read; save it as safetensors")
    files = TensorFiles.open(folder / WEIGHTS)
    found = _modules(files, folder)
    known = slots(model)
    _check_names(found, known, told, model)
    by_path: dict[str, list[tuple[Slot, str]]] = {}
    for module in found:
        by_path.setdefault(known[module].path, []).append((known[module], module))
    out = {}
    for path, mine in by_path.items():
        mine.sort(key=lambda pair: pair[0].first)
        out[path] = _low(model, path, mine, found, files, told)
    return out


def load_into(model: Model, folder: Path) -> None:
    """Put the adapter in `folder` beside the model's matrices."""
    beside(model.nets["net"], read(folder, model))


def _modules(files: TensorFiles, folder: Path) -> dict[str, dict[str, str]]:
    """Their module -> "lora_A" and the like -> the tensor's name."""
    out: dict[str, dict[str, str]] = {}
    for name in files.names:
        match = _NAME.fullmatch(name.removeprefix(PREFIX))
        if match is None:
            raise ModelError(
                f"{folder / WEIGHTS} has {name}: only pairs lora_A and lora_B, and DoRA's lengths, "
                "are read"
            )
        out.setdefault(match["module"], {})[match["kind"]] = name
    if not out:
        raise ModelError(f"{folder / WEIGHTS} holds no tensors: save the adapter again")
    return out


def _check_names(
    found: Mapping[str, Mapping[str, str]], known: Mapping[str, Slot], told: Told, model: Model
) -> None:
    wanted = {"lora_A", "lora_B"} | ({"lora_magnitude_vector"} if told.dora else set())
    for module, kinds in found.items():
        if module not in known:
            raise ModelError(
                f"the adapter is for another model: it has {module}, which {model.recipe.name} has "
                f"not (it has {next(iter(known), 'no matrices')} and others); {told.base_told}"
            )
        if known[module].turned != told.turned:
            raise ModelError(
                f"the adapter says fan_in_fan_out: {told.turned}, but {module} of "
                f"{model.recipe.name} is kept the other way round; {told.base_told}"
            )
        if kinds.keys() != wanted:
            odd = sorted(kinds.keys() ^ wanted)[0]
            state = "has a" if odd in kinds else "lacks the"
            raise ModelError(f"the adapter's {module} {state} {odd}: save the adapter again")


def _low(
    model: Model,
    path: str,
    mine: list[tuple[Slot, str]],
    found: Mapping[str, Mapping[str, str]],
    files: TensorFiles,
    told: Told,
) -> LowRank:
    """The little matrices of one matrix of ours."""
    net: Any = model.nets["net"]
    inputs = sizes(net.get_submodule(path))[1]
    parts = {rows: part for part, rows in matrices(net)[path].items()}
    pieces = []
    for slot, module in mine:
        rank = told.rank(module)
        wanted = {
            "lora_A": (rank, inputs),
            "lora_B": (slot.last - slot.first, rank),
            "lora_magnitude_vector": (slot.last - slot.first,),
        }
        for kind, name in found[module].items():
            _check_tensor(files, name, wanted[kind], told, model)
        part = parts.get((slot.first, slot.last), "")
        pieces.append(Piece(part, slot.first, slot.last, rank, told.scale(module)))
    low = LowRank(inputs, pieces, told.dora, told.dropout)
    with torch.no_grad():
        _fill(low, [found[module] for _, module in mine], files)
    return low.requires_grad_(False).eval()


def _check_tensor(
    files: TensorFiles, name: str, wanted: tuple[int, ...], told: Told, model: Model
) -> None:
    if not files.dtype(name).is_floating_point:
        raise ModelError(
            f"the adapter's {name} is of type {files.dtype(name)}: floats are expected"
        )
    if files.shape(name) != wanted:
        raise ModelError(
            f"the adapter does not fit {model.recipe.name}: {name} has shape "
            f"{list(files.shape(name))}, but {list(wanted)} is expected; {told.base_told}"
        )


def _fill(low: LowRank, found: list[Mapping[str, str]], files: TensorFiles) -> None:
    first = row = 0
    for piece, up, names in zip(low.pieces, low.ups, found, strict=True):
        low.down[first : first + piece.rank] = files.read(names["lora_A"]).float()
        up.copy_(files.read(names["lora_B"]).float())
        if low.magnitude is not None:
            length = files.read(names["lora_magnitude_vector"]).float()
            low.magnitude[row : row + len(length)] = length
        first, row = first + piece.rank, row + piece.last - piece.first


# --- writing --------------------------------------------------------------------------------------


def save(folder: Path, model: Model, base: str | None = None, rslora: bool = False) -> None:
    """Write the adapter of the model's net into a folder that is there. base: what it says it
    belongs to. rslora: say the scales by the root of the rank."""
    net: Any = model.nets["net"]
    lows = {path: part.low for path, part in adapted(net)}
    if not lows:
        raise ModelError(f"{model.recipe.name} has no adapter: there is nothing to write")
    known = slots(model)
    tensors: dict[str, Tensor] = {}
    ranks: dict[str, int] = {}
    alphas: dict[str, float] = {}
    for module, slot in known.items():
        made = _pair(lows[slot.path], slot) if slot.path in lows else None
        if made is None:
            continue
        down, up, scale, length = made
        ranks[module] = len(down)
        alphas[module] = round(scale * (len(down) ** 0.5 if rslora else len(down)), 9)
        tensors[f"{PREFIX}{module}.lora_A.weight"] = down
        tensors[f"{PREFIX}{module}.lora_B.weight"] = up
        if length is not None:
            tensors[f"{PREFIX}{module}.lora_magnitude_vector"] = length
    first = next(iter(ranks))
    told = {
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "inference_mode": True,
        "r": ranks[first],
        "lora_alpha": alphas[first],
        "lora_dropout": next(iter(lows.values())).dropout,
        "target_modules": _targets(list(ranks), list(known)),
        "rank_pattern": {m: r for m, r in ranks.items() if r != ranks[first]},
        "alpha_pattern": {m: a for m, a in alphas.items() if a != alphas[first]},
        "use_rslora": rslora,
        "use_dora": next(iter(lows.values())).magnitude is not None,
        "bias": "none",
        "modules_to_save": None,
        "fan_in_fan_out": known[first].turned,
        "init_lora_weights": True,
    }
    write_json(folder / CONFIG, told)
    write(folder / WEIGHTS, tensors)


def _pair(low: LowRank, slot: Slot) -> tuple[Tensor, Tensor, float, Tensor | None] | None:
    """A [r, K], B [O, r], their scale and DoRA's lengths, of one of their matrices. What they keep
    as one and we adapt in pieces is one pair whose B is zero but for each piece's own block."""
    mine = [(piece, a, b) for piece, a, b in _parts(low) if _overlap(piece, slot)]
    if not mine:
        return None
    scale = mine[0][0].scale
    up = torch.zeros(slot.last - slot.first, sum(p.rank for p, _, _ in mine))
    length = torch.ones(len(up)) if low.magnitude is not None else None
    column = 0
    for piece, _, b in mine:
        first, last = max(piece.first, slot.first), min(piece.last, slot.last)
        rows = slice(first - slot.first, last - slot.first)
        there = b[first - piece.first : last - piece.first].float()
        up[rows, column : column + piece.rank] = there * (piece.scale / scale)
        if length is not None:
            length[rows] = _lengths(low, piece)[first - piece.first : last - piece.first]
        column += piece.rank
    if length is not None and sum(p.last - p.first for p, _, _ in mine) < len(up):
        raise ModelError(
            "DoRA beside a part of a matrix that others keep whole has no form there: adapt all of "
            "it, or use kind lora"
        )
    return torch.cat([a for _, a, _ in mine]).float().cpu(), up, scale, length


def _parts(low: LowRank) -> Iterator[tuple[Piece, Tensor, Tensor]]:
    downs = low.down.detach().split([p.rank for p in low.pieces])
    for piece, down, up in zip(low.pieces, downs, low.ups, strict=True):
        yield piece, down.cpu(), up.detach().cpu()


def _lengths(low: LowRank, piece: Piece) -> Tensor:
    assert low.magnitude is not None
    row = sum(p.last - p.first for p in low.pieces if p.first < piece.first)
    return low.magnitude.detach()[row : row + piece.last - piece.first].float().cpu()


def _overlap(piece: Piece, slot: Slot) -> bool:
    return piece.first < slot.last and slot.first < piece.last


def _targets(mine: list[str], known: list[str]) -> list[str]:
    """The endings of names that mean these and no others, else the names themselves."""
    endings = sorted({module.rpartition(".")[2] for module in mine})
    meant = [m for m in known if m.rpartition(".")[2] in endings]
    return endings if sorted(meant) == sorted(mine) else mine
