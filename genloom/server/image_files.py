"""Finished pictures as clients want them: format, background, compression; masks as they are meant.

Works on a thread. Knows pillow and formats; no route and no model.
"""

from __future__ import annotations

import asyncio
import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from PIL import Image

# format -> (pillow's name, media type, whether it holds transparency, whether it can be squeezed)
FORMATS = {
    "png": ("PNG", "image/png", True, False),
    "webp": ("WEBP", "image/webp", True, True),
    "jpeg": ("JPEG", "image/jpeg", False, True),
}
BEST = 95
_WRITING = ThreadPoolExecutor(2, thread_name_prefix="image")


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """format: a key of FORMATS. quality: 0 to 100, None for the best that makes sense; opaque: on
    white."""

    format: str = "png"
    quality: int | None = None
    opaque: bool = False


@dataclass(frozen=True, kw_only=True)
class Written:
    data: bytes
    size: tuple[int, int]
    clear: bool  # whether it has transparent places


async def write(data: bytes, wanted: Wanted) -> Written:
    """A picture that was made, as it is wanted. What is a PNG already stays, byte for byte, so that
    its record stays inside."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_WRITING, written, data, wanted)


def written(data: bytes, wanted: Wanted) -> Written:
    kind, _, holds, _ = FORMATS[wanted.format]
    with Image.open(io.BytesIO(data)) as image:
        clear = image.has_transparency_data
        if image.format == kind and not (clear and wanted.opaque) and wanted.quality is None:
            return Written(data=data, size=image.size, clear=clear)
        made: Image.Image = image.convert("RGBA" if clear else "L" if image.mode == "L" else "RGB")
    if clear and (wanted.opaque or not holds):
        board = Image.new("RGBA", made.size, "white")
        made, clear = Image.alpha_composite(board, made).convert("RGB"), False
    out = io.BytesIO()
    quality = BEST if wanted.quality is None else wanted.quality
    made.save(out, kind, **({} if kind == "PNG" else {"quality": quality}))
    return Written(data=out.getvalue(), size=made.size, clear=clear)


async def mask(data: bytes) -> bytes:
    """A mask as the engine reads it, white where it is made anew. In clients' masks the transparent
    places are made anew; one without any is taken as it is."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_WRITING, _meant, data)


def _meant(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        if not image.has_transparency_data:
            return data
        alpha = image.convert("RGBA").getchannel("A")
    if alpha.getextrema()[0] == 255:
        return data
    out = io.BytesIO()
    alpha.point([255] + [0] * 255).save(out, "PNG")
    return out.getvalue()
