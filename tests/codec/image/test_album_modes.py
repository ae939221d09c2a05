"""Pictures of every make in one album: what opens is brought to one form, what does not is told."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image

from genloom.codec.image.codec import ImageCodec
from genloom.codec.image.pictures import Picture
from genloom.codec.prompt.words import WordsCodec
from genloom.errors import RequestError


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


RED = Image.new("RGB", (16, 16), (200, 30, 30))


def test_every_make_comes_out_red():
    exif = Image.Exif()
    exif[0x0112] = 3
    made = {
        "CMYK JPEG": saved(RED.convert("CMYK"), "JPEG", quality=95),
        "palette PNG": saved(RED.convert("P", palette=Image.Palette.ADAPTIVE), "PNG"),
        "palette GIF": saved(RED, "GIF"),
        "turned JPEG": saved(RED, "JPEG", exif=exif, quality=95),
        "WebP": saved(RED, "WEBP", lossless=True),
        "TIFF": saved(RED, "TIFF"),
        "16-bit TIFF": saved(Image.fromarray(np.full((16, 16), 40_000, np.uint16)), "TIFF"),
    }
    codec = ImageCodec(size=16, mode="RGB")
    for name, content in made.items():
        pixel = codec.decode(codec.encode([content]))[0].getpixel((8, 8))
        wanted = (156, 156, 156) if name == "16-bit TIFF" else (200, 30, 30)
        assert np.abs(np.subtract(pixel, wanted)).max() <= 6, (name, pixel)


def test_a_moving_webp_gives_its_first_frame(tmp_path):
    frames = [RED, Image.new("RGB", (16, 16), "blue")]
    (tmp_path / "a.webp").write_bytes(
        saved(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    )
    reading = ImageCodec(size=16).read(tmp_path)
    assert any("1 of 1 pictures move" in note for note in reading.notes)
    assert reading.items[0].open().convert("RGB").getpixel((3, 3)) == (200, 30, 30)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "gif", "tif", "svg"])
def test_truncated_files_are_left_out(tmp_path, suffix):
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    kind = {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix.upper())
    shape = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z"/></svg>'
    content = shape if suffix == "svg" else saved(noise, kind)
    (tmp_path / f"cut.{suffix}").write_bytes(content[: 2 * len(content) // 3])
    (tmp_path / f"whole.{suffix}").write_bytes(content)
    reading = ImageCodec(size=16).read(tmp_path)
    assert [p.name for p in reading.items] == [f"whole.{suffix}"]
    assert set(reading.skipped) == {f"cut.{suffix}"}


def test_captions_of_other_scripts_and_of_any_length(tmp_path):
    captions = ["赤い竜", "Красный дракон", "تنين أحمر", "word " * 10_000, "🐉"]
    lines = []
    for n, caption in enumerate(captions):
        RED.save(tmp_path / f"{n}.png")
        lines.append(json.dumps({"file_name": f"{n}.png", "text": caption}, ensure_ascii=False))
    (tmp_path / "metadata.jsonl").write_text("\n".join(lines), "utf-8")
    codec = ImageCodec(size=16)
    items = codec.read(tmp_path).items
    assert codec.captions(items) == [" ".join(caption.split()) for caption in captions]
    prompt = WordsCodec()
    prompt.fit(codec.captions(items))
    assert prompt.encode(codec.captions(items), strict=False).shape == (5, 64)
    with pytest.raises(RequestError, match="at most 64"):
        prompt.encode([captions[3]])
    assert codec.preview(items, tmp_path / "sheet.png").is_file()


def test_a_picture_of_one_pixel_and_a_slender_one():
    codec = ImageCodec(size=16, mode="L")
    for size in ((1, 1), (1, 4000), (4000, 1)):
        x = codec.encode([Picture(Image.new("L", size, 90))])
        assert x.shape == (1, 1, 16, 16) and (x * 127.5 + 127.5 - 90).abs().max() < 1
