"""Nothing but /health is open once there is a key; Host and Origin are checked; scopes hold."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from itertools import cycle

import databases
import pytest
import small_server
from http_client import Client, ask, raw, status_of
from small_server import Running

from genloom.server.issuing import Wish, issue
from genloom.server.layers.gate import host_name
from genloom.server.scopes import scope_of

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW")
ALLOWED = "https://chat.example.org"


@pytest.fixture(scope="module")
def keyed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Running, dict[str, str]]]:
    """A server with keys: of an administrator, of a member, one for metrics alone."""
    data = tmp_path_factory.mktemp("keyed")
    records = databases.opened(data)
    wishes = (
        Wish(name="admin", role="admin"),
        Wish(name="member"),
        Wish(name="metrics", scopes=("metrics",), role="admin"),
    )
    keys = {wish.name: issue(records, wish, "test")[1] for wish in wishes}
    records.close()
    with small_server.running(data, hosts=("models.example.org",), origins=(ALLOWED,)) as found:
        yield found, keys


def paths(running: Running) -> list[str]:
    """Every path of every route, also of those that the document does not name."""
    found = {"/openapi.json", "/docs", "/redoc", "/metrics", "/ready", "/nothing", "/", "//health"}
    for _, path in routes(running):
        found.add(re.sub(r"\{[^}]*\}", "x", path))
    return sorted(found)


def routes(running: Running) -> list[tuple[str, str]]:
    app = running.server.app
    found = [(method, path) for path, told in app.openapi()["paths"].items() for method in told]
    hidden = [("get", "/docs"), ("get", "/openapi.json"), ("head", "/health")]
    return [*found, *hidden]


def test_without_a_key_nothing_but_health_answers(
    keyed: tuple[Running, dict[str, str]],
) -> None:
    running, _ = keyed
    found = paths(running)
    assert "/v1/admin/keys" in found and "/v1/models" in found and len(found) > 15
    asked = [(method.upper(), re.sub(r"\{[^}]*\}", "x", at)) for method, at in routes(running)]
    asked += [(method, "/v1/models") for method in METHODS]
    turn = cycle(METHODS)
    for path in found:
        forms = (f"{path}/", path.replace("/", "/%2e/", 1), f"{path}?key=x")
        asked += [(next(turn), form) for form in forms]
    odd = ("/health/", "/health%2f", "/%68ealth/../v1/models", "/HEALTH", "/health/x", "//health")
    asked += [("GET", path) for path in odd] + [("POST", "/health"), ("TRACE", "/health")]
    with closing(Client(running.url)) as client:
        for method, path in asked:
            if path.split("?")[0] != "/health" or method not in ("GET", "HEAD", "OPTIONS"):
                answer = client.ask(method, path)
                assert answer.status == 401, (method, path, answer)
                assert answer.headers["www-authenticate"] == "Bearer"
    assert ask(running.url, "GET", "/health").json == {"status": "ok"}
    assert ask(running.url, "HEAD", "/health").status == 200
    assert ask(running.url, "OPTIONS", "/health").status == 405


def test_a_key_that_is_none_is_told_apart_from_no_key(
    keyed: tuple[Running, dict[str, str]],
) -> None:
    running, keys = keyed
    missing = ask(running.url, "GET", "/v1/models")
    assert (missing.status, missing.code) == (401, "missing_api_key")
    good = keys["member"]
    for bad in ("gl-x", good[:-1], good + "x", good.upper(), "x" * 10_000, "gl-\xe9"):
        answer = ask(running.url, "GET", "/v1/models", key=bad)
        assert (answer.status, answer.code) == (401, "invalid_api_key"), bad
        assert answer.error["type"] == "authentication_error"
    for scheme in ("Basic", "Token", ""):
        told = {"authorization": f"{scheme} {good}"}
        assert ask(running.url, "GET", "/v1/models", headers=told).status == 401
    assert ask(running.url, "GET", "/v1/models", key=good).status == 200


def test_scopes_hold_on_every_path(keyed: tuple[Running, dict[str, str]]) -> None:
    running, keys = keyed
    allowed = {"member": {"inference", "files", "training"}, "metrics": {"metrics"}}
    with closing(Client(running.url)) as client:
        for method, path in routes(running):
            at = re.sub(r"\{[^}]*\}", "x", path)
            needed = scope_of(method.upper(), at)
            for name, may in allowed.items():
                answer = client.ask(method.upper(), at, key=keys[name])
                if needed and needed not in may:
                    assert answer.status == 403, (method, path, name)
                else:
                    assert answer.status not in (401, 403), (method, path, name, answer.body)


def test_another_host_is_refused(keyed: tuple[Running, dict[str, str]]) -> None:
    running, keys = keyed
    port = running.url.rpartition(":")[2]
    good = ("localhost", f"localhost:{port}", f"127.0.0.1:{port}", "[::1]:1", "MODELS.example.org")
    bad = ("evil.example", "localhost.evil.example", "localhost@evil.example", "", "127.0.0.2")
    bad += ("evil.example:80", "[::1", "localhost:80:80", "0.0.0.0", "[::ffff:127.0.0.1]")
    for host in good:
        answer = ask(running.url, "GET", "/health", headers={"host": host})
        assert answer.status == 200, host
    for host in bad:
        answer = ask(running.url, "GET", "/health", headers={"host": host})
        assert (answer.status, answer.code) == (403, "forbidden_host"), host
        assert ask(running.url, "GET", "/v1/models", key=keys["admin"], headers={"host": host})


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{ALLOWED}.evil", "http://"])
def test_pages_from_elsewhere_are_refused(
    keyed: tuple[Running, dict[str, str]], origin: str
) -> None:
    running, keys = keyed
    told = {"origin": origin}
    for method, path in (("POST", "/v1/completions"), ("GET", "/v1/models"), ("POST", "/health")):
        answer = ask(running.url, method, path, key=keys["admin"], headers=told)
        assert (answer.status, answer.code) == (403, "forbidden_origin"), (method, path)
        assert "access-control-allow-origin" not in answer.headers
    assert ask(running.url, "GET", "/health", headers=told).status == 200


def test_pages_from_elsewhere_take_nothing_in(keyed: tuple[Running, dict[str, str]]) -> None:
    running, keys = keyed
    for site, mode, status in (
        ("cross-site", "no-cors", 403),
        ("same-site", "no-cors", 403),  # another port of this machine
        ("same-origin", "cors", 200),
        ("none", "navigate", 200),
        ("cross-site", "navigate", 200),  # somebody follows a link
    ):
        told = {"sec-fetch-site": site, "sec-fetch-mode": mode}
        answer = ask(running.url, "GET", "/v1/models", key=keys["member"], headers=told)
        assert answer.status == status, told


def test_an_allowed_page_may_ask_and_read_errors_too(
    keyed: tuple[Running, dict[str, str]],
) -> None:
    running, keys = keyed
    told = {"origin": ALLOWED}
    asks = {**told, "access-control-request-method": "POST"}
    before = ask(running.url, "OPTIONS", "/v1/chat/completions", headers=asks)
    assert before.status == 204
    assert "authorization" in before.headers["access-control-allow-headers"]
    for key, status in ((keys["member"], 200), ("gl-none", 401)):
        answer = ask(running.url, "GET", "/v1/models", key=key, headers=told)
        assert answer.status == status
        assert answer.headers["access-control-allow-origin"] == ALLOWED
        assert answer.headers["vary"] == "origin"
    own = {"origin": running.url}
    assert ask(running.url, "GET", "/v1/models", key=keys["member"], headers=own).status == 200
    assert ask(running.url, "OPTIONS", "/v1/models", headers={**own, **asks, **own}).status == 401


def test_websockets_are_no_way_in(keyed: tuple[Running, dict[str, str]]) -> None:
    running, _ = keyed
    head = "GET /v1/models HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\n"
    head += "upgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: eA==\r\n\r\n"
    with_close = head.replace("connection: upgrade", "connection: upgrade, close")
    assert status_of(raw(running.url, with_close.encode())) == 401


def test_hosts_are_read_as_written() -> None:
    assert host_name("a.example:80") == "a.example"
    assert host_name("[::1]:80") == "::1"
    assert host_name("a:80:80") == host_name("[::1") == host_name("[::1]x") == ""
