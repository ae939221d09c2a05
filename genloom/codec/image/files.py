"""Writing pictures with their record, reading the record back, and the hash of the pixels.

A PNG carries the whole record as text; JPEG and WebP only the mark that a model made them.
Knows bytes and metadata: no tensor, and not what a record says.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from genloom.codec.embedded import embedded
from genloom.codec.image.pictures import Picture, pillow, plain
from genloom.codec.image.resize import flattened
from genloom.codec.saving import write_atomic
from genloom.errors import RequestError

if TYPE_CHECKING:
    from PIL import Image

RECORD_KEY = "genloom"
# The IPTC word for "made by a trained model"; other tools look for it in text and in XMP.
SOURCE_TYPE = "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia"
XMP = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
    'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description rdf:about="" '
    'xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/" '
    f'Iptc4xmpExt:DigitalSourceType="{SOURCE_TYPE}"/></rdf:RDF></x:xmpmeta>'
)


def write_picture(image: Image.Image, path: Path, record: Mapping[str, Any] | None) -> bool:
    """Write by suffix: .png, .jpg, .jpeg or .webp. True where the record went into the file."""
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix == ".png":
        write_atomic(path, png_bytes(image, record))
        return record is not None
    formats = {".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
    if suffix not in formats:
        raise RequestError(f"{path.name}: pictures are written as .png, .jpg, .webp or .svg")
    if suffix != ".webp" and image.mode == "RGBA":
        image = flattened(image, "RGB", "white")
    marks = {"xmp": XMP.encode()} if record is not None else {}
    buffer = io.BytesIO()
    image.save(buffer, formats[suffix], quality=95, **marks)
    write_atomic(path, buffer.getvalue())
    return False


def png_bytes(image: Image.Image, record: Mapping[str, Any] | None) -> bytes:
    """No time, no path: the same picture and record give the same bytes."""
    from PIL.PngImagePlugin import PngInfo

    marks = PngInfo()
    if record is not None:
        text = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        marks.add_itxt(RECORD_KEY, text)
        marks.add_text("DigitalSourceType", SOURCE_TYPE)
        marks.add_itxt("XML:com.adobe.xmp", XMP)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", pnginfo=marks, compress_level=6)
    return buffer.getvalue()


def read_record(path: Path) -> dict[str, Any] | None:
    """The record inside a PNG, or None where there is none. DataError where the file is broken."""
    image = _opened(path)
    return embedded(getattr(image, "text", {}).get(RECORD_KEY), path)


def _opened(path: Path) -> Image.Image:
    """The file as it is, not brought to a plain mode, so that its text chunks are kept."""
    path = Path(path)
    Picture(path, name=str(path)).check()
    image = pillow().open(io.BytesIO(path.read_bytes()))
    image.load()
    return image


def pixel_hash(image: Any) -> str:
    """SHA-256 of mode, size and pixels: the same whatever file format or metadata held them."""
    image = image if hasattr(image, "tobytes") else plain(_opened(image))
    head = f"{image.mode} {image.width}x{image.height}\n".encode()
    return hashlib.sha256(head + image.tobytes()).hexdigest()
