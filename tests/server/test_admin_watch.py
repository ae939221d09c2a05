"""What an admin sees: engines and queues, everybody's jobs, the log, usage, settings, storage."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import databases
import pytest
import small_server
from http_client import ask
from small_server import Running

from genloom.machine import EXTRAS
from genloom.server.issuing import Wish, issue
from genloom.server.log_lines import MOST, LogLines
from genloom.server.records.runs import Run
from genloom.server.records.usage import Amounts, day_of
from genloom.server.routes.admin_watch import told
from genloom.server.settings import Settings

READ = ("live", "logs", "settings", "storage", "machine", "jobs", "usage/summary")


@pytest.fixture
def lines() -> Iterator[LogLines]:
    made = LogLines()
    made.open()
    yield made
    made.close()


def test_the_server_as_it_stands(small: Running) -> None:
    body = {"model": "words", "prompt": "a", "max_tokens": 2}
    assert ask(small.url, "POST", "/v1/completions", body).status == 200
    now = ask(small.url, "GET", "/v1/admin/live").json
    assert now["keyed"] is False and now["draining"] is False and now["unready"] == []
    assert now["memory"] > 1e6 and now["memory_free"] > 0 and now["began"] <= now["time"]
    words = next(one for one in now["models"] if one["id"] == "words")
    assert words["state"] == "up" and words["counts"]["loads"] >= 1
    assert words["counts"]["outcomes"]["done"] >= 1
    assert words["counts"]["tokens"]["completion_tokens"] >= 1
    assert words["waiting"] == {} and words["working"] == {}


def test_only_admins_look(small_models: tuple[str, ...], tmp_path: Path) -> None:
    records = databases.opened(tmp_path)
    member = issue(records, Wish(name="anna"), "test")[1]
    admin = issue(records, Wish(name="ops", role="admin"), "test")[1]
    job = records.jobs.create("generation:video", owner="key_a", given={"prompt": "secret words"})
    records.close()
    with small_server.running(tmp_path, small_models) as running:
        for name in READ:
            path = f"/v1/admin/{name}"
            assert ask(running.url, "GET", path).status == 401
            assert ask(running.url, "GET", path, key=member).code == "scope"
            answer = ask(running.url, "GET", path, key=admin)
            assert answer.status == 200 and b"secret words" not in answer.body, name
        assert ask(running.url, "GET", "/v1/admin/live", key=admin).json["keyed"] is True
        path = f"/v1/admin/jobs/{job.id}/cancel"
        assert ask(running.url, "POST", path, key=member).status == 403
        assert ask(running.url, "POST", path, key=admin).status == 200
        assert ask(running.url, "POST", "/v1/admin/jobs/job_none/cancel", key=admin).status == 404
        found = ask(running.url, "GET", "/v1/admin/jobs?kind=generation:video", key=admin).json
        assert [one["id"] for one in found["data"]] == [job.id]
        assert found["data"][0]["owner"] == "key_a" and "given" not in found["data"][0]
        assert ask(running.url, "GET", "/v1/admin/jobs?status=paused", key=admin).json["data"] == []


def test_the_log_is_read_searched_and_followed(small: Running) -> None:
    def read(query: str = "") -> Any:
        return ask(small.url, "GET", f"/v1/admin/logs?{query}").json

    last = read()["last"]
    secret = "gl-" + "x" * 43
    ask(small.url, "GET", f"/v1/models/{secret}")
    ask(small.url, "POST", "/v1/completions", {"model": "words", "prompt": "my secret prompt"})
    until = time.monotonic() + 20
    while len(fresh := read(f"after={last}")["data"]) < 2:
        assert time.monotonic() < until
    told = json.dumps(fresh)
    assert "path=/v1/completions" in told and "status=404" in told
    assert "secret" not in told and secret not in told and "gl-..." in told
    found = read(f"after={last}&search=STATUS%3D404")["data"]
    assert [line for line in found if "gl-..." in line["message"]]
    assert all("404" in line["message"] for line in found)
    assert all(line["level"] != "info" for line in read("level=warning")["data"])
    assert "/v1/admin/logs" not in json.dumps(read(f"after={last}")["data"])
    assert ask(small.url, "GET", "/v1/admin/logs?level=loud").status == 400


def test_a_failure_is_told_by_its_places_and_not_by_its_words(lines: LogLines) -> None:
    log = logging.getLogger("genloom")
    try:
        raise ValueError("what a client wrote")
    except ValueError:
        log.exception("req_1 failed")
    found = lines.newest(10, level="error").lines
    assert found[0].message == "req_1 failed" and found[0].where[0] == "ValueError"
    assert "test_admin_watch.py" in found[0].where[1]
    assert "a client wrote" not in repr(found)


def test_the_ring_is_bounded_and_its_lines_are(lines: LogLines) -> None:
    log = logging.getLogger("genloom.requests")
    log.info("%s", "y" * 100_000)
    assert len(lines.newest(1).lines[0].message) <= 2000
    log.info("\r\n\x1b[2J%s", "forged")
    assert lines.newest(1).lines[0].message == "\\r\\n\\x1b[2Jforged"
    for n in range(MOST + 5):
        log.info("%d", n)
    found = lines.newest(10 * MOST)
    assert len(found.lines) == MOST and found.lines[-1].number == found.last == MOST + 7


def test_usage_is_summed_by_account_by_model_and_by_day(tmp_path: Path) -> None:
    records, now = databases.opened(tmp_path), time.time()
    yesterday = day_of(now - 86400)
    records.usage.add("key_a", yesterday, Amounts(requests=2, tokens=7))
    records.usage.add("key_b", day_of(now), Amounts(requests=1, images=3, seconds=0.5))
    for days, model in ((0, "m"), (0, "m"), (1, "m"), (1, "n"), (40, "m")):
        run = Run(route="/v1/x", status=200, ms=500, model=model, time=now - days * 86400)
        with records.database.writing() as connection:
            records.runs.add(connection, [run])
    records.close()
    with small_server.running(tmp_path) as running:
        told = ask(running.url, "GET", "/v1/admin/usage/summary?days=2").json
        assert told["days"] == [yesterday, day_of(now)]
        owners = {(one["owner"], one["day"]): one["requests"] for one in told["owners"]}
        assert owners == {("key_a", yesterday): 2, ("key_b", day_of(now)): 1}
        models = {(one["model"], one["day"]): one["requests"] for one in told["models"]}
        assert models == {("m", yesterday): 1, ("n", yesterday): 1, ("m", day_of(now)): 2}
        assert told["models"][0]["seconds"] == pytest.approx(0.5)
        assert ask(running.url, "GET", "/v1/admin/usage/summary?days=91").status == 400


def test_settings_hold_no_password() -> None:
    shown = told(Settings(database="postgresql://anna:hush@127.0.0.1/records", data=Path("/x")))
    assert "hush" not in json.dumps(shown) and "anna" in shown["database"]
    assert shown["data"] == "/x" and shown["limits"]["body_bytes"] > 0


def test_the_machine_as_the_doctor_finds_it(small: Running) -> None:
    told = ask(small.url, "GET", "/v1/admin/machine").json
    assert told["cores"] >= 1 and told["memory_free"] > 0 and told["faults"] == []
    assert {one["name"] for one in told["extras"]} == set(EXTRAS)
    assert all(one["there"] for one in told["extras"] if one["name"] in ("PIL", "pandas"))


def test_storage_is_told_by_owner_and_by_model(
    small_models: tuple[str, ...], tmp_path: Path
) -> None:
    records = databases.opened(tmp_path)
    for owner in ("key_a", "key_b", "key_b"):
        records.assets.put(b"same bytes", "text/plain", owner=owner)
    records.close()
    with small_server.running(tmp_path, small_models) as running:
        found = ask(running.url, "GET", "/v1/admin/storage").json
    assert [(one["owner"], one["bytes"], one["assets"]) for one in found["owners"]] == [
        ("key_b", 20, 2),
        ("key_a", 10, 1),
    ]
    assert (found["blobs"], found["blob_bytes"]) == (1, 10)
    assert {one["id"] for one in found["models"]} >= set(small_models)
    assert all(one["bytes"] > 1000 for one in found["models"]) and found["disk"]["free"] > 0
