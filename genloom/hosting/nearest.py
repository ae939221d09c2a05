"""The task of finding what an asset is near to: training items, with their distances and what they
look like. Asks trust for the distances and the codec for files; knows no medium.

The training data is read again where it lay, so this may take long: it is done aside.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from genloom.data.split import take
from genloom.errors import DataError, RequestError
from genloom.hosting.answers import FILE, Answer
from genloom.hosting.asked import text_in
from genloom.hosting.assets import bare
from genloom.hosting.task import News
from genloom.material import read_again
from genloom.trust.memorisation import Neighbour, trace

MOST, CELL, LONG = 24, 200, 2000  # neighbours; characters of a cell, and of a text, that are told


class TrainingDataMissing(DataError):
    """What the model learnt from cannot be read any more, or never lay on a disk."""

    code = "training_data_missing"


class Nearest(Answer):
    """given: name (of the file), count; and the blob "file". Told: "values" for each neighbour with
    its file as a blob where it has one, then "values" of the whole."""

    @property
    def slow(self) -> bool:
        return True

    def prepare(self) -> None:
        data, count = self.blobs.get(FILE), self.given.get("count", 5)
        if data is None:
            raise RequestError("no file came along: send one", param=FILE)
        if type(count) is not int or not 1 <= count <= MOST:
            raise RequestError(f"count: 1 to {MOST} is expected", param="count")
        model = self.site.model
        train, held = self._learnt()
        with tempfile.TemporaryDirectory(prefix="genloom-") as folder:
            path = Path(folder) / f"asset{Path(text_in(self.given, 'name') or '').suffix[:16]}"
            path.write_bytes(data)
            try:
                found = trace(path, model, count, train=train, held=held)
            except DataError as error:
                raise DataError(str(error).replace(str(path), "the asset")) from None
        self.found = [self._shown(one, train) for one in found.neighbours]
        told = found.to_json()
        overlap = told["overlap"] and {**told["overlap"], "text": told["overlap"]["text"][:LONG]}
        self.values = {**json.loads(json.dumps(told)), "neighbours": None, "overlap": overlap}
        self.values |= {"training_items": len(train)}

    def _learnt(self) -> tuple[Any, Any]:
        """What was learnt from and what was kept back; where it lies is not told."""
        model = self.site.model
        root = str((model.card.get("data") or {}).get("root") or "")
        try:
            return read_again(model)
        except DataError as error:
            told = str(error).replace(root, "its place") if root else str(error)
            raise TrainingDataMissing(told) from None

    def _shown(self, one: Neighbour, train: Any) -> tuple[dict[str, Any], bytes | None]:
        """A neighbour as values, with the bytes of its file where it is neither text nor row."""
        values: dict[str, Any] = {**vars(one), "text": one.text and one.text[:LONG]}
        if hasattr(train, "iloc"):
            row = train.iloc[one.index]
            return {**values, "row": {str(k): str(v)[:CELL] for k, v in row.items()}}, None
        item = take(train, [one.index])[0]
        if isinstance(item, str):
            return values, None
        codec: Any = self.site.model.codec
        return {**values, "media": codec.media}, bare(codec, item, codec.suffix)

    def news(self, now: float) -> list[News]:
        each = [self.tell("values", blob, neighbour=values) for values, blob in self.found]
        return [*each, *super().news(now)]
