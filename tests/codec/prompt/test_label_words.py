"""Prompts as labels and as words: what is known, what is refused, and what is kept on disk."""

from __future__ import annotations

import pytest
import torch

from genloom.codec.prompt.label import SPARE, LabelCodec
from genloom.codec.prompt.words import WordsCodec, split
from genloom.errors import DataError, ModelError, RecipeError, RequestError


@pytest.fixture
def labels():
    codec = LabelCodec()
    codec.fit(["10", "2", "cat", "2", "", "sea  horse"])
    return codec


def test_labels_are_numbered_from_one_and_nothing_is_null(labels):
    assert labels.labels == ("2", "10", "cat", "sea horse")
    x = labels.encode(["2", "sea horse", "", None])
    assert x.dtype == torch.long
    assert x.tolist() == [[1], [4], [0], [0]]
    spec = labels.spec
    assert (spec.vocab, spec.length, spec.pad, spec.bos, spec.eos) == (5 + SPARE, 1, 0, 0, None)
    assert labels.encode([]).shape == (0, 1)


def test_labels_forgive_case_and_spaces(labels):
    assert labels.encode([" CAT ", "Sea Horse"]).tolist() == [[3], [4]]


def test_labels_that_differ_in_case_stay_apart():
    codec = LabelCodec()
    codec.fit(["A", "a"])
    assert codec.encode(["A", "a"]).tolist() == [[1], [2]]


def test_an_unknown_label_names_the_nearest(labels):
    with pytest.raises(RequestError, match="nearest are sea horse"):
        labels.encode(["seahorse"])
    with pytest.raises(RequestError, match="knows 2, 10, cat"):
        labels.encode(["@"])
    with pytest.raises(RequestError) as caught:
        labels.encode(["x" * 100_000])
    assert len(str(caught.value)) < 300
    assert labels.encode(["dog"], strict=False).tolist() == [[0]]
    assert labels.unknown("dog") == ["dog"]
    assert labels.unknown("cat") == labels.unknown("") == []


def test_too_many_or_no_labels():
    LabelCodec().fit(str(n) for n in range(1000))
    with pytest.raises(DataError, match=r'1,001 .* prompt "text"'):
        LabelCodec().fit(str(n) for n in range(1001))
    with pytest.raises(DataError, match="empty"):
        LabelCodec().fit(["", " "])


def test_labels_save_and_load(tmp_path, labels):
    labels.save(tmp_path)
    loaded = LabelCodec.load(tmp_path)
    assert loaded.spec == labels.spec
    assert loaded.encode(["cat"]).tolist() == [[3]]
    with pytest.raises(ModelError):
        WordsCodec.load(tmp_path)
    (tmp_path / "codec.json").write_text('{"kind": "label", "labels": [1]}')
    with pytest.raises(ModelError):
        LabelCodec.load(tmp_path)


CAPTIONS = ["a red circle, top left", "a blue square", "A RED ring", "don't"]


@pytest.fixture
def words():
    codec = WordsCodec()
    codec.fit(CAPTIONS)
    return codec


def test_split():
    assert split("Don't STOP, (now)\n  caf\u00e9!") == [
        "don't",
        "stop",
        ",",
        "(",
        "now",
        ")",
        "café",
        "!",
    ]
    assert split("") == []


def test_words_are_padded_to_the_longest_caption(words):
    spec = words.spec
    distinct = {w for c in CAPTIONS for w in split(c)}
    assert (spec.vocab, spec.length, spec.pad) == (2 + len(distinct) + SPARE, 6, 0)
    x = words.encode([*CAPTIONS, "", None])
    assert x.shape == (6, 6)
    assert x.dtype == torch.long
    assert (x[4:] == 0).all()
    assert (x[1] != 0).tolist() == [True] * 3 + [False] * 3
    assert x[0, 0] == x[1, 0] == x[2, 0] and x[0, 1] == x[2, 1] != x[1, 1]
    assert 1 not in x


def test_unknown_words_are_dropped_where_none_was_rare(words):
    assert torch.equal(words.encode(["a dark red circle"]), words.encode(["a red circle"]))
    assert words.unknown("a DARK red, dark moon") == ["dark", "moon"]


def test_unknown_words_are_rare_words_where_there_were_some():
    codec = WordsCodec(least=2)
    codec.fit(["a cat", "a dog", "a cat sat"])
    assert codec.spec.vocab == 4 + SPARE
    assert codec.rare == 2
    x = codec.encode(["a zebra cat"])
    assert x.tolist() == [[2, 1, 3]]


def test_the_vocabulary_is_capped_to_the_commonest():
    codec = WordsCodec(most=2)
    codec.fit(["b a", "c a", "b a d"])
    assert list(codec.words) == ["a", "b"]


def test_a_word_repeated_in_one_caption_counts_once():
    codec = WordsCodec(least=2)
    with pytest.raises(DataError, match="least"):
        codec.fit(["buffalo buffalo buffalo"])


