"""/v1/uploads by the official library: parts, their order, their checks, and how they end."""

from __future__ import annotations

import hashlib
import os
import threading
import time

import openai
import pytest
from http_client import ask
from small_server import Running


def create(store: openai.OpenAI, size: int, purpose: str = "user_data") -> str:
    made = store.uploads.create(
        bytes=size, filename="a/b/whole.txt", mime_type="text/plain", purpose=purpose
    )
    assert made.status == "pending" and made.filename == "whole.txt" and made.file is None
    assert abs(made.expires_at - time.time() - 3600) < 60
    return made.id


def test_parts_become_a_file_in_the_order_asked(store: openai.OpenAI) -> None:
    pieces = [os.urandom(300_000) for _ in range(3)]
    whole = b"".join(pieces)
    id = create(store, len(whole))
    parts = {n: store.uploads.parts.create(id, data=pieces[n]).id for n in (2, 0, 1)}
    done = store.uploads.complete(
        id, part_ids=[parts[n] for n in range(3)], md5=hashlib.md5(whole).hexdigest()
    )
    assert done.status == "completed" and done.file is not None
    assert (done.file.bytes, done.file.filename) == (len(whole), "whole.txt")
    assert store.files.content(done.file.id).read() == whole
    for call in (
        lambda: store.uploads.complete(id, part_ids=list(parts.values())),
        lambda: store.uploads.parts.create(id, data=b"more"),
        lambda: store.uploads.cancel(id),
    ):
        with pytest.raises(openai.BadRequestError) as error:
            call()
        assert error.value.code == "upload_not_pending"


def test_the_librarys_own_chunks(store: openai.OpenAI) -> None:
    data = os.urandom(2_500_000)
    done = store.uploads.upload_file_chunked(
        file=data,
        filename="c.bin",
        bytes=len(data),
        mime_type="application/octet-stream",
        purpose="user_data",
        part_size=1_000_000,
    )
    assert done.file is not None and store.files.content(done.file.id).read() == data


def test_what_does_not_add_up_is_refused_and_can_be_mended(store: openai.OpenAI) -> None:
    id = create(store, 10)
    one = store.uploads.parts.create(id, data=b"01234").id
    other = create(store, 5)
    stranger = store.uploads.parts.create(other, data=b"56789").id
    for parts, more, code in (
        ([one], {}, "upload_incomplete"),
        ([one, one], {}, None),
        ([one, stranger], {}, None),
        ([one, "part_none"], {}, None),
    ):
        with pytest.raises(openai.BadRequestError) as error:
            store.uploads.complete(id, part_ids=parts, **more)
        assert error.value.code == code and error.value.param == "part_ids"
    with pytest.raises(openai.BadRequestError) as error:
        store.uploads.parts.create(id, data=b"567890")
    assert error.value.code == "upload_too_large"
    two = store.uploads.parts.create(id, data=b"56789").id
    for md5, code in (("0" * 32, "checksum_mismatch"), ("no digest", None)):
        with pytest.raises(openai.BadRequestError) as error:
            store.uploads.complete(id, part_ids=[one, two], md5=md5)
        assert error.value.code == code and error.value.param == "md5"
    done = store.uploads.complete(id, part_ids=[one, two])
    assert done.file is not None and store.files.content(done.file.id).read() == b"0123456789"
    store.uploads.cancel(other)


def test_a_cancelled_upload_keeps_no_bytes(store: openai.OpenAI, bare: Running) -> None:
    id = create(store, 1_000_000)
    store.uploads.parts.create(id, data=os.urandom(900_000))
    kept = bare.data / "assets" / "bytes"
    assert [p for p in kept.rglob("*") if p.is_file()]
    assert store.uploads.cancel(id).status == "cancelled"
    assert not [p for p in kept.rglob("*") if p.is_file()]


def test_the_purpose_holds_for_uploads_too(store: openai.OpenAI) -> None:
    id = create(store, 9, "batch")
    part = store.uploads.parts.create(id, data=b"no batch\n").id
    with pytest.raises(openai.BadRequestError, match="line 1 of the file: no JSON"):
        store.uploads.complete(id, part_ids=[part])
    store.uploads.cancel(id)


@pytest.mark.parametrize(
    ("given", "status", "param"),
    [
        ({"bytes": 0}, 400, "bytes"),
        ({"bytes": "10"}, 400, "bytes"),
        ({"bytes": (8 << 20) + 1}, 413, "bytes"),
        ({"mime_type": "nonsense"}, 400, "mime_type"),
        ({"purpose": "steal"}, 400, "purpose"),
        ({"filename": ""}, 400, "filename"),
        ({"expires_after": {"anchor": "created_at", "seconds": 1}}, 400, "expires_after.seconds"),
    ],
)
def test_a_field_that_cannot_be_is_named(
    given: dict[str, object], status: int, param: str, bare: Running
) -> None:
    whole = {"bytes": 10, "filename": "f", "mime_type": "text/plain", "purpose": "evals"}
    answer = ask(bare.url, "POST", "/v1/uploads", {**whole, **given})
    assert (answer.status, answer.error["param"]) == (status, param), answer.body


def test_one_of_many_that_complete_at_once_does(store: openai.OpenAI, bare: Running) -> None:
    id = create(store, 5)
    part = store.uploads.parts.create(id, data=b"01234").id
    found: list[int] = []

    def complete() -> None:
        path = f"/v1/uploads/{id}/complete"
        found.append(ask(bare.url, "POST", path, {"part_ids": [part]}).status)

    threads = [threading.Thread(target=complete) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found)[0] == 200 and found.count(200) == 1
    assert set(found) <= {200, 400, 409}
    assert len(store.files.list().data) == 1
