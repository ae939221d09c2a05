"""/v1/files by the official library, and by what no library would send."""

from __future__ import annotations

import hashlib
import io
import json
import os
import time
from pathlib import Path

import openai
import pytest
from http_client import Answer, ask
from small_server import Running, running

from genloom.server.records.records import open_records

BATCH = [
    {"custom_id": str(n), "method": "POST", "url": "/v1/chat/completions", "body": {"n": n}}
    for n in range(3)
]
HOSTILE = ("../../etc/passwd", "C:\\windows\\a.txt", "a\u202eb.txt", "x" * 400, "", "a\r\nb\x00")


def lines(*values: object) -> bytes:
    return b"\n".join(json.dumps(value).encode() for value in values) + b"\n"


def form(*parts: tuple[str, bytes], boundary: str = "edge") -> bytes:
    """A multipart body; the first of a pair is what stands behind form-data."""
    made = [
        b"--%s\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n"
        % (boundary.encode(), head.encode("utf-8", "surrogateescape"), data)
        for head, data in parts
    ]
    return b"".join(made) + b"--%s--\r\n" % boundary.encode()


def send(bare: Running, body: bytes, kind: str = "multipart/form-data; boundary=edge") -> Answer:
    return ask(bare.url, "POST", "/v1/files", body, headers={"content-type": kind})


def test_the_life_of_a_file(store: openai.OpenAI) -> None:
    before = int(time.time())
    data = os.urandom(3_000_000)
    made = store.files.create(file=("notes.bin", data), purpose="user_data")
    assert (made.object, made.bytes, made.filename, made.purpose, made.status) == (
        *("file", len(data), "notes.bin", "user_data", "processed"),
    )
    assert made.id.startswith("file-") and made.created_at >= before and made.expires_at is None
    assert store.files.retrieve(made.id) == made
    assert store.files.content(made.id).read() == data
    deleted = store.files.delete(made.id)
    assert deleted.deleted and deleted.id == made.id
    for call in (store.files.retrieve, store.files.content, store.files.delete):
        with pytest.raises(openai.NotFoundError) as error:
            call(made.id)
        assert error.value.code == "file_not_found"


def test_a_file_expires_as_asked_and_a_batch_after_thirty_days(store: openai.OpenAI) -> None:
    for purpose, asked, seconds in (
        ("user_data", {"anchor": "created_at", "seconds": 3600}, 3600),
        ("batch", {"anchor": "created_at", "seconds": 7200}, 7200),
        ("batch", openai.omit, 30 * 86400),
    ):
        made = store.files.create(
            file=("f.jsonl", lines(*BATCH)), purpose=purpose, expires_after=asked
        )
        assert made.expires_at is not None
        assert abs(made.expires_at - made.created_at - seconds) <= 1
    for wrong in ({"anchor": "created_at", "seconds": 60}, {"anchor": "never", "seconds": 3600}):
        with pytest.raises(openai.BadRequestError) as error:
            store.files.create(file=("f", b"x"), purpose="user_data", expires_after=wrong)
        assert str(error.value.param).startswith("expires_after.")


