"""Texts said in pieces: the pieces are the whole, words come in order, manners are kept."""

from __future__ import annotations

from pathlib import Path

import pytest
import small_server
import torch
import toys

from genloom import api, exact
from genloom.errors import RequestError, UsageError
from genloom.saying import Spoken
from genloom.spec import Request

LONG = "Low high low. High low!"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> api.Model:
    home = tmp_path_factory.mktemp("said")
    return api.load(home / "models" / small_server.speakers(home))


def whole(pieces: list[Spoken]) -> torch.Tensor:
    return torch.cat([one.sound.samples for one in pieces], 1)


def test_the_pieces_are_what_is_generated(model: api.Model) -> None:
    pieces = list(model.say(LONG, voice="bob", seed=3))
    made = model.generate(LONG, count=2, where={"voice": "bob"}, seed=3)
    assert len(made) == 2 and torch.equal(whole(pieces), made[0].samples)
    assert not torch.equal(made[0].samples, made[1].samples)
    assert [one.number for one in pieces] == list(range(pieces[0].of))
    assert " ".join(one.text for one in pieces) == LONG
    assert {one.voice for one in pieces} == {"bob"}


def test_words_come_in_order_within_their_pieces(model: api.Model) -> None:
    pieces = list(model.say(LONG))
    words = [word for one in pieces for word in one.words]
    assert [word.text for word in words] == LONG.split()
    times = [t for word in words for t in (word.begin, word.end)]
    assert times == sorted(times) and all(word.end > word.begin for word in words)
    for one in pieces:
        assert all(one.begin <= word.begin and word.end <= one.end for word in one.words)
    assert pieces[-1].end == pytest.approx(whole(pieces).shape[1] / pieces[0].sound.rate)


def test_a_pause_is_silence_of_its_length(model: api.Model) -> None:
    marked = '<speak><break time="1s"/>low <break time="500ms"/> high</speak>'
    first, second = model.say(marked)
    assert first.begin == 1.0 and not bool(first.sound.samples[:, : first.sound.rate].any())
    assert second.begin - first.end == pytest.approx(0.5, abs=1e-3)
    rate = first.sound.rate
    gap = whole([first, second])[:, round(first.end * rate) : round(second.begin * rate)]
    assert gap.shape[1] >= 0.49 * rate and not bool(gap.any())


def test_voices_and_paces_are_those_of_the_marks(model: api.Model) -> None:
    marked = '<voice name="bob">low</voice> <prosody rate="x-slow">high</prosody>'
    first, second = model.say(marked, voice="ann", seed=3)
    assert (first.voice, second.voice) == ("bob", "ann")
    assert torch.equal(
        first.sound.samples[:, :400],
        next(model.say("low", voice="bob", seed=3)).sound.samples[:, :400],
    )
    (slow,) = model.say('<prosody rate="25%">high</prosody>')
    (fast,) = model.say('<prosody rate="400%">high</prosody>')
    assert slow.end > fast.end


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("\u4f60\u597d \u0440\u0443\u0441", "nothing"),
        ("\U0001f600 \U0001f44d", "nothing"),
        ("  ", "give a prompt"),
        ("<speak>low", "is none"),
        ("<speak><audio src='a.wav'/>low</speak>", "<audio> is not known"),
        ("<voice name='eve'>low</voice>", "ann, bob"),
        ("low " * 50_000, "50,000 at most"),
    ],
)
def test_what_cannot_be_said_is_told_before_anything_is_made(
    model: api.Model, text: str, told: str
) -> None:
    with pytest.raises(RequestError, match=told):
        model.say(text)


def test_other_scripts_among_words_are_left_out(model: api.Model) -> None:
    (one,) = model.say("low \U0001f600 \u4f60", seed=1)
    assert [word.text for word in one.words] == ["low"]


@pytest.mark.slow
def test_fifty_thousand_characters_are_said(model: api.Model) -> None:
    text = f"low high. {' ' * 990}" * 50
    assert len(text) == 50_000
    pieces = list(model.say(text))
    assert [one.number for one in pieces] == list(range(pieces[0].of))
    assert sum(len(one.words) for one in pieces) == 100


def test_a_model_of_something_else_says_nothing(tmp_path: Path) -> None:
    one = toys.shaken(toys.MADE["sound by flow"](), tmp_path)
    with pytest.raises(UsageError, match="says no texts"):
        exact.spoken(one, Request(prompt="low"))
