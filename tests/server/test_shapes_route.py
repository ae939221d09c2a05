"""Shapes over HTTP: sizes, a given mesh, formats, records, and what is refused."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import small_server

from genloom.codec.shape.files import mesh_bytes, read_mesh, shape_record
from genloom.shape.mesh import Mesh, watertight


@pytest.fixture(scope="module")
def http(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    name = small_server.shaper(home)
    with (
        small_server.running(tmp_path_factory.mktemp("shapes"), [name]) as it,
        httpx2.Client(base_url=f"{it.url}/v1", timeout=60) as client,
    ):
        yield client


def made(http: httpx2.Client, **asked: Any) -> httpx2.Response:
    answer = http.post("/3d", json={"model": "shaper", "seed": 1, **asked})
    assert answer.status_code == 200, answer.text
    id = answer.json()["id"]
    for _ in range(300):
        job = http.get(f"/3d/{id}").json()
        if job["status"] in ("completed", "failed"):
            break
        time.sleep(0.1)
    assert job["status"] == "completed", job["error"]
    return http.get(f"/3d/{id}/content")


def test_a_shape_comes_as_glb_with_its_record(http: httpx2.Client, tmp_path: Path) -> None:
    answer = made(http, prompt="box, height 0.7")
    assert answer.headers["content-type"] == "model/gltf-binary"
    mesh = read_mesh(answer.read(), "it.glb")
    assert watertight(mesh) and mesh.colours is not None
    (tmp_path / "it.glb").write_bytes(answer.read())
    record = shape_record(tmp_path / "it.glb")
    assert record is not None and record["seed"] == 1
    again = read_mesh(made(http, prompt="box, height 0.7").read(), "it.glb")
    assert (again.vertices == mesh.vertices).all()  # the same seed


@pytest.mark.parametrize("way", ["obj", "stl", "ply"])
def test_other_formats_hold_the_same_surface(http: httpx2.Client, way: str) -> None:
    first = read_mesh(made(http, prompt="box").read(), "it.glb")
    answer = made(http, prompt="box", response_format=way)
    assert answer.headers["content-type"].startswith(f"model/{way}")
    mesh = read_mesh(answer.read(), f"it.{way}")
    assert watertight(mesh) and mesh.volume == pytest.approx(first.volume, rel=1e-3)


def test_sizes_are_conditions_and_a_given_mesh_is_gone_on_from(http: httpx2.Client) -> None:
    own = read_mesh(made(http, prompt="cylinder", where={"height": 0.65}).read(), "it.glb")
    data = mesh_bytes(Mesh(own.vertices, own.faces, own.colours), Path("x.glb"))
    given = f"data:model/gltf-binary;base64,{base64.b64encode(data).decode()}"
    near = made(http, prompt="cylinder", input_reference=given, strength=0.1, seed=3).read()
    assert watertight(read_mesh(near, "it.glb"))


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"prompt": "box, height 9"}, "has learnt"),
        ({"prompt": "dragon"}, "no word of the prompt"),
        ({"where": "height > 0.5"}, "sizes are asked for"),
        ({"prompt": "box", "response_format": "fbx"}, "response_format"),
        ({"prompt": "box", "input_reference": "data:model/obj;base64,AAAA"}, "given shape"),
    ],
)
def test_what_cannot_be_is_refused(http: httpx2.Client, asked: dict[str, Any], told: str) -> None:
    answer = http.post("/3d", json={"model": "shaper", **asked})
    if answer.status_code == 200:
        job = answer.json()
        for _ in range(100):
            job = http.get(f"/3d/{job['id']}").json()
            if job["status"] in ("completed", "failed"):
                break
            time.sleep(0.1)
        assert job["status"] == "failed" and told in str(job["error"])
    else:
        assert answer.status_code in (400, 422) and told in answer.text
