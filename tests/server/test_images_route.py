"""/v1/images/* with the official library, against a server with a tiny model of pictures."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from PIL import Image
from small_server import Running
from test_pictures import HOSTILE

from genloom.trust.provenance import verify


def opened(data: str | None) -> Image.Image:
    assert data is not None
    return Image.open(io.BytesIO(base64.b64decode(data)))


def encoded(image: Image.Image, kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    image.save(out, kind)
    return out.getvalue()


GIVEN = encoded(Image.new("RGBA", (8, 8), (220, 30, 30, 255)))


def sent(data: bytes, name: str = "a.png") -> tuple[str, bytes, str]:
    return (name, data, "image/png")


def refusal(ask: Callable[[], object]) -> tuple[int, str | None, str | None]:
    """(status, param, code) of the error that the library raises."""
    with pytest.raises(openai.APIStatusError) as caught:
        ask()
    return caught.value.status_code, caught.value.param, caught.value.code


# --- generations ----------------------------------------------------------------------------------


def test_pictures_are_made_as_they_are_asked_for(client: openai.OpenAI, tmp_path: Path) -> None:
    def made() -> Any:
        return client.images.generate(
            model="sprites", prompt="red", n=2, size="8x8", extra_body={"seed": 7, "steps": 3}
        )

    found, again = made(), made()
    pictures = [opened(one.b64_json) for one in found.data]
    assert [image.size for image in pictures] == [(8, 8)] * 2
    assert [image.format for image in pictures] == ["PNG"] * 2
    assert (found.size, found.output_format) == ("8x8", "png")
    assert [one.b64_json for one in found.data] != [found.data[0].b64_json] * 2
    for one, other in zip(pictures, again.data, strict=True):
        assert one.tobytes() == opened(other.b64_json).tobytes()
    file = tmp_path / "a.png"
    file.write_bytes(base64.b64decode(found.data[0].b64_json))
    verdict = verify(file)
    assert verdict.ok and verdict.record is not None
    assert (verdict.record["seed"], verdict.record["prompt"]) == (7, "red")
    assert verdict.record["options"]["steps"] == 3
    assert found.usage is not None and found.usage.total_tokens >= 0


def test_another_seed_makes_another_picture_and_is_told(client: openai.OpenAI) -> None:
    def made(**more: Any) -> Any:
        return client.images.with_raw_response.generate(
            model="sprites", prompt="red", extra_body=more
        )

    one, other = made(), made()
    assert one.headers["x-genloom-seed"] != other.headers["x-genloom-seed"]
    seed = int(one.headers["x-genloom-seed"])
    assert made(seed=seed).parse().data[0].b64_json is not None
    same = opened(made(seed=seed).parse().data[0].b64_json)
    assert same.tobytes() == opened(one.parse().data[0].b64_json).tobytes()


@pytest.mark.parametrize(
    ("asked", "kind", "mode"),
    [
        ({"output_format": "webp", "output_compression": 50}, "WEBP", "RGBA"),
        ({"output_format": "jpeg"}, "JPEG", "RGB"),
        ({"output_format": "png", "background": "opaque"}, "PNG", "RGB"),
        ({"output_format": "png", "background": "transparent"}, "PNG", "RGBA"),
        ({"background": "auto", "quality": "auto", "size": "auto"}, "PNG", "RGBA"),
        ({"moderation": "low", "user": "ann"}, "PNG", "RGBA"),
    ],
)
def test_formats(client: openai.OpenAI, asked: dict[str, Any], kind: str, mode: str) -> None:
    found = client.images.generate(
        model="sprites", prompt="blue", **asked, extra_body={"seed": 1, "steps": 2}
    )
    image = opened(found.data[0].b64_json)
    assert (image.format, image.mode) == (kind, mode)


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"size": "1024x1024x3"}, "size"),
        ({"size": "4096x4097"}, "size"),
        ({"size": "9x9"}, "size"),
        ({"quality": "hd"}, "quality"),
        ({"style": "vivid"}, "style"),
        ({"output_format": "gif"}, "output_format"),
        ({"output_format": "jpeg", "background": "transparent"}, "background"),
        ({"output_format": "png", "output_compression": 30}, "output_compression"),
        ({"output_format": "tiff"}, "output_format"),
        ({"partial_images": 2}, "partial_images"),
        ({"n": 0}, "n"),
        ({"n": 11}, "n"),
        ({"prompt": "green"}, None),
        ({"prompt": "a" * 40_000}, "prompt"),
        ({"extra_body": {"seed": 1 << 70}}, "seed"),
        ({"extra_body": {"guidance": -1}}, "guidance"),
        ({"extra_body": {"steps": 10**9}}, "steps"),
        ({"extra_body": {"frame_count": 4}}, "frame_count"),
        ({"extra_body": {"strength": 0.5}}, "strength"),
        ({"extra_body": {"svg": {"model": "x"}}}, "svg"),
    ],
)
def test_what_cannot_be_honoured_names_its_field(
    client: openai.OpenAI, asked: dict[str, Any], param: str | None
) -> None:
    told = {"model": "sprites", "prompt": "red", **asked}
    status, named, code = refusal(lambda: client.images.generate(**told))
    assert status == 400 and code
    assert param is None or named == param


def test_a_size_that_cannot_be_made_is_told_with_what_can(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="the nearest are") as caught:
        client.images.generate(model="sprites", prompt="red", size="9x9")
    assert caught.value.param == "size"


def test_unknown_fields_are_accepted_and_told(client: openai.OpenAI) -> None:
    raw = client.images.with_raw_response.generate(
        model="sprites", prompt="red", extra_body={"steps": 2, "flavour": "x"}
    )
    assert raw.headers["x-genloom-ignored-fields"] == "flavour"


def test_another_kind_of_model_is_refused_with_what_it_makes(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="text/csv") as caught:
        client.images.generate(model="people", prompt="red")
    assert (caught.value.code, caught.value.param) == ("model_not_suited", "model")
    assert refusal(lambda: client.images.generate(model="nobody", prompt="x"))[0] == 404
    assert refusal(lambda: client.images.generate(prompt="x"))[1] == "model"


def test_a_url_leads_to_the_file_that_was_asked_for(client: openai.OpenAI, small: Running) -> None:
    found = client.images.generate(
        model="sprites",
        prompt="red",
        response_format="url",
        output_format="webp",
        extra_body={"steps": 2},
    )
    url = found.data[0].url
    assert url is not None and url.startswith(f"{small.url}/v1/assets/asset_")
    answer = httpx2.get(url, timeout=60)
    assert answer.headers["content-type"] == "image/webp"
    assert "sandbox" in answer.headers["content-security-policy"]
    assert Image.open(io.BytesIO(answer.content)).format == "WEBP"
    told = httpx2.get(url.removesuffix("/content"), timeout=60).json()
    original = httpx2.get(f"{small.url}/v1/assets/{told['record']['from']}", timeout=60).json()
    assert original["media"] == "image/png" and original["record"]["prompt"] == "red"
    assert httpx2.delete(url.removesuffix("/content"), timeout=60).json()["deleted"] is True
    assert httpx2.get(url, timeout=60).status_code == 404


def test_a_stream_shows_pictures_in_the_making(client: openai.OpenAI) -> None:
    events = list(
        client.images.generate(
            model="sprites",
            prompt="red",
            stream=True,
            partial_images=2,
            n=2,
            extra_body={"seed": 7, "steps": 4},
        )
    )
    kinds = [event.type for event in events]
    assert kinds.count("image_generation.completed") == 2
    assert kinds[-1] == "image_generation.completed"
    partial = [event for event in events if event.type == "image_generation.partial_image"]
    assert partial and all(opened(event.b64_json).size == (8, 8) for event in partial)
    assert {event.partial_image_index for event in partial} <= {0, 1}
    last = events[-1]
    assert last.usage.total_tokens >= 0 and last.output_format == "png" and last.size == "8x8"
    whole = client.images.generate(
        model="sprites", prompt="red", n=2, extra_body={"seed": 7, "steps": 4}
    )
    done = {e.b64_json for e in events if e.type == "image_generation.completed"}
    made = {opened(one).tobytes() for one in done}
    assert made == {opened(one.b64_json).tobytes() for one in whole.data}


def test_a_stream_that_cannot_begin_has_a_status(client: openai.OpenAI) -> None:
    def ask() -> object:
        return list(
            client.images.generate(model="sprites", prompt="green", stream=True, partial_images=1)
        )

    assert refusal(ask)[0] == 400


# --- edits ----------------------------------------------------------------------------------------


def test_a_picture_is_made_anew_where_the_mask_is_clear(client: openai.OpenAI) -> None:
    mask = Image.new("RGBA", (8, 8), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 8, 4))
    white = Image.new("L", (8, 8), 0)
    white.paste(255, (0, 0, 8, 4))
    made = [
        client.images.edit(
            model="sprites",
            image=sent(GIVEN),
            mask=sent(encoded(one)),
            prompt="blue",
            extra_body={"seed": 3, "steps": 3},
        )
        for one in (mask, white)
    ]
    pictures = [opened(one.data[0].b64_json) for one in made]
    assert pictures[0].tobytes() == pictures[1].tobytes()
    below = pictures[0].convert("RGBA").crop((0, 4, 8, 8))
    assert below.tobytes() == Image.open(io.BytesIO(GIVEN)).crop((0, 4, 8, 8)).tobytes()
    above = pictures[0].convert("RGBA").crop((0, 0, 8, 4))
    assert above.tobytes() != Image.open(io.BytesIO(GIVEN)).crop((0, 0, 8, 4)).tobytes()


def test_strength_and_streams_of_edits(client: openai.OpenAI) -> None:
    events = list(
        client.images.edit(
            model="sprites",
            image=[sent(GIVEN)],
            prompt="red",
            stream=True,
            partial_images=1,
            extra_body={"seed": 3, "steps": 4, "strength": 0.5},
        )
    )
    assert events[-1].type == "image_edit.completed"
    assert {event.type for event in events[:-1]} <= {"image_edit.partial_image"}


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_variations_need_no_prompt(client: openai.OpenAI) -> None:
    found = client.images.create_variation(
        model="sprites", image=sent(GIVEN), n=2, extra_body={"strength": 0.4}
    )
    assert found.data is not None and len(found.data) == 2


def test_edits_in_json(small: Running) -> None:
    url = f"data:image/png;base64,{base64.b64encode(GIVEN).decode()}"
    body = {"model": "sprites", "prompt": "red", "steps": 2, "strength": 0.5, "seed": 4}
    for image in (url, {"image_url": url}, [{"image_url": {"url": url}}]):
        answer = httpx2.post(
            f"{small.url}/v1/images/edits", json={**body, "image": image}, timeout=60
        )
        assert answer.status_code == 200, answer.text
    for image, code in (
        ("http://127.0.0.1:1/a.png", "url_not_allowed"),
        ({"file_id": "file-none"}, "file_not_found"),
        ({"colour": "red"}, "invalid_value"),
    ):
        answer = httpx2.post(
            f"{small.url}/v1/images/edits", json={**body, "image": image}, timeout=60
        )
        error = answer.json()["error"]
        assert (answer.status_code // 100, error["code"]) == (4, code)
        assert error["param"] == "image"


def test_an_uploaded_file_can_be_edited(client: openai.OpenAI, small: Running) -> None:
    file = client.files.create(file=sent(GIVEN), purpose="vision")
    body = {"model": "sprites", "prompt": "red", "steps": 2, "strength": 0.5}
    answer = httpx2.post(
        f"{small.url}/v1/images/edits", json={**body, "image": {"file_id": file.id}}, timeout=60
    )
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("files", "asked", "status", "param"),
    [
        ({}, {}, 400, "image"),
        ({"image": b"<svg/>"}, {}, 415, "image"),
        ({"image": GIVEN[:60]}, {}, 400, "image"),
        ({"image": GIVEN, "mask": b"%!PS-Adobe"}, {}, 415, "mask"),
        ({"image": GIVEN}, {"n": "many"}, 400, "n"),
        ({"image": GIVEN}, {"input_fidelity": "high"}, 400, "input_fidelity"),
        ({"image": GIVEN, "other": GIVEN}, {}, 400, "other"),
        ({"image": GIVEN, "markup": GIVEN}, {}, 400, "markup"),
        ({"image": GIVEN}, {"model": "people"}, 400, "model"),
    ],
)
def test_edits_that_cannot_be(
    small: Running, files: dict[str, bytes], asked: dict[str, str], status: int, param: str
) -> None:
    answer = httpx2.post(
        f"{small.url}/v1/images/edits",
        files={name: sent(data) for name, data in files.items()} or {"none": ("", b"")},
        data={"model": "sprites", "prompt": "red", **asked},
        timeout=60,
    )
    error = answer.json()["error"]
    assert (answer.status_code, error["param"]) == (status, param) or not files, answer.text
    assert answer.status_code == status


def test_several_pictures_are_refused_not_dropped(client: openai.OpenAI) -> None:
    def ask() -> object:
        images = [sent(GIVEN, "a.png"), sent(GIVEN, "b.png")]
        return client.images.edit(model="sprites", image=images, prompt="red")

    assert refusal(ask) == (400, "image", "unsupported_value")


def test_the_server_lives_after_hostile_pictures(client: openai.OpenAI) -> None:
    for name, (make, status, code) in HOSTILE.items():
        data = make()
        found = refusal(
            lambda data=data: client.images.edit(model="sprites", image=sent(data), prompt="red")
        )
        assert found == (status, "image", code), name
    assert client.images.generate(model="sprites", prompt="red", extra_body={"steps": 1}).data


def test_what_is_asked_is_in_the_document(small: Running) -> None:
    paths = httpx2.get(f"{small.url}/openapi.json", timeout=60).json()["paths"]
    edits = paths["/v1/images/edits"]["post"]["requestBody"]["content"]
    assert set(edits) == {"multipart/form-data", "application/json"}
    assert "$defs" not in json.dumps(edits)
