"""Prompts as bytes: nothing is lost, nothing too long goes by."""

from __future__ import annotations

import pytest

from genloom.codec.prompt.verbatim import PAD, VerbatimCodec, text_of
from genloom.errors import ModelError, RequestError


@pytest.mark.parametrize("text", ["", "a cat", "Ω и 猫 🐈", "a\nb\0c"])
def test_what_went_in_comes_out(text):
    codec = VerbatimCodec(length=32)
    (row,) = codec.encode([text])
    assert text_of(row) == text and len(row) == codec.spec.length == 32
    assert row.max() <= codec.spec.vocab - 1 and codec.unknown(text) == []


def test_no_prompt_is_padding_alone():
    assert bool((VerbatimCodec(length=4).encode([None]) == PAD).all())


def test_bytes_that_are_no_text_are_made_one():
    assert text_of(VerbatimCodec().encode(["\udc80"])[0]) == "?"


def test_a_prompt_beyond_the_length_is_refused():
    with pytest.raises(RequestError, match="has 9 bytes, but up to 8 are expected: shorten it"):
        VerbatimCodec(length=8).encode(["a" * 9])


def test_it_is_saved_and_loaded(tmp_path):
    VerbatimCodec(length=7).save(tmp_path)
    assert VerbatimCodec.load(tmp_path).length == 7
    (tmp_path / "codec.json").write_text('{"kind": "words", "length": 7}')
    with pytest.raises(ModelError):
        VerbatimCodec.load(tmp_path)
