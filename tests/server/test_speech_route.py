"""Speech by the official library from a model that says words: voices, speed, formats, refusals."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2
import openai
import pytest
import small_server

from genloom import api
from genloom.codec.sound.files import read_sound


@pytest.fixture(scope="module")
def url(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    name = small_server.speakers(home)
    with small_server.running(tmp_path_factory.mktemp("speech"), [name]) as it:
        yield it.url


@pytest.fixture
def client(url: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as it:
        yield it


def said(client: openai.OpenAI, **more: object) -> bytes:
    asked = {"model": "speakers", "voice": "bob", "input": "low", "response_format": "wav"}
    body = {"seed": 3}
    return client.audio.speech.create(**{**asked, **more}, extra_body=body).read()  # type: ignore[call-overload]


def test_a_voice_says_it_the_same_each_time(client: openai.OpenAI) -> None:
    first = said(client)
    assert read_sound(first).samples.numel()
    assert read_sound(first).samples.equal(read_sound(said(client)).samples)
    assert not read_sound(first).samples.equal(read_sound(said(client, voice="ann")).samples)


def test_the_slowest_is_the_longest(client: openai.OpenAI) -> None:
    slow, fast = (read_sound(said(client, input="high", speed=s)) for s in (0.25, 4.0))
    assert slow.seconds > fast.seconds


def test_voices_and_the_form_are_those_of_the_model(url: str, client: openai.OpenAI) -> None:
    told = httpx2.get(f"{url}/v1/audio/voices", params={"model": "speakers"}, timeout=60).json()
    assert [one["id"] for one in told["data"]] == ["ann", "bob"]
    form = httpx2.get(f"{url}/v1/models/speakers/form", timeout=60).json()
    assert form["prompt"] == {"kind": "text", "needed": True}
    assert [*form["takes"]] == ["item"] and "speed" in [one["name"] for one in form["options"]]


def test_what_it_cannot_do_is_told(client: openai.OpenAI) -> None:
    for field, value in (("voice", "eve"), ("instructions", "whisper")):
        with pytest.raises(openai.BadRequestError) as caught:
            said(client, **{field: value})
        assert caught.value.param == field
    for text, told in (
        ("<speak>low", "is none"),
        ("<speak>low <audio/></speak>", "<audio> is not known"),
        ("\U0001f600", "can be said"),
        ("low " * 13_000, "50,000 at most"),
    ):
        with pytest.raises(openai.BadRequestError, match=told):  # no 200 that breaks off
            said(client, input=text)


LONG = "Low high low. High low!"


def test_the_first_piece_is_given_out_while_the_rest_is_made(
    home: Path, url: str, client: openai.OpenAI
) -> None:
    whole = api.load(home / "models" / "speakers").generate(LONG, where={"voice": "bob"}, seed=3)
    streamed = read_sound(said(client, input=LONG)).samples
    assert (streamed - whole[0].samples).abs().max() < 1e-4
    body = {"model": "speakers", "voice": "bob", "input": LONG, "seed": 3, "response_format": "pcm"}
    with httpx2.stream("POST", f"{url}/v1/audio/speech", json=body, timeout=60) as answer:
        pieces = list(answer.iter_raw())
    assert len(pieces) > 1 and len(b"".join(pieces)) == 2 * streamed.shape[1]
    flac = read_sound(said(client, input=LONG, response_format="flac")).samples
    assert (flac - streamed).abs().max() < 1e-4


def test_speech_in_events(url: str) -> None:
    body = {"model": "speakers", "input": LONG, "response_format": "pcm", "stream_format": "sse"}
    with httpx2.stream("POST", f"{url}/v1/audio/speech", json=body, timeout=60) as answer:
        kinds = [line[7:] for line in answer.iter_lines() if line.startswith("event: ")]
    assert kinds[-1] == "speech.audio.done" and kinds.count("speech.audio.delta") >= 4
