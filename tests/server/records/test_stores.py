"""Each store by itself, on both databases: what is put is there, another owner's is not found."""

from __future__ import annotations

import time

import pytest

from genloom.server.failure import Failure
from genloom.server.records.idempotency import Answer
from genloom.server.records.people import hash_of
from genloom.server.records.records import Records
from genloom.server.records.rows import Page
from genloom.server.records.runs import Run
from genloom.server.records.usage import Amounts, day_of


def status_of(error: pytest.ExceptionInfo[Failure]) -> tuple[int, str | None]:
    return error.value.status, error.value.code


def test_assets_are_bytes_by_hash_and_belong_to_an_owner(records: Records) -> None:
    one = records.assets.put(b"red", "image/png", owner="ann", record={"seed": 7})
    two = records.assets.put(b"red", "image/png", owner="bob")
    assert one.sha256 == two.sha256 and one.id != two.id
    assert records.assets.get(one.id, "ann") == one
    assert records.assets.get(two.id, None) == two
    with pytest.raises(Failure) as error:
        records.assets.get(one.id, "bob")
    assert status_of(error) == (404, "asset_not_found")
    path = records.assets.path(one.sha256)
    assert path.read_bytes() == b"red" and path.stat().st_mode & 0o077 == 0
    records.assets.remove(one.id, "ann")
    assert path.exists(), "bob's asset has the same bytes"
    with pytest.raises(Failure):
        records.assets.remove(two.id, "ann")
    records.assets.remove(two.id, "bob")
    assert not path.exists()


def test_keys_are_found_by_their_secret_alone(records: Records) -> None:
    assert not records.keys.any()
    user = records.users.create("ann", role="member", quotas={"tokens": 10})
    key, secret = records.keys.create(
        "laptop", role="member", scopes=("chat", "files"), user_id=user.id
    )
    assert records.keys.any() and secret.startswith(key.prefix) and secret not in repr(key)
    assert records.keys.found(hash_of(secret)) == key
    strange = secret[:-1], "\0\ud800"
    assert all(records.keys.found(hash_of(one)) is None for one in strange)
    revoked = records.keys.revoke(key.id)
    assert revoked.revoked is not None and not revoked.valid(time.time())
    assert records.keys.revoke(key.id).revoked == revoked.revoked
    assert records.keys.listed(user.id) == [revoked] and records.keys.listed("another") == []
    with pytest.raises(Failure) as error:
        records.users.create("ann", role="admin")
    assert error.value.status == 409
    with pytest.raises(Failure) as error:
        records.keys.create("x", role="member", user_id="user_none")
    assert error.value.status == 404


def test_jobs_move_once_and_tell_their_events_in_order(records: Records) -> None:
    job = records.jobs.create("batch", owner="ann", given={"file": "f\0\ud800"})
    assert records.jobs.get(job.id, "ann", "batch") == job
    for owner, kind in (("bob", "batch"), ("ann", "music")):
        with pytest.raises(Failure) as error:
            records.jobs.get(job.id, owner, kind)
        assert error.value.status == 404
    assert records.jobs.claim(("music",), "me") is None
    claimed = records.jobs.claim(("batch", "music"), "me")
    assert claimed is not None and claimed.status == "in_progress" and claimed.holder == "me"
    assert records.jobs.claim(("batch",), "you") is None
    assert [records.jobs.note(job.id, f"line {n}").number for n in range(3)] == [1, 2, 3]
    assert [e.number for e in records.jobs.events(job.id, after=1)] == [2, 3]
    assert [e.number for e in records.jobs.events(job.id, before=3)] == [2, 1]
    done = records.jobs.move(job.id, "completed", begin=("in_progress",), result={"n": 1})
    assert done.over and done.ended is not None and done.events == 3
    with pytest.raises(Failure) as error:
        records.jobs.move(job.id, "cancelled")
    assert status_of(error) == (409, "job_state")
    records.jobs.remove(job.id, "ann")
    assert records.jobs.events(job.id) == []


def test_documents_belong_to_an_owner_and_expire(records: Records) -> None:
    value = {"text": "\0 \N{GRINNING FACE} \ud800", "n": [1.5, None]}
    records.documents.put("response", "resp_1", value, owner="ann")
    assert records.documents.get("response", "resp_1", "ann").value == value
    changed = records.documents.change("response", "resp_1", "ann", lambda old: {**old, "n": 2})
    assert changed.value["n"] == 2
    for kind, id, owner in (("response", "resp_1", "bob"), ("chat", "resp_1", "ann")):
        with pytest.raises(Failure) as error:
            records.documents.get(kind, id, owner)
        assert status_of(error) == (404, f"{kind}_not_found")
    with pytest.raises(Failure) as error:
        records.documents.put("response", "resp_1", 1, owner="bob")
    assert error.value.status == 409
    records.documents.put("response", "resp_2", 1, owner="ann", expires=time.time() - 1)
    assert [d.id for d in records.documents.listed("response", "ann", Page())[0]] == ["resp_1"]
    assert records.documents.sweep(time.time()) == 1
    records.documents.remove("response", "resp_1", "ann")
    with pytest.raises(Failure):
        records.documents.remove("response", "resp_1", "ann")


