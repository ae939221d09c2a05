"""Bodies, heads and connections have limits of size, form, number and time; others go on."""

from __future__ import annotations

import gzip
import json
import resource
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import small_server
from http_client import Answer, ask, connected, everything, raw, status_of
from small_server import Running

from genloom.server.settings import Limits

LIMITS = replace(
    Limits(),
    body_bytes=20_000,
    file_bytes=60_000,
    bodies_bytes=45_000,
    head_bytes=8_000,
    headers=40,
    head_seconds=0.5,
    body_seconds=0.6,
    idle_seconds=0.6,
    connections=40,
    connections_per_address=30,
    json_depth=16,
)
HEAD = b"POST /v1/admin/models/load HTTP/1.1\r\nhost: localhost\r\n"
JSON = b"content-type: application/json\r\n"


@pytest.fixture(scope="module")
def tight(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with small_server.running(tmp_path_factory.mktemp("tight"), limits=LIMITS) as found:
        yield found


def post(running: Running, body: bytes, **headers: str) -> Answer:
    told = {"content-type": "application/json", **headers}
    return ask(running.url, "POST", "/v1/admin/models/load", body, headers=told)


def test_a_body_over_the_limit_is_refused_unread(tight: Running) -> None:
    size = 1 << 30
    head = HEAD + JSON + f"content-length: {size}\r\n\r\n".encode()
    answer = raw(tight.url, head)
    assert status_of(answer) == 413 and b"connection: close" in answer
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "body_too_large"
    exact = json.dumps({"model": "x" * (LIMITS.body_bytes - 13)}).encode()
    assert len(exact) == LIMITS.body_bytes
    assert post(tight, exact).status == 404
    assert post(tight, exact + b" ").status == 413


def test_an_endless_body_is_cut_off_at_the_limit(tight: Running) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    chunk = b"2000\r\n" + b" " * 0x2000 + b"\r\n"
    sent = 0
    with connected(tight.url) as link:
        link.sendall(HEAD + JSON + b"transfer-encoding: chunked\r\n\r\n")
        try:
            while sent < 1 << 30:
                link.sendall(chunk)
                sent += len(chunk)
        except ConnectionError:
            pass
        assert status_of(everything(link)) in (413, 0)  # 0: reset before it was read
    assert sent < 64 << 20  # what the sockets' buffers take, no more
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 << 10
    parts = HEAD + JSON + b"transfer-encoding: chunked\r\n\r\n" + chunk * 3
    answer = raw(tight.url, parts)
    assert status_of(answer) == 413 and b"connection: close" in answer


def test_routes_of_files_take_more_and_no_more(tight: Running) -> None:
    form = b'--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nbatch\r\n--b--\r\n'
    told = {"content-type": "multipart/form-data; boundary=b"}
    assert ask(tight.url, "POST", "/v1/files", form, headers=told).status == 400
    large = ask(tight.url, "POST", "/v1/files", b"x" * (LIMITS.file_bytes + 1), headers=told)
    assert (large.status, large.code) == (413, "body_too_large")
    assert ask(tight.url, "POST", "/v1/filesx", b"x" * 30_000, headers=told).status == 413


def test_packed_bodies_are_not_unpacked(tight: Running) -> None:
    bomb = gzip.compress(b'{"model": "' + b"x" * 1_000_000 + b'"}')
    for encoding in ("gzip", "GZIP", "deflate", "br", "gzip, identity"):
        answer = post(tight, bomb, **{"content-encoding": encoding})
        assert (answer.status, answer.code) == (415, "content_encoding")
    assert post(tight, b'{"model": "x"}', **{"content-encoding": "identity"}).status == 404


def test_a_body_says_what_it_is(tight: Running) -> None:
    for form in ("text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"):
        answer = post(tight, b'{"model": "x"}', **{"content-type": form})
        assert (answer.status, answer.code) == (415, "content_type"), form
    ok = post(tight, b'{"model": "x"}', **{"content-type": "Application/JSON; charset=utf-8"})
    assert ok.status == 404


def test_heads_have_limits(tight: Running) -> None:
    start = b"GET /health HTTP/1.1\r\nhost: localhost\r\n"
    many = b"".join(b"x-%d: 1\r\n" % n for n in range(60))
    for data in (b"x: " + b"y" * 20_000 + b"\r\n", b"x: 1\r\n" * 2_000, many):
        answer = raw(tight.url, start + data + b"connection: close\r\n\r\n")
        assert status_of(answer) == 431, answer
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "headers_too_large"
    for data in (
        b"\x16\x03\x01\x02\x00",
        b"GET\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\r\n" * 3000,
    ):
        answer = raw(tight.url, data + b"\r\n\r\n")
        assert status_of(answer) == 400, (data, answer)
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["error"]["code"] == "bad_request"


def test_slow_heads_and_silent_connections_end_and_others_do_not_notice(tight: Running) -> None:
    slow = [connected(tight.url) for _ in range(8)]
    began = time.monotonic()
    for number, link in enumerate(slow):
        link.sendall(b"GET /health HTTP/1.1\r\n"[: number * 3])
    assert ask(tight.url, "GET", "/health").status == 200
    for link in slow:
        assert status_of(everything(link)) == 408
        link.close()
    assert time.monotonic() - began >= LIMITS.head_seconds * 0.9


def test_a_head_that_drips_does_not_win_time(tight: Running) -> None:
    with connected(tight.url) as link:
        began = time.monotonic()
        try:
            for sign in b"GET /health HTTP/1.1\r\nx: " + b"y" * 400:
                link.sendall(bytes([sign]))
                time.sleep(0.02)
        except ConnectionError:
            pass
        assert time.monotonic() - began < 8
        assert status_of(everything(link)) in (408, 0)


def test_a_second_head_on_a_connection_has_its_time_too(tight: Running) -> None:
    with connected(tight.url) as link:
        link.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        got = b""
        while b'{"status":"ok"}' not in got:
            got += link.recv(65536)
        link.sendall(b"GET /health HTT")
        assert status_of(everything(link)) == 408


@pytest.mark.parametrize("path", [b"/v1/admin/models/load", b"/v1/files"])
def test_a_body_that_stops_is_given_up(tight: Running, path: bytes) -> None:
    head = b"POST " + path + b" HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n"
    form = JSON if b"admin" in path else b"content-type: multipart/form-data; boundary=b\r\n"
    begun = b'{"mod' if b"admin" in path else b"--b\r\ncontent-disp"
    answer = raw(tight.url, head + form + b"\r\n" + begun)
    assert status_of(answer) == 408 and b"connection: close" in answer


def test_connections_are_counted(tight: Running) -> None:
    links = [connected(tight.url) for _ in range(LIMITS.connections_per_address)]
    for link in links:
        link.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert status_of(link.recv(65536)) == 200
    answer = raw(tight.url, b"GET /health HTTP/1.1\r\nhost: localhost\r\n\r\n")
    assert status_of(answer) == 429 and b"too_many_connections" in answer
    for link in links:
        link.close()
    until = time.monotonic() + 10
    while (status := ask(tight.url, "GET", "/health").status) != 200:
        assert time.monotonic() < until, status


def test_all_bodies_together_have_a_limit(tight: Running) -> None:
    body = json.dumps({"model": "x" * 19_000}).encode()
    links = [connected(tight.url) for _ in range(3)]
    for link in links:
        length = f"content-length: {len(body)}\r\nconnection: close\r\n\r\n".encode()
        link.sendall(HEAD + JSON + length + body[:-1])
    statuses = sorted(status_of(everything(link)) for link in links)
    for link in links:
        link.close()
    assert statuses == [408, 408, 503]
    assert post(tight, body).status == 404  # and what was held is free again


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"model": NaN}',
        b'{"model": Infinity}',
        b'{"model": 1e999}',
        b'{"model": "a", "model": "b"}',
        b'{"model": ' + b"9" * 19_000 + b"}",
        b'{"model": ' + b"[" * 9_000 + b"]" * 9_000 + b"}",
        b'{"model": ' + b"[" * 17 + b"]" * 17 + b"}",
        b'{"model": "\\ud800"}',
        b'{"model": "\xff"}',
        b'"model"',
        b"[]",
        b"null",
        b'{"model": 1}',
        b"{}",
    ],
)
def test_json_that_is_none_or_is_not_this(tight: Running, body: bytes) -> None:
    began = time.monotonic()
    answer = post(tight, body)
    assert answer.status == 400 and answer.error["type"] == "invalid_request_error", answer
    assert time.monotonic() - began < 5


