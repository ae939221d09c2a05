"""What was made, over HTTP: found, shown small, noted, exported, packed, deleted; by its owner."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

import databases
import pytest
from http_client import Answer, ask
from PIL import Image
from small_server import Running

from genloom import store
from genloom.trust import provenance

SHEET = "name,n,=head\n\"=cmd|' /C calc'!A0\",-3.5,1\n@SUM(A1),+4,\n-1+2,1e5,x\n\ttab,-,007\n"
SVG = b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"


def record(prompt: str, seed: int, of: str = "pixels") -> dict[str, Any]:
    told = {"model": "drawn", "weights": "f00d", "prompt": prompt, "seed": seed}
    return {**told, "options": {"steps": 3}, "asset": {"of": of, "number": 0, "sha256": "0" * 64}}


def picture(size: tuple[int, int]) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def kept(small: Running) -> dict[str, str]:
    """Ids by name: a picture, a table, a drawing that would run, a page, and bob's picture."""
    records = databases.opened(small.data)
    put = records.assets.put
    made = {
        "picture": put(picture((600, 300)), "image/png", owner="local", record=record("a kite", 1)),
        "table": put(SHEET.encode(), "text/csv", owner="local", record=record("kites", 2, "file")),
        "svg": put(SVG, "image/svg+xml", owner="local", record=record("a kite", 3)),
        "page": put(b"<script>1</script>", "text/html", owner="local", record=record("", 4)),
        "bobs": put(picture((8, 8)), "image/png", owner="bob", record=record("a kite", 5)),
    }
    records.close()
    return {name: asset.id for name, asset in made.items()}


def get(small: Running, path: str) -> Answer:
    return ask(small.url, "GET", f"/v1/assets{path}")


def test_they_are_found_with_how_they_were_made(small: Running, kept: dict[str, str]) -> None:
    found = get(small, "?query=KITE&model=drawn&limit=2").json
    assert [one["id"] for one in found["data"]] == [kept["svg"], kept["table"]]
    assert found["total"] == 3 and found["has_more"]
    one = found["data"][0]
    assert (one["model"], one["model_weights"], one["prompt"], one["seed"], one["options"]) == (
        *("drawn", "f00d", "a kite", 3, {"steps": 3}),
    )
    then = get(small, f"?query=kite&model=drawn&skip=2&upto={found['first_id']}").json
    assert [each["id"] for each in then["data"]] == [kept["picture"]] and then["total"] == 3
    facets = get(small, "/facets?model=drawn").json
    assert facets["total"] == 4
    assert facets["models"] == [{"model": "drawn", "model_weights": "f00d", "count": 4}]
    for wrong in ("?limit=1000", "?seed=x", "?skip=-1", f"?after={kept['bobs']}"):
        assert get(small, wrong).status == 400, wrong


def test_small_pictures_and_how_texts_begin(small: Running, kept: dict[str, str]) -> None:
    for _ in range(2):  # made, then kept
        answer = get(small, f"/{kept['picture']}/thumbnail?edge=100")
        assert answer.headers["content-type"] == "image/webp"
        assert Image.open(io.BytesIO(answer.body)).size == (128, 64)
    told = get(small, f"/{kept['table']}/thumbnail")
    assert told.headers["content-type"] == "text/plain; charset=utf-8"
    assert told.body.decode().startswith("name,n")
    none = get(small, f"/{kept['svg']}/thumbnail")
    assert (none.status, none.code) == (404, "no_thumbnail")


def test_what_a_page_could_run_is_an_attachment(small: Running, kept: dict[str, str]) -> None:
    for name, shown in (("svg", False), ("page", False), ("picture", True)):
        answer = get(small, f"/{kept[name]}/content")
        assert answer.headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert "nosniff" in answer.headers["x-content-type-options"]
        told = answer.headers.get("content-disposition", "")
        assert told.startswith("attachment; ") != shown, name


def test_no_cell_of_an_export_is_a_formula(small: Running, kept: dict[str, str]) -> None:
    answer = get(small, f"/{kept['table']}/export")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.body.decode().splitlines() == [
        *("name,n,'=head", "'=cmd|' /C calc'!A0,-3.5,1"),
        *("'@SUM(A1),+4,", "'-1+2,1e5,x", "'\ttab,'-,007"),
    ]
    rows = get(small, f"/{kept['table']}/export?format=json").json
    assert rows[0] == {"name": "=cmd|' /C calc'!A0", "n": -3.5, "=head": 1}
    refused = get(small, f"/{kept['picture']}/export")
    assert (refused.status, refused.code) == (400, "not_a_table")