def test_pages_follow_each_other_without_a_gap(records: Records) -> None:
    ids = [records.documents.put("chat", f"c{n}", n, owner="ann").id for n in range(7)]
    records.documents.put("chat", "other", 0, owner="bob")
    seen: list[str] = []
    more, after = True, None
    while more:
        page = Page(after=after, limit=3, descending=False)
        found, more = records.documents.listed("chat", "ann", page)
        seen += [d.id for d in found]
        after = seen[-1]
    assert seen == ids
    newest, _ = records.documents.listed("chat", "ann", Page(limit=2))
    assert [d.id for d in newest] == ids[:-3:-1]
    for strange in ("other", "nothing", "a\0b"):
        with pytest.raises(Failure) as error:
            records.documents.listed("chat", "ann", Page(after=strange))
        assert error.value.param == "after"


def test_the_audit_log_only_grows(records: Records) -> None:
    records.audit.note("ann", "key.made", "key_1", {"scopes": ["chat"]})
    records.audit.note("ann", "key.revoked", "key_1")
    assert [e.action for e in records.audit.newest()] == ["key.revoked", "key.made"]
    for line in ("DELETE FROM audit", "UPDATE audit SET actor = 'nobody'"):
        with (
            pytest.raises(Exception, match=r"append only|cannot be reached"),
            records.database.writing() as connection,
        ):
            connection.exec_driver_sql(line)
    assert [e.actor for e in records.audit.newest()] == ["ann", "ann"]


def test_an_idempotent_request_is_carried_out_once(records: Records) -> None:
    store = records.idempotency
    assert store.begin("ann", "k", "digest") is None
    for digest, code in (("digest", "idempotency_in_progress"), ("x", "idempotency_mismatch")):
        with pytest.raises(Failure) as error:
            store.begin("ann", "k", digest)
        assert status_of(error) == (409, code)
    assert store.begin("bob", "k", "x") is None, "another owner's key is another key"
    answer = Answer(status=200, media="application/json", body=b"\0{}")
    store.end("ann", "k", answer)
    assert store.begin("ann", "k", "digest") == answer
    store.release("bob", "k")
    assert store.begin("bob", "k", "y", lease=-1) is None
    assert store.begin("bob", "k", "z") is None, "its first server died long ago"
    with pytest.raises(Failure) as error:
        store.begin("ann", "k" * 300, "digest")
    assert error.value.status == 400
    assert store.sweep(time.time() + 90_000) == 2


def test_usage_is_added_and_checked_at_once(records: Records) -> None:
    quotas = {"tokens": 100, "seconds": 2.5}
    records.usage.charge("ann", Amounts(tokens=60, seconds=1.0), quotas)
    with pytest.raises(Failure) as error:
        records.usage.charge("ann", Amounts(tokens=41), quotas)
    assert status_of(error) == (429, "insufficient_quota")
    assert int(error.value.headers["retry-after"]) > 0
    records.usage.charge("ann", Amounts(tokens=40), quotas)
    with pytest.raises(Failure):
        records.usage.charge("bob", Amounts(tokens=101), quotas)
    assert records.usage.of("ann") == Amounts(tokens=100, seconds=1.0)
    assert records.usage.of("bob") == Amounts()
    assert list(records.usage.days("ann")) == [day_of(time.time())]


def test_the_journal_writes_runs_usage_and_when_keys_were_used(records: Records) -> None:
    key, _ = records.keys.create("k", role="member")
    for seed in (1, 1 << 63, None):
        records.journal.run(Run(owner="ann", route="/v1/chat", status=200, ms=1.5, seed=seed))
    records.journal.use("ann", Amounts(requests=2, tokens=5))
    records.journal.use("ann", Amounts(images=1))
    records.journal.key_used(key.id)
    records.journal.flush()
    assert sorted(r.seed or 0 for r in records.runs.newest(owner="ann")) == [0, 0, 1]
    assert records.usage.of("ann") == Amounts(requests=2, tokens=5, images=1)
    assert records.keys.get(key.id).used is not None
    assert records.runs.sweep(time.time() + 1) == 3


def test_models_served_are_remembered(records: Records) -> None:
    records.models.served("sprites", "w1", {"media": "image/png"})
    records.models.served("sprites", "w2", {"media": "image/png"})
    records.models.served("sprites", "w1", {"media": "image/webp"})
    first, second = records.models.known()
    assert (first.weights, second.weights) == ("w1", "w2") and first.last >= first.first
    assert first.about == {"media": "image/webp"}


def test_what_models_said_is_read_again_where_they_were_served_since(records: Records) -> None:
    records.models.served("sprites", "w1", {"media": "image/png", "form": {"options": []}})
    records.models.served("words", "w2", {"media": "text/plain"})
    first = records.models.facts()
    assert first == {"w1": {"media": "image/png"}, "w2": {"media": "text/plain"}}
    again = records.models.facts()
    assert all(again[weights] is first[weights] for weights in first)  # nothing was read
    records.models.served("other", "w1", {"media": "image/webp"})
    later = records.models.facts()
    assert later["w1"] == {"media": "image/webp"} and later["w2"] is first["w2"]
