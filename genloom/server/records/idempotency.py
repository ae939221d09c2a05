"""Requests that carry an Idempotency-Key: carried out once, answered alike however often."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, select, update

from genloom.server.failure import Failure
from genloom.server.records.database import Database
from genloom.server.records.tables import IDEMPOTENCY
from genloom.server.records.upsert import upsert

DAY = 24 * 3600.0
LARGEST = 32 << 20  # bytes of an answer that is kept
LONGEST = 255  # characters of a key


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    media: str
    body: bytes


class Idempotency:
    def __init__(self, database: Database) -> None:
        self._database = database

    def begin(self, owner: str, key: str, digest: str, *, lease: float = 900.0) -> Answer | None:
        """The answer that was given to this request, or None: it is now the caller's to carry out.

        Failure 409 where the key came with another body (another digest), or where the first
        request is still being carried out. lease: seconds after which one that never ended (its
        server was killed) is given up."""
        now = time.time()
        new = {"owner": owner, "key": _checked(key), "digest": digest, "created": now}
        new |= {"expires": now + lease, "status": None, "media": None, "body": None}
        with self._database.writing() as connection:
            statement = upsert(
                connection,
                IDEMPOTENCY,
                new,
                ("owner", "key"),
                lambda old: new,
                lambda old: old.expires <= now,
            )
            if connection.execute(statement).first() is not None:
                return None
            row = connection.execute(select(IDEMPOTENCY).where(*_same(owner, key))).one()
        if row.digest != digest:
            raise Failure(
                409, "this Idempotency-Key came with another request", code="idempotency_mismatch"
            )
        if row.status is None:
            raise Failure(
                409,
                "a request with this Idempotency-Key is being carried out",
                code="idempotency_in_progress",
                headers={"Retry-After": "1"},
            )
        return Answer(status=row.status, media=row.media, body=row.body)

    def end(self, owner: str, key: str, answer: Answer) -> None:
        """Keep the answer for a day. One that is too large is not kept: the key is free again."""
        if len(answer.body) > LARGEST:
            self.release(owner, key)
            return
        values = {**vars(answer), "expires": time.time() + DAY}
        with self._database.writing() as connection:
            connection.execute(update(IDEMPOTENCY).where(*_same(owner, key)).values(**values))

    def release(self, owner: str, key: str) -> None:
        """The request failed before it did anything: it may come again."""
        pending = IDEMPOTENCY.c.status.is_(None)
        with self._database.writing() as connection:
            connection.execute(delete(IDEMPOTENCY).where(*_same(owner, key), pending))

    def sweep(self, now: float) -> int:
        over = IDEMPOTENCY.c.expires <= now
        with self._database.writing() as connection:
            return connection.execute(delete(IDEMPOTENCY).where(over)).rowcount


def _same(owner: str, key: str) -> tuple[ColumnElement[bool], ...]:
    return IDEMPOTENCY.c.owner == owner, IDEMPOTENCY.c.key == key


def _checked(key: str) -> str:
    if not (0 < len(key) <= LONGEST and key.isascii() and key.isprintable()):
        raise Failure(
            400,
            f"an Idempotency-Key is 1 to {LONGEST} printable ASCII characters",
            param="Idempotency-Key",
        )
    return key