def test_prompts_that_cannot_be_met(words):
    with pytest.raises(RequestError, match=r"knows 8 words, such as red, "):
        words.encode(["reed zzz"])
    with pytest.raises(RequestError, match=r"has 9 words.* at most 6"):
        words.encode(["a red circle, top left a red ring"])
    assert words.encode(["zzz"], strict=False).tolist() == [[0] * 6]
    cut = words.encode(["a red circle, top left a red ring"], strict=False)
    assert torch.equal(cut, words.encode([CAPTIONS[0]]))


def test_captions_longer_than_the_limit():
    codec = WordsCodec(limit=3)
    codec.fit(["one two three four"])
    assert codec.spec.length == 3
    with pytest.raises(RequestError, match="at most 3"):
        codec.encode(["one two three four"])


def test_no_words_and_illegal_options():
    with pytest.raises(DataError, match="empty"):
        WordsCodec().fit(["", "  "])
    with pytest.raises(RecipeError):
        WordsCodec(limit=0)


def retold(prompts, seed=0, **shares):
    codec = WordsCodec(**shares)
    assert codec.retold is not None
    return codec.retold(prompts, torch.Generator().manual_seed(seed))


def test_words_are_dropped_and_the_rest_moves_up():
    prompts = torch.cat([torch.arange(2, 10).expand(200, 8), torch.zeros(200, 4).long()], 1)
    told = retold(prompts, dropped=0.3)
    kept = (told != 0).sum(1)
    assert bool((kept >= 1).all()) and 0.6 < kept.float().mean() / 8 < 0.8
    for row, count in zip(told.tolist(), kept.tolist(), strict=True):
        assert row[:count] == sorted(set(row[:count])) and not any(row[count:])
    assert not torch.equal(told, retold(prompts, seed=1, dropped=0.3))
    assert torch.equal(told, retold(prompts, dropped=0.3))


def test_a_caption_never_loses_its_last_word_and_nothing_stays_nothing():
    prompts = torch.tensor([[5, 0, 0], [0, 0, 0]]).repeat(50, 1)
    assert torch.equal(retold(prompts, dropped=0.95, shuffled=0.5), prompts)


def test_words_are_shuffled_in_some_captions_only():
    prompts = torch.cat([torch.arange(2, 10).expand(400, 8), torch.zeros(400, 4).long()], 1)
    told = retold(prompts, shuffled=0.4)
    same = (told == prompts).all(1)
    assert 0.5 < same.float().mean() < 0.7
    assert torch.equal(told.sort(1).values, prompts.sort(1).values)
    assert not told[:, 8:].any()


def test_shares_are_saved(tmp_path, words):
    assert words.retold is None
    words.dropped, words.shuffled = 0.2, 0.1
    words.save(tmp_path)
    loaded = WordsCodec.load(tmp_path)
    assert (loaded.dropped, loaded.shuffled) == (0.2, 0.1)
    with pytest.raises(RecipeError, match="shares"):
        WordsCodec(dropped=1.0)


def test_words_save_and_load(tmp_path, words):
    words.save(tmp_path)
    loaded = WordsCodec.load(tmp_path)
    assert loaded.spec == words.spec
    assert torch.equal(loaded.encode(CAPTIONS), words.encode(CAPTIONS))
    text = (tmp_path / "codec.json").read_text()
    for bad in (text.replace('"length": 6', '"length": "6"'), text[:40], "[]"):
        (tmp_path / "codec.json").write_text(bad)
        with pytest.raises(ModelError):
            WordsCodec.load(tmp_path)


def test_new_words_take_free_ids_and_old_ones_keep_theirs(words, tmp_path):
    spec, before = words.spec, words.encode(["a red circle"])
    assert words.learn(["a zork circle", "ZORK moon"]) == ["zork", "moon"]
    assert words.spec == spec and torch.equal(words.encode(["a red circle"]), before)
    ids = words.encode(["zork moon"])[0, :2].tolist()
    assert ids == [spec.vocab - SPARE, spec.vocab - SPARE + 1]
    words.save(tmp_path)
    loaded = WordsCodec.load(tmp_path)
    assert loaded.spec == spec and loaded.encode(["zork moon"])[0, :2].tolist() == ids
    assert len(loaded.learn([" ".join(f"w{n}x" for n in range(20))])) == SPARE - 2
    assert loaded.learn(["more"]) == [] and loaded.spec == spec


def test_new_labels_take_free_numbers(labels, tmp_path):
    spec, before = labels.spec, labels.encode(["cat", "10"])
    assert labels.learn(["my  dog", "Cat", ""]) == ["my dog"]
    assert labels.spec == spec and torch.equal(labels.encode(["cat", "10"]), before)
    labels.save(tmp_path)
    assert LabelCodec.load(tmp_path).encode(["my dog"]).item() == 5


def test_a_codec_from_before_has_no_free_ids(words, labels, tmp_path):
    for codec in (words, labels):
        codec.spare = 0
        codec.save(tmp_path)
        assert type(codec).load(tmp_path).learn(["zork"]) == []
