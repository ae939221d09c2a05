"""Bad input to a server at work: each is told, none is felt by the stream beside it, nothing stays.

The parts' own tests know the limits one by one; here they meet in one process.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from http_client import connected, everything, raw, status_of
from programs import Program, check_error, texts, told

from genloom.loadtest.exchange import Client
from genloom.loadtest.stream import take

FORM = {"content-type": "application/json"}


def completion(**fields: Any) -> bytes:
    return json.dumps({"model": "words", "prompt": "the", "max_tokens": 4, **fields}).encode()


@pytest.fixture(scope="module", autouse=True)
def beside(served: Program) -> Iterator[None]:
    """Over all tests here a healthy client streams the same long text again and again: it must be
    the same text each time. At the end everything is back to where it was."""
    target = served.target()
    wanted = told(served.run(lambda c: texts(c, target, [7]))[0])
    served.settle()
    before, over, seen = served.held(), threading.Event(), []

    async def streaming() -> None:
        client = Client(served.url)
        while not over.is_set():
            seen.append(await take(client, target, "the", 7, time.perf_counter()))
        client.close()

    thread = threading.Thread(target=lambda: asyncio.run(streaming()))
    thread.start()
    yield
    over.set()
    thread.join(120)
    assert seen and [told(one) for one in seen] == [wanted] * len(seen)
    served.settle()
    after = served.held()
    assert after.processes <= before.processes, (before, after)
    assert after.files <= before.files + 4 and after.threads <= before.threads + 8, (before, after)


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b'{"model": "words", "prompt": "a", "temperature": NaN}',
        b'{"model": "words", "model": "people", "prompt": "a"}',
        b'{"model": "words", "prompt": ' + b"[" * 10_000 + b"]" * 10_000 + b"}",
        b'{"model": "words", "prompt": "a", "seed": ' + b"9" * (1 << 20) + b"}",
        b'{"model": 7, "prompt": "a"}',
        b'{"model": "words", "prompt": {"a": 1}}',
        b"\xff\xfe{}",
        b"[]",
        b'"words"',
    ],
    ids=["cut", "nan", "twice", "deep", "long", "number", "object", "bytes", "list", "text"],
)
def test_bodies_that_are_none(served: Program, body: bytes) -> None:
    answer = served.ask("POST", "/v1/completions", body, headers=FORM)
    assert answer.status == 400
    assert check_error(answer)["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", -1),
        ("temperature", 1e9),
        ("top_p", 0),
        ("top_p", 2),
        ("n", 10**9),
        ("logprobs", 10**6),
        ("seed", 2**70),
        ("max_tokens", -1),
        ("stop", ["x"] * 10_000),
        ("logit_bias", {"999999": 1}),
        ("logit_bias", {"1": 1e9}),
        ("best_of", 10**6),
        ("stream_options", "yes"),
        ("regex", "("),
    ],
)
def test_values_out_of_range_are_named(served: Program, field: str, value: Any) -> None:
    answer = served.complete(**{"max_tokens": 4, field: value})
    assert answer.status == 400
    error = check_error(answer)
    assert str(error["param"]).split(".")[0] == field, error


@pytest.mark.parametrize(
    "prompt",
    ["", "   \n", "\0\0", "\N{SMILING FACE WITH SUNGLASSES}" * 10**6, "\u202e\u2066abc", "a\ud800"],
    ids=["empty", "blank", "nul", "emoji", "directions", "surrogate"],
)
def test_odd_prompts_are_answered_or_refused(served: Program, prompt: str) -> None:
    answer = served.complete(prompt=prompt, max_tokens=4)
    assert answer.status in (200, 400), answer.body[:300]
    if answer.status == 400:
        error = check_error(answer)
        assert len(answer.body) < 2000, "an error does not send the prompt back"
        assert error["message"]


def test_models_that_are_not_there_are_alike(served: Program) -> None:
    names = ("nobody", "../../etc", "/etc/passwd", "words/../words", "..", "\0", "nobody\r\nx: y")
    bodies = set()
    for name in names:
        answer = served.complete(model=name)
        assert answer.status == 404, (name, answer.body)
        error = check_error(answer)
        assert error["code"] == "model_not_found"
        bodies.add(str(error["message"]).replace(json.dumps(name), "X").replace(repr(name), "X"))
    assert len(bodies) == 1, bodies


def test_files_lead_nowhere_else(served: Program) -> None:
    for path in (
        "/v1/files/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/v1/files/..%2f..%2fetc%2fpasswd/content",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/v1/assets/%2e%2e/%2e%2e/etc/passwd",
        "/docs/%2e%2e/%2e%2e/etc/passwd",
        "//etc/passwd",
    ):
        answer = served.ask("GET", path)
        assert answer.status in (400, 404), (path, answer.status)
        check_error(answer)
    ranges = "bytes=" + ",".join(f"{n}-{n}" for n in range(10_000))
    answer = served.ask("GET", "/v1/models", headers={"range": ranges})
    assert answer.status in (200, 400, 416, 431)


def test_what_is_sent_stays_one_line_of_the_log(served: Program) -> None:
    mark = "\r\nlevel=error forged\x1b[31m\x1b]0;owned\x07"
    served.complete(model=f"no{mark}", user=f"me{mark}")
    served.ask("GET", "/nowhere%0d%0alevel=error%20forged%1b[31m")
    served.complete(prompt=mark, user=mark)
    log = served.log.read_bytes()
    assert b"\x1b" not in log and b"\x07" not in log
    assert not [line for line in log.splitlines() if line.startswith(b"level=error")]
    assert b"nowhere" in log


def test_a_huge_body_costs_nothing(served: Program) -> None:
    """1 GB that is announced, and one that is not and never ends; both end in 413, unread."""
    before = served.held().memory
    head = b"POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    answer = raw(served.url, head + b"content-length: 1073741824\r\n\r\n" + b"[" * 65536)
    assert status_of(answer) == 413
    piece = b"10000\r\n" + b" " * 65536 + b"\r\n"
    sent = 0
    with connected(served.url) as link:
        link.sendall(head + b"transfer-encoding: chunked\r\n\r\n")
        try:
            while sent < 1 << 30:
                link.sendall(piece)
                sent += len(piece)
        except OSError:
            pass  # the door is shut
        answer = everything(link)
    assert sent < 64 << 20 and (not answer or status_of(answer) == 413)
    assert served.held().memory - before < 128 << 20
    bomb = served.ask("POST", "/v1/completions", b"\x1f\x8b", headers={"content-encoding": "gzip"})
    assert bomb.status == 415


def test_crowds_of_half_requests_are_not_felt(served: Program) -> None:
    """100 clients stop in the middle of a head, 50 in the middle of a body, 50 say nothing."""
    head = b"POST /v1/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    parts = [head[:40]] * 100 + [head + b"content-length: 100\r\n\r\n{"] * 50 + [b""] * 50
    links = [connected(served.url) for _ in parts]
    try:
        for link, part in zip(links, parts, strict=True):
            link.sendall(part)
        first, second = (served.complete(seed=3, temperature=1.0, max_tokens=20) for _ in "ab")
        assert first.status == 200 and first.json["choices"] == second.json["choices"]
    finally:
        for link in links:
            link.close()


def test_heads_have_a_limit(served: Program) -> None:
    big = served.ask("GET", "/v1/models", headers={"x-much": "a" * (1 << 20)})
    assert big.status == 431
    many = "".join(f"x-{n}: 1\r\n" for n in range(10_000))
    answer = raw(
        served.url,
        f"GET /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{many}\r\n".encode(),
    )
    assert status_of(answer) == 431


def test_special_tokens_in_a_message_are_plain_text(served: Program) -> None:
    """Who writes a template's marks into a message pays for their letters, and changes no role."""

    def count(content: str) -> int:
        body = {"model": "natter", "messages": [{"role": "user", "content": content}]}
        answer = served.ask("POST", "/v1/chat/completions", {**body, "max_tokens": 1, "seed": 1})
        assert answer.status == 200, answer.body
        return int(answer.json["usage"]["prompt_tokens"])

    plain = count("say a")
    for mark in ("<|im_start|>system", "<|im_end|>", "<|endoftext|>", "<|end|>", "</s>"):
        assert count(f"say a{mark}") - plain >= len(mark) // 2, mark  # a mark would be one token
