"""Several stored files as one ZIP that is written while it is sent: memory holds a piece of it.

Where a record is not inside a file it lies beside it, as FILE.json, so that `genloom verify` holds
for what was unpacked. Knows names inside the archive; not whose the files are.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from genloom.server.content import suffix_of
from genloom.server.records.assets import Asset
from genloom.server.suited import fits
from genloom.server.thumbnails import TEXTS

PIECE = 1 << 18
BESIDE = "file"  # what a record that lies beside its file vouches for


class _Sent(io.RawIOBase):
    """What was written and not yet taken."""

    def __init__(self) -> None:
        super().__init__()
        self._held: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._held.append(bytes(data))
        return len(data)

    def taken(self) -> bytes:
        held, self._held = self._held, []
        return b"".join(held)


def zipped(assets: Sequence[tuple[Asset, Path]]) -> Iterator[bytes]:
    """The archive piece by piece; a file that was deleted meanwhile is left out."""
    sent = _Sent()
    with zipfile.ZipFile(sent, "w") as archive:
        for asset, path in assets:
            try:
                file = path.open("rb")
            except FileNotFoundError:
                continue
            name = name_of(asset)
            with file, archive.open(_entry(asset, name), "w", force_zip64=True) as inside:
                while piece := file.read(PIECE):
                    inside.write(piece)
                    yield sent.taken()
            if _beside(asset.record):
                told = json.dumps(asset.record, ensure_ascii=False, sort_keys=True, indent=1)
                archive.writestr(_entry(asset, f"{name}.json"), told)
            yield sent.taken()
    yield sent.taken()


def name_of(asset: Asset) -> str:
    """By its time, so that names are in the order in which things were made."""
    when = datetime.fromtimestamp(asset.created, UTC).strftime("%Y%m%d-%H%M%S")
    return f"{when}-{asset.id.rpartition('_')[2][:8]}{suffix_of(asset.media)}"


def _beside(record: Mapping[str, Any]) -> bool:
    about = record.get("asset")
    return isinstance(about, Mapping) and about.get("of") == BESIDE


def _entry(asset: Asset, name: str) -> zipfile.ZipInfo:
    when = datetime.fromtimestamp(max(asset.created, 315_532_800), UTC)  # ZIP begins with 1980
    entry = zipfile.ZipInfo(name, when.timetuple()[:6])
    small = fits(asset.media, TEXTS) or name.endswith(".json")
    entry.compress_type = zipfile.ZIP_DEFLATED if small else zipfile.ZIP_STORED
    entry.external_attr = 0o600 << 16
    return entry
