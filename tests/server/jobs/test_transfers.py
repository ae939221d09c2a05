"""Models come in and go out over HTTP as jobs: whole or not at all, from where is allowed."""

from __future__ import annotations

import io
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import httpx2
import pytest
import small_server
from http_client import ask
from small_server import Running

from genloom import store


@pytest.fixture(scope="module")
def server(
    home: Path, small_models: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """All models of this home, those to come among them."""
    small_server.plain_words(home)
    place = tmp_path_factory.mktemp("transfers")
    with small_server.running(place, places=(place / "named",)) as found:
        yield found


def begun(server: Running, which: str, **body: Any) -> dict[str, Any]:
    answer = ask(server.url, "POST", f"/v1/admin/{which}", body)
    assert answer.status == 200, answer.body
    return answer.json


def over(server: Running, which: str, id: str, seconds: float = 100) -> dict[str, Any]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        told = ask(server.url, "GET", f"/v1/admin/{which}/{id}").json
        if told["status"] in ("completed", "failed", "cancelled"):
            return told
        time.sleep(0.1)
    raise AssertionError(told)


def exported(server: Running, **body: Any) -> tuple[dict[str, Any], bytes]:
    job = begun(server, "exports", **body)
    told = over(server, "exports", job["id"])
    assert told["status"] == "completed", told["error"]
    answer = ask(server.url, "GET", f"/v1/admin/exports/{job['id']}/content")
    assert answer.status == 200 and len(answer.body) == told["bytes"]
    return told, answer.body


def uploaded(server: Running, name: str, data: bytes) -> str:
    files = {"file": (name, data)}
    form = {"purpose": "user_data"}
    answer = httpx2.post(f"{server.url}/v1/files", data=form, files=files, timeout=60)
    return str(answer.json()["id"])


def said(server: Running, model: str) -> str:
    body = {"model": model, "prompt": "The ", "max_tokens": 8, "temperature": 0}
    answer = ask(server.url, "POST", "/v1/completions", body)
    assert answer.status == 200, answer.body
    return str(answer.json["choices"][0]["text"])


@pytest.mark.slow
def test_a_model_goes_out_as_an_archive_and_comes_in_again(server: Running) -> None:
    told, data = exported(server, model="plain-words", to="hf")
    assert told["filename"] == "plain-words-hf.zip" and told["progress"] == 100
    with ZipFile(io.BytesIO(data)) as archive:
        assert {"plain-words/config.json", "plain-words/model.safetensors"} <= set(
            archive.namelist()
        )
    job = begun(server, "imports", source=uploaded(server, "words-hf.zip", data), name="come-back")
    told = over(server, "imports", job["id"])
    assert told["status"] == "completed", told["error"]
    assert told["parameters"] > 1000 and told["media"] == "text/plain"
    assert said(server, "come-back") == said(server, "plain-words")
    events = ask(server.url, "GET", f"/v1/admin/imports/{job['id']}/events").json["data"]
    stages = [one["message"] for one in events if one["type"] == "stage"]
    assert stages[0] == "unpacking" and "reading" in stages
    assert ask(server.url, "DELETE", f"/v1/admin/imports/{job['id']}").json["deleted"]
    assert ask(server.url, "GET", "/v1/models/come-back").status == 200  # the model stays


@pytest.mark.slow
def test_a_gguf_file_comes_in_from_a_folder_that_is_allowed(server: Running, home: Path) -> None:
    told, data = exported(server, model="plain-words", to="gguf")
    assert told["filename"] == "plain-words-gguf-f16.gguf" and data[:4] == b"GGUF"
    arrivals = home / "imports"
    arrivals.mkdir(exist_ok=True)
    (arrivals / "little.gguf").write_bytes(data)
    job = begun(server, "imports", source=str(arrivals / "little.gguf"))
    assert job["name"] == "little" and job["source"] == {"path": "little.gguf"}
    assert over(server, "imports", job["id"])["status"] == "completed"
    assert said(server, "little")  # in 16 bits it may say something else
    body = {"source": str(arrivals / "little.gguf")}
    answer = ask(server.url, "POST", "/v1/admin/imports", body)
    assert (answer.status, answer.code) == (409, "model_exists")


@pytest.mark.slow
def test_a_folder_of_the_house_comes_in_as_it_is(server: Running, home: Path) -> None:
    made = io.BytesIO()
    with ZipFile(made, "w") as archive:
        for path in sorted((home / "models" / "sprites").rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(home / "models"))
    job = begun(server, "imports", source=uploaded(server, "moved.zip", made.getvalue()))
    told = over(server, "imports", job["id"])
    assert (told["status"], told["name"]) == ("completed", "moved"), told["error"]
    ours, theirs = (ask(server.url, "GET", f"/v1/models/{n}").json for n in ("sprites", "moved"))
    assert ours["weights"] == theirs["weights"] and ours["parameters"] == theirs["parameters"]


@pytest.mark.parametrize(
    ("source", "status", "code"),
    [
        ("/etc/passwd", 400, "path"),
        ("HOME/imports/../models/words", 400, "path"),
        ("HOME/imports/link", 400, "path"),
        ("HOME/imports/none", 400, "path"),
        ("file-000000000000000000000000", 404, "file_not_found"),
        ("no source", 400, "invalid_source"),
        ("../words", 400, "invalid_source"),
    ],
)
def test_from_where_nothing_comes(
    server: Running, home: Path, source: str, status: int, code: str
) -> None:
    (home / "imports").mkdir(exist_ok=True)
    if not (home / "imports" / "link").is_symlink():
        (home / "imports" / "link").symlink_to(home / "models" / "words")
    body = {"source": source.replace("HOME", str(home)), "name": "never"}
    answer = ask(server.url, "POST", "/v1/admin/imports", body)
    assert (answer.status, answer.code) == (status, code)
    assert not store.place("never").exists()


def test_what_is_no_model_is_told_and_leaves_nothing(server: Running, home: Path) -> None:
    made = io.BytesIO()
    with ZipFile(made, "w") as archive:
        archive.writestr("m/config.json", "{}")
        archive.writestr("m/pytorch_model.bin", b"\x80\x02.")
    id = uploaded(server, "bad.zip", made.getvalue())
    job = begun(server, "imports", source=id, name="never")
    told = over(server, "imports", job["id"])
    assert told["status"] == "failed" and "pytorch_model.bin" in told["error"]["message"]
    left = [p.name for p in (home / "models").iterdir() if p.name.startswith((".", "never"))]
    assert [name for name in left if not name.endswith(".run")] == []


@pytest.mark.slow
def test_what_has_no_such_form_is_told(server: Running) -> None:
    job = begun(server, "exports", model="sprites", to="gguf")
    content = ask(server.url, "GET", f"/v1/admin/exports/{job['id']}/content")
    assert (content.status, content.code) == (409, "job_state")
    told = over(server, "exports", job["id"])
    assert told["status"] == "failed" and "no language model" in told["error"]["message"]
    assert told["error"]["code"] == "invalid_model"


def test_a_transfer_that_is_stopped_leaves_nothing(server: Running, home: Path) -> None:
    made = io.BytesIO()
    with ZipFile(made, "w") as archive:
        archive.writestr("m/config.json", "{}")
    job = begun(server, "imports", source=uploaded(server, "stopped.zip", made.getvalue()))
    told = ask(server.url, "POST", f"/v1/admin/imports/{job['id']}/cancel").json
    told = over(server, "imports", told["id"])
    assert told["status"] == "cancelled"
    assert ask(server.url, "GET", "/v1/models/stopped").status == 404
    assert [p for p in (home / "models").iterdir() if p.name.startswith(".")] == []
