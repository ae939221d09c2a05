"""Users and keys. A key is random and kept as its SHA-256 alone: what was lost cannot be read here.

Roles, scopes and quotas are values that this file keeps and does not judge.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from genloom.server.failure import Failure
from genloom.server.records.database import Database
from genloom.server.records.ids import is_id, new_id
from genloom.server.records.rows import page_of, read
from genloom.server.records.tables import KEYS, USERS
from genloom.server.records.trouble import missing

SIGN = "gl-"  # by which a leaked key is recognised
SHOWN = 8  # characters of a key that stay readable


@dataclass(frozen=True, kw_only=True)
class User:
    id: str
    name: str
    role: str
    quotas: Mapping[str, float] = field(default_factory=dict)
    created: float
    disabled: float | None = None


@dataclass(frozen=True, kw_only=True)
class Key:
    """hash: of the secret, in hexadecimal digits; prefix: how it begins, to tell keys apart."""

    id: str
    hash: str
    prefix: str
    name: str
    user_id: str | None = None
    role: str
    scopes: tuple[str, ...] = ()
    quotas: Mapping[str, float] = field(default_factory=dict)
    created: float
    expires: float | None = None
    revoked: float | None = None
    used: float | None = None

    def valid(self, now: float) -> bool:
        return self.revoked is None and (self.expires is None or now < self.expires)


def hash_of(secret: str) -> str:
    """SHA-256: keys are 256 random bits, which a slow hash would not make harder to guess."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class Users:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, name: str, *, role: str, quotas: Mapping[str, float] | None = None) -> User:
        """Failure 409 where the name is taken."""
        user = User(
            id=new_id("user_"), name=name, role=role, quotas=quotas or {}, created=time.time()
        )
        try:
            with self._database.writing() as connection:
                connection.execute(insert(USERS).values(**vars(user)))
        except IntegrityError:
            raise Failure(409, f"there is a user {name!r} already", code="conflict") from None
        return user

    def get(self, id: str) -> User:
        return self._one(USERS.c.id == id, id)

    def named(self, name: str) -> User:
        return self._one(USERS.c.name == name, name)

    def _one(self, condition: Any, shown: str) -> User:
        with self._database.reading() as connection:
            row = connection.execute(select(USERS).where(condition)).first()
        if row is None:
            raise missing("user", shown)
        return read(User, row)

    def listed(self) -> list[User]:
        with self._database.reading() as connection:
            return page_of(User, connection.execute(select(USERS).order_by(USERS.c.created)).all())

    def change(self, id: str, **changes: Any) -> User:
        """role, quotas or disabled (a time, or None to let the user in again)."""
        statement = update(USERS).where(USERS.c.id == id).values(**changes).returning(USERS)
        with self._database.writing() as connection:
            row = connection.execute(statement).first()
        if row is None:
            raise missing("user", id)
        return read(User, row)


class Keys:
    def __init__(self, database: Database) -> None:
        self._database = database

    def create(
        self,
        name: str,
        *,
        role: str,
        scopes: Collection[str] = (),
        quotas: Mapping[str, float] | None = None,
        user_id: str | None = None,
        expires: float | None = None,
    ) -> tuple[Key, str]:
        """A new key and its secret, which is told this once."""
        secret = SIGN + secrets.token_urlsafe(32)
        key = Key(
            id=new_id("key_"),
            hash=hash_of(secret),
            prefix=secret[:SHOWN],
            name=name,
            user_id=user_id,
            role=role,
            scopes=tuple(scopes),
            quotas=dict(quotas or {}),
            created=time.time(),
            expires=expires,
        )
        try:
            with self._database.writing() as connection:
                connection.execute(insert(KEYS).values(**vars(key)))
        except IntegrityError:
            raise missing("user", user_id or "") from None
        return key, secret

    def found(self, digest: str) -> Key | None:
        """The key whose secret has this hash, valid or not; None where there is none."""
        with self._database.reading() as connection:
            row = connection.execute(select(KEYS).where(KEYS.c.hash == digest)).first()
        return None if row is None else _key(row)

    def get(self, id: str) -> Key:
        with self._database.reading() as connection:
            query = select(KEYS).where(KEYS.c.id == id)
            row = connection.execute(query).first() if is_id(id) else None
        if row is None:
            raise missing("key", id)
        return _key(row)

    def listed(self, user_id: str | None = None) -> list[Key]:
        """All keys, or a user's, the oldest first."""
        query = select(KEYS).order_by(KEYS.c.created, KEYS.c.id)
        if user_id is not None:
            query = query.where(KEYS.c.user_id == user_id)
        with self._database.reading() as connection:
            return [_key(row) for row in connection.execute(query).all()]

    def any(self) -> bool:
        """Whether a key was ever made: then nothing is open without one."""
        with self._database.reading() as connection:
            return connection.execute(select(KEYS.c.id).limit(1)).first() is not None

    def revoke(self, id: str) -> Key:
        """From now on it opens nothing; the first time of a revocation stays."""
        now = time.time()
        first = update(KEYS).where(KEYS.c.id == id, KEYS.c.revoked.is_(None)).values(revoked=now)
        with self._database.writing() as connection:
            if is_id(id):
                connection.execute(first)
        return self.get(id)


def _key(row: Any) -> Key:
    key = read(Key, row)
    return replace(key, scopes=tuple(key.scopes))
