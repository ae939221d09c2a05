"""All stores of a server, opened and closed together, and the sweep of what has expired."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from genloom.server.failure import Failure
from genloom.server.records.assets import Assets
from genloom.server.records.audit import Audit
from genloom.server.records.blobs import Blobs
from genloom.server.records.chats import Chats
from genloom.server.records.database import Database, open_database
from genloom.server.records.documents import Documents
from genloom.server.records.files import Files
from genloom.server.records.idempotency import Idempotency
from genloom.server.records.jobs import Jobs
from genloom.server.records.journal import Journal
from genloom.server.records.people import Keys, Users
from genloom.server.records.runs import Models, Runs
from genloom.server.records.uploads import Uploads
from genloom.server.records.usage import Usage

FILE = "records.sqlite"
BATCH = 500  # rows that one sweep removes at most of each kind
RUNS_KEPT = 90 * 24 * 3600.0  # seconds


@dataclass(frozen=True, kw_only=True)
class Records:
    database: Database
    users: Users
    keys: Keys
    usage: Usage
    runs: Runs
    models: Models
    blobs: Blobs
    assets: Assets
    files: Files
    uploads: Uploads
    jobs: Jobs
    documents: Documents
    chats: Chats
    audit: Audit
    idempotency: Idempotency
    journal: Journal

    def close(self) -> None:
        """Write what waits, and close the database."""
        try:
            self.journal.close()
        finally:
            self.database.close()

    def sweep(self, now: float | None = None, *, runs_kept: float = RUNS_KEPT) -> int:
        """Remove what has expired; how many things went. The service calls it now and then."""
        now = time.time() if now is None else now
        gone = 0
        for store in (self.files, self.assets, self.jobs):
            for id in store.expired(now, BATCH):
                gone += _quietly(lambda store=store, id=id: store.remove(id, None))
        for id in self.uploads.overdue(now, BATCH):
            gone += _quietly(lambda id=id: self.uploads.expire(id))
        gone += self.uploads.forget(now - 24 * 3600)
        gone += self.documents.sweep(now) + self.idempotency.sweep(now)
        gone += self.runs.sweep(now - runs_kept)
        return gone + self.blobs.sweep(BATCH) + self.blobs.sweep_left(now)


def open_records(
    folder: Path, url: str = "", *, owner_bytes: int | None = None, wait: float = 10.0
) -> Records:
    """The records below the folder: bytes always, and the database unless a URL names PostgreSQL.

    owner_bytes: how much files, assets and parts of one owner may take. wait: seconds for which a
    lock or a connection is waited for."""
    database = open_database(folder / FILE, url, wait=wait)
    blobs, runs, usage = Blobs(folder / "assets", database), Runs(database), Usage(database)
    files = Files(database, blobs, owner_bytes)
    return Records(
        database=database,
        users=Users(database),
        keys=Keys(database),
        usage=usage,
        runs=runs,
        models=Models(database),
        blobs=blobs,
        assets=Assets(database, blobs, owner_bytes),
        files=files,
        uploads=Uploads(database, blobs, files, owner_bytes),
        jobs=Jobs(database),
        documents=Documents(database),
        chats=Chats(database),
        audit=Audit(database),
        idempotency=Idempotency(database),
        journal=Journal(database, runs, usage),
    )


def _quietly(remove: Callable[[], object]) -> int:
    """1, or 0 where somebody else was faster."""
    try:
        remove()
    except Failure as error:
        if error.status not in (400, 404, 409):
            raise
        return 0
    return 1
