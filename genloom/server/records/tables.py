"""The tables, as SQLAlchemy sees them. `migrations.py` makes them; a test holds the two equal.

Times are seconds since 1970; NULL in `expires` means never. JSON is text with ASCII escapes, which
every database takes, NUL and lone surrogates included.
"""

from __future__ import annotations

import json
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    ForeignKey,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine


class Json(TypeDecorator[Any]):
    """A JSON value in a column of text; None is NULL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


class Words(TypeDecorator[str]):
    """A text without NUL and lone surrogates: what a client wrote must not stop a database."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        if value is None or (value.isascii() and "\0" not in value):
            return value
        return value.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


META = MetaData()


def _key(name: str, kind: type[TypeEngine[Any]] = Words) -> Column[Any]:
    return Column(name, kind, primary_key=True)


def _some(name: str, kind: type[TypeEngine[Any]] = Words) -> Column[Any]:
    return Column(name, kind, nullable=False)


def _maybe(name: str, kind: type[TypeEngine[Any]] = Words) -> Column[Any]:
    return Column(name, kind, nullable=True)


def _bytes_of() -> Column[Any]:
    return Column("sha256", Text, ForeignKey("blobs.sha256"), nullable=False)


VERSION = Table("schema_version", META, _key("version", Integer), _some("applied", Double))

USERS = Table(
    "users",
    META,
    _key("id"),
    _some("name"),
    _some("role"),
    _some("quotas", Json),
    _some("created", Double),
    _maybe("disabled", Double),
)
KEYS = Table(
    "keys",
    META,
    _key("id"),
    _some("hash"),
    _some("prefix"),
    _some("name"),
    Column("user_id", Text, ForeignKey("users.id"), nullable=True),
    _some("role"),
    _some("scopes", Json),
    _some("quotas", Json),
    _some("created", Double),
    _maybe("expires", Double),
    _maybe("revoked", Double),
    _maybe("used", Double),
)
USAGE = Table(
    "usage",
    META,
    _key("owner"),
    _key("day"),
    _some("requests", BigInteger),
    _some("tokens", BigInteger),
    _some("images", BigInteger),
    _some("seconds", Double),
)
HOLDINGS = Table("holdings", META, _key("owner"), _some("bytes", BigInteger))
RUNS = Table(
    "runs",
    META,
    _key("id"),
    _some("time", Double),
    _some("owner"),
    _some("route"),
    _some("status", Integer),
    _some("ms", Double),
    _maybe("model"),
    _maybe("weights"),
    _maybe("seed", BigInteger),
    _some("prompt_tokens", BigInteger),
    _some("completion_tokens", BigInteger),
    _some("images", BigInteger),
)
MODELS = Table(
    "models",
    META,
    _key("name"),
    _key("weights"),
    _some("about", Json),
    _some("first", Double),
    _some("last", Double),
)
BLOBS = Table(
    "blobs",
    META,
    _key("sha256"),
    _some("bytes", BigInteger),
    _some("refs", BigInteger),
    _some("created", Double),
)
ASSETS = Table(
    "assets",
    META,
    _key("id"),
    _some("owner"),
    _bytes_of(),
    _some("media"),
    _some("bytes", BigInteger),
    _some("record", Json),
    _some("created", Double),
    _maybe("expires", Double),
    _maybe("model"),  # this and the following as the record says: see searchable.py
    _maybe("weights"),
    _maybe("prompt"),
    _maybe("seed"),
    _some("words"),
    _some("made", Integer),
    _some("favourite", Integer),
    _some("labels", Json),
)
FILES = Table(
    "files",
    META,
    _key("id"),
    _some("owner"),
    _bytes_of(),
    _some("filename"),
    _some("purpose"),
    _some("media"),
    _some("bytes", BigInteger),
    _some("created", Double),
    _maybe("expires", Double),
)
UPLOADS = Table(
    "uploads",
    META,
    _key("id"),
    _some("owner"),
    _some("filename"),
    _some("purpose"),
    _some("media"),
    _some("bytes", BigInteger),
    _some("status"),
    _some("created", Double),
    _some("expires", Double),
    _maybe("lasts", Double),  # seconds that the file will live
    _maybe("file_id"),
)
PARTS = Table(
    "parts",
    META,
    _key("id"),
    Column("upload", Text, ForeignKey("uploads.id"), nullable=False),
    _bytes_of(),
    _some("bytes", BigInteger),
    _some("created", Double),
)
JOBS = Table(
    "jobs",
    META,
    _key("id"),
    _some("kind"),
    _some("owner"),
    _some("status"),
    _some("progress", Double),
    _maybe("model"),
    _some("given", Json),
    _maybe("result", Json),
    _maybe("error", Json),
    _maybe("holder"),
    _some("events", BigInteger),
    _some("created", Double),
    _maybe("started", Double),
    _maybe("ended", Double),
    _maybe("expires", Double),
)
JOB_EVENTS = Table(
    "job_events",
    META,
    Column("job", Text, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    _key("number", BigInteger),
    _some("time", Double),
    _some("level"),
    _some("type"),
    _some("message"),
    _maybe("data", Json),
)
DOCUMENTS = Table(
    "documents",
    META,
    _key("kind"),
    _key("id"),
    _some("owner"),
    _some("value", Json),
    _some("created", Double),
    _some("changed", Double),
    _maybe("expires", Double),
)
CHATS = Table(
    "chats",
    META,
    _key("id"),
    _some("owner"),
    _some("title"),
    _some("about", Json),
    _some("version", BigInteger),
    _some("turns", BigInteger),
    _some("created", Double),
    _some("changed", Double),
)
TURNS = Table(
    "turns",
    META,
    Column("chat", Text, ForeignKey("chats.id", ondelete="CASCADE"), primary_key=True),
    _key("number", BigInteger),
    _some("id"),
    _maybe("parent"),
    _some("role"),
    _some("status"),
    _some("text"),
    _some("about", Json),
    _maybe("chances", Json),
    _some("created", Double),
)
AUDIT = Table(
    "audit",
    META,
    Column("number", BigInteger, primary_key=True, autoincrement=True),
    _some("time", Double),
    _some("actor"),
    _some("action"),
    _some("subject"),
    _some("detail", Json),
)
IDEMPOTENCY = Table(
    "idempotency",
    META,
    _key("owner"),
    _key("key"),
    _some("digest"),
    _maybe("status", Integer),
    _maybe("media"),
    _maybe("body", LargeBinary),
    _some("created", Double),
    _some("expires", Double),
)
