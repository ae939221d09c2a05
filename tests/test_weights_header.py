"""A sound weights file whose first bytes happen to look like a pickle's is no danger."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from genloom import model as stored
from genloom.errors import ModelError
from genloom.folders import write_json


def folder(place: Path, name: str, content: bytes) -> Path:
    (place / name).write_bytes(content)
    for other in ("recipe.json", "spec.json"):
        write_json(place / other, {})
    write_json(place / "checksums.json", stored._checksums(place))
    return place


def header_of(size: int) -> bytes:
    """A safetensors file of one number whose header has `size` bytes."""
    described = {"x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}
    return size.to_bytes(8, "little") + json.dumps(described).encode().ljust(size) + bytes(4)


def test_a_header_of_640_bytes_is_no_pickle(tmp_path: Path) -> None:
    content = header_of(0x0280)
    assert content[:2] == pickle.dumps(None, protocol=2)[:2]
    stored._examine(folder(tmp_path, "model.safetensors", content))
    assert torch.equal(load_file(tmp_path / "model.safetensors")["x"], torch.zeros(1))


def test_a_pickle_under_another_name_is(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="run code"):
        stored._examine(folder(tmp_path, "weights.dat", pickle.dumps([1], protocol=2)))
