"""What is said of files, of harmful content and of sound: nothing that nobody found out."""

from __future__ import annotations

import base64
import io
from typing import Any

import httpx2
import openai
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from small_server import Running


@pytest.fixture(scope="module")
def picture(small: Running) -> bytes:
    """With its record inside."""
    with openai.OpenAI(base_url=f"{small.url}/v1", api_key="none") as client:
        found = client.images.generate(
            model="sprites", prompt="red", extra_body={"steps": 1, "seed": 5}
        )
    return base64.b64decode(found.data[0].b64_json)


def checked(client: openai.OpenAI, data: bytes, name: str = "a.png") -> Any:
    return client.content_provenance_checks.create(file=(name, data)).results[0]


def with_record(data: bytes, how: Any) -> bytes:
    """The same pixels with another record."""
    image = Image.open(io.BytesIO(data))
    marks = PngInfo()
    for key, value in image.text.items():
        marks.add_itxt(key, how(value))
    out = io.BytesIO()
    image.save(out, "PNG", pnginfo=marks)
    return out.getvalue()


def test_what_was_made_here_is_known(client: openai.OpenAI, picture: bytes) -> None:
    found = checked(client, picture)
    assert (found.type, found.outcome, found.validation_state) == ("genloom", "detected", "valid")
    assert found.model.endswith("sprites") and found.model_at_hand is True
    assert found.record["seed"] == 5 and found.intact and found.content
    renamed = checked(client, picture, "holiday.jpg")
    assert renamed.outcome == "detected"


def test_what_was_changed_is_seen(client: openai.OpenAI, picture: bytes) -> None:
    forged = with_record(picture, lambda text: text.replace('"seed":5', '"seed":6'))
    found = checked(client, forged)
    assert (found.outcome, found.validation_state) == ("not_detected", "invalid")
    assert not found.intact and found.faults
    out = io.BytesIO()
    Image.new("RGB", (4, 4)).save(out, "PNG")
    none = checked(client, out.getvalue())
    assert (none.outcome, none.validation_state) == ("not_detected", "not_present")
    assert none.record is None


def test_files_that_are_none(client: openai.OpenAI, small: Running) -> None:
    assert checked(client, b"nothing at all", "a.txt").validation_state == "not_present"
    with pytest.raises(openai.BadRequestError) as caught:
        checked(client, b"\x89PNG\r\n\x1a\n", "a.png")
    assert caught.value.param == "file"
    answer = httpx2.post(
        f"{small.url}/v1/content_provenance_checks", files={"other": b"x"}, timeout=60
    )
    assert answer.status_code == 400
    answer = httpx2.post(f"{small.url}/v1/content_provenance_checks", json={}, timeout=60)
    assert answer.status_code == 415


def test_no_verdict_is_made_up(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APIStatusError, match="makes up no verdict") as caught:
        client.moderations.create(input="hello")
    assert (caught.value.status_code, caught.value.code) == (501, "no_classifier")


# --- sound ----------------------------------------------------------------------------------------

WAV = b"RIFF\x24\x00\x00\x00WAVEfmt " + bytes(30)


def test_speech_is_refused_by_what_the_model_makes(client: openai.OpenAI) -> None:
    for model, media in (("sprites", "image/png"), ("words", "text/plain")):
        with pytest.raises(openai.BadRequestError, match=media) as caught:
            client.audio.speech.create(model=model, voice="alloy", input="hello")
        assert (caught.value.code, caught.value.param) == ("model_not_suited", "model")
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.speech.create(model="words", voice="alloy", input="a", speed=9)
    assert caught.value.param == "speed"


def test_transcriptions_are_refused_where_nothing_hears(client: openai.OpenAI) -> None:
    for model in ("words", "sprites"):
        with pytest.raises(openai.BadRequestError) as caught:
            client.audio.transcriptions.create(model=model, file=("a.wav", WAV))
        assert (caught.value.code, caught.value.param) == ("model_not_suited", "model")
    with pytest.raises(openai.APIStatusError) as wrong:
        client.audio.transcriptions.create(model="words", file=("a.wav", b"no sound"))
    assert (wrong.value.status_code, wrong.value.param) == (415, "file")


def test_voices_are_those_of_a_model(small: Running) -> None:
    url = f"{small.url}/v1/audio/voices"
    assert (
        httpx2.get(url, params={"model": "words"}, timeout=60).json()["error"]["code"]
        == "model_not_suited"
    )
    assert httpx2.get(url, timeout=60).status_code == 400
