"""Files that users sent, or that jobs wrote for them, as OpenAI's files are."""

from __future__ import annotations

from dataclasses import dataclass

from genloom.server.records.blobs import Draft
from genloom.server.records.ids import label
from genloom.server.records.kept import Kept
from genloom.server.records.tables import FILES


@dataclass(frozen=True, kw_only=True)
class File:
    """filename: a label, never a path."""

    id: str
    owner: str
    sha256: str
    filename: str
    purpose: str
    bytes: int
    created: float
    expires: float | None = None


class Files(Kept[File]):
    table, kind, what, prefix = FILES, File, "file", "file-"

    def draft(self, limit: int | None = None) -> Draft:
        """A place to write a file's bytes to, piece by piece; the caller closes it."""
        return self._blobs.open_draft(limit)

    def put(
        self,
        data: bytes,
        filename: str,
        purpose: str,
        *,
        owner: str,
        expires: float | None = None,
        quota: int | None = None,
    ) -> File:
        """Store a small file whole."""
        with self._blobs.draft() as draft:
            draft.write(data)
            draft.finish()
            values = {"filename": label(filename), "purpose": purpose, "expires": expires}
            return self.keep(draft, owner=owner, quota=quota, **values)
