"""Things in a server's records, as many as a test wants, without anybody having made them just now.

Their bytes are real pictures, texts and tables, their rows the records' own; only the model is not.
"""

from __future__ import annotations

import io
import json
import math
from pathlib import Path
from typing import Any

from PIL import Image
from sqlalchemy import insert, update

from genloom.server.records.assets import Asset
from genloom.server.records.records import Records, open_records
from genloom.server.records.searchable import columns_of
from genloom.server.records.tables import ASSETS, BLOBS

MODELS = {"sprites": "image/png", "tales": "text/plain", "people": "text/csv"}
PROMPTS = ("a red dragon", "an owl at night", "a small house", "the sea")
DAY = 86_400.0
EVIL = "</td><script>alert(1)</script>\u202e<img src=x onerror=alert(2)>"


def record(model: str, number: int, prompt: str | None) -> dict[str, Any]:
    about = {"number": number % 4, "of": "file", "sha256": "0" * 64}
    told = {"model": model, "weights": f"{model:0<16}".encode().hex(), "prompt": prompt}
    return {**told, "seed": number, "options": {"steps": 4 + number % 3}, "asset": about}


def picture(number: int, size: int = 96) -> bytes:
    """A ring in a colour of its own."""
    image = Image.new("RGB", (size, size), (20 + number * 7 % 60, 24, 40))
    pixels = image.load()
    assert pixels is not None
    for y in range(size):
        for x in range(size):
            far = math.hypot(x - size / 2, y - size / 2) / size
            if abs(far - 0.15 - number % 9 / 40) < 0.06:
                pixels[x, y] = (number * 37 % 256, number * 91 % 256, 200 - number % 120)
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def filled(folder: Path, count: int, distinct: int = 60) -> list[str]:
    """So many things of one owner, half a minute between them, newest first; their ids."""
    records = open_records(folder)
    try:
        kept = [_kept(records, n) for n in range(distinct)]
        rows = [_row(kept[n % distinct], n) for n in range(count)]
        with records.database.writing() as connection:
            connection.execute(ASSETS.delete())
            connection.execute(insert(ASSETS), rows)
            for n, asset in enumerate(kept):
                uses = len(range(n, count, distinct))
                mine = BLOBS.c.sha256 == asset.sha256
                connection.execute(update(BLOBS).where(mine).values(refs=uses))
    finally:
        records.close()
    return [row["id"] for row in rows]


def _kept(records: Records, number: int) -> Asset:
    model = list(MODELS)[0 if number % 6 < 4 else number % 6 - 3]
    told = record(model, number, None)
    return records.assets.put(_bytes(model, number), MODELS[model], owner="local", record=told)


def _bytes(model: str, number: int) -> bytes:
    if model == "sprites":
        return picture(number, 8 if number % 12 == 0 else 96)
    if model == "tales":
        return (f"Number {number}. " + "Once upon a time there was a weaver. " * 9).encode()
    lines = [f"{30 + (number + n) % 40},north,=cmd|'{n}" for n in range(30)]
    return "\n".join(["age,city,code", *lines]).encode()


def _row(kept: Asset, number: int) -> dict[str, Any]:
    prompt = EVIL if number == 7 else None if kept.model == "people" else PROMPTS[number % 4]
    told = record(str(kept.model), number, prompt)
    own = {"id": f"asset_{number:024x}", "created": 1_790_000_000.0 - 30 * number}
    return {
        **{f: getattr(kept, f) for f in ("owner", "sha256", "media", "bytes", "expires")},
        "favourite": int(number % 40 == 0),
        "labels": [],
        "record": json.loads(json.dumps(told)),
        **columns_of(told, kept.media),
        **own,
    }
