"""Vector pictures out: flat pictures traced by vtracer, a small clean SVG with its record inside.

Few colours, coordinates of one decimal, a viewBox and nothing else but the record of how it was
made, in <metadata>. Pixel art becomes squares. Knows pillow images and SVG text: no tensor.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

import numpy as np

from genloom.codec.embedded import embedded
from genloom.codec.image.files import XMP
from genloom.codec.image.pictures import pillow
from genloom.codec.image.resize import quantised
from genloom.codec.image.svg import MOST_BYTES, SPACE
from genloom.codec.saving import write_atomic
from genloom.errors import DataError, MissingExtra

if TYPE_CHECKING:
    from PIL import Image

BOX = 512  # units of the longer side, as icon sets have it
COLOURS = 8  # of a coloured picture
FLAT = 0.7  # share of grey pixels near the two commonest shades from which a picture has two
NEAR = 24  # of 255
RECORD = "urn:genloom:record"
METADATA = re.compile(r"<metadata>.*?</metadata>\n?", re.DOTALL)
TOKEN = re.compile(r"[A-Za-z]|-?[\d.]+(?:e-?\d+)?")


def write_drawing(
    image: Image.Image, path: Path, record: Mapping[str, Any] | None, pixel: bool
) -> bool:
    """True where the record went into the file. pixel: squares instead of curves."""
    write_atomic(Path(path), drawing(image, record, pixel).encode())
    return record is not None


def drawing(image: Image.Image, record: Mapping[str, Any] | None, pixel: bool = False) -> str:
    """The SVG text of a picture."""
    size = image.size if pixel else _scaled(image.size)
    flat = _flat(image, size, pixel)
    head = f'<svg xmlns="{SPACE}" viewBox="0 0 {size[0]} {size[1]}">'
    return "\n".join([head, *metadata(record), *_paths(flat, pixel), "</svg>", ""])


def _scaled(size: tuple[int, int]) -> tuple[int, int]:
    scale = BOX / max(size)
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _flat(image: Image.Image, size: tuple[int, int], pixel: bool) -> Image.Image:
    """RGBA of few colours, each pixel there or not, at the size that is traced."""
    resampling = pillow().Resampling
    large = image.resize(size, resampling.NEAREST if pixel else resampling.LANCZOS)
    alpha = None if image.mode != "RGBA" else large.getchannel("A").point(_there)
    if alpha is not None:  # what is unseen takes no colour of the few
        large.paste(_usual(image), mask=alpha.point(lambda v: 255 - v))
    if image.mode == "L" and (shades := _two_shades(image)):
        low, high = shades
        border = (low + high) / 2
        flat = large.point(lambda v: high if v >= border else low).convert("RGB")
    else:
        flat = large.convert("RGB") if pixel else quantised(large.convert("RGB"), COLOURS)
    if alpha is None:
        return flat.convert("RGBA")
    flat.putalpha(alpha)
    return flat


def _usual(image: Image.Image) -> tuple[int, ...]:
    """The mean of the colours that are seen."""
    pixels = np.asarray(image)
    seen = pixels[pixels[..., 3] >= 128]
    return tuple(int(v) for v in seen.mean(0)) if len(seen) else (0, 0, 0, 0)


def _there(value: int) -> int:
    return 255 if value >= 128 else 0


def _two_shades(image: Image.Image) -> tuple[int, int] | None:
    """The dark and the light shade of a grey picture that has hardly any other."""
    pixels = np.asarray(image).ravel()
    dark, light = pixels[pixels < 128], pixels[pixels >= 128]
    if not len(dark) or not len(light):
        return None
    shades = int(np.median(dark)), int(np.median(light))
    near = _nearest(pixels.astype(int), shades) <= NEAR
    return shades if near.mean() >= FLAT else None


def _nearest(pixels: np.ndarray, shades: tuple[int, int]) -> np.ndarray:
    """How far each is from the nearer shade."""
    return np.minimum(abs(pixels - shades[0]), abs(pixels - shades[1]))


def _paths(flat: Image.Image, pixel: bool) -> list[str]:
    try:
        import vtracer
    except ImportError:
        raise MissingExtra("vtracer", "svg") from None
    buffer = io.BytesIO()
    flat.save(buffer, "PNG")
    traced = vtracer.convert_raw_image_to_svg(
        buffer.getvalue(),
        img_format="png",
        colormode="color",
        hierarchical="stacked",
        mode="none" if pixel else "spline",
        filter_speckle=0 if pixel else 8,
        color_precision=8,
        layer_difference=0,
        corner_threshold=60,
        length_threshold=10.0,
        splice_threshold=45,
        path_precision=3,
    )
    root = ElementTree.fromstring(traced)
    return [_path(element.attrib) for element in root if element.get("d")]


def _path(given: Mapping[str, str]) -> str:
    """One path, its shift worked into its coordinates (all of them are absolute)."""
    shift = [float(n) for n in re.findall(r"-?[\d.]+(?:e-?\d+)?", given.get("transform", ""))]
    across, down = shift if len(shift) == 2 else (0.0, 0.0)
    parts: list[str] = []
    place = 0
    for token in TOKEN.findall(given["d"]):
        if token.isalpha():
            parts.append(token)
            place = 0
            continue
        parts.append(_rounded(float(token) + (down if place % 2 else across)))
        place += 1
    text = re.sub(r" ?([A-Za-z]) ?", r"\1", " ".join(parts))
    return f"<path fill={quoteattr(given.get('fill', '#000000').lower())} d={quoteattr(text)}/>"


def _rounded(value: float) -> str:
    text = f"{value:.1f}".removesuffix(".0")
    return "0" if text == "-0" else text


# --- the record -----------------------------------------------------------------------------------


def metadata(record: Mapping[str, Any] | None) -> list[str]:
    """The element that holds a record, as a line; none where there is none."""
    if record is None:
        return []
    text = json.dumps(record, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return [f'<metadata>{XMP}<record xmlns="{RECORD}">{escape(text)}</record></metadata>']


def drawing_record(path: Path) -> dict[str, Any] | None:
    """The record inside an SVG, or None where there is none. DataError where it is damaged."""
    found = METADATA.search(_text(path))
    if found is None or RECORD not in found[0] or "<!" in found[0]:
        return None
    try:
        element = ElementTree.fromstring(found[0]).find(f"{{{RECORD}}}record")
    except ElementTree.ParseError:
        element = None
    return embedded("" if element is None else element.text or "", path)


def drawing_hash(path: Path) -> str:
    """SHA-256 of everything but the metadata."""
    return hashlib.sha256(METADATA.sub("", _text(path)).encode()).hexdigest()


def _text(path: Path) -> str:
    path = Path(path)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise DataError(f"{path}: {path.stat().st_size:,} bytes, at most {MOST_BYTES:,}")
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as SVG ({error}): restore it") from None
