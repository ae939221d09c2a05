"""Recordings as what is said in them: letters, levels, bad audio, files of what is heard."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
import toy_items

from genloom.codec.sound.files import wav_bytes
from genloom.codec.sound.recordings import Recording
from genloom.codec.sound.transcript import TranscriptCodec
from genloom.codec.sound.transcript_item import HeardWord, Transcript, letters
from genloom.errors import DataError, RecipeError, RequestError
from genloom.sound.wave import Sound

OPTIONS = {"rate": 8000, "window": 256, "hop": 64, "bands": 16}


def noise(seconds: float, text: str | None, seed: int = 1) -> Recording:
    samples = torch.randn(1, round(8000 * seconds), generator=torch.Generator().manual_seed(seed))
    return Recording(Sound(samples * 0.1, 8000), text)


@pytest.fixture
def codec() -> TranscriptCodec:
    made = TranscriptCodec(**OPTIONS)
    made.fit([noise(1.0, "Hello, all!"), noise(1.4, "It\u2019s Lee\u2019s.")])
    return made


def test_letters_are_what_is_heard_of_a_text():
    assert letters("  \u201cIt\u2019s 5 o'clock,\u201d she said\u2014 'Ünder'!") == (
        "it's 5 o'clock she said ünder"
    )
    assert letters("Привет, мир") == "привет мир" and letters("?! \U0001f600") == ""


def test_what_is_learnt_is_a_path_that_reads_as_the_text(codec):
    x = codec.encode([noise(1.0, "Hello, all!")])
    assert codec.decode(x) == ["hello all"]
    items, told = codec.told(torch.stack(x), torch.Generator())
    assert items.shape[1] == codec.spec.channels and told.shape[1] == codec.spec.control
    assert bool((items.sum(1) == 1).all())


def test_loudness_changes_nothing(codec):
    sound = noise(1.0, None).open()
    quiet = Sound(sound.samples * 0.03, sound.rate)
    assert torch.allclose(codec.frames_told(sound), codec.frames_told(quiet), atol=1e-3)


def test_places_lie_where_their_frames_do(codec):
    """A click in the silence is loud at its place alone."""
    samples = torch.zeros(1, 8000)
    samples[:, 4000:4040] = 0.5
    told = codec.frames_told(Sound(samples, 8000)).mean(0)
    assert abs(int(told.argmax()) * codec.place - 0.5) <= codec.place


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (Sound(torch.zeros(1, 800), 8000), "silent"),
        (Sound(torch.zeros(1, 0), 8000), "silent"),
        (b"RIFF\x10\x00\x00\x00WAVE", "recording"),
        (Path("none.wav"), "no such file"),
    ],
)
def test_bad_audio_is_told(codec, given, told):
    with pytest.raises(RequestError, match=told) as caught:
        codec.control(given, (1,))
    assert caught.value.param == "item"


def test_what_cannot_be_learnt_from_is_told(tmp_path):
    codec = TranscriptCodec(**OPTIONS, seconds=1.0)
    for text, seconds, told in ((None, 0.5, "has no text"), ("hello", 1.5, "cut it at pauses")):
        with pytest.raises(DataError, match=told):
            codec.fit([noise(seconds, text)])
        file = tmp_path / "one.wav"
        file.write_bytes(wav_bytes(noise(seconds, None).open()))
        if text:
            file.with_suffix(".txt").write_text(text)
        with pytest.raises(DataError, match=told):
            codec.read(tmp_path)
    with pytest.raises(RecipeError, match="fold"):
        TranscriptCodec(fold=0)


def test_texts_too_long_for_their_recordings_are_noted():
    codec = TranscriptCodec(**OPTIONS)
    codec.fit([noise(0.2, "far too long a text"), noise(1.0, "short")])
    assert "1 of 2 texts have more letters" in codec.notes[0]


def test_what_is_said_twice_is_on_one_side_of_a_split(codec):
    assert len({*codec.keys([noise(1, "Hello all", 1), noise(1, "hello, ALL!", 2)])}) == 1


def test_a_transcript_is_written_as_the_file_asks(codec, tmp_path):
    words = [
        HeardWord(text="hello", begin=0.5, end=0.9, confidence=0.8),
        HeardWord(text="all", begin=1.0, end=1.2, confidence=0.6),
    ]
    item = Transcript(words, 2.0)
    assert item == "hello all" and item.confidence == pytest.approx(0.7)
    for suffix in (".txt", ".srt", ".vtt", ".json"):
        codec.write(item, tmp_path / f"it{suffix}")
    assert (tmp_path / "it.txt").read_text() == "hello all\n"
    assert "00:00:00,500 --> 00:00:01," in (tmp_path / "it.srt").read_text()
    assert (tmp_path / "it.vtt").read_text().startswith("WEBVTT")
    told = json.loads((tmp_path / "it.json").read_text())
    assert told["seconds"] == 2.0 and told["words"][1] == {
        "word": "all",
        "start": 1.0,
        "end": 1.2,
        "confidence": 0.6,
    }


def test_toy_sounds_are_what_it_takes():
    codec = TranscriptCodec(**OPTIONS)
    codec.fit(toy_items.sounds(8))
    assert codec.letters == " ghilow" and codec.features(toy_items.sounds(2)).shape[0] == 2


def test_digits_are_heard_as_digits() -> None:
    """Learnt as they are said, written over the time of all their words, compared alike."""
    codec = TranscriptCodec(**OPTIONS, numbers="digits")
    codec.fit([noise(4.0, "Room 25 costs $40."), noise(4.0, "No one came in 1984.")])
    assert codec.text("Room 25.") == "room twenty five" and "5" not in codec.letters
    (heard,) = codec.decode(codec.encode([noise(4.0, "Room 25 costs $40.")]))
    assert heard == "room 25 costs 40 dollars"
    words = {word.text: word for word in heard.words}
    assert words["room"].end <= words["25"].begin < words["25"].end <= words["costs"].begin
    assert codec.captions([heard]) == codec.captions(["Room 25 costs 40 dollars"])
    plain = TranscriptCodec(**OPTIONS, numbers="words")
    plain.fit([noise(2.0, "Room 25.")])
    assert plain.decode(plain.encode([noise(2.0, "Room 25.")])) == ["room twenty five"]
    with pytest.raises(RecipeError, match="numbers"):
        TranscriptCodec(numbers="roman")
