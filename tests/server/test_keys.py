"""Keys: shown once, kept as a hash, bounded by scope, role, quota and time; all of it on record."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import databases
import pytest
import small_server
from http_client import ask
from small_server import Running

from genloom import store
from genloom.cli import main
from genloom.errors import UsageError
from genloom.server.issuing import Wish, add_user, issue, revoke
from genloom.server.keyring import FRESH, Keyring, is_loopback
from genloom.server.records.records import Records


@pytest.fixture(scope="module")
def closed(
    small_models: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Running, str]]:
    """A server with models and an administrator's key."""
    data = tmp_path_factory.mktemp("closed")
    records = databases.opened(data)
    _, admin = issue(records, Wish(name="admin", role="admin"), "test")
    records.close()
    with small_server.running(data, small_models) as found:
        yield found, admin


def made(closed: tuple[Running, str], **told: object) -> tuple[str, str]:
    """A key's id and the key."""
    running, admin = closed
    answer = ask(running.url, "POST", "/v1/admin/keys", {"name": "one", **told}, key=admin)
    assert answer.status == 200, answer
    return answer.json["id"], answer.json["key"]


def test_the_first_key_closes_a_running_server(tmp_path: Path) -> None:
    with small_server.running(tmp_path) as running:
        assert ask(running.url, "GET", "/v1/models").status == 200
        answer = ask(running.url, "POST", "/v1/admin/keys", {"name": "a", "role": "admin"})
        secret = answer.json["key"]
        assert secret.startswith("gl-") and len(secret) >= 46
        assert ask(running.url, "GET", "/v1/models").status == 401
        assert ask(running.url, "GET", "/v1/models", key=secret).status == 200
        listed = ask(running.url, "GET", "/v1/admin/keys", key=secret)
        assert secret.encode() not in listed.body and b"hash" not in listed.body
        ask(running.url, "DELETE", f"/v1/admin/keys/{answer.json['id']}", key=secret)
        assert ask(running.url, "GET", "/v1/models").status == 401  # never open again
    for file in tmp_path.rglob("*"):
        assert file.is_dir() or secret[3:].encode() not in file.read_bytes(), file


def test_a_revoked_and_an_expired_key_open_nothing(closed: tuple[Running, str]) -> None:
    running, admin = closed
    id, key = made(closed)
    assert ask(running.url, "GET", "/v1/models", key=key).status == 200
    answer = ask(running.url, "DELETE", f"/v1/admin/keys/{id}", key=admin)
    assert answer.status == 200 and answer.json["revoked"]
    assert ask(running.url, "GET", "/v1/models", key=key).code == "invalid_api_key"
    again = ask(running.url, "DELETE", f"/v1/admin/keys/{id}", key=admin)
    assert again.json["revoked"] == answer.json["revoked"]
    _, short = made(closed, expires_after_days=1e-9)
    assert ask(running.url, "GET", "/v1/models", key=short).status == 401
    assert ask(running.url, "DELETE", "/v1/admin/keys/key_none", key=admin).status == 404


def test_a_key_that_another_program_revokes_ends_soon(closed: tuple[Running, str]) -> None:
    running, _ = closed
    id, key = made(closed)
    assert ask(running.url, "GET", "/v1/models", key=key).status == 200
    other = databases.opened(running.data)
    revoke(other, id, "test")
    other.close()
    until = time.monotonic() + FRESH + 10
    while ask(running.url, "GET", "/v1/models", key=key).status != 401:
        assert time.monotonic() < until
        time.sleep(0.2)


def test_users_share_what_is_theirs_and_can_be_shut_out(closed: tuple[Running, str]) -> None:
    running, admin = closed
    answer = ask(running.url, "POST", "/v1/admin/users", {"name": "ina"}, key=admin)
    user = answer.json["id"]
    assert ask(running.url, "POST", "/v1/admin/users", {"name": "ina"}, key=admin).status == 409
    same = ask(running.url, "POST", f"/v1/admin/users/{user}", {}, key=admin)
    assert same.json == answer.json
    assert ask(running.url, "POST", "/v1/admin/users/user_none", {}, key=admin).status == 404
    _, first = made(closed, user="ina", role="admin")
    # The key asks for more than its user may.
    assert ask(running.url, "GET", "/v1/admin/keys", key=first).status == 403
    ask(running.url, "POST", f"/v1/admin/users/{user}", {"role": "admin"}, key=admin)
    assert ask(running.url, "GET", "/v1/admin/keys", key=first).status == 200
    ask(running.url, "POST", f"/v1/admin/users/{user}", {"disabled": True}, key=admin)
    assert ask(running.url, "GET", "/v1/models", key=first).status == 401
    ask(running.url, "POST", f"/v1/admin/users/{user}", {"disabled": False}, key=admin)
    assert ask(running.url, "GET", "/v1/models", key=first).status == 200
    shown = ask(running.url, "GET", "/v1/admin/users", key=admin).json["data"]
    assert [one["role"] for one in shown if one["id"] == user] == ["admin"]


def test_quotas_end_a_day_for_a_key_and_for_a_user(closed: tuple[Running, str]) -> None:
    running, admin = closed
    body = {"model": "words", "prompt": "a", "max_tokens": 3}
    id, key = made(closed, quotas={"tokens": 3})
    assert ask(running.url, "POST", "/v1/completions", body, key=key).status == 200
    over = ask(running.url, "POST", "/v1/completions", body, key=key)
    assert (over.status, over.code) == (429, "insufficient_quota")
    assert 0 < int(over.headers["retry-after"]) <= 86401
    assert ask(running.url, "GET", "/v1/models", key=key).status == 200
    until = time.monotonic() + 10
    while not (
        days := ask(running.url, "GET", f"/v1/admin/usage?owner={id}", key=admin).json["data"]
    ):
        assert time.monotonic() < until
    assert days[0]["tokens"] >= 4 and days[0]["requests"] == 1 and days[0]["seconds"] > 0
    user = ask(
        running.url,
        "POST",
        "/v1/admin/users",
        {"name": "uwe", "quotas": {"requests": 1}},
        key=admin,
    )
    _, one = made(closed, user=user.json["id"])
    _, two = made(closed, user="uwe")
    assert ask(running.url, "POST", "/v1/completions", body, key=one).status == 200
    assert ask(running.url, "POST", "/v1/completions", body, key=two).status == 429


