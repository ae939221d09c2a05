"""What was answered, for whom, by which weights, and which models were served."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, case, delete, func, insert, select

from genloom.server.records.database import Database
from genloom.server.records.ids import new_id
from genloom.server.records.rows import page_of
from genloom.server.records.tables import MODELS, RUNS
from genloom.server.records.upsert import upsert


@dataclass(frozen=True, kw_only=True)
class Run:
    """One request that was answered. weights: the digest of what answered it."""

    id: str = field(default_factory=lambda: new_id("run_"))
    time: float = field(default_factory=time.time)
    owner: str = ""
    route: str
    status: int
    ms: float
    model: str | None = None
    weights: str | None = None
    seed: int | None = None
    prompt_tokens: int = 0
    completion_tokens: int = 0
    images: int = 0


@dataclass(frozen=True, kw_only=True)
class Served:
    """A model that was served: first and last are times."""

    name: str
    weights: str
    about: Mapping[str, Any]
    first: float
    last: float


class Runs:
    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, connection: Connection, runs: Sequence[Run]) -> None:
        """Inside a transaction; a seed that needs more than 64 bits is left out."""
        if runs:
            rows = [{**vars(run), "seed": _fits(run.seed)} for run in runs]
            connection.execute(insert(RUNS), rows)

    def newest(
        self, limit: int = 100, *, owner: str | None = None, before: float | None = None
    ) -> list[Run]:
        """The last runs, of everybody or of one owner."""
        query = select(RUNS).order_by(RUNS.c.time.desc(), RUNS.c.id.desc()).limit(limit)
        if owner is not None:
            query = query.where(RUNS.c.owner == owner)
        if before is not None:
            query = query.where(RUNS.c.time < before)
        with self._database.reading() as connection:
            return page_of(Run, connection.execute(query).all())

    def by_model(self, bounds: Sequence[float]) -> list[dict[str, Any]]:
        """What each model did between each two of these times (ascending): requests, tokens,
        images, seconds of answering; period: the number of the first of the two."""
        period = case(*((RUNS.c.time < end, n) for n, end in enumerate(bounds[1:])), else_=None)
        sums = {
            "requests": func.count(),
            "tokens": func.sum(RUNS.c.prompt_tokens + RUNS.c.completion_tokens),
            "images": func.sum(RUNS.c.images),
            "seconds": func.sum(RUNS.c.ms) / 1000.0,
        }
        told = [RUNS.c.model, period.label("period"), *(v.label(k) for k, v in sums.items())]
        query = select(*told).where(RUNS.c.time >= bounds[0], RUNS.c.time < bounds[-1])
        query = query.group_by(RUNS.c.model, "period").order_by(RUNS.c.model, "period")
        with self._database.reading() as connection:
            found = [row._asdict() for row in connection.execute(query)]
        whole = ("requests", "tokens", "images")  # a sum of BIGINTs is none in PostgreSQL
        return [{**row, **{name: int(row[name]) for name in whole}} for row in found]

    def sweep(self, before: float) -> int:
        with self._database.writing() as connection:
            return connection.execute(delete(RUNS).where(RUNS.c.time < before)).rowcount


class Models:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._facts: dict[str, tuple[float, Mapping[str, Any]]] = {}  # by weights: last, facts

    def served(self, name: str, weights: str, about: Mapping[str, Any]) -> None:
        """Remember that these weights are served under this name."""
        now = time.time()
        row = {"name": name, "weights": weights, "about": dict(about), "first": now, "last": now}
        change = {"about": dict(about), "last": now}
        with self._database.writing() as connection:
            connection.execute(
                upsert(connection, MODELS, row, ("name", "weights"), lambda old: change)
            )

    def weights(self) -> frozenset[str]:
        """The digests of all weights that were ever served here."""
        with self._database.reading() as connection:
            return frozenset(connection.scalars(select(MODELS.c.weights).distinct()))

    def about(self, weights: str) -> Mapping[str, Any] | None:
        """What a model of these weights said of itself when it was served last."""
        query = select(MODELS.c.about).where(MODELS.c.weights == weights)
        with self._database.reading() as connection:
            found: Mapping[str, Any] | None = connection.scalar(
                query.order_by(MODELS.c.last.desc()).limit(1)
            )
        return found

    def facts(self) -> dict[str, Mapping[str, Any]]:
        """What each weights said of themselves when they were served last, but for their form,
        which may be large: read again only where they were served since."""
        newest = select(MODELS.c.weights, func.max(MODELS.c.last)).group_by(MODELS.c.weights)
        with self._database.reading() as connection:
            times = {weights: float(last) for weights, last in connection.execute(newest)}
        old = [one for one, last in times.items() if self._facts.get(one, (None,))[0] != last]
        for weights in old:
            told = {k: v for k, v in (self.about(weights) or {}).items() if k != "form"}
            self._facts[weights] = (times[weights], told)
        return {weights: self._facts[weights][1] for weights in times}

    def known(self) -> list[Served]:
        """Every model ever served, the last one first."""
        with self._database.reading() as connection:
            rows = connection.execute(select(MODELS).order_by(MODELS.c.last.desc())).all()
        return page_of(Served, rows)


def _fits(seed: int | None) -> int | None:
    return seed if seed is not None and -(1 << 63) <= seed < 1 << 63 else None