def test_lists_go_on_behind_an_id(store: openai.OpenAI) -> None:
    made = [
        store.files.create(file=(f"{n}.txt", b"%d" % n), purpose="user_data").id for n in range(4)
    ]
    other = store.files.create(file=("e", b"x"), purpose="evals").id
    assert [f.id for f in store.files.list(limit=3, order="asc", purpose="user_data")] == made
    first = store.files.list(limit=2)
    assert [f.id for f in first.data] == [other, made[3]] and first.has_more
    second = store.files.list(limit=2, after=first.data[-1].id)
    assert [f.id for f in second.data] == [made[2], made[1]]
    for wrong in ({"after": "file-none"}, {"limit": 0}, {"limit": 10_001}, {"order": "up"}):
        with pytest.raises(openai.BadRequestError) as error:
            store.files.list(**wrong)
        assert error.value.param == next(iter(wrong))


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_a_label(name: str, store: openai.OpenAI, bare: Running) -> None:
    head = f'name="file"; filename="{name}"'
    if "\r" in name:  # a library escapes it; a hand that does not breaks the part's head
        made = store.files.create(file=(name, b"data"), purpose="user_data")
        shown = made.filename
    else:
        escaped = head.replace("\\", "\\\\")
        answer = send(bare, form((escaped, b"data"), ('name="purpose"', b"user_data")))
        assert answer.status == 200, answer.body
        shown = answer.json["filename"]
    assert shown and "/" not in shown and "\\" not in shown and len(shown) <= 255
    assert all(c.isprintable() for c in shown)
    below = [path for path in bare.data.rglob("*") if path.is_file()]
    assert not [path for path in below if name and path.name in name]


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("bytes=0-3", 206, b"0123"),
        ("bytes=6-", 206, b"6789"),
        ("bytes=-2", 206, b"89"),
        ("bytes=8-100", 206, b"89"),
        ("bytes=10-", 416, None),
        ("bytes=5-2", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=-", 416, None),
        ("bytes=0-1,3-4", 416, None),
        ("bytes=" + ",".join("0-1" for _ in range(1000)), 416, None),
        ("bytes=" + "9" * 200 + "-", 416, None),
        ("lines=0-1", 416, None),
    ],
)
def test_ranges_are_answered_or_refused(
    asked: str, status: int, body: bytes | None, store: openai.OpenAI, bare: Running
) -> None:
    id = store.files.create(file=("f", b"0123456789"), purpose="user_data").id
    answer = ask(bare.url, "GET", f"/v1/files/{id}/content", headers={"range": asked})
    assert answer.status == status, answer.body
    if body is not None:
        assert answer.body == body
    else:
        assert answer.code == "invalid_range" and answer.headers["content-range"] == "bytes */10"


def test_nothing_of_a_file_runs_in_a_page(store: openai.OpenAI, bare: Running) -> None:
    page = b"<script>alert(1)</script>"
    id = store.files.create(file=("p.html", page, "text/html"), purpose="user_data").id
    answer = ask(bare.url, "GET", f"/v1/files/{id}/content")
    assert answer.headers["content-disposition"].startswith("attachment")
    assert "sandbox" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["etag"] == f'"{hashlib.sha256(page).hexdigest()}"'


def test_a_file_over_the_limit_is_a_413_and_leaves_nothing(
    store: openai.OpenAI, bare: Running
) -> None:
    for size in ((4 << 20) + 1, 5 << 20):
        try:
            store.files.create(file=("big", b"x" * size), purpose="user_data")
        except openai.APIStatusError as error:
            assert error.status_code == 413, error
        except openai.APIConnectionError:
            pass  # it was still sending when the server closed
        else:
            raise AssertionError("it was taken")
    assert store.files.list().data == []
    until = time.monotonic() + 10
    while (left := list((bare.data / "assets" / "drafts").iterdir())) and time.monotonic() < until:
        time.sleep(0.05)
    assert not left


def test_a_quota_of_bytes_is_a_429(store: openai.OpenAI) -> None:
    for n in range(3):
        store.files.create(file=("f", bytes([n]) * (4_000_000)), purpose="user_data")
    with pytest.raises(openai.RateLimitError) as error:
        store.files.create(file=("f", b"z" * 1_000_000), purpose="user_data")
    assert error.value.code == "storage_quota_exceeded"


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        (b"{}", "application/json", 415, "unsupported_media_type"),
        (b"", "multipart/form-data", 400, "invalid_multipart"),
        (b"nonsense", "multipart/form-data; boundary=edge", 400, "invalid_multipart"),
        (form(('name="purpose"', b"evals")), None, 400, "missing_file"),
        (form(('name="file"; filename="f"', b"x"))[:-6], None, 400, "invalid_multipart"),
        (form(('name="fine"; filename="f"', b"x")), None, 400, "unexpected_file"),
        (form(*[('name="file"; filename="f"', b"x")] * 2), None, 400, "unexpected_file"),
        (form(('filename="f"', b"x")), None, 400, "invalid_multipart"),
        (form(('name="purpose"', b"x" * 5000)), None, 400, "field_too_long"),
        (form(*[(f'name="f{n}"', b"x") for n in range(50)]), None, 400, "invalid_multipart"),
        (form(('name="file"; filename="f"', b"x")), None, 400, "missing_required_parameter"),
        (
            form(('name="file"; filename="f"', b"x"), ('name="purpose"', b"steal")),
            *(None, 400, "invalid_value"),
        ),
    ],
)
def test_a_broken_form_is_told(
    body: bytes, kind: str | None, status: int, code: str, bare: Running
) -> None:
    answer = send(bare, body, kind or "multipart/form-data; boundary=edge")
    assert (answer.status, answer.code) == (status, code), answer.body


