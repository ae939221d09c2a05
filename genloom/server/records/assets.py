"""Finished items: their bytes by hash, their media type, their record, and whose they are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from genloom.server.records.kept import Kept
from genloom.server.records.tables import ASSETS


@dataclass(frozen=True, kw_only=True)
class Asset:
    id: str
    owner: str
    sha256: str
    media: str
    bytes: int
    record: Mapping[str, Any] = field(default_factory=dict)
    created: float
    expires: float | None = None


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
        with self._blobs.draft() as draft:
            draft.write(data)
            draft.finish()
            values = {"media": media, "record": dict(record or {}), "expires": expires}
            return self.keep(draft, owner=owner, **values)
