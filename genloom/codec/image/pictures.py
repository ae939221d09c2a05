"""One picture: where it lies, how it is opened, and how it is brought to a plain 8-bit form.

Whatever comes in (palette, 16 bit, CMYK, alpha, a turned photograph, an animation) leaves as
L, RGB or RGBA, upright, its first frame. Knows no folder layout and no tensor.
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from genloom.codec.image.svg import SIDE, examined, is_svg, rasterised
from genloom.codec.shelves import MAX_BYTES, Member
from genloom.errors import DataError, MissingExtra

if TYPE_CHECKING:
    from PIL import Image

R = TypeVar("R")

# Only formats that pillow decodes itself: no PostScript, nothing that starts another program.
FORMATS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "ICO", "TGA", "AVIF")
SUFFIXES = frozenset(
    {".png", ".jpg", ".jpeg", ".jfif", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"}
    | {".ppm", ".pgm", ".pbm", ".ico", ".tga", ".svg"}
)
MAX_PIXELS = 80_000_000  # below the count at which pillow begins to warn
MIRRORED = "mirrored"
THREADS = 4  # pillow lets go of the interpreter's lock while it decodes


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture that is opened when it is needed, with its caption where there is one.

    source: a path, the bytes of a file, a member of an archive, a pillow image or a uint8 array
    of shape [H, W] or [H, W, C]. credit: who made it, where that is told.
    control: the source of what is told of it besides the caption.
    """

    source: Any
    caption: str | None = None
    name: str = ""
    credit: str = ""
    flipped: bool = False
    control: Any = None

    def open(self, side: int = SIDE) -> Image.Image:
        """The picture upright and in mode L, RGB or RGBA. DataError where it is broken.

        side: pixels of the longer side of a drawing, which has none of its own."""
        try:
            image = plain(_load(self.source, side))
            turned = pillow().Transpose.FLIP_LEFT_RIGHT
            return image.transpose(turned) if self.flipped else image
        except (DataError, MissingExtra):
            raise
        except Exception as error:  # hostile bytes raise anything, from struct.error to IndexError
            raise DataError(f"{self.name or 'picture'}: {reason(error)}") from None

    def numbers(self) -> np.ndarray:
        """The values as they are stored, a palette's indices among them: [H, W] or [H, W, C]."""
        try:
            image = _load(self.source, SIDE)
            return np.asarray(image if image.mode != "1" else image.convert("L"))
        except DataError:
            raise
        except Exception as error:
            raise DataError(f"{self.name or 'picture'}: {reason(error)}") from None

    def mirror(self) -> Picture:
        """Its mirror image, whose caption says so."""
        caption = f"{self.caption} {MIRRORED}" if self.caption else self.caption
        return replace(self, caption=caption, flipped=not self.flipped)

    def check(self) -> bool:
        """Decode the whole file, at a reduced scale where the format can; whether it moves.
        DataError if broken."""
        try:
            content = _content(self.source)
            if isinstance(content, bytes) and is_svg(content):
                examined(content)
                return False
            image = _open(content, SIDE)
            if isinstance(content, bytes):
                image.draft("RGB", (64, 64))  # JPEG: a sixth of the time, still reads every byte
            moves = bool(getattr(image, "is_animated", False))
            image.load()
            return moves
        except DataError:
            raise
        except Exception as error:
            raise DataError(f"{self.name or 'picture'}: {reason(error)}") from None


def as_picture(item: Any) -> Picture:
    """Pictures as they are; a path, bytes, a pillow image or an array wrapped."""
    if isinstance(item, Picture):
        return item
    if isinstance(item, str | Path):
        return Picture(Path(item), name=str(item))
    return Picture(item)


def reason(error: Exception) -> str:
    """One short line, without the address of an object or the path of this machine."""
    name = type(error).__name__
    if name == "UnidentifiedImageError":
        return "not a picture in a known format"
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    text = " ".join(str(error).split())
    return f"broken picture ({name}: {text[:120]})" if text else f"broken picture ({name})"


def pillow() -> Any:
    """The module PIL.Image."""
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtra("pillow", "image") from None
    return Image


def _content(source: Any) -> Any:
    """The bytes of a file; what is no file as it is."""
    if not isinstance(source, Path | Member):
        return source
    if isinstance(source, Path) and source.stat().st_size > MAX_BYTES:
        raise DataError(f"{source.name}: {source.stat().st_size:,} bytes is too large")
    return source.read_bytes()


def _open(content: Any, side: int) -> Image.Image:
    """Header only, where the source is a file."""
    image_module = pillow()
    if isinstance(content, image_module.Image):
        return content
    if isinstance(content, np.ndarray):
        return image_module.fromarray(np.ascontiguousarray(content))
    if not isinstance(content, bytes):
        raise DataError(f"a picture was expected, not {type(content).__name__}")
    source = rasterised(content, side) if is_svg(content) else content
    image = image_module.open(io.BytesIO(source), formats=FORMATS)
    if image.width * image.height > MAX_PIXELS:
        raise DataError(
            f"{image.width} x {image.height} pixels, at most {MAX_PIXELS:,} are decoded"
        )
    return image


def _load(source: Any, side: int) -> Image.Image:
    image = _open(_content(source), side)
    image.load()
    return image


def plain(image: Image.Image) -> Image.Image:
    """Any mode to L, RGB or RGBA, turned as its EXIF says."""
    from PIL import ImageOps  # the caller holds a pillow image already

    image = ImageOps.exif_transpose(image)
    if image.mode in ("L", "RGB", "RGBA"):
        if "transparency" in image.info and image.mode != "RGBA":
            return image.convert("RGBA")
        return image
    if image.mode.startswith("I") or image.mode == "F":
        return _from_deep(image)
    if image.mode == "1":
        return image.convert("L")
    if image.mode in ("P", "PA", "LA", "La", "RGBa") and image.has_transparency_data:
        return image.convert("RGBA")
    if image.mode in ("LA", "La"):
        return image.convert("L")
    return image.convert("RGB")


def _from_deep(image: Image.Image) -> Image.Image:
    """16-bit counts and floats to 8 bits; pillow's own conversion would cut at 255."""
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    if image.mode == "F":
        values = values * 255 if values.max(initial=0) <= 1 else values
    elif image.mode != "I" or values.max(initial=0) > 255:
        values = values / 257
    return pillow().fromarray(np.clip(values.round(), 0, 255).astype(np.uint8))


@contextmanager
def bombs_are_errors() -> Iterator[None]:
    """Entered once around a pool of threads: the filter of warnings belongs to the process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # odd metadata is no reason to print
        warnings.simplefilter("error", pillow().DecompressionBombWarning)
        yield


def each(work: Callable[[Picture], R], pictures: Iterable[Picture]) -> list[R]:
    """`work` over pictures in a few threads, results in order; the first error is raised."""
    with bombs_are_errors(), ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, pictures))


def sound(pictures: Sequence[Picture]) -> tuple[list[Picture], dict[str, str], int]:
    """The pictures that decode, name -> reason for the others, and how many of those good move."""

    def fault(picture: Picture) -> str | bool:
        try:
            return picture.check()
        except DataError as error:
            return str(error).removeprefix(f"{picture.name}: ")

    faults = each(fault, pictures)
    good = [p for p, why in zip(pictures, faults, strict=True) if not isinstance(why, str)]
    bad = {p.name: why for p, why in zip(pictures, faults, strict=True) if isinstance(why, str)}
    return good, bad, sum(why is True for why in faults)
