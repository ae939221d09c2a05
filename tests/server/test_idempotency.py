"""A POST with an Idempotency-Key is carried out once; another body under it is a conflict."""

from __future__ import annotations

import json
import threading
import time

import pytest
from http_client import Answer, ask, connected
from small_server import Running

TEXT = {"model": "words", "prompt": "a", "max_tokens": 4, "temperature": 1.0}


def post(small: Running, key: str, body: object = TEXT, path: str = "/v1/completions") -> Answer:
    return ask(small.url, "POST", path, body, headers={"idempotency-key": key})


def test_the_same_request_is_answered_alike_and_done_once(small: Running) -> None:
    first, second = post(small, "same"), post(small, "same")
    assert first.status == 200 and second.body == first.body
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["content-type"] == first.headers["content-type"]
    assert second.headers["x-request-id"] != first.headers["x-request-id"]
    other = post(small, "other")
    assert other.json["id"] != first.json["id"]


def test_a_job_is_made_once(small: Running) -> None:
    body = {"model": "people", "seed": 1}
    first = post(small, "job", body, "/v1/tables")
    assert first.status == 200 and first.json["id"], first
    assert post(small, "job", body, "/v1/tables").json["id"] == first.json["id"]
    assert post(small, "job2", body, "/v1/tables").json["id"] != first.json["id"]


def test_another_body_or_path_is_a_conflict(small: Running) -> None:
    post(small, "taken")
    for told in (({**TEXT, "seed": 5}, "/v1/completions"), (TEXT, "/v1/embeddings")):
        answer = post(small, "taken", *told)
        assert (answer.status, answer.code) == (409, "idempotency_mismatch")


def test_a_refusal_stays_one_and_a_stream_is_not_kept(small: Running) -> None:
    wrong = {**TEXT, "model": "nobody"}
    first, second = post(small, "wrong", wrong), post(small, "wrong", wrong)
    assert first.status == second.status == 404 and second.body == first.body
    for _ in range(2):
        answer = post(small, "stream", {**TEXT, "stream": True})
        assert answer.status == 200 and "idempotency-replayed" not in answer.headers


def test_two_at_a_time_are_one(small: Running) -> None:
    found: list[Answer] = []
    body = {**TEXT, "max_tokens": 40, "n": 4}

    def once() -> None:
        found.append(post(small, "both", body))

    threads = [threading.Thread(target=once) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    good = [answer for answer in found if answer.status == 200]
    assert good and all(a.status == 200 or a.code == "idempotency_in_progress" for a in found)
    assert len({answer.body for answer in good}) == 1


def test_a_client_that_left_finds_its_answer(small: Running) -> None:
    data = json.dumps({**TEXT, "max_tokens": 40, "seed": 3}).encode()
    head = "POST /v1/completions HTTP/1.1\r\nhost: localhost\r\nidempotency-key: left\r\n"
    head += f"content-type: application/json\r\ncontent-length: {len(data)}\r\n\r\n"
    with connected(small.url) as link:
        link.sendall(head.encode() + data)
        time.sleep(0.05)
    until = time.monotonic() + 30
    while (answer := post(small, "left", json.loads(data))).status == 409:
        assert time.monotonic() < until
        time.sleep(0.05)
    assert answer.status == 200 and post(small, "left", json.loads(data)).body == answer.body


@pytest.mark.parametrize("key", ["x" * 300, "\xe9", "a\tb"])
def test_a_key_that_is_none(small: Running, key: str) -> None:
    answer = post(small, key)
    assert (answer.status, answer.error["param"]) == (400, "Idempotency-Key")


def test_uploads_take_none(small: Running) -> None:
    told = {"idempotency-key": "a", "content-type": "multipart/form-data; boundary=b"}
    answer = ask(small.url, "POST", "/v1/files", b"--b--\r\n", headers=told)
    assert (answer.status, answer.error["param"]) == (400, "Idempotency-Key")
