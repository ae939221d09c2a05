"""Hostile pictures: each is told from a sound one, typed, in little time and memory."""

from __future__ import annotations

import asyncio
import io
import resource
import struct
import time
import zipfile
import zlib

import pytest
from PIL import Image

from genloom.server.failure import Failure
from genloom.server.pictures import FORMATS, look, seen


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, kind, **options)
    return out.getvalue()


SMALL = Image.new("RGB", (8, 6), (200, 30, 30))
PNG = encoded(SMALL)


def bomb() -> bytes:
    """65,500 x 65,500 pixels of nothing: a few megabytes that would be 12 GiB."""

    def chunk(name: bytes, body: bytes) -> bytes:
        return (
            struct.pack("!I", len(body)) + name + body + struct.pack("!I", zlib.crc32(name + body))
        )

    head = struct.pack("!IIBBBBB", 65_500, 65_500, 8, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 << 20), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def moving(kind: str) -> bytes:
    frames = [Image.new("RGB", (4, 4), (n * 80, 0, 0)) for n in range(3)]
    return encoded(frames[0], kind, save_all=True, append_images=frames[1:], duration=20)


def gif_of(frames: int) -> bytes:
    """So many times the one frame that pillow writes."""
    one = encoded(Image.new("L", (4, 4), 7), "GIF")
    at = one.index(b",")
    return one[:at] + one[at:-1] * frames + one[-1:]


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("a.txt", "hidden")
    return out.getvalue()


HOSTILE = {
    "bomb": (bomb, 413, "image_too_large"),
    "cut off": (lambda: encoded(Image.effect_noise((64, 64), 80))[:-800], 400, "invalid_image"),
    "cut jpeg": (
        lambda: encoded(Image.effect_noise((64, 64), 80), "JPEG")[:700],
        400,
        "invalid_image",
    ),
    "10,000 frames": (lambda: gif_of(10_000), 400, "invalid_image"),
    "moving webp": (lambda: moving("WEBP"), 400, "invalid_image"),
    "moving png": (lambda: moving("PNG"), 400, "invalid_image"),
    "zip tail": (lambda: PNG + zipped(), 400, "invalid_image"),
    "svg": (lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "unsupported_media_type"),
    "eps": (lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n", 415, "unsupported_media_type"),
    "html": (lambda: b"<html><script>", 415, "unsupported_media_type"),
    "zip": (zipped, 415, "unsupported_media_type"),
    "empty": (lambda: b"", 415, "unsupported_media_type"),
    "beginning alone": (lambda: PNG[:8], 400, "invalid_image"),
    "flipped bit": (lambda: PNG[:45] + bytes([PNG[45] ^ 1]) + PNG[46:], 400, "invalid_image"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_hostile_is_refused(name: str) -> None:
    make, status, code = HOSTILE[name]
    data = make()
    began, held = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(Failure) as caught:
        look(data, "image")
    assert (caught.value.status, caught.value.code) == (status, code)
    assert caught.value.param == "image"
    assert time.monotonic() - began < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - held < 200 << 10  # KiB


@pytest.mark.parametrize("media", FORMATS)
def test_what_is_sound_is_seen(media: str) -> None:
    found = asyncio.run(seen(encoded(SMALL, FORMATS[media]), "image"))
    assert (found.media, found.size, found.clear) == (media, (8, 6), False)


def test_clear_places_are_seen() -> None:
    clear = Image.new("RGBA", (4, 4), (1, 2, 3, 0))
    assert look(encoded(clear), "image").clear
    assert not look(encoded(Image.new("RGBA", (4, 4), (1, 2, 3, 255))), "image").clear


def test_the_limit_is_a_number_of_pixels() -> None:
    assert look(PNG, "image", most_pixels=48).size == (8, 6)
    with pytest.raises(Failure) as caught:
        look(PNG, "image", most_pixels=47)
    assert caught.value.status == 413
