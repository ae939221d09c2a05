"""Finished items: their bytes by hash, their media type, their record, and whose they are.

What their record says is searched in columns beside it. Knows no route.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Text, func, select, tuple_, type_coerce, update

from genloom.server.records.ids import is_id
from genloom.server.records.kept import Kept
from genloom.server.records.rows import Page, alive, of_owner, one, page_of, paged, read
from genloom.server.records.searchable import columns_of, literal, patterns, words_of
from genloom.server.records.tables import ASSETS

FACETS = 500  # models, and media types, that are told at most


@dataclass(frozen=True, kw_only=True)
class Asset:
    """prompt, seed: as the record says, cut where they are long. made: see `columns_of`."""

    id: str
    owner: str
    sha256: str
    media: str
    bytes: int
    record: Mapping[str, Any] = field(default_factory=dict)
    created: float
    expires: float | None = None
    model: str | None = None
    weights: str | None = None
    prompt: str | None = None
    seed: str | None = None
    made: int = 0
    favourite: int = 0
    labels: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class Sought:
    """Which assets are meant. query: words that all have to be there, in any case. media: a type,
    with * for any part. since, before: seconds since 1970. made None: of either kind."""

    query: str = ""
    model: str | None = None
    media: str | None = None
    seed: int | None = None
    since: float | None = None
    before: float | None = None
    label: str | None = None
    favourite: bool | None = None
    made: bool | None = True

    def of(self, owner: str, query: Any) -> Any:
        """The query, a select of assets, with these conditions."""
        c = ASSETS.c
        query = query.where(c.owner == owner, alive(ASSETS, time.time()))
        for pattern in patterns(self.query):
            query = query.where(c.words.like(pattern, escape="\\"))
        if self.media is not None:
            query = query.where(c.media.like(literal(self.media).replace("*", "%"), escape="\\"))
        if self.label is not None:
            query = query.where(type_coerce(c.labels, Text).like(_within(self.label), escape="\\"))
        equal = {"model": self.model, "seed": None if self.seed is None else str(self.seed)}
        flags = {"made": self.made, "favourite": self.favourite}
        equal |= {name: int(flag) for name, flag in flags.items() if flag is not None}
        for name, value in equal.items():
            if value is not None:
                query = query.where(c[name] == value)
        if self.since is not None:
            query = query.where(c.created >= self.since)
        return query if self.before is None else query.where(c.created < self.before)


@dataclass(frozen=True, kw_only=True)
class Facets:
    """What the assets that are meant consist of, the most frequent first."""

    count: int
    bytes: int
    models: Sequence[tuple[str | None, str | None, int]]  # model, weights, count
    media: Sequence[tuple[str, int]]


class Assets(Kept[Asset]):
    table, kind, what, prefix = ASSETS, Asset, "asset", "asset_"

    def put(
        self,
        data: bytes,
        media: str,
        *,
        owner: str = "",
        record: Mapping[str, Any] | None = None,
        expires: float | None = None,
    ) -> Asset:
        """Store bytes; when this returns they are on disk."""
        told = dict(record or {})
        with self._blobs.draft() as draft:
            draft.write(data)
            draft.finish()
            values = {"media": media, "record": told, "expires": expires, "labels": []}
            values |= {"favourite": 0, **columns_of(told, media)}
            return self.keep(draft, owner=owner, **values)

    def sought(
        self, owner: str, what: Sought, page: Page, *, skip: int = 0, upto: str | None = None
    ) -> tuple[list[Asset], bool, int]:
        """A page of them, whether more come behind it, and how many there are in all.

        skip: so many are left out before the page; upto: an id after which, in time, nothing is
        counted or told, so that numbers stay while new ones are made."""
        query, count = what.of(owner, select(ASSETS)), select(func.count()).select_from(ASSETS)
        count = what.of(owner, count)
        with self._database.reading() as connection:
            if upto is not None:
                last = one(connection, of_owner(ASSETS, upto, owner), self.what, upto)
                key = tuple_(ASSETS.c.created, ASSETS.c.id)
                older = key <= tuple_(last.created, last.id)
                query, count = query.where(older), count.where(older)
            total = int(connection.scalar(count) or 0)
            rows, more = paged(connection, query.offset(skip), ASSETS, page)
        return page_of(Asset, rows), more, total

    def facets(self, owner: str, what: Sought) -> Facets:
        c, number = ASSETS.c, func.count().label("number")
        whole = select(func.count(), func.coalesce(func.sum(c.bytes), 0)).select_from(ASSETS)
        models = select(c.model, c.weights, number).group_by(c.model, c.weights)
        media = select(c.media, number).group_by(c.media)
        with self._database.reading() as connection:
            total: Any = connection.execute(what.of(owner, whole)).one()
            by_model = _largest(what.of(owner, models), number)
            by_media = _largest(what.of(owner, media), number)
            return Facets(
                count=int(total[0]),
                bytes=int(total[1]),
                models=[tuple(row) for row in connection.execute(by_model)],
                media=[tuple(row) for row in connection.execute(by_media)],
            )

    def mark(
        self, id: str, owner: str, *, favourite: bool | None, labels: Sequence[str] | None
    ) -> Asset:
        """Change what its owner notes of it; None leaves it."""
        with self._database.writing() as connection:
            query = of_owner(ASSETS, id, owner).where(alive(ASSETS, time.time()))
            row = one(connection, query.with_for_update(), self.what, id)
            changes: dict[str, Any] = {} if favourite is None else {"favourite": int(favourite)}
            if labels is not None:
                changes |= {"labels": list(labels), "words": words_of(dict(row._mapping), labels)}
            if changes:
                change = update(ASSETS).where(ASSETS.c.id == id).values(**changes)
                row = connection.execute(change.returning(ASSETS)).one()
            return read(Asset, row)

    def several(self, ids: Sequence[str], owner: str) -> list[Asset]:
        """Those of them that are the owner's, in the order of the ids."""
        known = [id for id in dict.fromkeys(ids) if is_id(id)]
        query = select(ASSETS).where(ASSETS.c.owner == owner, ASSETS.c.id.in_(known))
        with self._database.reading() as connection:
            rows = connection.execute(query.where(alive(ASSETS, time.time()))).all()
        found = {asset.id: asset for asset in page_of(Asset, rows)}
        return [found[id] for id in known if id in found]


def _largest(query: Any, number: Any) -> Any:
    return query.order_by(number.desc()).limit(FACETS)


def _within(label: str) -> str:
    """For LIKE: a label as it stands in a column of JSON."""
    return f"%{literal(json.dumps(label))}%"
