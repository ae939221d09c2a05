"""How words sound without espeak-ng: the trained speller, and a model that was taught phonemes."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from genloom.codec.prompt import letters
from genloom.codec.prompt.spelled import SpelledCodec
from genloom.errors import ModelError, RequestError
from genloom.net.speller import Speller, SpellerConfig, loss, read
from genloom.speech import speller

HERE = pytest.mark.skipif(letters.installed() is None, reason="espeak-ng is not installed")
SEEN = [
    "house",
    "through",
    "knight",
    "people",
    "water",
    "morning",
    "because",
    "question",
    "little",
    "beautiful",
]


def test_common_words_sound_as_they_should() -> None:
    told = speller.phonemes(["cat", "ship", "moon", "well-made", "\u4f60"])
    assert told["cat"] == ("k", "\u02c8\u00e6", "t") and told["ship"][0] == "\u0283"
    assert "\u02c8u\u02d0" in told["moon"] and "\u4f60" not in told
    assert len(told["well-made"]) >= 6
    assert speller.phonemes(["caf\u00e9"])["caf\u00e9"] == speller.phonemes(["cafe"])["cafe"]


def test_a_word_sounds_the_same_whoever_is_asked_for_besides() -> None:
    together = speller.phonemes([*SEEN, "incomprehensibility"])
    for word in SEEN:
        assert speller.phonemes([word])[word] == together[word]


@HERE
def test_it_says_what_its_teacher_says() -> None:
    wanted, told = letters.phonemes(SEEN, "en-us"), speller.phonemes(SEEN)
    assert sum(wanted[word] == told[word] for word in SEEN) >= 7


def test_its_card_says_who_taught_it() -> None:
    card = speller.card()
    assert "espeak-ng" in card["teacher"] and card["licence"] == "Apache-2.0"
    assert 0 < card["figures"]["phoneme_error_rate"] < card["figures"]["floor"]
    assert speller.PLACE.with_suffix(".safetensors").stat().st_size < 3 << 20


@HERE
def test_new_words_are_said_where_espeak_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    codec = SpelledCodec(letters="phonemes")
    codec.fit(["the quick brown fox jumps over a lazy dog, vexing shy children with charm"])
    codec.save(tmp_path)
    monkeypatch.setattr(letters, "installed", lambda: None)
    again = SpelledCodec.load(tmp_path)
    assert again.spoken and len(again.laid("the sixty dogs")) == 3
    assert again.pieces("Sixty quick dogs!")
    german = SpelledCodec(letters="plain", language="de")
    german.fit(["hallo welt"])
    german.spoken = True  # as if it had been taught phonemes
    with pytest.raises(RequestError, match="is not installed"):
        german.encode(["neu"])


def test_without_its_files_it_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speller, "PLACE", tmp_path / "speller")
    assert not speller.there()
    with pytest.raises(ModelError, match="missing or damaged"):
        speller.card()


def test_a_tiny_one_learns_its_words() -> None:
    torch.manual_seed(0)
    net = Speller(SpellerConfig(letters=5, phonemes=4, width=16, depth=1, heads=1))
    ids = torch.tensor([[1, 2, 0], [3, 4, 1]])
    wanted = torch.tensor([[1, 2, 2], [3, 1, 0]])
    optimiser = torch.optim.AdamW(net.parameters(), lr=0.03)
    for _ in range(40):
        optimiser.zero_grad()
        total = loss(net(ids), ids, wanted, net.config.slots)
        total.backward()
        optimiser.step()
    assert read(net(ids), ids, net.config.slots) == [[1, 2, 2], [3, 1]]
