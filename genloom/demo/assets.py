"""Makes things with a model and keeps each in a file that says where it comes from.

Knows requests, records and files; no page and no medium.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genloom import api
from genloom.spec import Request
from genloom.trust import provenance


@dataclass(frozen=True, kw_only=True)
class Made:
    """What came of a request: items in the medium's collection, their files, their record."""

    request: Request
    items: Any
    paths: tuple[Path, ...]
    record: Mapping[str, Any]


def make(model: api.Model, requests: Sequence[Request], folder: Path) -> Iterator[Made]:
    """All requests at once in one engine; files with records in the folder."""
    for request, items in zip(requests, together(model, requests), strict=True):
        record = api.record(model, request)
        target = folder
        if not isinstance(items, list):  # a table is one file
            folder.mkdir(parents=True, exist_ok=True)
            target = folder / f"rows-{len(list(folder.glob('rows-*')))}{model.codec.suffix}"
        paths = provenance.save(model.codec, items, target, record)
        yield Made(request=request, items=items, paths=tuple(paths), record=record)


def together(model: api.Model, requests: Sequence[Request]) -> list[Any]:
    """The items of each request; nothing is kept."""
    with model.engine() as engine:
        under_way = [engine.submit(request) for request in requests]
        return [generation.result() for generation in under_way]
