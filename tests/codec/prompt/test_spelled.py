"""Texts as symbols: words and marks in order, voices, what is new, what cannot be said."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from genloom.codec.prompt import letters
from genloom.codec.prompt.spelled import END, GAP, SpelledCodec, parts
from genloom.errors import DataError, RecipeError, RequestError

ESPEAK = pytest.mark.skipif(letters.installed() is None, reason="espeak-ng is not installed")
CAPTIONS = [
    '<voice name="ann">hello world, it is</voice>',
    '<voice name="bob">one &amp; two.</voice>',
]


def fitted(sort: str = "plain") -> SpelledCodec:
    codec = SpelledCodec(letters=sort)  # type: ignore[arg-type]
    codec.fit(CAPTIONS)
    return codec


def test_words_and_marks_in_order() -> None:
    told = "Don\u2019t (really) stop\u2026 well-made 7!"
    assert parts(told) == ["don't", ",", "really", ",", "stop", ".", "well-made", "7", "!"]
    assert parts("\U0001f600 \u4f60\u597d?") == ["\u4f60\u597d", "?"]
    assert parts("") == []


def test_letters_voices_and_gaps() -> None:
    codec = fitted()
    row = codec.encode(['<voice name="bob">it is</voice>'])[0]
    ids = [n for n in row.tolist() if n]
    assert ids[0] == codec.spec.vocab - 2 and ids[-1] == END and ids.count(GAP) == 1
    assert len(ids) == 1 + 1 + 2 + 1 + 2 + 1
    other = codec.encode(['<voice name="ann">it is</voice>'])[0]
    assert other[0] == row[0] - 1 and torch.equal(other[1:], row[1:])
    assert int(codec.encode(CAPTIONS).max()) < codec.spec.vocab


@ESPEAK
def test_words_are_heard_as_they_sound() -> None:
    codec = fitted("auto")
    assert codec.spoken and codec.words["world"][0] == "w"
    night, knight = (codec._sounds([word])[word] for word in ("night", "knight"))
    assert night == knight
    assert torch.equal(codec.encode(["two"]), codec.encode(["too"]))


@ESPEAK
def test_many_words_are_asked_for_at_once_and_each_has_its_own() -> None:
    words = ["dr", "3rd", "hello", "\u4f60\u597d", "one's", "x"]
    together = letters.phonemes(words, "en-us")
    assert together == {
        w: s for word in words for w, s in letters.phonemes([word], "en-us").items()
    }


def test_what_cannot_be_said() -> None:
    codec = fitted()
    with pytest.raises(RequestError, match="can be said"):
        codec.encode(["\u4f60\u597d"])
    with pytest.raises(RequestError, match="shorten it"):
        codec.encode(["hello " * 50])
    with pytest.raises(RequestError, match="ann, bob"):
        codec.encode(['<voice name="eve">hello</voice>'])
    with pytest.raises(RequestError, match="is none"):
        codec.encode(["<voice name=bob>hello"])
    with pytest.raises(RequestError, match="declarations"):
        codec.encode(['<!DOCTYPE a [<!ENTITY b "c">]><voice name="bob">&b;</voice>'])
    with pytest.raises(DataError, match="every caption is empty"):
        SpelledCodec().fit(["", " "])


def test_training_captions_that_are_too_long_are_cut() -> None:
    codec = fitted()
    row = codec.encode(["hello " * 50], strict=False)[0]
    assert len(row) == codec.length and row[-1] == END


def test_the_same_after_disk(tmp_path: Path) -> None:
    codec = fitted("auto")
    codec.save(tmp_path)
    again = SpelledCodec.load(tmp_path)
    assert again.spec == codec.spec
    assert torch.equal(again.encode(CAPTIONS), codec.encode(CAPTIONS))


def test_numbers_and_signs_are_said_as_words() -> None:
    codec = fitted()
    assert torch.equal(codec.encode(["1 & 2."]), codec.encode(["one and two."]))
    german = SpelledCodec(letters="plain", language="de")
    german.fit(["acht & 8 sind da"])
    assert "8" in german.words  # rules are English ones


def test_sounds_may_be_given() -> None:
    codec = fitted()
    given = codec.encode(['<speak>is <phoneme ph="w o r l d">it</phoneme></speak>'])
    assert torch.equal(given, codec.encode(["is world"]))
    assert torch.equal(given, codec.encode(['<speak>is <phoneme ph="world">x</phoneme></speak>']))
    with pytest.raises(RequestError, match="no sound 'q'"):
        codec.encode(['<phoneme ph="q">it</phoneme>'])


def test_each_word_knows_its_symbols() -> None:
    codec = SpelledCodec(letters="plain")
    codec.fit(["one twenty two five dollars is it"])
    row = codec.encode(["is $5, it"])[0].tolist()
    laid = codec.laid("is $5, it")
    assert [word for word, _, _ in laid] == ["is", "$5,", "it"]
    symbols = dict(enumerate(codec.symbols, 4))
    told = ["".join(symbols.get(n, " ") for n in row[a:b]) for _, a, b in laid]
    assert told == ["is", "five dollars", "it"]


def test_a_long_text_is_many_prompts() -> None:
    codec = fitted()
    pieces = codec.pieces("hello world. it is one, hello two! " * 3)
    assert all(len(codec.encode([piece.prompt])[0]) == codec.length for piece in pieces)
    assert "".join(p.text for p in pieces).count("hello") == 6
    with pytest.raises(RequestError, match="ann, bob"):
        codec.pieces('hello <voice name="eve">hello</voice>'.replace("hello <", "<"))
    with pytest.raises(RequestError, match="one pace and no pause"):
        codec.encode(['<speak>one <break time="1s"/> two</speak>'])


def test_illegal_options() -> None:
    for wrong in ({"limit": 2}, {"letters": "runes"}, {"language": "en; rm"}):
        with pytest.raises(RecipeError):
            SpelledCodec(**wrong)  # type: ignore[arg-type]
