"""Files that come in parts: OpenAI's uploads. Parts lie on disk by hash until they are joined."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, delete, func, insert, select, update

from genloom.server.failure import Failure
from genloom.server.records.blobs import PIECE, Blobs, Draft
from genloom.server.records.database import Database
from genloom.server.records.files import File, Files
from genloom.server.records.holdings import hold, let_go
from genloom.server.records.ids import label, new_id
from genloom.server.records.rows import of_owner, one, read
from genloom.server.records.tables import PARTS, UPLOADS

HOUR = 3600.0


@dataclass(frozen=True, kw_only=True)
class Upload:
    """status: pending, completed, cancelled or expired. lasts: seconds that the file will live."""

    id: str
    owner: str
    filename: str
    purpose: str
    media: str
    bytes: int
    status: str
    created: float
    expires: float
    lasts: float | None = None
    file_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Part:
    id: str
    upload: str
    sha256: str
    bytes: int
    created: float


class Uploads:
    def __init__(
        self, database: Database, blobs: Blobs, files: Files, quota: int | None = None
    ) -> None:
        self._database, self._blobs, self._files = database, blobs, files
        self._quota = quota

    def create(
        self,
        *,
        owner: str,
        filename: str,
        purpose: str,
        media: str,
        bytes: int,
        lasts: float | None = None,
    ) -> Upload:
        now = time.time()
        row = {
            "id": new_id("upload_"),
            "owner": owner,
            "filename": label(filename),
            "purpose": purpose,
            "media": media,
            "bytes": bytes,
            "status": "pending",
            "created": now,
            "expires": now + HOUR,
            "lasts": lasts,
        }
        with self._database.writing() as connection:
            connection.execute(insert(UPLOADS).values(**row))
        return Upload(**row)

    def open(self, id: str, owner: str) -> Upload:
        """The upload, if parts may still come."""
        with self._database.reading() as connection:
            return _pending(connection, id, owner)

    def add(self, id: str, owner: str, draft: Draft) -> Part:
        """A finished draft as the next part. It counts as held by the owner until it is joined."""
        part = Part(
            id=new_id("part_"),
            upload=id,
            sha256=draft.sha256,
            bytes=draft.bytes,
            created=time.time(),
        )
        with self._blobs.settled(draft), self._database.writing() as connection:
            upload = _pending(connection, id, owner)
            sizes = select(func.sum(PARTS.c.bytes)).where(PARTS.c.upload == id)
            have = int(connection.scalar(sizes) or 0)
            if have + draft.bytes > upload.bytes:
                raise Failure(
                    400,
                    f"{have + draft.bytes} bytes in parts, but {upload.bytes} were announced",
                    code="upload_too_large",
                    param="data",
                )
            hold(connection, owner, draft.bytes, self._quota)
            self._blobs.refer(connection, draft)
            connection.execute(insert(PARTS).values(**vars(part)))
        return part

    def come(self, id: str, owner: str) -> tuple[Upload, list[Part]]:
        """The upload however it stands, and its parts in the order in which they came."""
        with self._database.reading() as connection:
            query = of_owner(UPLOADS, id, owner)
            upload = read(Upload, one(connection, query, "upload", id))
            query = select(PARTS).where(PARTS.c.upload == id).order_by(PARTS.c.created, PARTS.c.id)
            rows = connection.execute(query).all()
        return upload, [read(Part, row) for row in rows]

    def parts(self, id: str, owner: str, names: Sequence[str]) -> list[Part]:
        """The parts of a pending upload in this order; Failure where one is not its."""
        with self._database.reading() as connection:
            _pending(connection, id, owner)
            rows = connection.execute(select(PARTS).where(PARTS.c.upload == id)).all()
        known = {part.id: part for part in (read(Part, row) for row in rows)}
        strange = [name for name in names if name not in known]
        if strange or len(set(names)) != len(names):
            shown = strange[0][:80] if strange else "one that is named twice"
            raise Failure(400, f"no part of this upload: {shown!r}", param="part_ids")
        return [known[name] for name in names]

    def join(self, parts: Sequence[Part], draft: Draft) -> None:
        """Write the parts' bytes one behind the other."""
        try:
            for part in parts:
                with self._blobs.path(part.sha256).open("rb") as file:
                    while data := file.read(PIECE):
                        draft.write(data)
        except FileNotFoundError:
            raise Failure(409, "the upload ended meanwhile", code="upload_not_pending") from None
        draft.finish()

    def complete(self, id: str, owner: str, draft: Draft) -> tuple[Upload, File]:
        """The joined draft becomes a file, and the parts go."""
        with self._blobs.settled(draft), self._database.writing() as connection:
            upload = _pending(connection, id, owner)
            gone = self._free(connection, upload)
            named = {name: getattr(upload, name) for name in ("filename", "purpose", "media")}
            expires = None if upload.lasts is None else time.time() + upload.lasts
            file = self._files.add(connection, draft, owner=owner, expires=expires, **named)
            done = {"status": "completed", "file_id": file.id}
            connection.execute(update(UPLOADS).where(UPLOADS.c.id == id).values(**done))
        self._drop(gone)
        return replace(upload, **done), file

    def cancel(self, id: str, owner: str) -> Upload:
        return self._end(id, owner, "cancelled")

    def expire(self, id: str) -> None:
        self._end(id, None, "expired")

    def _end(self, id: str, owner: str | None, status: str) -> Upload:
        with self._database.writing() as connection:
            upload = _pending(connection, id, owner, late=True)
            gone = self._free(connection, upload)
            change = update(UPLOADS).where(UPLOADS.c.id == id)
            connection.execute(change.values(status=status))
        self._drop(gone)
        return replace(upload, status=status)

    def _free(self, connection: Connection, upload: Upload) -> list[str]:
        """Take the parts' rows away; the hashes that they referred to."""
        gone = delete(PARTS).where(PARTS.c.upload == upload.id)
        rows = connection.execute(gone.returning(PARTS.c.sha256, PARTS.c.bytes)).all()
        let_go(connection, upload.owner, sum(row.bytes for row in rows))
        self._blobs.release(connection, *(row.sha256 for row in rows))
        return [row.sha256 for row in rows]

    def _drop(self, hashes: Sequence[str]) -> None:
        for sha256 in set(hashes):
            self._blobs.drop(sha256)

    def overdue(self, now: float, most: int) -> list[str]:
        """Pending uploads whose hour is over."""
        late = (UPLOADS.c.expires <= now) & (UPLOADS.c.status == "pending")
        with self._database.reading() as connection:
            return list(connection.scalars(select(UPLOADS.c.id).where(late).limit(most)))

    def forget(self, before: float) -> int:
        """Remove uploads that ended long ago."""
        old = (UPLOADS.c.expires <= before) & (UPLOADS.c.status != "pending")
        with self._database.writing() as connection:
            return connection.execute(delete(UPLOADS).where(old)).rowcount


def _pending(connection: Connection, id: str, owner: str | None, late: bool = False) -> Upload:
    """The upload, its row held until the transaction ends; Failure where it has ended.

    late: whether its hour may be over."""
    query = of_owner(UPLOADS, id, owner).with_for_update()
    upload = read(Upload, one(connection, query, "upload", id))
    over = upload.status == "pending" and not late and upload.expires <= time.time()
    if over or upload.status != "pending":
        stands = "expired" if over else upload.status
        raise Failure(
            400, f"the upload {id} is {stands}", code="upload_not_pending", param="upload_id"
        )
    return upload
