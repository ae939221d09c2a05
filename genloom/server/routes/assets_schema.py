"""What may be asked of assets: which are sought, and what is noted of one. Knows no store's SQL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query
from pydantic import Field

from genloom.server.records.assets import Asset, Sought
from genloom.server.schema import Asked

MOST = 1000  # ids of one request
Label = Annotated[str, Field(min_length=1, max_length=64)]
Ids = Annotated[list[Annotated[str, Field(max_length=128)]], Field(min_length=1, max_length=MOST)]


@dataclass(frozen=True)
class Seeking:
    """FastAPI's dependency. query: words that are all in the prompt, the model's name, the seed,
    the media type or the labels. media: a type, with * for any part. since, before: seconds since
    1970. made: false for files that came along with requests, and copies in other formats."""

    query: Annotated[str, Query(max_length=400)] = ""
    model: Annotated[str | None, Query(max_length=300)] = None
    media: Annotated[str | None, Query(max_length=120)] = None
    seed: int | None = None
    since: float | None = None
    before: float | None = None
    label: Annotated[str | None, Query(max_length=64)] = None
    favourite: bool | None = None
    made: bool = True

    def sought(self) -> Sought:
        return Sought(**vars(self))


Sifted = Annotated[Seeking, Depends()]


class Marks(Asked):
    """What its owner notes of an asset; what is left out stays."""

    favourite: bool | None = None
    labels: list[Label] | None = Field(default=None, max_length=32)


class Several(Asked):
    ids: Ids


def told(asset: Asset, record: bool = False) -> dict[str, Any]:
    """An asset as clients read it; record: with all that is known of how it was made."""
    options = asset.record.get("options")
    return {
        "id": asset.id,
        "object": "asset",
        "media": asset.media,
        "bytes": asset.bytes,
        "sha256": asset.sha256,
        "created_at": int(asset.created),
        "expires_at": None if asset.expires is None else int(asset.expires),
        "model": asset.model,
        "model_weights": asset.weights,
        "prompt": asset.prompt,
        "seed": None if asset.seed is None else int(asset.seed),
        "options": options if isinstance(options, dict) else {},
        "favourite": bool(asset.favourite),
        "labels": list(asset.labels),
        **({"record": asset.record} if record else {}),
    }
