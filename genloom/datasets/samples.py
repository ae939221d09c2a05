"""A few items of a data set as files of plain types, for a page to show.

Asks the items what they are (columns? texts? recordings?), as `items` does; never a medium's name.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from genloom.codec.saving import write_atomic
from genloom.codec.sequence.item import BioSequence, fasta
from genloom.codec.sound.files import wav_bytes
from genloom.codec.sound.recordings import Recording
from genloom.codec.video.clips import Clip
from genloom.codec.video.files import animated
from genloom.codec.video.frames import Frames
from genloom.datasets.report import Looked
from genloom.sound.wave import Sound

MOST, ROWS, CHARACTERS, CELL = 12, 50, 4000, 200
EDGE = 256  # pixels of the longer side
SECONDS = 10  # of a recording or a clip
RATE = 8.0  # frames a second of a clip


def write_samples(found: Looked, folder: Path) -> list[dict[str, Any]]:
    """What was written, in order: {"name", "media", "caption"}."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for name, media, content, caption in _files(found.reading.items):
        write_atomic(folder / name, content)
        made.append({"name": name, "media": media, "caption": caption})
    return made


def _files(items: Any) -> Iterator[tuple[str, str, bytes, str | None]]:
    if hasattr(items, "columns"):
        yield "rows.csv", "text/csv", _rows(items), None
        return
    for n in _spread(len(items)):
        item = items[n]
        if isinstance(item, BioSequence):
            shown = item.piece(0, CHARACTERS)
            shown.name = item.name
            yield f"{n}.fasta", "text/x-fasta", fasta([shown]).encode(), None
        elif isinstance(item, str):
            yield f"{n}.txt", "text/plain", item[:CHARACTERS].encode("utf-8", "replace"), None
        elif isinstance(item, Recording):
            told = ": ".join(part for part in (item.voice, item.caption) if part)
            yield f"{n}.wav", "audio/wav", _sound(item), told[:CELL] or None
        elif isinstance(item, Clip):
            told = item.caption
            yield f"{n}.gif", "image/gif", _clip(item), told[:CELL] if told else None
        else:
            caption = getattr(item, "caption", None)
            yield f"{n}.png", "image/png", _picture(item), str(caption)[:CELL] if caption else None


def _sound(item: Recording) -> bytes:
    """Its first seconds, one channel."""
    sound = item.open()
    return wav_bytes(Sound(sound.mono()[None, : SECONDS * sound.rate], sound.rate))


def _clip(item: Clip) -> bytes:
    """Its first seconds, small."""
    pixels = item.frames(RATE, round(RATE * SECONDS))
    step = -(-max(pixels.shape[1:3]) // EDGE)
    return animated(Frames(pixels[:, ::step, ::step], RATE), ".gif")


def _spread(count: int) -> list[int]:
    """Evenly from all."""
    many = min(MOST, count)
    return [k * count // many for k in range(many)]


def _rows(items: Any) -> bytes:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow([str(name) for name in items.columns])
    some = items.iloc[_evenly(len(items))]
    for row in some.itertuples(index=False):
        table.writerow(
            ["" if value is None or value != value else str(value)[:CELL] for value in row]
        )
    return text.getvalue().encode("utf-8", "replace")


def _evenly(count: int) -> list[int]:
    many = min(ROWS, count)
    return [k * count // many for k in range(many)]


def _picture(item: Any) -> bytes:
    image = item.open()
    image.thumbnail((EDGE, EDGE))
    data = io.BytesIO()
    image.convert("RGBA" if "A" in image.getbands() else "RGB").save(data, "PNG")
    return data.getvalue()