def test_fields_that_nobody_knows_are_told(bare: Running, store: openai.OpenAI) -> None:
    body = form(
        ('name="file"; filename="f"', b"x"), ('name="purpose"', b"evals"), ('name="mood"', b"good")
    )
    assert send(bare, body).headers["x-genloom-ignored-fields"] == "mood"


def test_files_of_batches_are_checked_by_line(store: openai.OpenAI) -> None:
    store.files.create(file=("b.jsonl", lines(*BATCH)), purpose="batch")
    broken = {
        "line 2 of the file: no JSON": lines(BATCH[0]) + b"{]\n",
        "line 3 of the file: custom_id: '0'": lines(BATCH[0], BATCH[1], BATCH[0]),
        "line 1 of the file: method": lines({**BATCH[0], "method": "GET"}),
        "line 1 of the file: url": lines({**BATCH[0], "url": "http://example.com"}),
        "line 1 of the file: body": lines({**BATCH[0], "body": "x"}),
        "line 1 of the file: an object": lines([1]),
        "it is empty": b"",
        "it holds no request": b"\n\n",
    }
    for told, data in broken.items():
        with pytest.raises(openai.BadRequestError, match=r"the file: ") as error:
            store.files.create(file=("b.jsonl", io.BytesIO(data)), purpose="batch")
        assert told in str(error.value) and error.value.code == "invalid_file"
    assert len(store.files.list().data) == 1


def test_files_to_learn_from_are_checked_by_line(store: openai.OpenAI) -> None:
    chat = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]}
    for data in (
        lines(chat, chat),
        lines({"prompt": "a", "completion": "b"}),
        lines({"prompt": "a", "chosen": "b", "rejected": "c"}),
        b"age,city\n20,north\n",
        b"PK\x03\x04 an archive",
    ):
        store.files.create(file=("t", data), purpose="fine-tune")
    for told, data in {
        "line 2 of the file: the fields of one": lines(chat, {"words": 1}),
        "line 1 of the file: messages": lines({"messages": "hello"}),
        "line 2 of the file: no JSON": lines(chat) + b'{"text": NaN}',
    }.items():
        with pytest.raises(openai.BadRequestError) as error:
            store.files.create(file=("t.jsonl", data), purpose="fine-tune")
        assert told in str(error.value)


def test_files_outlive_the_server(tmp_path: Path) -> None:
    with running(tmp_path) as first, openai.OpenAI(base_url=f"{first.url}/v1", api_key="x") as one:
        id = one.files.create(file=("f", b"kept"), purpose="user_data").id
    with running(tmp_path) as later, openai.OpenAI(base_url=f"{later.url}/v1", api_key="x") as two:
        assert two.files.content(id).read() == b"kept"


def test_a_server_on_postgresql_keeps_files(tmp_path: Path, postgres: str) -> None:
    with (
        running(tmp_path, database=postgres) as found,
        openai.OpenAI(base_url=f"{found.url}/v1", api_key="x") as client,
    ):
        id = client.files.create(file=("f", b"kept"), purpose="user_data").id
        assert client.files.content(id).read() == b"kept"
    assert not list(tmp_path.glob("*.sqlite*"))
    records = open_records(tmp_path, postgres)
    assert records.files.get(id, "local").filename == "f"
    records.close()