def test_a_field_is_named_where_it_is_wrong(tight: Running) -> None:
    assert post(tight, b"{}").error["param"] == "model"
    assert post(tight, b"{}").code == "missing_required_parameter"
    body = {"name": "x", "quotas": {"tokens": "many"}}
    answer = ask(tight.url, "POST", "/v1/admin/keys", body)
    assert (answer.status, answer.error["param"]) == (400, "quotas.tokens")
    answer = ask(tight.url, "GET", "/v1/admin/audit?limit=0")
    assert (answer.status, answer.error["param"]) == (400, "limit")


def test_an_answer_has_its_time(small_models: tuple[str, ...], tmp_path: Path) -> None:
    limits = replace(Limits(), request_seconds=0.001)
    told = {"limits": limits, "preload": ("words",)}
    with small_server.running(tmp_path, small_models, **told) as running:
        until = time.monotonic() + 100
        while ask(running.url, "GET", "/v1/models/words").json["state"] != "up":
            assert time.monotonic() < until
            time.sleep(0.1)
        body = {"model": "words", "prompt": "a", "max_tokens": 50}
        answer = ask(running.url, "POST", "/v1/completions", body)
        assert (answer.status, answer.code) == (504, "deadline_exceeded")
        assert answer.error["type"] == "timeout_error"
