"""The state of a training on disk, exact: weights, moments, averages, counters.

Randomness and data order are functions of the seed and the step, so no more is needed for the same
run to go on bit by bit. Safetensors and JSON; the earlier checkpoint stays until the new one is
whole. Knows no family or medium.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from genloom.data.source import file_sha256
from genloom.errors import ModelError
from genloom.folders import read_json, recover, replacing, write_json

NAME = "checkpoint"
SUM = "sha256"  # of the tensors' file, so that a flipped bit does not train on


def save(run: Path, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> None:
    """Replace the run's checkpoint in one move."""
    with replacing(run / NAME) as new:
        ready = {k: v.detach().cpu().contiguous() for k, v in tensors.items()}
        save_file(_apart(ready), new / "state.safetensors")
        write_json(new / "state.json", {**values, SUM: file_sha256(new / "state.safetensors")})


def load(run: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """(tensors, values), or None where no checkpoint was written."""
    folder = recover(run / NAME)
    if not folder.is_dir():
        return None
    try:
        values = read_json(folder / "state.json")
        if file_sha256(folder / "state.safetensors") != values.pop(SUM, None):
            raise ValueError("its tensors are not those that were saved")
        return load_file(folder / "state.safetensors"), values
    except (OSError, ValueError, SafetensorError) as error:
        raise ModelError(
            f"the checkpoint {folder} is damaged ({error}): remove {run} to start again"
        ) from error


def _apart(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """safetensors refuses two names for one memory."""
    seen: set[int] = set()
    out = {}
    for name, tensor in tensors.items():
        where = tensor.data_ptr()
        out[name] = tensor.clone() if where in seen else tensor
        seen.add(where)
    return out
