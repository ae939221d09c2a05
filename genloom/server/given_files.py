"""A file that comes along for a model to begin from, checked by what the model takes.

Pictures are opened and found sound here; of other media the bytes go on to the model's own process,
which reads them with limits and says what is wrong. Knows media types; no model.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from genloom.server.failure import Failure
from genloom.server.pictures import FORMATS, seen
from genloom.server.sniffing import sniffed


async def sound_file(about: Mapping[str, Any], name: str, data: bytes, field: str) -> bytes:
    """The file for the engine's `name`, given as `field`. Failure 400, 413 or 415."""
    media = about["form"]["takes"].get(name)
    if media is None or any(one.startswith("image/") for one in media):
        return (await seen(data, field)).data
    if sniffed(data) in FORMATS:
        raise Failure(
            415,
            f"{field} is a picture, and this model begins from {', '.join(media)}",
            code="unsupported_media_type",
            param=field,
        )
    return data