def test_requests_at_one_time_do_not_pass_a_quota_together(closed: tuple[Running, str]) -> None:
    running, _ = closed
    _, key = made(closed, quotas={"requests": 3})
    body = {"model": "words", "prompt": "a", "max_tokens": 40, "ignore_eos": True}
    with ThreadPoolExecutor(8) as pool:
        asked = [
            pool.submit(ask, running.url, "POST", "/v1/completions", body, key=key)
            for _ in range(8)
        ]
    answers = [one.result() for one in asked]
    assert sorted(one.status for one in answers) == [200] * 3 + [429] * 5
    codes = {one.code for one in answers if one.status == 429}
    assert codes <= {"rate_limit_exceeded", "insufficient_quota"}


def test_pictures_are_counted(closed: tuple[Running, str]) -> None:
    running, _ = closed
    _, key = made(closed, quotas={"images": 2})
    body = {"model": "sprites", "prompt": "red", "n": 2}
    assert ask(running.url, "POST", "/v1/images/generations", body, key=key).status == 200
    assert ask(running.url, "POST", "/v1/images/generations", body, key=key).status == 429


@pytest.mark.parametrize(
    "body",
    [
        {"name": ""},
        {"name": "a\nb"},
        {"name": "x" * 101},
        {"name": "a", "role": "owner"},
        {"name": "a", "scopes": ["all"]},
        {"name": "a", "quotas": {"apples": 1}},
        {"name": "a", "quotas": {"tokens": -1}},
        {"name": "a", "expires_after_days": 0},
        {"name": "a", "user": ""},
        {"name": "a", "user": "nobody"},
    ],
)
def test_a_wish_that_is_none_makes_no_key(closed: tuple[Running, str], body: object) -> None:
    running, admin = closed
    before = len(ask(running.url, "GET", "/v1/admin/keys", key=admin).json["data"])
    answer = ask(running.url, "POST", "/v1/admin/keys", body, key=admin)
    assert answer.status in (400, 404) and answer.error["message"], answer
    assert len(ask(running.url, "GET", "/v1/admin/keys", key=admin).json["data"]) == before


def test_what_changes_state_is_on_record(closed: tuple[Running, str]) -> None:
    running, admin = closed
    id, member = made(closed, name="watched")
    ask(running.url, "POST", "/v1/admin/models/load", {"model": "nobody"}, key=admin)
    ask(running.url, "POST", "/v1/completions", {"model": "nobody", "prompt": ""}, key=member)
    assert ask(running.url, "GET", "/v1/admin/audit", key=member).status == 403
    lines = ask(running.url, "GET", "/v1/admin/audit?limit=3", key=admin).json["data"]
    told = [(line["action"], line["subject"]) for line in lines]
    assert told == [
        ("POST /v1/admin/models/load", "/v1/admin/models/load"),
        ("POST /v1/admin/keys", "/v1/admin/keys"),
        ("key.created", id),
    ]
    assert lines[0]["detail"]["status"] == 404 and lines[0]["actor"].startswith("key_")
    assert lines[1]["detail"]["status"] == 200 and lines[1]["time"] <= time.time()
    before = ask(running.url, "GET", f"/v1/admin/audit?before={lines[2]['number']}", key=admin)
    assert all(line["number"] < lines[2]["number"] for line in before.json["data"])


def test_keys_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*words: str) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            main(["keys", *words, "--home", str(tmp_path)])
        told = capsys.readouterr()
        return int(str(left.value.code)), told.out, told.err

    monkeypatch.setattr(store, "_home", [*store._home])  # the flag sets it for this process
    assert run("list")[2] == "no keys yet: make one with  genloom keys create NAME\n"
    code, out, err = run(
        "create", "laptop", "--scope", "files", "--quota", "tokens=9", "--user", "ada"
    )
    assert code == 0 and out.startswith("gl-") and out.count("\n") == 1
    id = err.split(" ", 1)[0]
    code, listing, _ = run("list")
    assert code == 0 and id in listing and "tokens=9" in listing and out.strip() not in listing
    assert run("revoke", id)[0] == 0
    assert run("revoke", "key_none")[0] == 2
    assert run("create", "x", "--quota", "tokens")[0] == 2
    assert run("create", "x", "--role", "boss")[2].startswith("error: no role 'boss'")
    assert run("list", "--database", "mysql://x/y")[0] == 2


def test_without_a_key_only_loopback_is_served(tmp_path: Path) -> None:
    assert is_loopback("localhost") and is_loopback("127.8.0.1") and is_loopback("[::1]")
    assert not any(map(is_loopback, ("0.0.0.0", "::", "192.168.0.2", "example.org", "")))
    records = databases.opened(tmp_path)
    try:
        assert not Keyring(records, "0.0.0.0").local
        with pytest.raises(UsageError, match="scope"):
            issue(records, Wish(name="x", scopes=("all",)), "test")
        _quotas_must_be_numbers(records)
    finally:
        records.close()


def _quotas_must_be_numbers(records: Records) -> None:
    for most in (float("nan"), float("inf"), -1.0):
        with pytest.raises(UsageError):
            add_user(records, "a", "member", {"tokens": most}, "test")
