"""The older tokenizer.model, written here field by field: read, cut by scores, refused when bad."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from tiny_models import llama
from tokenizers import Tokenizer

from genloom.errors import ModelError
from genloom.weights import sentencepiece as spm
from genloom.weights.published import from_folder


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out += bytes([value & 127 | 128])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def model(pieces: list[spm.Piece], kind: int = 2, prefix: bool = True) -> bytes:
    """ModelProto: pieces, the trainer's kind, and whether a blank is put before a text."""
    out = b""
    for piece in pieces:
        score = varint(2 << 3 | 5) + struct.pack("<f", piece.score)
        out += field(1, field(1, piece.text.encode()) + score + field(3, piece.kind))
    return out + field(2, field(3, kind)) + field(3, field(3, int(prefix)))


PIECES = [
    spm.Piece("<unk>", 0.0, spm.UNKNOWN),
    spm.Piece("<s>", 0.0, spm.CONTROL),
    spm.Piece("</s>", 0.0, spm.CONTROL),
    *(spm.Piece(f"<0x{n:02X}>", 0.0, spm.BYTE) for n in range(256)),
    *(spm.Piece(t, -float(n)) for n, t in enumerate(("th", "the", "\u2581the", "at", "\u2581c"))),
    *(spm.Piece(t, -100.0 - n) for n, t in enumerate("\u2581theca")),
]


@pytest.mark.parametrize("prefix", [True, False])
def test_a_file_is_read_and_texts_are_cut_by_scores(prefix: bool) -> None:
    made = Tokenizer.from_str(spm.tokenizer_json(model(PIECES, prefix=prefix)))
    first = "\u2581the" if prefix else "the"
    assert made.encode("the cat", add_special_tokens=False).tokens == [first, "\u2581c", "at"]
    assert made.decode(made.encode("the c\u00e4t").ids) == "the c\u00e4t"
    assert made.encode("</s>").ids == [2]


def test_a_published_folder_may_have_the_older_file_alone(tmp_path: Path) -> None:
    folder = llama(tmp_path / "old")
    (folder / "tokenizer.json").unlink()
    (folder / "tokenizer.model").write_bytes(model(PIECES))
    names = {"bos_token": "<s>", "eos_token": "</s>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(names))
    codec = from_folder(folder, "old").codec
    assert codec.spec.leads and codec.spec.bos == 1 and codec.spec.eos == 2
    assert codec.decode(codec.encode(["the cat"])) == ["the cat"]


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (model(PIECES)[:-50], "is damaged"),
        (b"\xff" * 40, "is damaged"),
        (model(PIECES, kind=1), "no byte-pair vocabulary"),
        (model([*PIECES, PIECES[0]]), "twice"),
        (field(1, field(3, 1)), "is damaged"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused(data: bytes, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        spm.tokenizer_json(data)
