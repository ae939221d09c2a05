"""/v1/generate: whatever a model makes, in the form that the client wants."""

from __future__ import annotations

import base64
import io
import json
from email.parser import BytesParser
from typing import Any

import httpx2
import pytest
from PIL import Image
from small_server import Running

from genloom import api


def asked(small: Running, accept: str = "*/*", **body: Any) -> httpx2.Response:
    url = f"{small.url}/v1/generate"
    return httpx2.post(url, json=body, headers={"accept": accept}, timeout=90)


def events(answer: httpx2.Response) -> list[dict[str, Any]]:
    lines = [line[6:] for line in answer.text.splitlines() if line.startswith("data: ")]
    assert lines[-1] == "[DONE]"
    return [json.loads(line) for line in lines[:-1]]


def test_texts(small: Running) -> None:
    body = {"model": "words", "prompt": "The ", "count": 2, "seed": 3, "max_tokens": 8}
    found = asked(small, **body, temperature=0.8).json()
    assert [one["index"] for one in found["data"]] == [0, 1]
    assert found["usage"]["completion_tokens"] == 16 and found["seed"] == 3
    streamed = events(asked(small, **body, temperature=0.8, stream=True))
    for one in found["data"]:
        pieces = [e["text"] for e in streamed if e["type"] == "text" and e["index"] == one["index"]]
        assert "".join(pieces) == one["text"]
    assert streamed[-1]["type"] == "done"
    with api.load("words").engine() as engine:
        assert engine is not None


def test_texts_that_are_kept(small: Running) -> None:
    """The file of each is the whole text with its record; told in a stream and at once."""
    body = {"model": "words", "prompt": "The ", "count": 2, "seed": 5, "max_tokens": 6}
    plain = asked(small, **body).json()
    assert all("asset_id" not in one for one in plain["data"])
    found = asked(small, **body, store=True).json()
    assert [one["text"] for one in found["data"]] == [one["text"] for one in plain["data"]]
    streamed = events(asked(small, **body, store=True, stream=True))
    assert streamed[-1]["type"] == "done"
    files = {one["index"]: one for one in streamed if one["type"] == "asset"}
    for one in found["data"]:
        url = f"{small.url}/v1/assets/{one['asset_id']}"
        assert httpx2.get(f"{url}/content", timeout=60).text == "The " + one["text"]
        record = httpx2.get(url, timeout=60).json()["record"]
        assert (record["prompt"], record["seed"]) == ("The ", 5)
        assert record["asset"]["number"] == one["index"]
        assert files[one["index"]]["sha256"] == one["sha256"]


def test_an_item_by_its_number(small: Running) -> None:
    """The second of a seed is the same item alone."""
    body = {"model": "words", "prompt": "The ", "seed": 5, "max_tokens": 6}
    both = asked(small, **body, count=2).json()["data"]
    assert asked(small, **body, first=1).json()["data"][0]["text"] == both[1]["text"]


def test_one_picture_is_a_file(small: Running) -> None:
    answer = asked(small, model="sprites", prompt="red", seed=7, steps=2)
    assert answer.headers["content-type"] == "image/png"
    assert Image.open(io.BytesIO(answer.content)).size == (8, 8)
    asset = answer.headers["x-genloom-asset"]
    kept = httpx2.get(f"{small.url}/v1/assets/{asset}/content", timeout=60)
    assert kept.content == answer.content
    told = asked(small, "application/json", model="sprites", prompt="red", seed=7, steps=2).json()
    again = Image.open(io.BytesIO(base64.b64decode(told["data"][0]["b64"])))
    assert again.tobytes() == Image.open(io.BytesIO(answer.content)).tobytes()


def test_several_pictures(small: Running) -> None:
    body = {"model": "sprites", "prompt": "red", "count": 3, "seed": 7, "steps": 2}
    told = asked(small, **body).json()
    assert [one["media"] for one in told["data"]] == ["image/png"] * 3
    mixed = asked(small, "multipart/mixed", **body)
    head = f"Content-Type: {mixed.headers['content-type']}\r\n\r\n".encode()
    parts = BytesParser().parsebytes(head + mixed.content).get_payload()
    assert len(parts) == 3
    for part, one in zip(parts, told["data"], strict=True):
        assert part.get_content_type() == "image/png"
        data = part.get_payload(decode=True)
        same = Image.open(io.BytesIO(base64.b64decode(one["b64"])))
        assert Image.open(io.BytesIO(data)).tobytes() == same.tobytes()


def test_a_table(small: Running) -> None:
    answer = asked(small, model="people", count=5, seed=1, where={"city": "north"})
    assert answer.headers["content-type"].startswith("text/csv")
    lines = answer.text.splitlines()
    assert len(lines) == 6 and all("north" in line for line in lines[1:])


def test_pictures_in_a_stream(small: Running) -> None:
    found = events(
        asked(small, model="sprites", prompt="red", seed=7, steps=4, previews=2, stream=True)
    )
    kinds = [one["type"] for one in found]
    assert kinds[-1] == "done" and "asset" in kinds and "preview" in kinds
    asset = next(one for one in found if one["type"] == "asset")
    assert asset["record"]["seed"] == 7 and base64.b64decode(asset["b64"])[:4] == b"\x89PNG"


def test_from_a_picture(small: Running) -> None:
    out = io.BytesIO()
    Image.new("RGBA", (8, 8), (9, 9, 9, 255)).save(out, "PNG")
    url = f"data:image/png;base64,{base64.b64encode(out.getvalue()).decode()}"
    body = {"model": "sprites", "prompt": "red", "seed": 1, "steps": 3, "strength": 0.3}
    assert asked(small, **body, image=url).headers["content-type"] == "image/png"


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "sprites", "prompt": "red", "where": "a > 1"}, "where"),
        ({"model": "words", "prompt": "a", "previews": 2}, "previews"),
        ({"model": "words", "prompt": "a", "suffix": ".png"}, "suffix"),
        ({"model": "words", "prompt": "a", "image": "data:image/png;base64,"}, "image"),
        ({"model": "words", "prompt": "a", "image": "http://127.0.0.1/a.png"}, "image"),
        ({"model": "sprites", "prompt": "red", "suffix": ".exe"}, None),
        ({"model": "sprites", "prompt": "red", "store": False}, "store"),
        ({"model": "people", "n": 2, "count": 2}, "n"),
        ({"model": "words", "temperature": -1.0}, "temperature"),
        ({"prompt": "a"}, "model"),
    ],
    ids=str,
)
def test_what_cannot_be(small: Running, body: dict[str, Any], param: str | None) -> None:
    answer = asked(small, **body)
    assert answer.status_code in (400, 415), answer.text
    assert param is None or answer.json()["error"]["param"] == param, answer.text
