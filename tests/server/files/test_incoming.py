"""A form that is streamed to the disk: memory stays flat, cuts anywhere in it change nothing."""

from __future__ import annotations

import asyncio
import itertools
import random
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import postgres_server
import pytest
from starlette.requests import Request
from starlette.types import Message

from genloom.server.failure import Failure
from genloom.server.incoming import incoming
from genloom.server.records.records import Records, open_records

HEAD = b'--edge\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nevals\r\n'
FILE = b'--edge\r\nContent-Disposition: form-data; name="file"; filename="a b.txt"\r\n'
KIND = b"Content-Type: text/plain; charset=utf-8\r\n\r\n"
END = b"\r\n--edge--\r\n"


@pytest.fixture
def records() -> Iterator[Records]:
    with postgres_server.in_memory() as folder:
        opened = open_records(folder)
        yield opened
        opened.close()


def request_of(pieces: Iterator[bytes]) -> Request:
    async def receive() -> Message:
        piece = next(pieces, None)
        return {"type": "http.request", "body": piece or b"", "more_body": piece is not None}

    headers = [(b"content-type", b"multipart/form-data; boundary=edge")]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


def taken(records: Records, pieces: Iterator[bytes], limit: int) -> tuple[dict[str, str], str, str]:
    """Fields, label and hash of what came."""

    async def take() -> tuple[dict[str, str], str, str]:
        async with incoming(request_of(pieces), records.blobs, "file", limit) as form:
            assert form.media == "text/plain"
            assert form.draft.path.stat().st_size == form.draft.bytes
            return form.fields, form.filename, form.draft.path.read_bytes()[:64].hex()

    return asyncio.run(take())


def test_a_large_file_takes_little_memory(records: Records) -> None:
    piece = b"x" * 65536

    def pieces() -> Iterator[bytes]:
        yield HEAD + FILE + KIND
        for _ in range(512):
            yield piece
        yield END

    tracemalloc.start()
    taken_bytes = []

    async def take() -> None:
        async with incoming(request_of(pieces()), records.blobs, "file", 64 << 20) as form:
            taken_bytes.append(form.draft.bytes)

    asyncio.run(take())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert taken_bytes == [512 * 65536]
    assert peak < 8 << 20, peak


def test_a_form_cut_anywhere_is_the_same_form(records: Records) -> None:
    rng = random.Random(3)
    body = HEAD + FILE + KIND + b"a\r\n--edg\r\n-" * 40 + END
    whole = taken(records, iter([body]), 1 << 20)
    assert whole[:2] == ({"purpose": "evals"}, "a b.txt")
    for _ in range(20):
        cuts = [0, *sorted(rng.sample(range(1, len(body)), 9)), len(body)]
        pieces = [body[a:b] for a, b in itertools.pairwise(cuts)]
        assert taken(records, iter(pieces), 1 << 20) == whole
    assert taken(records, (body[n : n + 1] for n in range(len(body))), 1 << 20) == whole


@pytest.mark.parametrize("length", [0, 60, 200, 400])
def test_a_form_that_breaks_off_leaves_nothing(length: int, records: Records) -> None:
    body = HEAD + FILE + KIND + b"x" * 300 + END
    with pytest.raises(Failure) as error:
        taken(records, iter([body[:length]]), 1 << 20)
    assert error.value.code == "invalid_multipart"
    drafts: Path = records.assets.path("").parent / "drafts"
    assert not list(drafts.iterdir())


def test_a_file_past_the_limit_ends_while_it_comes(records: Records) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield HEAD + FILE + KIND
        while True:
            sent += 65536
            yield b"x" * 65536

    with pytest.raises(Failure) as error:
        taken(records, endless(), 3 << 20)
    assert error.value.status == 413
    assert sent <= 5 << 20
