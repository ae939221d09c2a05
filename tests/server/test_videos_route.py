"""Videos over HTTP from a real model: as OpenAI's library asks for them, with a first picture, in
other formats, with stills."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from PIL import Image
from small_server import moving, running

from genloom import store
from genloom.codec.video.clips import as_clip
from genloom.server.moving import sheet, thumbnail
from genloom.trust import provenance

pytestmark = pytest.mark.filterwarnings(
    "ignore:The Sora API:DeprecationWarning"
)  # the library's word on videos


@pytest.fixture(scope="module")
def client(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[openai.OpenAI]:
    pytest.importorskip("av", reason="films need the extra video")
    store.set_home(home)
    with running(tmp_path_factory.mktemp("records"), (moving(home),)) as small:
        yield openai.OpenAI(base_url=f"{small.url}/v1", api_key="none", max_retries=0)


def test_a_video_is_made_polled_and_fetched(client: openai.OpenAI, tmp_path: Path) -> None:
    asked = {"seed": 3, "steps": 4}
    video = client.videos.create(model="moving", prompt="moving left", extra_body=asked)
    done = client.videos.poll(video.id, poll_interval_ms=50)
    assert (done.status, done.progress, done.prompt) == ("completed", 100, "moving left")
    path = tmp_path / "a.mp4"
    path.write_bytes(client.videos.download_content(video.id).read())
    made = as_clip(path).open()
    assert len(made) == 4 and made.size == (8, 8) and made.rate == 4
    verdict = provenance.verify(path)
    assert verdict.ok and verdict.place == "inside" and verdict.record is not None
    assert (verdict.record["prompt"], verdict.record["seed"]) == ("moving left", 3)
    still = client.videos.download_content(video.id, variant="thumbnail").read()
    assert Image.open(io.BytesIO(still)).size == (8, 8)
    board = client.videos.download_content(video.id, variant="spritesheet").read()
    assert Image.open(io.BytesIO(board)).size == (16, 16)


def test_a_video_goes_on_from_a_picture_in_another_format(
    client: openai.OpenAI, tmp_path: Path
) -> None:
    picture = io.BytesIO()
    Image.new("L", (8, 8), 200).save(picture, "PNG")
    video = client.videos.create(
        model="moving",
        prompt="moving right",
        input_reference=("first.png", picture.getvalue(), "image/png"),
        extra_body={"response_format": "gif"},
    )
    assert client.videos.poll(video.id, poll_interval_ms=50).status == "completed"
    path = tmp_path / "a.gif"
    path.write_bytes(client.videos.download_content(video.id).read())
    made = as_clip(path).open()
    assert abs(int(made.pixels[0].mean()) - 200) <= 1 and made.pixels[1:].std() > 1
    record = provenance.verify(path).record
    assert record is not None and "item" in json.loads(json.dumps(record))["given"]


def test_what_is_no_film_and_no_length_of_this_model(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="one length"):
        client.videos.create(model="moving", prompt="moving left", seconds="4")
    with pytest.raises(openai.APIStatusError, match="known format"):
        client.videos.create(
            model="moving", prompt="x", input_reference=("a.mp4", b"no film", "video/mp4")
        )


def test_films_without_frames_have_no_stills() -> None:
    for data in (b"\0\0\0\x18ftypmp42" + b"\0" * 40, b"\x1aE\xdf\xa3 nothing"):
        for reading in (thumbnail, sheet):
            with pytest.raises(Exception, match="no stills"):
                reading(data)
