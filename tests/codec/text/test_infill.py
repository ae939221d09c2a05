"""Prompts around a gap, by the markers that a vocabulary has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

from genloom.codec.text.codec import TextCodec
from genloom.codec.text.infill import AFTER, BEFORE, LAYOUTS, infill, infill_ends
from genloom.codec.text.tokenizer import Policy, PublishedTokenizer
from genloom.errors import RequestError


def codec(markers: tuple[str, ...], length: int = 64) -> TextCodec:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    made = Tokenizer(models.BPE(vocab={x: n for n, x in enumerate(letters)}, merges=[]))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens([AddedToken(name, special=True) for name in ("<eos>", *markers)])
    policy = Policy(size=256 + 1 + len(markers), bos=256, eos=256, pad=256, leads=False)
    return TextCodec.of(PublishedTokenizer(made.to_str(), policy), length)


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout[0])
def test_each_layout_is_written_as_it_stands(layout: tuple[str, ...]) -> None:
    markers = tuple(part for part in layout if part not in (BEFORE, AFTER))
    made = codec(markers)
    text = made.pairs.decode(infill(made, "def f(x", "\n    return é").tolist(), special=True)
    parts = {BEFORE: "def f(x", AFTER: "\n    return é"}
    assert text == "".join(parts.get(part, part) for part in layout)


def test_a_marker_in_the_text_stays_characters() -> None:
    made = codec(LAYOUTS[0][::2])
    ids = infill(made, "<|fim_suffix|>", "").tolist()
    marker = made.pairs.tokenizer.token_to_id("<|fim_suffix|>")
    assert ids.count(marker) == 1


def test_what_else_ends_it() -> None:
    made = codec((*LAYOUTS[0][::2], "<|fim_pad|>"))
    assert infill_ends(made) == (made.pairs.tokenizer.token_to_id("<|fim_pad|>"),)


def test_a_blank_put_before_every_text_is_taken_off() -> None:
    made = codec(LAYOUTS[0][::2])
    made.pairs.tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
    told: Any = made.pairs
    assert told.encode(["x"])[0].shape == (2,)
    text = told.decode(infill(made, "a b", "c").tolist(), special=True)
    assert text == "<|fim_prefix|>a b<|fim_suffix|>c<|fim_middle|>"


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (codec(()), "has no markers"),
        (codec(LAYOUTS[0][2:]), "has no markers"),
        (codec(LAYOUTS[0][::2], length=8), "has 9 tokens and the context of this model 8"),
        (SimpleNamespace(), "makes no texts"),
    ],
    ids=["none", "some", "long", "no text"],
)
def test_refusals(made: Any, told: str) -> None:
    with pytest.raises(RequestError, match=told) as error:
        infill(made, "abc", "def")
    assert "\n" not in str(error.value)


def test_a_vocabulary_of_our_own_has_none() -> None:
    made = TextCodec(vocab="bytes")
    made.fit(["some text"])
    with pytest.raises(RequestError, match="leave out the suffix"):
        infill(made, "a", "b")
