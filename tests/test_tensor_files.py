"""Tensors on disk: as the format's own library has them, and no number of a header believed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from genloom import tensor_files
from genloom.errors import GenloomError, ModelError
from genloom.tensor_files import DTYPES, TensorFiles, write, write_sharded


def some() -> dict[str, torch.Tensor]:
    out = {f"of {name}": torch.arange(-4, 4).to(dtype) for name, dtype in DTYPES.items()}
    whole = torch.randn(6, 10, generator=torch.Generator().manual_seed(0))
    return {**out, "whole": whole, "turned": whole.T, "part": whole[2:4], "none": torch.empty(0, 3)}


def raw(tensor: torch.Tensor) -> list[int]:
    return tensor.contiguous().flatten().view(torch.uint8).tolist()


def same(one: torch.Tensor, other: torch.Tensor) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and raw(one) == raw(other)


def test_what_is_written_the_format_s_library_reads(tmp_path: Path) -> None:
    write(tmp_path / "x.safetensors", some())
    found = load_file(tmp_path / "x.safetensors")
    assert found.keys() == some().keys()
    assert all(same(found[name], tensor) for name, tensor in some().items())


def test_what_the_format_s_library_writes_is_read(tmp_path: Path) -> None:
    save_file({k: v.clone().contiguous() for k, v in some().items()}, tmp_path / "x.safetensors")
    files = TensorFiles.open(tmp_path / "x.safetensors")
    for name, tensor in some().items():
        assert same(files.read(name), tensor)
        assert same(files.mapped(name), tensor)


def test_tensors_are_read_to_where_they_belong(tmp_path: Path) -> None:
    write(tmp_path / "x.safetensors", {"x": torch.arange(6.0).view(2, 3)})
    files = TensorFiles.open(tmp_path / "x.safetensors")
    whole = torch.zeros(4, 3)
    files.read_into("x", whole[1:3])
    assert whole.tolist() == [[0, 0, 0], [0, 1, 2], [3, 4, 5], [0, 0, 0]]
    turned = torch.zeros(3, 2, dtype=torch.bfloat16)
    files.read_into("x", turned.T)
    assert turned.tolist() == [[0, 3], [1, 4], [2, 5]]


def test_what_is_written_to_a_mapped_tensor_stays_out_of_the_file(tmp_path: Path) -> None:
    write(tmp_path / "x.safetensors", {"x": torch.ones(3)})
    before = (tmp_path / "x.safetensors").read_bytes()
    TensorFiles.open(tmp_path / "x.safetensors").mapped("x").fill_(5.0)
    assert (tmp_path / "x.safetensors").read_bytes() == before


def test_shards_and_their_index(tmp_path: Path) -> None:
    write_sharded(tmp_path, some(), most=100)
    assert len(list(tmp_path.glob("model-*-of-*.safetensors"))) > 3
    files = TensorFiles.open(tmp_path)
    assert all(same(files.read(name), tensor) for name, tensor in some().items())
    one = tmp_path / "one"
    one.mkdir()
    write_sharded(one, some())
    assert [p.name for p in one.iterdir()] == ["model.safetensors"]


@pytest.mark.parametrize(
    ("places", "told"),
    [
        ({"x": "../model-1.safetensors"}, "no shard beside it"),
        ({"x": "model-1.bin"}, "no shard beside it"),
        ({"x": "model-9.safetensors"}, "lacks the shard"),
        ({"x": "model-1.safetensors", "y": "model-1.safetensors"}, "no shard holds 'y'"),
        ({"x": "model-1.safetensors", "z": "model-2.safetensors"}, "in two shards"),
        ({"x": 3}, "no index|no shard"),
        ([], "no index"),
    ],
)
def test_an_index_that_lies_is_refused(tmp_path: Path, places: Any, told: str) -> None:
    for n in (1, 2):
        write(tmp_path / f"model-{n}.safetensors", {"x": torch.ones(1)})
    index = tmp_path / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": places}))
    with pytest.raises(ModelError, match=told):
        TensorFiles.open(tmp_path)


def described(**change: Any) -> dict[str, Any]:
    return {"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8], **change}}


def file(path: Path, told: Any, body: int = 8, length: int | None = None) -> Path:
    text = told if isinstance(told, bytes) else json.dumps(told).encode()
    size = len(text) if length is None else length
    path.write_bytes(size.to_bytes(8, "little") + text + bytes(body))
    return path


TWO = {"y": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]}}


@pytest.mark.parametrize(
    ("told", "body", "length", "words"),
    [
        (described(), 8, 1 << 63, "claims 9,223,372,036,854,775,808 bytes"),
        (described(), 8, 10_000, "claims 10,000 bytes"),
        (b"\x80\x04N.", 8, None, "no JSON"),
        (b"[" * 100_000, 8, None, "no JSON"),
        ([1], 8, None, "no object"),
        ({"x": None}, 8, None, "without shape or place"),
        ({"x": {"dtype": "F32", "shape": [2]}}, 8, None, "without shape or place"),
        (described(shape=[-2]), 8, None, "impossible"),
        (described(shape=[True, 2]), 8, None, "impossible"),
        (described(shape=[1 << 62, 1 << 62]), 8, None, "not its shape's size"),
        (described(data_offsets=[8, 0]), 8, None, "impossible"),
        (described(data_offsets=[0, 4]), 8, None, "not its shape's size"),
        (described(dtype="Q9"), 8, None, "type 'Q9': known are"),
        (described(dtype=["F32"]), 8, None, "known are"),
        (described(), 7, None, "cut off"),
        ({**described(), **TWO}, 12, None, "lies over another"),
    ],
)
def test_a_header_that_lies_is_refused(
    tmp_path: Path, told: Any, body: int, length: int | None, words: str
) -> None:
    with pytest.raises(ModelError, match=words):
        TensorFiles.open(file(tmp_path / "x.safetensors", told, body, length))


@given(at=st.integers(0, 200), bit=st.integers(0, 7), kept=st.integers(0, 260))
def test_harmed_bytes_never_end_in_another_error(
    tmp_path_factory: pytest.TempPathFactory, at: int, bit: int, kept: int
) -> None:
    folder = tmp_path_factory.mktemp("harmed")
    write(folder / "x.safetensors", {"a": torch.ones(4), "b": torch.ones(2, 3)})
    data = bytearray((folder / "x.safetensors").read_bytes())
    data[at % len(data)] ^= 1 << bit
    (folder / "x.safetensors").write_bytes(bytes(data[:kept]) if kept % 3 == 0 else bytes(data))
    try:
        files = TensorFiles.open(folder / "x.safetensors")
        for name in files.names:
            files.read(name)
    except GenloomError:
        return


def test_a_file_that_shrinks_while_it_is_read_is_told(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    write(path, {"x": torch.ones(1000)})
    files = TensorFiles.open(path)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelError, match="ends in the middle of a tensor"):
        files.read("x")


def test_numbers_begin_where_vector_units_like_them(tmp_path: Path) -> None:
    write(tmp_path / "x.safetensors", {"x": torch.ones(3)})
    entry = tensor_files.header(tmp_path / "x.safetensors")["x"]
    assert entry.start % tensor_files.ALIGNED == 0
