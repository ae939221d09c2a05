"""Published tokenizers: their own ids, text that only grows, special tokens that nobody forges."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers

from genloom.codec.text.codec import TextCodec
from genloom.codec.text.tokenizer import Policy, PublishedTokenizer
from genloom.errors import ModelError, RecipeError, RequestError
from genloom.weights import sentencepiece as spm

WORDS = "the cat sat on the mat and looked at the dog. Der Kater saß da - 猫が座った 🐈 " * 3


def byte_level() -> str:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=340,
        special_tokens=["<|end|>", "<|pad|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    made.train_from_iterator([WORDS] * 4, trainer)
    made.add_tokens([AddedToken("<think>", special=False, normalized=False)])
    return made.to_str()


def sentence_pieces(prefix: bool = True) -> str:
    """Pieces with scores, and bytes for what they lack."""
    text = [spm.Piece("<unk>", 0, spm.UNKNOWN), spm.Piece("<s>", 0, spm.CONTROL)]
    text += [spm.Piece("</s>", 0, spm.CONTROL)]
    text += [spm.Piece(f"<0x{n:02X}>", 0, spm.BYTE) for n in range(256)]
    merged = ["th", "at", "the", "▁the", "▁c", "▁cat", "he", "▁s", "▁sat", "▁m", "▁mat", "▁▁"]
    text += [spm.Piece(piece, -float(n)) for n, piece in enumerate(merged)]
    text += [spm.Piece(letter, -1000.0 - n) for n, letter in enumerate("▁thecasmodgnlkr.")]
    return spm.from_pieces(text, prefix=prefix)


def made(text: str, size: int = 400, **change: object) -> PublishedTokenizer:
    told: dict[str, object] = {"size": size, "bos": 1, "eos": 0, "pad": 0, "leads": False, **change}
    return PublishedTokenizer(text, Policy(**told))  # type: ignore[arg-type]


SORTS = {"bytes": byte_level(), "pieces": sentence_pieces(), "bare": sentence_pieces(False)}


@pytest.mark.parametrize("sort", SORTS)
@given(text=st.text(max_size=40) | st.sampled_from([WORDS, "<|end|>", "</s> the", "", " a", "é"]))
def test_texts_come_back_as_the_library_has_them(sort: str, text: str) -> None:
    ours = made(SORTS[sort])
    (ids,) = ours.encode([text])
    plain = Tokenizer.from_str(SORTS[sort])
    plain.encode_special_tokens = True
    assert ids.tolist() == plain.encode(text, add_special_tokens=False).ids
    assert ours.decode(ids.tolist()) == plain.decode(ids.tolist(), skip_special_tokens=False)


@pytest.mark.parametrize("sort", SORTS)
@given(ids=st.lists(st.integers(0, 399), max_size=30))
def test_a_text_only_grows(sort: str, ids: list[int]) -> None:
    ours, before = made(SORTS[sort]), ""
    for count in range(len(ids) + 1):
        text = ours.decode(ids[:count])
        assert text.startswith(before)
        before = text


def test_no_text_forges_a_special_token_unless_it_is_a_prompt() -> None:
    ours = made(SORTS["bytes"])
    assert 0 not in ours.encode(["a <|end|> b"])[0].tolist()
    assert 0 in ours.beginning("a <|end|> b").tolist()
    assert 0 not in ours.encode(["<|end|>"])[0].tolist(), "the choice is not remembered"


def test_special_tokens_are_shown_on_request_only() -> None:
    ours = made(SORTS["bytes"])
    ids = ours.beginning("<think>cat<|end|>").tolist()
    assert ours.decode(ids) == "<think>cat"
    assert ours.decode(ids, special=True) == "<think>cat<|end|>"


def test_ids_that_the_net_lacks_are_never_handed_out() -> None:
    ours = made(SORTS["bytes"], size=300)
    assert int(ours.encode([WORDS])[0].max()) < 300
    assert len(ours.pieces) == 300 and ours.decode([5000, -1]) == ""


def test_a_codec_of_it_saves_and_loads(tmp_path: Path) -> None:
    policy = {"template": "{{ x }}", "templates": {"tools": "{{ y }}"}, "ends": (5,), "leads": True}
    codec = TextCodec.of(made(SORTS["bytes"], tokens={"eos_token": "<|end|>"}, **policy), 64)
    codec.save(tmp_path)
    again = TextCodec.load(tmp_path)
    assert again.spec == codec.spec and again.spec.ends == (5,) and again.spec.leads
    assert isinstance(again.pairs, PublishedTokenizer)
    assert again.pairs.policy == codec.pairs.policy
    assert torch.equal(again.encode([WORDS])[0], codec.encode([WORDS])[0])
    assert (tmp_path / "tokenizer.json").read_text("utf-8") == SORTS["bytes"]
    codec.fit(["other words"])
    assert torch.equal(again.encode([WORDS])[0], codec.encode([WORDS])[0]), "it learns nothing"


def test_a_prompt_beyond_the_context_is_refused() -> None:
    codec = TextCodec.of(made(SORTS["bytes"]), 8)
    with pytest.raises(RequestError, match="the context of this model 8"):
        codec.condition(WORDS, None)


def test_a_vocabulary_that_should_have_come_is_told() -> None:
    with pytest.raises(RecipeError, match="of a model to start from"):
        TextCodec(vocab="given").fit(["words"])


@pytest.mark.parametrize("lost", ["tokenizer.json", "special_tokens.json"])
def test_a_folder_that_lost_a_file_is_told(tmp_path: Path, lost: str) -> None:
    TextCodec.of(made(SORTS["bytes"]), 64).save(tmp_path)
    (tmp_path / lost).unlink()
    with pytest.raises(ModelError, match=lost):
        TextCodec.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True}}, "decoder WordPiece"),
        ({"decoder": None}, "decoder none"),
        ({"model": {"type": "Strange"}}, "cannot be used"),
    ],
)
def test_a_tokenizer_that_is_not_understood_is_refused(change: dict, told: str) -> None:
    text = json.dumps({**json.loads(SORTS["bytes"]), **change})
    with pytest.raises(ModelError, match=told):
        made(text)


def test_sentence_pieces_are_cut_by_their_scores() -> None:
    ours = made(SORTS["pieces"])
    tokens = Tokenizer.from_str(SORTS["pieces"])
    ids = ours.encode(["the cat sat"])[0].tolist()
    assert [tokens.id_to_token(n) for n in ids] == ["▁the", "▁cat", "▁sat"]
    assert ours.decode(ids) == "the cat sat"
    assert ours.decode(made(SORTS["bare"]).encode([" the"])[0].tolist()) == "the"
