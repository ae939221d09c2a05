"""SentencePiece vocabularies -> tokenizer.json: pieces with scores become pieces with merges.

Knows the few fields of the .model file that decide how a text is cut, and that joining the pair of
the best score is joining by the order of the scores. Knows no model and no folder.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from genloom.errors import ModelError

SPACE = "\u2581"
NORMAL, UNKNOWN, CONTROL, USER, UNUSED, BYTE = range(1, 7)
PAIRS = 2  # the trainer's number for byte-pair encoding


@dataclass(frozen=True)
class Piece:
    text: str
    score: float
    kind: int = NORMAL


def tokenizer_json(data: bytes, special: Iterable[str] = ()) -> str:
    """Of a .model file. ModelError where it is damaged or of a kind that is not byte pairs."""
    try:
        pieces, kind, prefix = _read(data)
    except (IndexError, KeyError, TypeError, ValueError, struct.error) as error:
        raise ModelError(f"tokenizer.model is damaged ({error}): fetch it again") from None
    if kind != PAIRS:
        raise ModelError("tokenizer.model is no byte-pair vocabulary: tokenizer.json is needed")
    return from_pieces(pieces, prefix=prefix, special=special)


def from_pieces(pieces: Sequence[Piece], *, prefix: bool, special: Iterable[str] = ()) -> str:
    """tokenizer.json. prefix: a blank is put before every text."""
    vocab = {piece.text: n for n, piece in enumerate(pieces)}
    if len(vocab) != len(pieces):
        raise ModelError("the tokenizer has a piece twice: it is damaged")
    controls = set(special)
    added = [
        {
            "id": n,
            "content": piece.text,
            "single_word": False,
            "lstrip": False,
            "rstrip": False,
            "normalized": False,
            "special": piece.kind in (UNKNOWN, CONTROL) or piece.text in controls,
        }
        for n, piece in enumerate(pieces)
        if piece.kind in (UNKNOWN, CONTROL, USER) or piece.text in controls
    ]
    unknown = next((p.text for p in pieces if p.kind == UNKNOWN), None)
    steps: list[Any] = [{"type": "Prepend", "prepend": SPACE}] if prefix else []
    steps.append({"type": "Replace", "pattern": {"String": " "}, "content": SPACE})
    behind: list[Any] = [
        {"type": "Replace", "pattern": {"String": SPACE}, "content": " "},
        {"type": "ByteFallback"},
        {"type": "Fuse"},
    ]
    if prefix:
        behind.append({"type": "Strip", "content": " ", "start": 1, "stop": 0})
    return json.dumps(
        {
            "version": "1.0",
            "truncation": None,
            "padding": None,
            "added_tokens": added,
            "normalizer": {"type": "Sequence", "normalizers": steps},
            "pre_tokenizer": None,
            "post_processor": None,
            "decoder": {"type": "Sequence", "decoders": behind},
            "model": {
                "type": "BPE",
                "dropout": None,
                "unk_token": unknown,
                "continuing_subword_prefix": None,
                "end_of_word_suffix": None,
                "fuse_unk": True,
                "byte_fallback": True,
                "ignore_merges": False,
                "vocab": vocab,
                "merges": merges_of(pieces),
            },
        },
        ensure_ascii=False,
    )


def merges_of(pieces: Sequence[Piece]) -> list[list[str]]:
    """Every way to make a piece of two others, the best scores first."""
    plain = {p.text: n for n, p in enumerate(pieces) if p.kind in (NORMAL, USER, UNUSED)}
    found = []
    for piece in pieces:
        if piece.kind != NORMAL:
            continue
        for cut in range(1, len(piece.text)):
            left, right = piece.text[:cut], piece.text[cut:]
            if left in plain and right in plain:
                found.append((-piece.score, plain[left], plain[right], left, right))
    return [[left, right] for *_, left, right in sorted(found)]


# --- the .model file: protocol buffers ------------------------------------------------------------


def _read(data: bytes) -> tuple[list[Piece], int, bool]:
    """(pieces, the trainer's kind, whether a blank is put before a text)."""
    pieces, kind, prefix = [], 1, True
    for field, value in _fields(data):
        if not isinstance(value, bytes):
            continue
        inner = dict(_fields(value)) if field in (1, 2, 3) else {}
        if field == 1:
            text, score = inner[1], inner.get(2, b"\0\0\0\0")
            if not (isinstance(text, bytes) and isinstance(score, bytes)):
                raise IndexError("a piece without text or score")
            number = int(inner.get(3, NORMAL))
            pieces.append(Piece(text.decode(), struct.unpack("<f", score)[0], number))
        elif field == 2:
            kind = int(inner.get(3, 1))
        elif field == 3:
            prefix = bool(inner.get(3, 1))
    return pieces, kind, prefix


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(number, value) of a message, one after another."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        sort = key & 7
        if sort == 0:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if sort == 2:
            size, at = _varint(data, at)
        elif sort in (1, 5):
            size = 8 if sort == 1 else 4
        else:
            raise IndexError(f"a field of kind {sort}")
        if at + size > len(data):
            raise IndexError("it is cut off")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise IndexError("a number without an end")
