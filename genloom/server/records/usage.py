"""What each owner used on each day (UTC), and daily quotas: added and checked at once."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, select

from genloom.server.failure import Failure
from genloom.server.records.database import Database
from genloom.server.records.tables import USAGE
from genloom.server.records.upsert import upsert


@dataclass(frozen=True, kw_only=True)
class Amounts:
    """How much of each was used: requests, tokens, images, seconds of computing."""

    requests: int = 0
    tokens: int = 0
    images: int = 0
    seconds: float = 0.0

    def __add__(self, other: Amounts) -> Amounts:
        return Amounts(**{n: getattr(self, n) + getattr(other, n) for n in NAMES})

    def __sub__(self, other: Amounts) -> Amounts:
        return Amounts(**{n: getattr(self, n) - getattr(other, n) for n in NAMES})

    def least(self) -> Amounts:
        """Without which a call that may use so much cannot begin."""
        tokens, seconds = min(1, self.tokens), min(1e-9, self.seconds)
        return Amounts(requests=self.requests, tokens=tokens, images=self.images, seconds=seconds)

    def within(self, have: Amounts, quotas: Mapping[str, float]) -> Amounts:
        """As much of this as the quotas leave beside what one has."""
        most = {n: getattr(self, n) for n in NAMES}
        room = {n: quotas[n] - getattr(have, n) for n in NAMES if n in quotas}
        left = {n: max(type(most[n])(there), 0) for n, there in room.items()}
        return Amounts(**{n: min(most[n], left.get(n, most[n])) for n in NAMES})

    def over(self, quotas: Mapping[str, float]) -> str | None:
        """The first quota that this is above; None where it is above none."""
        return next((n for n in NAMES if n in quotas and getattr(self, n) > quotas[n]), None)


NAMES = tuple(f.name for f in fields(Amounts))


def day_of(time: float) -> str:
    """The day in UTC, as 2026-11-27."""
    return _format(int(time // 86400))


def _format(days: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(days * 86400))


def exhausted(owner_has: Amounts, quotas: Mapping[str, float], name: str, now: float) -> Failure:
    """429, and how long until the next day."""
    have, limit = getattr(owner_has, name), quotas[name]
    return Failure(
        429,
        f"this would be over the quota of {limit:g} {name} a day ({have:g} are used)",
        type="insufficient_quota",
        code="insufficient_quota",
        headers={"Retry-After": str(int(86400 - now % 86400) + 1)},
    )


def under_way(quotas: Mapping[str, float], name: str) -> Failure:
    """429 that passes by itself."""
    return Failure(
        429,
        f"what is under way may use up the quota of {quotas[name]:g} {name} a day: wait for it",
        type="rate_limit_error",
        code="rate_limit_exceeded",
        headers={"Retry-After": "1"},
    )


class Usage:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, owner: str, day: str | None = None) -> Amounts:
        """What the owner used on a day, today unless said otherwise."""
        with self._database.reading() as connection:
            return _read(connection, owner, day or day_of(time.time()))

    def days(self, owner: str, limit: int = 31) -> dict[str, Amounts]:
        """What the owner used, day by day, the newest first."""
        query = select(USAGE).where(USAGE.c.owner == owner).order_by(USAGE.c.day.desc())
        with self._database.reading() as connection:
            rows = connection.execute(query.limit(limit)).all()
        return {row.day: _amounts(row) for row in rows}

    def since(self, day: str, most: int = 50_000) -> list[dict[str, Any]]:
        """What each account used on each day from this one on, the newest first."""
        query = select(USAGE).where(USAGE.c.day >= day).order_by(USAGE.c.day.desc(), USAGE.c.owner)
        with self._database.reading() as connection:
            rows = connection.execute(query.limit(most)).all()
        return [{"owner": row.owner, "day": row.day, **vars(_amounts(row))} for row in rows]

    def add(self, owner: str, day: str, amounts: Amounts) -> Amounts:
        """Add, whatever the quotas; what the day has come to."""
        with self._database.writing() as connection:
            return add(connection, owner, day, amounts)

    def charge(self, owner: str, amounts: Amounts, quotas: Mapping[str, float]) -> Amounts:
        """Add unless a quota would be passed: Failure 429 then, and nothing is added.

        Exact, however many threads and servers charge at once."""
        now = time.time()
        name = amounts.over(quotas)
        with self._database.writing() as connection:
            if name is None:
                statement = _adding(connection, owner, day_of(now), amounts, quotas)
                row = connection.execute(statement).first()
                if row is not None:
                    return _amounts(row)
            have = _read(connection, owner, day_of(now))
        raise exhausted(have, quotas, name or (have + amounts).over(quotas) or "requests", now)


def add(connection: Connection, owner: str, day: str, amounts: Amounts) -> Amounts:
    """Add inside a transaction; what the day has come to."""
    return _amounts(connection.execute(_adding(connection, owner, day, amounts, {})).one())


def _adding(
    connection: Connection, owner: str, day: str, amounts: Amounts, quotas: Mapping[str, float]
) -> Any:
    def within(old: Any) -> Any:
        limits = [old[n] + getattr(amounts, n) <= quotas[n] for n in NAMES if n in quotas]
        whole = limits[0]
        for limit in limits[1:]:
            whole &= limit
        return whole

    return upsert(
        connection,
        USAGE,
        {"owner": owner, "day": day, **vars(amounts)},
        ("owner", "day"),
        lambda old: {n: old[n] + getattr(amounts, n) for n in NAMES},
        within if set(quotas) & set(NAMES) else None,
    )


def _read(connection: Connection, owner: str, day: str) -> Amounts:
    query = select(USAGE).where(USAGE.c.owner == owner, USAGE.c.day == day)
    row = connection.execute(query).first()
    return Amounts() if row is None else _amounts(row)


def _amounts(row: Any) -> Amounts:
    return Amounts(**{name: getattr(row, name) for name in NAMES})
