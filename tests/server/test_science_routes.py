"""Molecules and sequences over HTTP: properties and parts that are asked for, files, refusals."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import small_server

Chem = pytest.importorskip("rdkit.Chem", reason="the extra molecules is not installed")
WAIT = 60.0


@pytest.fixture(scope="module")
def http(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx2.Client]:
    names = [small_server.chemist(home), small_server.biologist(home)]
    with (
        small_server.running(tmp_path_factory.mktemp("science"), names) as it,
        httpx2.Client(base_url=f"{it.url}/v1", timeout=60) as client,
    ):
        yield client


def made(http: httpx2.Client, path: str, index: int = 0, **asked: Any) -> bytes:
    answer = http.post(f"/{path}", json={"seed": 1, **asked})
    assert answer.status_code == 200, answer.text
    id, until = answer.json()["id"], time.monotonic() + WAIT
    while (job := http.get(f"/{path}/{id}").json())["status"] not in ("completed", "failed"):
        assert time.monotonic() < until
        time.sleep(0.05)
    assert job["status"] == "completed", job["error"]
    data: bytes = http.get(f"/{path}/{id}/content", params={"index": index}).read()
    return data


def test_molecules_come_in_every_form(http: httpx2.Client) -> None:
    lines = [made(http, "molecules", n, model="chemist", count=3).decode() for n in range(3)]
    assert all(Chem.MolFromSmiles(one.split()[0]) is not None for one in lines), lines
    again = made(http, "molecules", model="chemist", response_format="sdf").decode()
    found = Chem.MolFromMolBlock(again)
    assert Chem.MolToSmiles(found) == Chem.MolToSmiles(Chem.MolFromSmiles(lines[0].split()[0]))
    table = made(http, "molecules", model="chemist", response_format="csv").decode()
    assert table.startswith("smiles,") and "logP" in table
    drawn = made(http, "molecules", model="chemist", response_format="svg")
    assert drawn.lstrip().startswith((b"<?xml", b"<svg"))


def test_a_part_is_held_and_a_property_is_asked_for(http: httpx2.Client) -> None:
    where = {"scaffold": "c1ccncc1"}
    line = made(http, "molecules", model="chemist", where=where).decode().split()[0]
    part = Chem.MolFromSmarts("c1ccncc1")
    assert Chem.MolFromSmiles(line).HasSubstructMatch(part)
    asked = {"where": "logP > 1.5", "response_format": "csv"}
    tables = [made(http, "molecules", model="chemist", **asked, tries=n) for n in (1, 32)]
    some = [table.decode().splitlines() for table in tables]
    one, best = (float(dict(zip(*(r.split(",") for r in t), strict=True))["logP"]) for t in some)
    assert best > 1.5 or best > one


def test_sequences_are_made_gone_on_from_and_filled(http: httpx2.Client) -> None:
    def letters(**asked: Any) -> str:
        head, *rest = made(http, "sequences", model="biologist", **asked).decode().splitlines()
        assert head.startswith(">") and not any(line.startswith(">") for line in rest)
        return "".join(rest)

    assert set(letters()) <= set("ACDEFGHIKLMNPQRSTVWY")
    assert letters(prompt="MKALAL").startswith("MKALAL")
    filled = letters(prompt="MKAL", infill="KKKW", max_tokens=40)
    assert filled.startswith("MKAL") and filled.endswith("KKKW")


@pytest.mark.parametrize(
    ("path", "asked", "param"),
    [
        ("molecules", {"model": "chemist", "where": "charm > 3"}, "charm"),
        ("molecules", {"model": "chemist", "where": {"part": "c1ccccc"}}, "ring"),
        ("molecules", {"model": "chemist", "response_format": "pdf"}, "response_format"),
        ("molecules", {"model": "biologist"}, "molecules"),
        ("sequences", {"model": "chemist"}, "sequences"),
        ("sequences", {"model": "biologist", "prompt": "MKB1"}, "no word"),
    ],
)
def test_what_cannot_be_is_said(
    http: httpx2.Client, path: str, asked: dict[str, Any], param: str
) -> None:
    answer = http.post(f"/{path}", json=asked)
    if answer.status_code == 200:  # what only the model knows ends the job
        id, until = answer.json()["id"], time.monotonic() + WAIT
        while (job := http.get(f"/{path}/{id}").json())["status"] not in ("completed", "failed"):
            assert time.monotonic() < until
            time.sleep(0.05)
        assert job["status"] == "failed" and param in job["error"]["message"], job
    else:
        assert answer.status_code in (400, 404, 422) and param in answer.text
