"""Files that users sent, or that jobs wrote for them, as OpenAI's files are."""

from __future__ import annotations

from dataclasses import dataclass

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
    media: str
    bytes: int
    created: float
    expires: float | None = None


class Files(Kept[File]):
    table, kind, what, prefix = FILES, File, "file", "file-"

    def put(
        self,
        data: bytes,
        filename: str,
        purpose: str,
        *,
        owner: str,
        media: str = "application/octet-stream",
        expires: float | None = None,
    ) -> File:
        """Store a small file whole."""
        with self._blobs.draft() as draft:
            draft.write(data)
            draft.finish()
            named = {"filename": label(filename), "purpose": purpose, "media": media}
            return self.keep(draft, owner=owner, expires=expires, **named)
