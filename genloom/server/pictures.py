"""Pictures that clients send: looked at before they go anywhere, so that a bomb costs nothing.

The header is read first, then the whole is decoded once, in a thread, a few at a time. Knows
formats and limits; no model and no route.
"""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from PIL import Image

from genloom.server.failure import Failure
from genloom.server.sniffing import sniffed

# Media type -> pillow's name. Nothing that starts another program or draws (EPS, SVG).
FORMATS = {
    "image/png": "PNG",
    "image/jpeg": "JPEG",
    "image/webp": "WEBP",
    "image/gif": "GIF",
    "image/bmp": "BMP",
}
MOST_PIXELS, MOST_SIDE = 40_000_000, 16_384
AT_ONCE = 2  # decoding, so that memory is bounded
END = b"\x00\x00\x00\x00IEND\xaeB`\x82"  # how a PNG ends
_DECODING = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="picture")


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A picture that decodes. media: by its bytes."""

    data: bytes
    media: str
    size: tuple[int, int]
    clear: bool  # whether it has transparent places


async def seen(data: bytes, param: str, most_pixels: int = MOST_PIXELS) -> Seen:
    """The picture, found sound. Failure 400, 413 or 415 where it is not."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_DECODING, look, data, param, most_pixels)


def look(data: bytes, param: str, most_pixels: int = MOST_PIXELS) -> Seen:
    """The same, at once."""
    media = sniffed(data)
    if media not in FORMATS:
        raise Failure(
            415,
            f"{param} is no picture in a known format: {', '.join(FORMATS)} are expected",
            code="unsupported_media_type",
            param=param,
        )
    try:
        with Image.open(io.BytesIO(data), formats=(FORMATS[media],)) as image:
            _check(image, data, param, most_pixels)
            image.load()
            return Seen(data=data, media=media, size=image.size, clear=_clear(image))
    except Failure:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _large("too many pixels", param) from None
    except Exception:  # hostile bytes raise anything, from struct.error to IndexError
        raise _broken("the picture is damaged or cut off", param) from None


def _check(image: Image.Image, data: bytes, param: str, most: int) -> None:
    """What the header tells, before anything is decoded."""
    width, height = image.size
    if width * height > most or max(width, height) > MOST_SIDE:
        raise _large(
            f"{width:,} x {height:,} pixels; at most {most:,} pixels and {MOST_SIDE:,} a side",
            param,
        )
    if getattr(image, "is_animated", False):
        raise _broken("the picture moves: send one frame of it", param)
    if image.format == "PNG" and not data.endswith(END):
        raise _broken("the picture is cut off, or something follows its end", param)


def _clear(image: Image.Image) -> bool:
    if not image.has_transparency_data:
        return False
    low: Any = image.convert("RGBA").getchannel("A").getextrema()
    return bool(low[0] < 255)


def _large(what: str, param: str) -> Failure:
    told = f"{param} is too large: {what}"
    return Failure(413, told, code="image_too_large", param=param)


def _broken(what: str, param: str) -> Failure:
    return Failure(400, f"{param} cannot be used: {what}", code="invalid_image", param=param)
