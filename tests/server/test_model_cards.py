"""A model's whole card over HTTP: what lies in its folder, its lineage both ways, its previews."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import small_server
from http_client import ask
from small_server import Running

from genloom import store


@pytest.fixture(scope="module")
def family(
    home: Path, small_models: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """A server with words, a child of it and a grandchild, and one whose parent is gone."""
    words = home / "models" / "words"
    weights = json.loads((words / "card.json").read_text())["weights"]
    names = {
        "child": ({"as": "start", "model": "words", "weights": weights}, "c" * 64),
        "grandchild": ({"as": "teacher", "model": "elsewhere", "weights": "c" * 64}, "d" * 64),
        "orphan": ({"as": "start", "model": "/somewhere/lost", "weights": "e" * 64}, "f" * 64),
    }
    for name, (parent, own) in names.items():
        folder = home / "models" / name
        shutil.copytree(words, folder)
        card = json.loads((folder / "card.json").read_text())
        (folder / "card.json").write_text(json.dumps({**card, "parents": [parent], "weights": own}))
    try:
        offered = ("words", "sprites", *names)
        with small_server.running(tmp_path_factory.mktemp("cards"), offered) as found:
            yield found
    finally:
        for name in names:
            shutil.rmtree(home / "models" / name, ignore_errors=True)


def card(running: Running, name: str) -> dict[str, Any]:
    answer = ask(running.url, "GET", f"/v1/models/{name}/card")
    assert answer.status == 200, answer.body
    told: dict[str, Any] = answer.json
    return told


def test_a_card_tells_what_a_person_asks(family: Running, home: Path) -> None:
    told = card(family, "words")
    listed = ask(family.url, "GET", "/v1/models/words").json
    folder = home / "models" / "words"
    assert told["parameters"] == listed["parameters"] > 1000
    on_disk = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    assert told["size"]["bytes"] == listed["bytes"] == on_disk
    assert told["data"]["items"] and told["data"]["licence"] and told["data"]["files"] == 1
    assert told["data"]["root"] == "words.txt"  # not where it lay
    assert {"role": "family", "kind": "autoregressive"} in told["parts"]
    assert told["recipe"]["train"]["steps"] == 6 and told["steps"] == 6
    assert told["software"]["torch"] and told["hardware"]["device"] and told["deletable"]
    assert str(home) not in json.dumps({**told, "recipe": None})


def test_lineage_both_ways(family: Running) -> None:
    for name in ("words", "child", "grandchild"):
        told = card(family, name)["lineage"]
        assert {one["id"] for one in told["nodes"]} >= {"words", "child", "grandchild"}
        edges = {(one["parent"], one["child"], one["role"]) for one in told["edges"]}
        own = {edge for edge in edges if "child" in edge}  # not those of other tests' models
        assert own == {("words", "child", "start"), ("child", "grandchild", "teacher")}
    lost = card(family, "orphan")["lineage"]
    assert {"id": "lost", "here": False, "medium": None, "weights": "e" * 64} in lost["nodes"]
    assert card(family, "sprites")["lineage"]["edges"] == []


def test_previews_are_handed_out_by_their_names_alone(family: Running, home: Path) -> None:
    folder = store.run_folder(home / "models" / "words") / "previews"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "step-000006.txt").write_text("what it made")
    (preview,) = (one for one in card(family, "words")["previews"] if one["step"] == 6)
    path = f"/v1/models/words/previews/{preview['name']}"
    answer = ask(family.url, "GET", path)
    assert answer.body == b"what it made" and answer.headers["content-type"].startswith("text/")
    assert "sandbox" in answer.headers["content-security-policy"]
    for name in ("nothing.png", "..%2f..%2fcard.json", "%2e%2e"):
        assert ask(family.url, "GET", f"/v1/models/words/previews/{name}").status == 404


def test_a_damaged_folder_still_has_a_card(family: Running, home: Path) -> None:
    (home / "models" / "orphan" / "card.json").write_text("[" * 10_000)
    told = card(family, "orphan")
    assert told["parameters"] and told["data"] is None and told["weights"] == ""
    assert ask(family.url, "GET", "/v1/models/nobody/card").status == 404


def test_what_is_half_written_is_no_model(family: Running, home: Path) -> None:
    half = home / "models" / ".words.new-1-x"
    shutil.copytree(home / "models" / "words", half)
    try:
        assert half.name not in [path.name for path in store.listed()]
        assert ask(family.url, "GET", f"/v1/models/{half.name}").status == 404
    finally:
        shutil.rmtree(half)