def test_anothers_is_not_there(small: Running, kept: dict[str, str]) -> None:
    id = kept["bobs"]
    for path in ("", "/content", "/thumbnail", "/export", "/provenance", "/neighbours"):
        answer = get(small, f"/{id}{path}")
        assert (answer.status, answer.code) == (404, "asset_not_found"), path
    assert ask(small.url, "POST", f"/v1/assets/{id}", {"favourite": True}).status == 404
    assert ask(small.url, "POST", "/v1/assets/archive", {"ids": [id]}).status == 404
    gone = ask(small.url, "POST", "/v1/assets/delete", {"ids": [id, "asset_none"]}).json
    assert gone["deleted"] == []


def test_several_are_packed_with_their_records(small: Running, kept: dict[str, str]) -> None:
    ids = [kept["picture"], kept["table"], kept["bobs"], kept["picture"]]
    answer = ask(small.url, "POST", "/v1/assets/archive", {"ids": ids})
    assert answer.headers["content-type"] == "application/zip"
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        names = archive.namelist()
        assert archive.testzip() is None and [n.split(".", 1)[1] for n in names] == [
            *("png", "csv", "csv.json"),
        ]
        assert archive.read(names[0]) == picture((600, 300))
        assert json.loads(archive.read(names[2]))["prompt"] == "kites"


def test_notes_and_deleting(small: Running, kept: dict[str, str]) -> None:
    id = kept["page"]
    noted = ask(small.url, "POST", f"/v1/assets/{id}", {"favourite": True, "labels": ["odd"]}).json
    assert noted["favourite"] and noted["labels"] == ["odd"]
    assert get(small, "?query=odd&favourite=true").json["total"] == 1
    for wrong in ({"labels": ["x" * 65]}, {"labels": [""]}, {"favourite": 1}):
        assert ask(small.url, "POST", f"/v1/assets/{id}", wrong).status == 400
    gone = ask(small.url, "POST", "/v1/assets/delete", {"ids": [id, id]}).json
    assert gone["deleted"] == [id] and get(small, f"/{id}").status == 404


# --- where they come from -------------------------------------------------------------------------


def made(small: Running, body: dict[str, Any]) -> str:
    headers = {"accept": "application/json"}
    answer = ask(small.url, "POST", "/v1/generate", {"seed": 3, **body}, headers=headers)
    return str(answer.json["data"][-1]["asset_id"])


def test_a_picture_and_a_table_hold_and_are_near_to_training(small: Running) -> None:
    for body in ({"model": "sprites", "prompt": "red", "steps": 2}, {"model": "people", "n": 5}):
        id = made(small, body)
        result = get(small, f"/{id}/provenance").json["results"][0]
        assert (result["validation_state"], result["model_at_hand"]) == ("valid", True), body
        near = get(small, f"/{id}/neighbours?count=3")
        assert near.status == 200, near.body
        far = [one["distance"] for one in near.json["data"]]
        assert len(far) == 3 and far == sorted(far) and 0 <= near.json["share_nearer"] <= 1
        first = near.json["data"][0]
        shown = first.get("thumbnail", "").startswith("data:image/webp") or "age" in first["row"]
        assert shown and near.json["training_items"] > 20
        assert get(small, f"/{id}/neighbours?count=3").json == near.json


def test_it_is_said_where_nothing_can_be_compared(small: Running, kept: dict[str, str]) -> None:
    answer = get(small, f"/{kept['picture']}/neighbours")
    assert (answer.status, answer.code) == (409, "model_missing")
    id = made(small, {"model": "sprites", "prompt": "red", "steps": 1, "seed": 77})
    card = json.loads((store.home() / "models" / "sprites" / "card.json").read_text("utf-8"))
    root = Path(card["data"]["root"])
    shutil.move(root, root.with_name("elsewhere"))
    try:
        answer = get(small, f"/{id}/neighbours")
        assert (answer.status, answer.code) == (409, "training_data_missing")
        assert str(root.parent) not in answer.body.decode()
    finally:
        shutil.move(root.with_name("elsewhere"), root)


def test_what_was_unpacked_is_verified_as_it_is(small: Running, tmp_path: Path) -> None:
    id = made(small, {"model": "people", "n": 4, "seed": 11})
    answer = ask(small.url, "POST", "/v1/assets/archive", {"ids": [id]})
    with zipfile.ZipFile(io.BytesIO(answer.body)) as archive:
        archive.extractall(tmp_path)
    verdict = provenance.verify(next(tmp_path.glob("*.csv")))
    assert verdict.ok and verdict.model == "same"
