"""What stands for a stored file where there is little room: a small picture, or how a text begins.

Made once, a few at a time in threads, and kept by the hash of the bytes. Knows formats and limits;
not whose the file is.
"""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from genloom.server.failure import Failure
from genloom.server.pictures import FORMATS, MOST_PIXELS, MOST_SIDE
from genloom.server.records.blobs import Blobs
from genloom.server.sniffing import sniffed
from genloom.server.suited import fits

EDGES = (64, 128, 256, 512)  # pixels; what is asked for is rounded up to one of them
TEXTS = ("text/*", "chemical/*", "biosequence/*", "application/json*", "application/x-fasta")
HEAD, LINES, WIDTH = 8192, 16, 160  # bytes that are read of a text; lines and characters told
LARGEST = 64 << 20  # bytes of a picture
MEDIA = "image/webp"
_DRAWING = ThreadPoolExecutor(2, thread_name_prefix="thumbnail")


async def thumbnail(blobs: Blobs, sha256: str, media: str, edge: int) -> tuple[bytes, str]:
    """The data and its media type. Failure 404 where nothing small can stand for the file."""
    loop = asyncio.get_running_loop()
    side = next((one for one in EDGES if one >= edge), EDGES[-1])
    return await loop.run_in_executor(_DRAWING, _found, blobs, sha256, media, side)


async def picture_of(data: bytes, side: int = 256) -> bytes | None:
    """A small picture of bytes at hand, as WebP; None where they are no picture."""
    loop = asyncio.get_running_loop()
    try:
        return await loop.run_in_executor(_DRAWING, drawn, data, side)
    except Failure:
        return None


def _found(blobs: Blobs, sha256: str, media: str, side: int) -> tuple[bytes, str]:
    if fits(media, TEXTS):
        return excerpt(blobs.path(sha256)).encode(), "text/plain"
    name = f"{side}.webp"
    try:
        return blobs.drawn(sha256, name).read_bytes(), MEDIA
    except FileNotFoundError:
        pass
    data = small(blobs.path(sha256), side)
    blobs.draw(sha256, name, data)
    return data, MEDIA


def excerpt(path: Path) -> str:
    """How a text begins."""
    with _opened(path) as file:
        head = file.read(HEAD).decode("utf-8", "replace")
    return "\n".join(line[:WIDTH] for line in head.splitlines()[:LINES])


def small(path: Path, side: int) -> bytes:
    with _opened(path) as file:
        return drawn(file.read(LARGEST), side)


def drawn(data: bytes, side: int) -> bytes:
    """A picture, or the first of moving ones, within a square; smaller ones keep their size."""
    kind = FORMATS.get(sniffed(data) or "")
    if kind is None:
        raise _none("only pictures and texts have one here")
    try:
        with Image.open(io.BytesIO(data), formats=(kind,)) as image:
            if image.width * image.height > MOST_PIXELS or max(image.size) > MOST_SIDE:
                raise _none("the picture is too large")
            image.draft("RGB", (side, side))
            made = image.convert("RGBA" if image.has_transparency_data else "RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise _none("the picture cannot be read") from None
    few = max(made.size) <= side
    made.thumbnail((side, side))
    out = io.BytesIO()
    made.save(out, "WEBP", lossless=few, quality=80)
    return out.getvalue()


def _opened(path: Path) -> io.BufferedReader:
    try:
        return path.open("rb")
    except FileNotFoundError:
        raise Failure(404, "it was deleted meanwhile", code="content_not_found") from None


def _none(why: str) -> Failure:
    return Failure(404, f"there is no thumbnail: {why}", code="no_thumbnail")
