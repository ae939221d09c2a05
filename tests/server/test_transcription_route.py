"""Transcriptions by the official library from a model that writes down recordings: every form of
the answer, and a 400 that names what cannot be honoured."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
import small_server
import torch
from toy_items import sounds

from genloom.codec.sound.files import wav_bytes
from genloom.sound.wave import Sound


@pytest.fixture(scope="module")
def client(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[openai.OpenAI]:
    names = [small_server.ears(home)]
    with (
        small_server.running(tmp_path_factory.mktemp("hearing"), names) as it,
        openai.OpenAI(base_url=f"{it.url}/v1", api_key="none", max_retries=0) as client,
    ):
        yield client


def heard(client: openai.OpenAI, sound: Sound | bytes | None = None, **more: object) -> object:
    sound = sounds(26)[25].open() if sound is None else sound
    data = sound if isinstance(sound, bytes) else wav_bytes(sound)
    asked = {"model": "ears", "file": ("it.wav", io.BytesIO(data)), **more}
    return client.audio.transcriptions.create(**asked)  # type: ignore[call-overload]


def test_what_is_said_comes_as_json_and_text(client: openai.OpenAI) -> None:
    told = heard(client)
    assert told.text == "low" and told.usage.type == "duration" and told.usage.seconds == 1
    assert heard(client, response_format="text", temperature=0) == "low\n"


def test_words_and_segments_have_their_times(client: openai.OpenAI) -> None:
    both = heard(
        client, response_format="verbose_json", timestamp_granularities=["word", "segment"]
    )
    (word,), (segment,) = both.words, both.segments
    assert word.word == segment.text == both.text == "low" and both.duration <= 0.12
    assert 0 <= word.start < word.end <= both.duration and segment.avg_logprob <= 0
    assert heard(client, response_format="verbose_json").words is None


def test_subtitles_are_told(client: openai.OpenAI) -> None:
    assert "00:00:00," in heard(client, response_format="srt")
    assert heard(client, response_format="vtt").startswith("WEBVTT")


@pytest.mark.parametrize(
    ("param", "more"),
    [
        ("language", {"language": "en"}),
        ("prompt", {"prompt": "Dear Sir"}),
        ("temperature", {"temperature": 0.5}),
        ("response_format", {"response_format": "diarized_json"}),
        ("timestamp_granularities", {"timestamp_granularities": ["word"]}),
        ("stream", {"stream": True}),
        ("include", {"include": ["logprobs"]}),
        ("file", {"sound": Sound(torch.zeros(1, 800), 8000)}),
        ("file", {"sound": b"RIFF\x10\x00\x00\x00WAVEfmt "}),
    ],
)
def test_what_cannot_be_honoured_is_named(
    client: openai.OpenAI, param: str, more: dict[str, object]
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        heard(client, **more)
    assert caught.value.param == param


def test_what_is_no_recording_is_refused(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        heard(client, b"no sound at all")
    assert caught.value.status_code == 415 and caught.value.param == "file"
