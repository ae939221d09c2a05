"""A voice of one's own: heard once with consent, kept as a vector, said in later; or given."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import small_server
import torch
from small_server import Running

from genloom.codec.sound.files import read_sound, wav_bytes
from genloom.sound.wave import Sound

LONG = "Low high low. High low!"


@pytest.fixture(scope="module")
def running(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    names = [small_server.speakers(home, "hearers")]
    with small_server.running(tmp_path_factory.mktemp("hearers"), names) as it:
        yield it


def recording(hertz: float = 180.0) -> bytes:
    time = torch.arange(8_000) / 8_000
    return wav_bytes(Sound(0.4 * torch.sin(2 * torch.pi * hertz * time)[None], 8_000))


def asked(url: str, path: str, body: dict[str, object]) -> httpx2.Response:
    return httpx2.post(f"{url}/v1/{path}", json=body, timeout=60)


def sent(url: str, data: bytes, **fields: str) -> httpx2.Response:
    form = {"model": "hearers", "name": "mine", "consent": "I am the speaker and agree", **fields}
    files = {"audio_sample": ("a.wav", io.BytesIO(data), "audio/wav")}
    return httpx2.post(f"{url}/v1/audio/voices", data=form, files=files, timeout=60)


def wav(response: httpx2.Response) -> torch.Tensor:
    assert response.status_code == 200, response.text
    return read_sound(response.content).samples


def test_a_voice_is_heard_kept_said_in_and_deleted(running: Running) -> None:
    url = running.url
    speech = {"model": "hearers", "input": LONG, "response_format": "wav", "seed": 5}
    made = sent(url, recording())
    assert made.status_code == 200, made.text
    voice = made.json()
    listed = httpx2.get(f"{url}/v1/audio/voices", params={"model": "hearers"}, timeout=60).json()
    assert [one["name"] for one in listed["data"]] == ["ann", "bob", "mine"]
    held = [p.read_bytes() for p in running.data.rglob("*") if p.is_file()]
    assert any(b"I am the speaker and agree" in one for one in held)
    assert not any(recording()[1_000:1_200] in one for one in held)  # no recording is kept
    content = httpx2.get(f"{url}/v1/files/{voice['id']}/content", timeout=60).json()
    assert len(content["heard"]) > 8 and content["consent"] == "I am the speaker and agree"

    first = wav(asked(url, "audio/speech", {**speech, "voice": "mine"}))
    assert first.equal(wav(asked(url, "audio/speech", {**speech, "voice": {"id": voice["id"]}})))
    assert not first.equal(wav(asked(url, "audio/speech", {**speech, "voice": "ann"})))
    told = "data:audio/wav;base64," + base64.b64encode(recording()).decode()
    given = {**speech, "reference": told, "consent": "I agree"}
    assert (wav(asked(url, "audio/speech", given)) - first).abs().max() < 0.05
    assets = httpx2.get(f"{url}/v1/assets", timeout=60).json()["data"]
    records = [
        httpx2.get(f"{url}/v1/assets/{one['id']}/provenance", timeout=60).json() for one in assets
    ]
    assert sum("I am the speaker and agree" in json.dumps(one) for one in records) >= 2

    assert sent(url, recording()).json()["error"]["param"] == "name"
    gone = httpx2.delete(f"{url}/v1/audio/voices/{voice['id']}", timeout=60)
    assert gone.json()["deleted"]
    refused = asked(url, "audio/speech", {**speech, "voice": "mine"})
    assert refused.status_code == 400 and refused.json()["error"]["param"] == "voice"


def test_what_is_no_voice_is_refused_by_its_field(running: Running) -> None:
    url = running.url
    silence = wav_bytes(Sound(torch.zeros(1, 8_000), 8_000))
    for data, fields, status, param in (
        (recording(), {"consent": " "}, 400, "consent"),
        (recording(), {"name": "ann"}, 400, "name"),
        (silence, {}, 400, "audio_sample"),
        (b"RIFF\x00\x00\x00\x00WAVE", {}, 400, "audio_sample"),
        (b"no sound at all", {}, 415, "audio_sample"),
    ):
        answer = sent(url, data, **fields)
        assert answer.status_code == status, answer.text
        assert answer.json()["error"]["param"] == param, answer.text
    told = "data:audio/wav;base64," + base64.b64encode(recording()).decode()
    speech = {"model": "hearers", "input": "low"}
    for more, param in (
        ({"reference": told}, "consent"),
        ({"consent": "yes"}, "consent"),
        ({"reference": told, "consent": "yes", "voice": "ann"}, "voice"),
        ({"reference": 7, "consent": "yes"}, "reference"),
    ):
        answer = asked(url, "audio/speech", {**speech, **more})
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param), answer.text
    assert httpx2.delete(f"{url}/v1/audio/voices/file-none", timeout=60).status_code == 404


def test_the_form_tells_and_generate_takes_a_recording(running: Running) -> None:
    url = running.url
    form = httpx2.get(f"{url}/v1/models/hearers/form", timeout=60).json()
    assert "audio/wav" in form["takes"]["item"]
    assert {"voice", "speed", "consent"} <= {one["name"] for one in form["options"]}
    told = "data:audio/wav;base64," + base64.b64encode(recording()).decode()
    body = {"model": "hearers", "prompt": "low", "image": told, "seed": 1}
    refused = asked(url, "generate", body)
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "consent")
    made = asked(url, "generate", {**body, "consent": "I agree"})
    assert made.status_code == 200 and read_sound(made.content).samples.numel()
    plain = {"model": "hearers", "prompt": "low", "seed": 1}
    ann, bob = (wav(asked(url, "generate", {**plain, "voice": name})) for name in ("ann", "bob"))
    assert not ann.equal(bob)
    refused = asked(url, "generate", {**plain, "voice": "eve"})
    assert (refused.status_code, refused.json()["error"]["param"]) == (400, "voice")
