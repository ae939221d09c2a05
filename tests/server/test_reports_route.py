"""Reports of models, and measuring one: in a process of its own, kept, cancelled, its owner's."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import databases
import pytest
import small_server
from http_client import ask
from small_server import Running

from genloom import store
from genloom.server import trainings
from genloom.server.issuing import Wish, issue
from genloom.trust.measured import keep
from genloom.trust.report import report_of


def over(url: str, id: str, key: str | None = None) -> Any:
    """The evaluation once it has ended."""
    until = time.monotonic() + 110
    while (told := ask(url, "GET", f"/v1/evaluations/{id}", key=key).json)["ended_at"] is None:
        assert time.monotonic() < until, told
        time.sleep(0.1)
    return told


def test_a_model_is_measured_and_its_report_tells_it(small: Running) -> None:
    before = ask(small.url, "GET", "/v1/reports/words").json
    assert before["id"] == before["model"]["name"] == "words"
    asked = ask(small.url, "POST", "/v1/evaluations", {"model": "words", "count": 2, "seed": 4})
    assert asked.status == 200 and asked.json["object"] == "evaluation"
    told = over(small.url, asked.json["id"])
    assert told["status"] == "completed" and told["error"] is None, told
    assert told["stages"][0] == "reading the data" and len(told["stages"]) > 3
    after = ask(small.url, "GET", "/v1/reports/words").json
    rows = {row["metric"]: row["value"] for one in after["sections"] for row in one["rows"]}
    assert {row["metric"]: row["value"] for row in told["report"]["rows"]} == rows
    assert after["measured"] == told["report"]["created"]
    # The command line reads the very same.
    assert report_of(store.existing("words"))["measured"] == after["measured"]
    listed = ask(small.url, "GET", "/v1/evaluations?model=words").json["data"]
    assert asked.json["id"] in [one["id"] for one in listed]
    assert ask(small.url, "GET", "/v1/evaluations?model=people").json["data"] == []
    gone = ask(small.url, "DELETE", f"/v1/evaluations/{told['id']}")
    assert gone.json["deleted"] and ask(small.url, "GET", "/v1/reports/words").json["measured"]


def test_a_report_as_a_file_opens_nowhere_as_a_page_of_this_server(small: Running) -> None:
    answer = ask(small.url, "GET", "/v1/reports/people?format=html")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.body.startswith(b"<!doctype html>") and b"<script" not in answer.body
    assert ask(small.url, "GET", "/v1/reports/people?format=pdf").status == 400


@pytest.mark.parametrize("name", ["nobody", "../words", "%2e%2e/words"])
def test_reports_and_measurements_of_nothing(small: Running, name: str) -> None:
    assert ask(small.url, "GET", f"/v1/reports/{name}").code == "model_not_found"
    answer = ask(small.url, "POST", "/v1/evaluations", {"model": name})
    assert (answer.status, answer.code) == (404, "model_not_found")
    for count in (0, -1, 10**9):
        answer = ask(small.url, "POST", "/v1/evaluations", {"model": "words", "count": count})
        assert answer.status == 400 and answer.error["param"] == "count"


def test_a_measurement_is_cancelled_and_is_its_owners(
    small_models: tuple[str, ...], tmp_path: Path
) -> None:
    records = databases.opened(tmp_path)
    keys = [issue(records, Wish(name=name), "test")[1] for name in ("anna", "bert")]
    narrow = issue(records, Wish(name="cleo", scopes=("inference",)), "test")[1]
    records.close()
    anna, bert = keys
    with small_server.running(tmp_path, small_models) as running:
        url, body = running.url, {"model": "people", "count": 50_000}
        assert ask(url, "POST", "/v1/evaluations", body, key=narrow).code == "scope"
        assert ask(url, "GET", "/v1/reports/people", key=narrow).status == 200
        id = ask(url, "POST", "/v1/evaluations", body, key=anna).json["id"]
        for verb, path in (("GET", ""), ("POST", "/cancel"), ("DELETE", "")):
            assert ask(url, verb, f"/v1/evaluations/{id}{path}", key=bert).status == 404
        assert ask(url, "GET", "/v1/evaluations", key=bert).json["data"] == []
        assert ask(url, "POST", f"/v1/evaluations/{id}/cancel", key=anna).status == 200
        told = over(url, id, anna)
        assert told["status"] == "cancelled" and told["report"] is None
        assert ask(url, "POST", f"/v1/evaluations/{id}/cancel", key=anna).status == 200


def test_a_model_that_was_only_measured_is_no_training(tmp_path: Path) -> None:
    store.set_home(tmp_path)
    folder = tmp_path / "models" / "brought"
    keep(folder, {"rows": [], "protocol": {}})
    assert trainings.names() == []
    (store.run_folder(folder) / "metrics.jsonl").touch()
    assert trainings.names() == ["brought"]


@pytest.mark.slow
def test_data_that_is_gone_is_told(home: Path, tmp_path: Path) -> None:
    name = small_server.words(tmp_path, "moved")  # a model at a path
    (tmp_path / "words.txt").unlink()
    place = str(tmp_path / "models" / name)
    with small_server.running(tmp_path / "data", (place,)) as running:
        asked = ask(running.url, "POST", "/v1/evaluations", {"model": place})
        told = over(running.url, asked.json["id"])
    assert told["status"] == "failed" and "no longer at" in told["error"]["message"]
