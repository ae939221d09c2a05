"""Data sets of owners: made of an upload or of a folder here, looked at aside, kept as documents.

What a look finds is kept with it; one that a dead server began is begun again by whoever asks. The
settings that a page is about to train with lie beside it, under a version: of two who save at the
same time the second is told. Knows no medium.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from genloom.server.datasets.cutting import cut
from genloom.server.datasets.places import places
from genloom.server.failure import Failure
from genloom.server.preparing import Preparing
from genloom.server.records.documents import Document
from genloom.server.records.holdings import hold, let_go
from genloom.server.records.ids import label, new_id
from genloom.server.records.records import Records
from genloom.server.records.rows import Page
from genloom.server.threads import in_thread

KIND, PREFIX = "dataset", "ds_"
LONGEST_LOOK = 1800.0  # seconds
MOST_OF_ONE = 500  # data sets of one owner
SHOWN = 20  # names that are kept to be shown
_log = logging.getLogger("genloom.datasets")


class Datasets:
    """folder: for files and samples. allowed: folders that may be named in place of an upload."""

    def __init__(
        self, records: Records, folder: Path, allowed: Sequence[Path], preparing: Preparing
    ) -> None:
        self.records, self.folder, self.allowed = records, folder / "datasets", tuple(allowed)
        self.preparing = preparing
        self._looking: dict[str, asyncio.Task[None]] = {}

    async def close(self) -> None:
        """Looks end; they are begun again when somebody asks."""
        for task in list(self._looking.values()):
            task.cancel()
        await asyncio.gather(*self._looking.values(), return_exceptions=True)

    # --- making -----------------------------------------------------------------------------------

    async def from_upload(
        self, owner: str, file: str, names: Sequence[str], sizes: Sequence[int], name: str | None
    ) -> Document:
        """The upload's one file, cut; that file goes."""
        id = new_id(PREFIX)
        path = await in_thread(self._cut, id, owner, file, names, sizes)
        told = name or label(names[0].split("/")[0] if len(names) > 1 else names[0])
        values = {"path": str(path), "own": True, "bytes": sum(sizes), "names": list(names[:SHOWN])}
        return await self._made(id, owner, {"name": told, "files": len(names), **values})

    async def from_path(self, owner: str, path: Path, name: str | None) -> Document:
        values = {"path": str(path), "own": False, "bytes": None, "names": [], "files": None}
        return await self._made(new_id(PREFIX), owner, {"name": name or path.name, **values})

    def _cut(
        self, id: str, owner: str, file: str, names: Sequence[str], sizes: Sequence[int]
    ) -> Path:
        files = self.records.files
        if self.records.documents.count(KIND, owner) >= MOST_OF_ONE:
            told = f"{MOST_OF_ONE} data sets are kept: remove some"
            raise Failure(429, told, code="too_many_datasets")
        found = files.get(file, owner)
        path = cut(files.path(found.sha256), names, sizes, self.folder / id / "files")
        files.remove(file, owner)
        with self.records.database.writing() as connection:
            hold(connection, owner, found.bytes, None)  # they were counted as a file until now
        return path

    async def _made(self, id: str, owner: str, values: Mapping[str, Any]) -> Document:
        empty = {"medium": None, "status": "looking", "found": None, "error": None}
        value = {**values, **empty, "draft": {"version": 0, "values": {}}}
        made = await in_thread(self.records.documents.put, KIND, id, value, owner=owner)
        self._look(made)
        return made

    # --- finding ----------------------------------------------------------------------------------

    async def get(self, id: str, owner: str) -> Document:
        found = await in_thread(self.records.documents.get, KIND, id, owner)
        if found.value["status"] == "looking" and id not in self._looking:
            self._look(found)
        return found

    async def ready(self, id: str, owner: str) -> Document:
        """One that something can learn from. Failure 409 where it is not looked at, or broken."""
        found = await self.get(id, owner)
        if found.value["status"] != "ready":
            told = f"the data set is not ready: it is {found.value['status']}"
            raise Failure(409, told, code="dataset_not_ready", param="dataset")
        return found

    async def listed(self, owner: str, page: Page) -> tuple[list[Document], bool]:
        return await in_thread(self.records.documents.listed, KIND, owner, page)

    def sample(self, found: Document, name: str) -> tuple[Path, str]:
        """A sample's file and type. Failure 404 where there is none of that name."""
        for one in (found.value["found"] or {}).get("samples", ()):
            if one["name"] == name:
                return self._samples(found.id) / name, str(one["media"])
        raise Failure(404, "the data set has no such sample", code="sample_not_found")

    async def remove(self, id: str, owner: str) -> None:
        found = await in_thread(self.records.documents.get, KIND, id, owner)
        if id in self._looking:
            self._looking[id].cancel()
            await asyncio.gather(self._looking[id], return_exceptions=True)
        await in_thread(self._remove, found)

    def _remove(self, found: Document) -> None:
        self.records.documents.remove(KIND, found.id, found.owner)
        if found.value["own"]:
            with self.records.database.writing() as connection:
                let_go(connection, found.owner, found.value["bytes"])
        shutil.rmtree(self.folder / found.id, ignore_errors=True)

    # --- changing ---------------------------------------------------------------------------------

    async def look_again(self, id: str, owner: str, medium: str) -> Document:
        """As another medium. Failure 404 where it is not this owner's, whatever is done to it."""
        now = await self.get(id, owner)
        if now.value["status"] == "looking":
            raise Failure(409, "it is being looked at: wait for it", code="dataset_not_ready")
        if (ending := self._looking.get(id)) is not None:  # it has told, and is about to end
            await asyncio.gather(ending, return_exceptions=True)
        change = {"medium": medium, "status": "looking", "found": None, "error": None}
        found = await self._put(id, owner, change)
        self._look(found)
        return found

    async def save_draft(
        self, id: str, owner: str, version: int, values: Mapping[str, Any]
    ) -> Document:
        """Failure 409 that names what differs, where somebody saved since that version."""

        def change(value: dict[str, Any]) -> dict[str, Any]:
            have = value["draft"]
            if have["version"] == version:
                return {**value, "draft": {"version": version + 1, "values": dict(values)}}
            both = {*have["values"], *values}
            apart = sorted(k for k in both if have["values"].get(k) != values.get(k))
            if not apart:
                return value
            told = (
                f"these settings were saved elsewhere meanwhile; they differ in: {', '.join(apart)}"
            )
            raise Failure(409, told[:500], code="draft_conflict", param="version")

        return await in_thread(self.records.documents.change, KIND, id, owner, change)

    async def _put(self, id: str, owner: str, changes: Mapping[str, Any]) -> Document:
        def change(value: dict[str, Any]) -> dict[str, Any]:
            return {**value, **changes}

        return await in_thread(self.records.documents.change, KIND, id, owner, change)

    # --- looking ----------------------------------------------------------------------------------

    def _look(self, found: Document) -> None:
        task = asyncio.create_task(self._looked(found))
        self._looking[found.id] = task
        task.add_done_callback(lambda _: self._looking.pop(found.id, None))

    async def _looked(self, found: Document) -> None:
        value, own = found.value, self.folder / found.id
        inside = [own.resolve()] if value["own"] else places(self.allowed)
        asked = {"path": value["path"], "medium": value["medium"], "samples": str(own / "samples")}
        try:
            told = await self.preparing(
                "look", {**asked, "inside": list(map(str, inside))}, LONGEST_LOOK
            )
            change = {"status": "ready", "found": told}
        except Failure as error:
            change = {"status": "failed", "error": error.body()["error"]}
        try:
            await self._put(found.id, found.owner, change)
        except Failure as error:  # it was removed meanwhile, or the records cannot be reached
            _log.warning("a look at %s was for nothing: %s", found.id, error.message)

    def _samples(self, id: str) -> Path:
        return self.folder / id / "samples"
