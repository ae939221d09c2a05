"""Media jobs from the first word to the last, with the official library where it has them."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from PIL import Image
from small_server import Running, running

from genloom import api
from genloom.server.moving import sheet, thumbnail
from genloom.server.routes.media_rows import ROWS
from genloom.server.table_files import rows_of
from genloom.trust.provenance import verify

pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning"
)  # the library's word on videos
WAIT = 90.0


class Web:
    """Plain requests to one server."""

    def __init__(self, url: str) -> None:
        self.http = httpx2.Client(base_url=f"{url}/v1", timeout=60)

    def __enter__(self) -> Web:
        return self

    def __exit__(self, *error: object) -> None:
        self.http.close()

    def begun(self, path: str, **asked: Any) -> dict[str, Any]:
        answer = self.http.post(f"/{path}", json=asked)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def over(self, path: str, id: str) -> dict[str, Any]:
        until = time.monotonic() + WAIT
        while True:
            told: dict[str, Any] = self.http.get(f"/{path}/{id}").json()
            if told["status"] in ("completed", "failed"):
                return told
            assert time.monotonic() < until, told
            time.sleep(0.05)

    def content(self, path: str, id: str, accept: str = "*/*", **query: Any) -> httpx2.Response:
        where = f"/{path}/{id}/content"
        return self.http.get(where, params=query, headers={"accept": accept})

    def refused(self, path: str, **asked: Any) -> tuple[int, str | None, str]:
        answer = self.http.post(f"/{path}", json=asked)
        error = answer.json()["error"]
        return answer.status_code, error["param"], error["code"]


@pytest.fixture
def web(small: Running) -> Iterator[Web]:
    with Web(small.url) as made:
        yield made


def table(answer: httpx2.Response) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text)))


def test_a_table_is_made(web: Web, tmp_path: Path) -> None:
    job = web.begun("tables", model="people", rows=30, where="age > 40 and city = 'north'", seed=5)
    assert job["object"] == "table" and job["id"].startswith("table_")
    assert job["status"] in ("queued", "in_progress") and job["seed"] == 5
    done = web.over("tables", job["id"])
    assert (done["status"], done["progress"], done["error"]) == ("completed", 100, None)
    answer = web.content("tables", job["id"])
    assert answer.headers["content-type"].startswith("text/csv")
    rows = table(answer)
    assert len(rows) == 30 and set(rows[0]) == {"age", "city", "code"}
    assert all(float(row["age"]) > 40 and row["city"] == "north" for row in rows)
    expected = api.load("people").generate(30, where="age > 40 and city = 'north'", seed=5)
    assert answer.text == expected.to_csv(index=False, lineterminator="\n")
    asset = web.http.get(f"/assets/{done['assets'][0]['id']}").json()
    file = tmp_path / "a.csv"
    file.write_bytes(answer.content)
    assert asset["record"]["seed"] == 5 and asset["record"]["where"]
    assert verify(file).found is False  # a CSV holds no record: the store does


def test_rows_as_json_by_header_or_by_word(web: Web) -> None:
    by_header = web.begun("tables", model="people", rows=5, seed=6)
    by_word = web.begun("tables", model="people", rows=5, seed=6, response_format="json")
    for job, accept in ((by_header, "application/json"), (by_word, "*/*")):
        web.over("tables", job["id"])
        answer = web.content("tables", job["id"], accept)
        assert answer.headers["content-type"] == "application/json"
        rows = answer.json()
        assert len(rows) == 5
        assert all(isinstance(row["age"], (int, float)) for row in rows)
        assert all(row["code"] in ("A07", "B11") for row in rows)
    assert web.content("tables", by_header["id"]).headers["content-type"].startswith("text/csv")


def test_parquet_holds_its_record(web: Web, tmp_path: Path) -> None:
    job = web.begun("tables", model="people", rows=4, seed=6, response_format="parquet")
    assert web.over("tables", job["id"])["status"] == "completed"
    file = tmp_path / "a.parquet"
    file.write_bytes(web.content("tables", job["id"]).content)
    verdict = verify(file)
    assert verdict.ok and verdict.record is not None and verdict.record["seed"] == 6


def test_a_table_of_many_rows_tells_how_far_it_is(web: Web) -> None:
    job = web.begun("tables", model="people", rows=20_000, seed=1)
    done = web.over("tables", job["id"])
    assert done["status"] == "completed"
    assert len(table(web.content("tables", job["id"]))) == 20_000


@pytest.mark.parametrize(
    ("asked", "param", "code"),
    [
        ({"rows": 0}, "rows", "invalid_value"),
        ({"rows": 10**9}, "rows", "invalid_value"),
        ({"rows": 3, "count": 3}, "rows", "unsupported_value"),
        ({"where": 7}, "where", "invalid_value"),
        ({"seconds": "4", "response_format": "xlsx"}, "response_format", "invalid_value"),
        ({"model": "sprites"}, "model", "model_not_suited"),
        ({"model": "nobody"}, None, "model_not_found"),
        ({"seed": -1}, "seed", "invalid_value"),
    ],
    ids=str,
)
def test_tables_that_cannot_be(
    web: Web, asked: dict[str, Any], param: str | None, code: str
) -> None:
    status, named, told = web.refused("tables", **{"model": "people", **asked})
    assert status in (400, 404) and told == code
    assert param is None or named == param


def test_a_job_that_cannot_be_ends_as_failed_with_the_reason(web: Web) -> None:
    for where in ("age >", "height > 3", "age > 1000"):
        done = web.over("tables", web.begun("tables", model="people", rows=3, where=where)["id"])
        assert done["status"] == "failed" and done["error"]["message"]
        assert web.content("tables", done["id"]).status_code == 409


def test_lists_cancel_delete(web: Web) -> None:
    ids = [web.begun("tables", model="people", rows=2, seed=n)["id"] for n in range(3)]
    for id in ids:
        web.over("tables", id)
    page = web.http.get("/tables", params={"limit": 2}).json()
    assert [one["id"] for one in page["data"]] == [ids[2], ids[1]] and page["has_more"]
    rest = web.http.get("/tables", params={"limit": 1, "after": ids[1]}).json()
    assert [one["id"] for one in rest["data"]] == [ids[0]]
    assert all(one["object"] == "table" for one in page["data"])
    assert web.http.get("/videos").json()["data"] == []
    assert web.http.get(f"/videos/{ids[0]}").status_code == 404
    again = web.http.post(f"/tables/{ids[0]}/cancel").json()
    assert again["status"] == "completed"  # it was over
    asset = web.http.get(f"/tables/{ids[0]}").json()["assets"][0]["id"]
    gone = web.http.delete(f"/tables/{ids[0]}").json()
    assert gone == {"id": ids[0], "object": "table.deleted", "deleted": True}
    for path in (f"/tables/{ids[0]}", f"/assets/{asset}", f"/tables/{ids[0]}/content"):
        assert web.http.get(path).status_code == 404
    assert web.http.delete(f"/tables/{ids[0]}").status_code == 404


def test_cancelled_before_the_end(web: Web) -> None:
    job = web.begun("tables", model="people", rows=100_000, where="age > 60", seed=1)
    told = web.http.post(f"/tables/{job['id']}/cancel").json()
    assert told["id"] == job["id"]
    done = web.over("tables", job["id"])
    assert (done["status"], done["error"]["code"]) == ("failed", "cancelled")


def test_remixed_with_the_same_seed(web: Web) -> None:
    job = web.begun("tables", model="people", rows=3, seed=9, response_format="json")
    web.over("tables", job["id"])
    other = web.http.post(f"/tables/{job['id']}/remix", json={"prompt": ""}).json()
    assert other["remixed_from_video_id"] == job["id"] and other["seed"] == 9
    web.over("tables", other["id"])
    both = [web.content("tables", one["id"]).text for one in (job, other)]
    assert both[0] == both[1]


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_jobs_survive_the_server(small_models: tuple[str, ...], tmp_path: Path) -> None:
    with running(tmp_path, small_models) as first, Web(first.url) as web:
        done = web.over("tables", web.begun("tables", model="people", rows=3, seed=2)["id"])
        before = web.content("tables", done["id"]).text
        waiting = web.begun("tables", model="people", rows=8_000, seed=2)
    with running(tmp_path, small_models) as second, Web(second.url) as web:
        assert web.content("tables", done["id"]).text == before
        assert web.over("tables", waiting["id"])["status"] == "completed"
        assert len(table(web.content("tables", waiting["id"]))) == 8_000


# --- videos and the rest --------------------------------------------------------------------------


def test_videos_are_refused_by_what_the_model_makes(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="image/png") as caught:
        client.videos.create(model="sprites", prompt="red", seconds="4", size="720x1280")
    assert (caught.value.code, caught.value.param) == ("model_not_suited", "model")
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve("video_none")
    assert list(client.videos.list()) == []


@pytest.mark.parametrize("row", [row for row in ROWS if row.path != "tables"], ids=lambda r: r.path)
def test_every_medium_says_what_is_missing(web: Web, row: Any) -> None:
    for model in ("words", "sprites", "people"):
        assert web.refused(row.path, model=model, prompt="x") == (400, "model", "model_not_suited")


def gif(frames: int) -> bytes:
    out = io.BytesIO()
    made = [Image.new("RGB", (20, 10), (n * 6, 0, 0)) for n in range(frames)]
    made[0].save(out, "GIF", save_all=True, append_images=made[1:], duration=50)
    return out.getvalue()


class Finished:
    """Jobs that a model of another medium would have left: their rows and files are real."""

    def __init__(self, small: Running) -> None:
        self.records = small.server.app.state.service.records

    def __call__(self, path: str, prefix: str, data: bytes, media: str, suffix: str) -> str:
        asset = self.records.assets.put(data, media, owner="local")
        told = {"id": asset.id, "sha256": asset.sha256, "media": media, "suffix": suffix}
        given = {"call": {"task": "generate", "given": {"prompt": "red", "seed": 1}}, "blobs": {}}
        job = self.records.jobs.create(
            f"generation:{path}", owner="local", given=given, model="x", prefix=prefix
        )
        result = {"assets": [{**told, "sample": 0, "bytes": len(data)}]}
        self.records.jobs.move(job.id, "completed", result=result, progress=100.0)
        return str(job.id)


@pytest.fixture
def finished(small: Running) -> Callable[..., str]:
    return Finished(small)


def test_the_library_reads_a_finished_video(
    client: openai.OpenAI, finished: Callable[..., str]
) -> None:
    data = gif(6)
    id = finished("videos", "video_", data, "image/gif", ".gif")
    video = client.videos.poll(id)
    assert (video.status, video.object, video.progress, video.prompt) == (
        *("completed", "video", 100, "red"),
    )
    assert [one.id for one in client.videos.list()] == [id]
    assert client.videos.download_content(id).read() == data
    first = Image.open(io.BytesIO(client.videos.download_content(id, variant="thumbnail").read()))
    assert (first.format, first.size) == ("WEBP", (20, 10))
    board = client.videos.download_content(id, variant="spritesheet").read()
    assert Image.open(io.BytesIO(board)).size == (60, 20)
    assert client.videos.delete(id).deleted
    with pytest.raises(openai.NotFoundError):
        client.videos.retrieve(id)


def test_parts_of_a_file_and_wrong_readings(web: Web, finished: Callable[..., str]) -> None:
    data = b"ISO Media" * 100
    id = finished("videos", "video_", data, "video/mp4", ".mp4")
    part = web.http.get(f"/videos/{id}/content", headers={"range": "bytes=3-7"})
    assert (part.status_code, part.content) == (206, data[3:8])
    many = ",".join(f"{n}-{n}" for n in range(5000))
    assert web.http.get(
        f"/videos/{id}/content", headers={"range": f"bytes={many}"}
    ).status_code in (*(400, 416, 431, 200, 206),)
    for query, param in (
        ({"variant": "thumbnail"}, "variant"),
        ({"variant": "hologram"}, "variant"),
        ({"index": 1}, "index"),
        ({"index": -1}, "index"),
    ):
        answer = web.content("videos", id, **query)
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, param)


def test_stills() -> None:
    data, media = thumbnail(gif(3))
    assert media == "image/webp" and Image.open(io.BytesIO(data)).size == (20, 10)
    board = Image.open(io.BytesIO(sheet(gif(40))[0]))
    assert board.size == (100, 50)  # 25 of them, five a row


def test_cells_are_read_as_they_would_be_written() -> None:
    data = b'a,b,c,d\n1,007,"x,""y""",\n-2.5,1e3,True,inf\n'
    assert rows_of(data)[0] == (
        b'[{"a":1,"b":"007","c":"x,\\"y\\"","d":null},{"a":-2.5,"b":"1e3","c":true,"d":"inf"}]'
    )
