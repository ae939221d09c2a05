"""/v1/models tells what each model is without loading it; models go in and out of memory."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import small_server
from http_client import ask
from small_server import Running

from genloom.server.offered import read_card


def state(running: Running, name: str) -> str:
    return str(ask(running.url, "GET", f"/v1/models/{name}").json["state"])


def test_every_model_is_told_in_the_shape_clients_read(
    small: Running, small_models: tuple[str, ...]
) -> None:
    listed = ask(small.url, "GET", "/v1/models").json
    assert listed["object"] == "list"
    names = [one["id"] for one in listed["data"]]  # and what other tests have trained here
    assert names[: len(small_models)] == list(small_models)
    assert all(name.startswith("ft:") for name in names[len(small_models) :])
    for one in listed["data"]:
        assert one["object"] == "model" and one["created"] > 1_700_000_000
        assert set(one["architecture"]) == {"input_modalities", "output_modalities"}
        assert ask(small.url, "GET", f"/v1/models/{one['id']}").json == one


def test_a_model_is_told_cold_loaded_and_cold_again(
    small_models: tuple[str, ...], tmp_path: Path
) -> None:
    with small_server.running(tmp_path, small_models) as running:
        cold = ask(running.url, "GET", "/v1/models/words").json
        assert cold["state"] == "cold" and cold["context"] == 64 and "media" not in cold
        assert running.server.app.state.service.engines.stats().models == ()
        body = {"model": "words"}
        assert ask(running.url, "POST", "/v1/admin/models/load", body).json["loaded"]
        body = {"model": "words", "prompt": "a", "max_tokens": 1}
        assert ask(running.url, "POST", "/v1/completions", body).status == 200
        warm = ask(running.url, "GET", "/v1/models/words").json
        assert warm["state"] == "up" and warm["texts"] and warm["vocab"] > 0
        assert warm["architecture"]["output_modalities"] == ["text"]
        assert ask(running.url, "POST", "/v1/admin/models/swap", {"model": "words"}).status == 200
        told = ask(running.url, "POST", "/v1/admin/models/unload", {"model": "words"}).json
        assert told["was_loaded"] and state(running, "words") == "cold"
        again = ask(running.url, "GET", "/v1/models/words").json
        assert {**again, "state": "up"} == warm  # remembered by its weights
        assert ask(running.url, "GET", "/ready").json == {"status": "ready"}


def test_a_model_that_is_not_offered(small: Running) -> None:
    for name in ("nobody", "../words", "%2e%2e/words", "words/../words", "x" * 5000, "\\words"):
        answer = ask(small.url, "GET", f"/v1/models/{name}")
        assert (answer.status, answer.code) == (404, "model_not_found"), name
        assert ask(small.url, "DELETE", f"/v1/models/{name}").status == 404
    for verb in ("load", "unload", "swap"):
        answer = ask(small.url, "POST", f"/v1/admin/models/{verb}", {"model": "nobody"})
        assert (answer.status, answer.code) == (404, "model_not_found")


def test_a_model_is_deleted_with_what_its_training_left(home: Path, tmp_path: Path) -> None:
    name = small_server.sprites(home, "shortlived")
    with small_server.running(tmp_path) as running:
        assert ask(running.url, "GET", f"/v1/models/{name}").status == 200
        answer = ask(running.url, "DELETE", f"/v1/models/{name}")
        assert answer.json == {"id": name, "object": "model", "deleted": True}
        assert not (home / "models" / name).exists()
        assert ask(running.url, "GET", f"/v1/models/{name}").status == 404


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, '{"codec": 3, "created": []}'])
def test_damaged_cards_are_told_as_unknown(tmp_path: Path, text: str) -> None:
    for name in ("card.json", "recipe.json", "spec.json"):
        (tmp_path / name).write_text(text)
    assert read_card(tmp_path)["medium"] == "unknown" and read_card(tmp_path)["created"] == 0


def test_metrics_count_what_happened(small: Running) -> None:
    def value(line: str) -> float:
        text = ask(small.url, "GET", "/metrics").body.decode()
        return next(
            (float(t.rpartition(" ")[2]) for t in text.splitlines() if t.startswith(line)), 0.0
        )

    line = 'genloom_requests_total{method="GET",route="/v1/models/{model}",status="404"}'
    before = value(line)
    ask(small.url, "GET", "/v1/models/nobody-at-all")
    assert value(line) == before + 1
    body = {"model": "words", "prompt": "a", "max_tokens": 2}
    assert ask(small.url, "POST", "/v1/completions", body).status == 200
    assert value('genloom_model_state{model="words",state="up"}') == 1
    assert value('genloom_model_outcomes_total{model="words",outcome="done"}') >= 1
    assert value('genloom_model_work_seconds_count{model="words"}') >= 1
    assert value("genloom_requests_active") == 1
    assert value("process_resident_memory_bytes") > 1e6
    text = ask(small.url, "GET", "/metrics").body.decode()
    assert "nobody-at-all" not in text


def test_a_run_is_noted_with_the_weights_that_made_it(
    small: Running, small_models: tuple[str, ...]
) -> None:
    body = {"model": "words", "prompt": "a", "max_tokens": 3}
    assert ask(small.url, "POST", "/v1/completions", body).status == 200
    weights = ask(small.url, "GET", "/v1/models/words").json["weights"]
    until = time.monotonic() + 20
    while True:  # others' runs may come between
        runs = ask(small.url, "GET", "/v1/admin/runs?limit=20").json["data"]
        wanted = ("words", weights, "/v1/completions")
        runs = [run for run in runs if (run["model"], run["weights"], run["route"]) == wanted]
        runs = [run for run in runs if run["status"] == 200 and 0 < run["completion_tokens"] <= 3]
        if runs:
            break
        assert time.monotonic() < until
    assert runs[0]["ms"] > 0
